"""Every image is scanned when it is pushed.

What the review found
    No repository scans its images: a known vulnerability reaches production unseen.
What is checked
    Every repository: ``ScanOnPush`` is on, or a rule of the registry's scanning configuration in the same account and
    region scans it on push (or continuously). A filter with ``*`` has to match the whole name, one without matches
    names that contain it. Where the registry scans in the enhanced way, its rules alone decide; and of repositories
    that Amazon ECR makes by a creation template, which has no such flag.
When it does not apply
    No ECR repository in the environment.
What cannot be decided
    A flag from a parameter without a default; a filter that may or may not match a name that is known at deployment.
Fix
    Set ``ImageScanningConfiguration: {ScanOnPush: true}``. Basic scanning costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import Final

from checker.model.answers import NO, YES, Answer, Open, either, why_open, yes_if
from checker.model.environments import Environment
from checker.model.judgements import Judgement
from checker.model.resources import Resource
from checker.model.rules import Rule
from checker.model.values import Absent, Known, Resolved, Text, Unknown, as_bool, as_list
from checker.reason.altered.made import made_by_calls
from checker.reason.images.references import meets

_PATH: Final = "ImageScanningConfiguration.ScanOnPush"
_FIX: Final = (
    "Set ImageScanningConfiguration.ScanOnPush to true, or add the repository to the registry's scanning rules."
)
_REGISTRY: Final = "AWS::ECR::RegistryScanningConfiguration"
_SETS_REGISTRY: Final = {("ecr", "putregistryscanningconfiguration"): _REGISTRY}
_MAKES: Final = {("ecr", "createrepository"): "AWS::ECR::Repository"}
_ON_PUSH: Final = {"SCAN_ON_PUSH", "CONTINUOUS_SCAN"}


def check(environment: Environment) -> Iterator[Judgement]:
    configurations = [
        *environment.project.resources(_REGISTRY),
        *(each for other in environment.project.environments for each in made_by_calls(other, _SETS_REGISTRY)),
    ]
    for repository in chain(environment.resources("AWS::ECR::Repository"), made_by_calls(environment, _MAKES)):
        registry = next((each for each in configurations if _same_registry(each, repository)), None)
        yield _judged(repository, registry)
    for template in environment.resources("AWS::ECR::RepositoryCreationTemplate"):
        registry = next((each for each in configurations if _same_registry(each, template)), None)
        yield _made(template, registry)


def _made(template: Resource, registry: Resource | None) -> Judgement:
    """Of the repositories that a template makes: nothing in it turns scanning on (CloudFormation Template Reference,
    AWS::ECR::RepositoryCreationTemplate), so that the registry's rules have to."""
    prefix, fix = template.get("Prefix"), "Add a filter that matches the prefix to the registry's scanning rules."
    begun = prefix.value if isinstance(prefix, Known) and isinstance(prefix.value, str) else None
    rules = registry.get("Rules") if registry is not None else None
    if isinstance(rules, Unknown) or begun is None:
        why = rules.why if isinstance(rules, Unknown) else "its prefix is not known"
        return template.undecided(None, f"whether the registry scans what it makes: {why}", path="Prefix", fix=fix)
    each_rule = as_list(rules.value) if isinstance(rules, Known) else []
    scanned = either(_covers(rule, partial(_begins, prefix=begun)) for rule in each_rule)
    if scanned is YES and registry is not None and registry.certain:
        return template.passes(None, "The registry's configuration scans what it makes on push.", path="Prefix")
    if scanned is NO:
        said = "Nothing scans the images of the repositories that it makes: no filter of the registry matches them all."
        return template.fails(None, said, fix=fix, path="Prefix")
    doubt = why_open(scanned) or "whether the registry's configuration is there at all"
    return template.undecided(None, f"whether the registry scans what it makes: {doubt}", path="Prefix", fix=fix)


