"""Image expiry spares every image that is in use, released or young.

What the review found
    The repositories keep the three newest images. A few pushes to staging, and the image that production runs is gone:
    the next task that starts there cannot pull it.
What is checked
    The lifecycle policy is run, as ECR would, on four repositories: one with 40 pushes in a day, one that has been that
    busy for two months, one with a push now and then, and one that nobody has pushed to for two years; for each rule
    with patterns, on one of releases and commits whose tags those patterns match; and, for an image that runs under the
    number of its build, on one with 20 that were built after it. In none of them may it expire (or archive, which makes
    an image as unpullable) a release-tagged image, the bootstrap image, an image that a task definition runs, or a
    commit's image that is younger than 30 days and among the newest 20. On the busy days, untagged images must be gone
    when they are a week old. The same holds for repository creation templates.
When it does not apply
    No ECR repository in the environment. A creation template for pull-through caches alone: what they hold can be
    pulled again.
What cannot be decided
    A policy whose rules depend on a value that is known only at deployment. Tags of releases are those of
    ``release_tag_patterns`` in ``checker.toml``; a bootstrap image is there where something runs one, or where the file
    has ``bootstrap_tags``. Whether an image that runs by its digest alone has a tag, where images without one expire;
    that a release does get its tag is for the release workflow to do.
Fix
    Give release tags and the bootstrap tag rules of their own, first and with a count that is never reached; expire
    untagged images after a few days; keep the rest by count, not by age, in a last rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker.model.environments import Environment, Project
from checker.model.judgements import Judgement
from checker.model.live.account import Account
from checker.model.resources import Resource
from checker.model.rules import Rule
from checker.model.values import Absent, Known, Unknown
from checker.reason.account.registry import Gone, Loss, losses
from checker.reason.images.lifecycle import LifecycleRule, Refused, parse_policy
from checker.reason.images.retention import (
    COMMIT_DAYS,
    COMMITS,
    UNTAGGED_DAYS,
    bootstrap_tags,
    faults,
    pinned,
    tags_in_use,
)

_FIX_POLICY: Final = "Write a policy that ECR accepts (Amazon ECR User Guide, lifecycle policy parameters)."
_FIX: Final = {
    "release": "Claim release tags in a first rule, with a count that is never reached; patterns in a rule are ANDed.",
    "bootstrap": "Claim the bootstrap tag in a rule of its own, by count, before the rules that expire tagged images.",
    "commit": f"Keep tagged images by count ({COMMITS} and more, untagged ones not counted), in the last rule.",
    "in-use": "Keep tagged images by count, not by age: a quiet repository still runs its newest image.",
    "untagged": f"Add a rule for tagStatus untagged that expires them sinceImagePushed at most {UNTAGGED_DAYS} days.",
}
_HOLDS: Final = {
    "release": "No release-tagged image is ever expired.",
    "bootstrap": "The bootstrap image is never expired.",
    "commit": f"Commits' images younger than {COMMIT_DAYS} days among the newest {COMMITS} are never expired.",
    "in-use": "No image that runs is expired.",
    "untagged": f"Untagged images are gone within {UNTAGGED_DAYS} days.",
}


def check(environment: Environment) -> Iterator[Judgement]:
    project = environment.project
    running = tags_in_use(project) if "AWS::ECR::Repository" in environment.types else {}
    for repository in environment.resources("AWS::ECR::Repository"):
        tags = tuple(sorted(running.get(repository.key, ())))
        yield from _judged(repository, "LifecyclePolicy.LifecyclePolicyText", project, tags)
    for template in environment.resources("AWS::ECR::RepositoryCreationTemplate"):
        applied = template.get("AppliedFor")
        if isinstance(applied, Known) and applied.value == ["PULL_THROUGH_CACHE"]:
            yield template.not_applicable(None, "It makes pull-through caches only, and those can be filled again.")
        else:
            yield from _judged(template, "LifecyclePolicy", project, ())


def _judged(repository: Resource, path: str, project: Project, running: tuple[str, ...]) -> Iterator[Judgement]:
    value = repository.get(path)
    try:
        rules = parse_policy(value.value if isinstance(value, Known) else value)
    except Refused as refusal:
        yield repository.fails("policy", f"ECR refuses the lifecycle policy: {refusal}.", fix=_FIX_POLICY, path=path)
        return
    if isinstance(rules, Unknown):
        yield repository.undecided("policy", rules.why, path=path, fix="Write the lifecycle policy as a literal.")
        return
    settings = project.settings
    losses = faults(rules, tuple(settings.release_tag_patterns), bootstrap_tags(project, repository), running)
    for sub, holds in _HOLDS.items():
        if sub not in losses and sub == "in-use" and (doubt := _pinned(repository, rules, project)):
            yield repository.undecided(sub, doubt, path=path, fix="Name it by a tag too: NAME:TAG@DIGEST.")
        elif sub not in losses:
            yield repository.passes(sub, holds, path=path)
        elif isinstance(value, Absent):
            why = "Untagged images are kept for ever: there is no lifecycle policy."
            yield repository.fails(sub, why, fix=_FIX[sub], path=path, actual="not set")
        else:
            yield repository.fails(sub, losses[sub], fix=_FIX[sub], path=path)


def _pinned(repository: Resource, rules: tuple[LifecycleRule, ...], project: Project) -> str:
    """Why an image that runs by its digest alone may be expired: ECR expires those without a tag."""
    who = project.once(pinned).get(repository.key)
    rule = next((each for each in rules if each.tag_status != "tagged" and each.expires), None) if who else None
    return f"{who}: without a tag, rule {rule.priority} expires it" if rule is not None else ""


def check_account(account: Account, project: Project) -> Iterator[Judgement]:
    """Live: no image that runs, or that a roll-back may need, is gone or next in line to go."""
    for repository, found in losses(account, project):
        if isinstance(found, Unknown):
            for sub in _KEPT:
                yield repository.undecided(sub, f"whether images in use are kept: {found.why}", fix=_FIX_RUNNING)
            continue
        for sub, holds in _KEPT.items():
            lost = [each for each in found.found if each.returns == (sub == "roll-back")]
            for each in lost:
                yield repository.fails(sub, _lost(each), fix=_FIX_RUNNING, path="LifecyclePolicy")
            if not lost and found.doubt:
                yield repository.undecided(sub, f"what services keep running: {found.doubt}", fix=_FIX_RUNNING)
            elif not lost:
                yield repository.passes(sub, holds)


def _lost(loss: Loss | Gone) -> str:
    does = "may have to go back to" if loss.returns else "runs"
    if isinstance(loss, Gone):
        return f"{loss.who.capitalize()} {does} {loss.running.reference}, which the repository no longer holds."
    name = next(iter(loss.image.tags), loss.image.name)
    when = "expires at the next run of" if loss.now else "is next in line to be expired by"
    return f"Image {name}, which {loss.who} {does}, {when} rule {loss.rule.priority}."


_KEPT: Final = {
    "running": "Every image that runs is held, and none is next in line to go.",
    "roll-back": "What a roll-back may need is held, and not next in line to go.",
}
_FIX_RUNNING: Final = "Give it a tag that a keeping rule of higher priority protects, and push it again if it is gone."


RULE = Rule(
    id="C2",
    looked_for="image repository (AWS::ECR::Repository, AWS::ECR::RepositoryCreationTemplate)",
    check=check,
    check_account=check_account,
)
