"""The deploy role admits the tokens of every deploy job, and no others.

What the review found
    The trust policy compares the subject with ``refs/heads/main`` by ``StringEquals``, so every deploy that a release
    starts is refused: its token names the release's tag or the GitHub environment.
What is checked
    Every role that trusts GitHub's OIDC provider. Releases get in (``C1[release]``): a token of the production
    environment, or those of release tags. So do the other environments of the project (``C1[environment=NAME]``).
    Nothing else does (``C1[over-match]``): no other repository, unprotected branch, pull request or made-up
    environment; and nobody without a token of GitHub's, be it everyone, another account or another identity provider.
    The audience is compared (``C1[audience]``). Policies are evaluated as STS does, not searched.
    In the pipeline, of every job that assumes such a role (``C1[token]``): each subject that its token can carry, from
    the events that start it and the environment that it names, through every caller, gets into the role it asks for.
    In the repository's settings: subjects have the form that the policies are written for (``C1[subject-form]``), and
    a protected ref that a role lets in is one that only reviewed changes reach (``C1[protected-ref=REF]``).
When it does not apply
    No role trusts GitHub's OIDC provider. Releases are asked for only of roles that can deploy. No job assumes a role.
What cannot be decided
    A subject from a parameter without a default, or one made of other claims, which the repository must be set to
    present; conditions on claims whose values only a run knows; settings of the repository that the token may not
    read; which role a job asks for, where a secret names it and several could be meant.
Fix
    Compare ``sub`` by ``StringEquals`` with ``repo:OWNER/REPO:environment:NAME`` of each environment (and the default
    branch where a job deploys without one), or by ``StringLike`` with ``...:ref:refs/tags/v*``; compare ``aud``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from checker.model.answers import NO, YES, Answer, Open, either, every
from checker.model.environment_words import kind_of
from checker.model.environments import Environment, EnvironmentKind, Project
from checker.model.judgements import Judgement
from checker.model.live.repository_settings import NotRead, RepositorySettings
from checker.model.overlap import Pattern, overlap
from checker.model.rules import Rule, Unseen
from checker.model.settings import Settings
from checker.model.values import pieces, text
from checker.model.verdicts import Outcome
from checker.reason.iam.bounds import bounds_on_key
from checker.reason.iam.deployers import (
    Deployer,
    Deployment,
    deployment_of,
    same_environment,
    subject_patterns,
)
from checker.reason.iam.policies import Statement
from checker.reason.oidc.others import other_entrance
from checker.reason.oidc.overmatch import is_narrow, outsider, repositories_named, why_undecided
from checker.reason.oidc.protection import beginning, is_customised, only_reviewed
from checker.reason.oidc.trust import AUDIENCE, Token, Trust, all_admitted, other_audiences, with_claims
from checker.reason.text.patterns import example, glob, has_hole, has_wild, shown

if TYPE_CHECKING:
    from checker.model.pipeline.pipeline import Pipeline
    from checker.reason.oidc.admissions import Admission

_PATH: Final = "AssumeRolePolicyDocument"
_FIX_WIDE: Final = "Name the repository's own environments and protected refs in full, with StringEquals on sub."
_FIX_OTHERS: Final = "Leave GitHub's provider as the only principal; give others a role of their own."
_FIX_AUDIENCE: Final = f"Compare the provider's aud with {AUDIENCE} by StringEquals."


def check(environment: Environment) -> Iterator[Judgement]:
    deployment = deployment_of(environment.project)
    for github_role in deployment.github_roles:
        if github_role.role.stack.environment == environment.name:
            yield from _role(deployment, github_role)


def _role(deployment: Deployment, github_role: Deployer) -> Iterator[Judgement]:
    trust = github_role.trust
    if not trust.allows:
        yield trust.role.undecided(None, trust.unread[0], path=_PATH, fix="Write the trust policy out.")
        return
    if trust.entrances:
        yield _audience(trust)
        yield _over_match(deployment, trust)
    if github_role in deployment.deployers or not trust.entrances:
        yield from _admissions(deployment, github_role)


# -- who else ----------------------------------------------------------------------------------------


def _audience(trust: Trust) -> Judgement:
    answer = every(_asks_audience(trust, statement) for statement in trust.entrances)
    if answer is YES:
        others = list(dict.fromkeys(other_audiences(trust)))
        made_for = f"the audience {' or '.join(others)}, which any workflow may ask for," if others else "AWS"
        return trust.role.passes("audience", f"Only tokens made for {made_for} get in.", path=_PATH)
    if isinstance(answer, Open):
        return trust.role.undecided("audience", answer.why, path=_PATH, fix=_FIX_AUDIENCE)
    return trust.role.fails(
        "audience",
        "The trust policy does not pin the token's audience: one made for another service gets in.",
        fix=_FIX_AUDIENCE,
        path=_PATH,
        expected=AUDIENCE,
    )


def _asks_audience(trust: Trust, statement: Statement) -> Answer:
    unknown = False
    for condition in bounds_on_key(statement, list(trust.denies), trust.key("aud")):
        # What a parameter gives to StringLike may be a star.
        stars = "like" in condition.operator and any(has_hole(each or ()) for each in condition.patterns)
        if None in condition.patterns or stars:
            unknown = True
        elif not any(has_wild(pattern or ()) for pattern in condition.patterns):
            return YES
    return Open("the audience that the trust policy compares is not known before deployment") if unknown else NO


def _over_match(deployment: Deployment, trust: Trust) -> Judgement:
    answers = [is_narrow(trust, statement, deployment.own) for statement in trust.entrances]
    for statement, answer in zip(trust.entrances, answers, strict=True):
        if answer is not YES:
            stranger = outsider(trust, statement, deployment.own)
            if stranger is not None:
                return _too_wide(trust, statement, stranger)
    if (others := _others(deployment, trust)) is not None and others.outcome is Outcome.FAIL:
        return others  # whatever else is open, these get in
    if trust.unread:
        return trust.role.undecided("over-match", trust.unread[0], path=_PATH, fix=_FIX_WIDE)
    doubt = every(answers)
    if doubt is not YES:
        return trust.role.undecided("over-match", why_undecided(trust, doubt), path=_PATH, fix=_FIX_WIDE)
    if not deployment.own.declared and repositories_named(deployment.own) > 1:
        names = ", ".join(dict.fromkeys(str(each.name) for each in deployment.own.repositories))
        why = f"the policies name several repositories ({names}) and nothing says which is the project's own"
        return trust.role.undecided("over-match", why, path=_PATH, fix="Set repository in checker.toml.")
    return others or trust.role.passes(
        "over-match", "Only the project's protected refs and environments get in.", path=_PATH
    )


def _others(deployment: Deployment, trust: Trust) -> Judgement | None:
    """Who gets in past GitHub's tokens."""
    found = other_entrance(trust.role, deployment.project)
    if found is None:
        return None
    statement, who, answer = found
    if isinstance(answer, Open):
        why = f"the trust policy may let in others, without a token of the project's: {answer.why}"
        return trust.role.undecided("over-match", why, path=statement.path, fix=_FIX_OTHERS)
    said = f"The trust policy lets in {who}, without a token of the project's."
    return trust.role.fails("over-match", said, fix=_FIX_OTHERS, path=statement.path, actual=who)