def _judged(repository: Resource, registry: Resource | None) -> Judgement:
    flag = repository[_PATH]
    own = as_bool(flag.value.value) if isinstance(flag.value, Known) else None
    if registry is not None:
        scanned = _scanned(registry, repository)
        enhanced = _enhanced(registry)
        if scanned is YES and registry.certain:
            return repository.passes(None, "The registry's configuration scans it on push.", path=_PATH)
        if own is not True or enhanced is not NO:
            if scanned is not NO or (own is True and isinstance(enhanced, Open)):
                doubt = why_open(scanned) or why_open(enhanced) or "whether it is there at all"
                why = f"whether the registry's scanning configuration covers the repository is not known: {doubt}"
                return repository.undecided(None, why, path=_PATH, fix=_FIX)
            if enhanced is YES and registry.certain:
                # Amazon ECR User Guide, "Scan images for software vulnerabilities": with enhanced scanning, a
                # repository that no filter matches is not scanned, whatever its own setting.
                return repository.fails(
                    None,
                    "Nothing scans its images: the registry scans in the enhanced way, and no filter of it matches.",
                    fix="Add a filter that matches the repository to the registry's scanning rules.",
                    path=_PATH,
                    related=(registry,),
                )
    return flag.must_be(True, violation="Its images are not scanned when they are pushed.", fix=_FIX)


def _same_registry(configuration: Resource, repository: Resource) -> bool:
    """Whether both are of one account and region; what an assembly leaves open is taken to be the same."""
    return all(
        not one or not other or one == other
        for one, other in (
            (configuration.stack.account, repository.stack.account),
            (configuration.stack.region, repository.stack.region),
        )
    )


def _enhanced(registry: Resource) -> Answer:
    scan_type = registry.get("ScanType")
    if isinstance(scan_type, Absent):
        return NO
    if isinstance(scan_type, Known) and isinstance(scan_type.value, str):
        return yes_if(scan_type.value == "ENHANCED")
    return Open("how the registry scans")


def _scanned(registry: Resource, repository: Resource) -> Answer:
    """Whether a rule of the registry scans the repository when an image is pushed."""
    rules = registry.get("Rules")
    if isinstance(rules, Absent):
        return NO
    if isinstance(rules, Unknown):
        return Open(f"its rules: {rules.why}")
    name = repository.get("RepositoryName")
    named = partial(_is_of, name=name.value if isinstance(name, Known) else None)
    return either(_covers(rule, named) for rule in as_list(rules.value))


def _covers(rule: Resolved, matches: Callable[[str], Answer]) -> Answer:
    if not isinstance(rule, dict):
        return Open("what one of its rules says")
    frequency = rule.get("ScanFrequency")
    if isinstance(frequency, str) and frequency not in _ON_PUSH:
        return NO
    found = either(_filtered(entry, matches) for entry in as_list(rule.get("RepositoryFilters")))
    return found if isinstance(frequency, str) or found is NO else Open("when one of its rules scans")


def _filtered(entry: Resolved, matches: Callable[[str], Answer]) -> Answer:
    """Amazon ECR User Guide, "Filters to choose which repositories are scanned": without ``*`` a filter matches every
    name that contains it."""
    pattern = entry.get("Filter") if isinstance(entry, dict) else None
    if not isinstance(pattern, str):
        return Open("what one of its filters matches")
    whole = pattern if "*" in pattern else f"*{pattern}*"
    return YES if set(whole) == {"*"} else matches(whole)


def _is_of(pattern: str, *, name: Resolved) -> Answer:
    """Whether a filter matches a name, ``None`` where CloudFormation generates it."""
    form: list[frozenset[str] | None] = []
    for part in name.parts if isinstance(name, Text) else (name,):
        if isinstance(part, str):
            form.extend(map(frozenset, part))
        else:
            form.append(None)
    if not meets(pattern, form):
        return NO
    return YES if isinstance(name, str) else Open(f"whether the filter {pattern.strip('*')} matches its name")


def _begins(pattern: str, *, prefix: str) -> Answer:
    """Whether a filter matches the names of all repositories that begin so; with ``ROOT`` they have any name."""
    begun = [] if prefix == "ROOT" else [*map(frozenset, f"{prefix}/")]
    if pattern.endswith("*") and meets(pattern, begun):
        return YES
    return Open(f"which names below {prefix} the filter {pattern} matches") if meets(pattern, [*begun, None]) else NO


RULE = Rule(
    id="W7",
    looked_for="image repository (AWS::ECR::Repository, AWS::ECR::RepositoryCreationTemplate)",
    check=check,
)