def _too_wide(trust: Trust, statement: Statement, stranger: Token) -> Judgement:
    subjects = [condition for condition in statement.conditions if condition.key == trust.key("sub")]
    lenient = next((each for each in subjects if each.if_exists or each.qualifier == "forallvalues"), None)
    if not subjects:
        reason = "it does not compare sub"
    elif lenient is not None:
        reason = "the comparison of sub also holds for a token without it"
    else:
        reason = "it compares sub with " + ", ".join(shown(each) for each in _patterns(subjects[0].patterns))
    example_of = str(stranger.subject) or "one without sub"
    return trust.role.fails(
        "over-match",
        f"The trust policy admits tokens that are not the project's own, such as {example_of}: {reason}.",
        fix=_FIX_WIDE,
        path=statement.path,
        actual=example_of,
    )


def _patterns(patterns: Iterable[Pattern | None]) -> list[Pattern]:
    return [each for each in patterns if each is not None][:5]


# -- who must ------------------------------------------------------------------------------------------


def _admissions(deployment: Deployment, deployer: Deployer) -> Iterator[Judgement]:
    served = deployment.served(deployer)
    at_hand = {each.name: each.kind for each in deployment.environments}
    kinds = {at_hand.get(name) or kind_of(name) for name in served}
    if kinds != {EnvironmentKind.STAGING} and not deployment.is_for_staging(deployer, kinds):
        yield _admission(deployment, deployer, "release", "a release", deployment.release_ways(deployer.trust))
    required = deployment.project.settings.github_environments
    for environment in deployment.environments:
        if environment.kind is EnvironmentKind.STAGING and environment.name in served and not required:
            name = environment.name
            ways = [*_environment_ways(deployment, deployer, name), [deployment.branch_token(deployer.trust)]]
            yield _admission(deployment, deployer, f"environment={name}", f"a deploy to {name}", ways)
    for name in required:
        if any(same_environment(name, each) for each in served) or not served:
            ways = [[deployment.environment_token(deployer.trust, name)]]
            if kind_of(name) is EnvironmentKind.STAGING:
                # Whether its jobs name the environment or run on the branch is for the workflows to say.
                ways.append([deployment.branch_token(deployer.trust)])
            yield _admission(deployment, deployer, f"environment={name}", f"a deploy to {name}", ways)


def _environment_ways(deployment: Deployment, deployer: Deployer, name: str) -> list[list[Token]]:
    names = [each for each in deployment.environment_names(deployer.trust) if same_environment(each, name)]
    return [[deployment.environment_token(deployer.trust, each)] for each in names]


def _fix_subjects(settings: Settings, subject: str = "") -> str:
    """Which subjects to admit, of this repository where it is known: one advice for all that one policy refuses."""
    prefix = re.match(r"repo:[^:<]+:", subject)
    own = prefix[0] if prefix else f"repo:{settings.repository or settings.origin or 'OWNER/REPO'}:"
    return (
        f"Admit {own}environment:NAME of each environment (StringEquals), or the release tags {own}ref:refs/tags/v* "
        "(StringLike)."
    )


def _admission(deployment: Deployment, deployer: Deployer, sub: str, what: str, ways: list[list[Token]]) -> Judgement:
    """Pass where all tokens of one way get in; each way is a list of tokens that must."""
    trust = deployer.trust
    answers = [all_admitted(trust, way) for way in ways]
    if YES in answers:
        way = ways[answers.index(YES)]
        return trust.role.passes(sub, f"The token of {what} gets in: {way[0].subject}.", path=_PATH)
    doubt = either(answers)
    if isinstance(doubt, Open):
        fix = _fix_subjects(deployment.project.settings)
        return trust.role.undecided(sub, f"whether {what} gets in: {doubt.why}", path=_PATH, fix=fix)
    for audience in other_audiences(trust):
        asked = [[with_claims(token, aud=audience) for token in way] for way in ways]
        if any(all_admitted(trust, way) is YES for way in asked):
            why = f"{what} gets in only if its workflow asks for the audience {audience}"
            return trust.role.undecided(sub, why, path=_PATH, fix=_FIX_AUDIENCE)
    subjects = " or ".join(dict.fromkeys(str(way[0].subject) for way in ways if way))
    if _tokens_are_seen(deployment, deployer):
        looked_for = f"No job presents the token of {what} ({subjects}); those that jobs do present get in."
        return trust.role.not_applicable(sub, looked_for)
    return trust.role.fails(
        sub,
        f"The token of {what} is refused ({subjects}): {_why(trust)}.",
        fix=_fix_subjects(deployment.project.settings, subjects),
        path=_PATH,
        expected=subjects,
    )


def _tokens_are_seen(deployment: Deployment, deployer: Deployer) -> bool:
    """Whether the jobs at hand tell which tokens the role is shown, and all of those get in: then what no job presents
    is nobody's token. Not where a job's role or token is open, or a workflow could not be read."""
    pipeline = deployment.project.pipeline
    if pipeline is None or pipeline.left_out or pipeline.problems:
        return False
    if not all(each.problem.elsewhere for each in pipeline.unfollowed):  # what runs elsewhere has no token of a job's
        return False
    from checker.reason.oidc.admissions import admissions_of

    found = list(admissions_of(pipeline, deployment.project))
    if not all(each.assumption.candidates for each in found):
        return False
    own = [each for each in found if deployer in each.assumption.candidates]
    return bool(own) and all(each.refused is None and not each.why for each in own)


def _why(trust: Trust) -> str:
    if not trust.entrances:
        return "the statement that trusts GitHub does not allow sts:AssumeRoleWithWebIdentity"
    if trust.accepted is not None and AUDIENCE not in trust.accepted:
        return f"the OIDC provider does not accept the audience {AUDIENCE}"
    for statement in trust.entrances:
        for condition in statement.conditions:
            literal = condition.base == "stringequals" and condition.key == trust.key("sub")
            starred = [each for each in _patterns(condition.patterns) if literal and "*" in each]
            if starred:
                return f"StringEquals takes the * of {shown(starred[0])} literally"
    written = ", ".join(dict.fromkeys(shown(each) for each in list(subject_patterns(trust))[:5]))
    return f"the trust policy admits {written}" if written else "no condition of the trust policy admits it"


# -- the jobs ------------------------------------------------------------------------------------------


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    from checker.reason.oidc.admissions import admissions_of

    for admission in admissions_of(pipeline, project):
        yield _job(admission, project.settings)


def _job(admission: Admission, settings: Settings) -> Judgement:
    job = admission.job
    path = "environment" if job.job.environment else ""
    if admission.refused is not None:
        role, presented = admission.refused
        step = admission.assumption.credentials.step
        if asked := admission.audience:
            said = f"Its token is refused by {role.role.logical_id}: it is made for {asked}, and not for {AUDIENCE}."
            fix = f"Ask for it with &audience={AUDIENCE}."
            return job.fails("token", said, fix=fix, path=path, expected=AUDIENCE, related=(step, role.role))
        return job.fails(
            "token",
            f"Its token is refused by {role.role.logical_id}: started by {presented.way} it presents "
            f"{presented.token.subject}, and {_why(role.trust)}.",
            fix=_fix_of(str(presented.token.subject), settings),
            path=path,
            expected=str(presented.token.subject),
            related=(step, role.role),
        )
    if admission.why:
        return job.undecided("token", admission.why, path=path, fix=_fix_subjects(settings))
    names = ", ".join(each.role.logical_id for each in admission.assumption.candidates)
    return job.passes("token", f"Every token that it can present gets into {names}.", path=path)


def _fix_of(subject: str, settings: Settings) -> str:
    if subject.endswith(":pull_request"):
        return "Keep jobs that assume this role out of pull requests; give those a role of their own that only reads."
    if ":environment:" in subject:
        return _fix_subjects(settings, subject)
    return f"Admit {subject} in the trust policy's sub, or run the job where its token is one that is admitted."


# -- what the repository's settings say ----------------------------------------------------------------

_FIX_UNSEEN: Final = "Give the audit a token that may read the repository's settings."


def check_settings(settings: RepositorySettings, project: Project) -> Iterator[Judgement]:
    deployment = deployment_of(project)
    trusts = [each.trust for each in deployment.github_roles if each.trust.entrances]
    if not trusts:
        yield settings.not_applicable("subject-form", "No role that trusts GitHub's OIDC provider.")
        return
    yield _subject_form(settings, trusts)
    for ref in project.settings.protected_refs:
        letting_in = [
            trust.role.logical_id
            for trust in trusts
            if all_admitted(trust, [deployment.ref_token(trust, example(glob(ref), "1.2.3"))]) is not NO
        ]
        if letting_in:
            yield _protected_ref(settings, ref, letting_in)


def _subject_form(settings: RepositorySettings, trusts: list[Trust]) -> Judgement:
    sub, template = "subject-form", settings.subject_template
    if isinstance(template, NotRead):
        return settings.undecided(sub, str(template), fix=_FIX_UNSEEN)
    compared = {trust.role.logical_id: list(subject_patterns(trust)) for trust in trusts}
    if is_customised(template):
        claims = ", ".join(template.claims)
        by_repository = all(shown(each).startswith("repo:") for patterns in compared.values() for each in patterns)
        if template.claims[0] == "repo" or not by_repository:
            return settings.undecided(sub, f"subjects are made of {claims}, which is no form that is known here")
        return settings.fails(
            sub,
            f"Subjects are made of {claims}, and the trust policies compare them with repo:…: no token gets in.",
            fix="Go back to the default subject, or write the trust policies for these claims.",
            actual=claims,
        )
    begins = beginning(template, settings.repository)
    if begins is None:
        return settings.undecided(sub, "GitHub does not say how the repository's subjects begin")
    own = glob(text([*pieces(begins), "*"]))
    refusing = [name for name, found in compared.items() if found and not any(overlap(own, each) for each in found)]
    if refusing:
        return settings.fails(
            sub,
            f"Subjects of this repository begin with {begins}, and {', '.join(refusing)} admits none of that form.",
            fix="Write the trust policies for this form, and say it in checker.toml (subject_form, owner_id).",
            actual=str(begins),
        )
    return settings.passes(sub, f"Subjects begin with {begins}, as the trust policies have it.")


def _protected_ref(settings: RepositorySettings, ref: str, roles: list[str]) -> Judgement:
    sub, answer = f"protected-ref={ref}", only_reviewed(settings, ref)
    if isinstance(answer, NotRead):
        return settings.undecided(sub, str(answer), fix=_FIX_UNSEEN)
    if answer:
        return settings.passes(sub, f"Only reviewed changes reach {ref}.")
    if ref.startswith("refs/tags/"):
        how, fix = "everybody who may push can make or move such a tag", "restricts creations and updates of these tags"
    else:
        how, fix = "changes reach it without a review", "requires a pull request"
    return settings.fails(sub, f"{ref} gets into {', '.join(roles)}, and {how}.", fix=f"Add a ruleset that {fix}.")


RULE = Rule(
    id="C1",
    looked_for="role that trusts GitHub's OIDC provider (AWS::IAM::Role)",
    check=check,
    check_pipeline=check_pipeline,
    check_settings=check_settings,
    unseen=Unseen("which role is taken on", logins=True),
    looked_for_in_pipeline="job that assumes an AWS role by its OIDC token",
)
