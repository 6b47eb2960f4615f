"""Every image is scanned when it is pushed.

What the review found
    No repository scans its images: a known vulnerability reaches production unseen.
What is checked
    Every repository: ``ScanOnPush`` is on, or a rule of the registry's scanning configuration in the same account and
    region scans it on push (or continuously). A filter with ``*`` has to match the whole name, one without matches
    names that contain it. Where the registry scans in the enhanced way, its rules alone decide.
When it does not apply
    No ECR repository in the environment.
What cannot be decided
    A flag from a parameter without a default; a filter that may or may not match a name that is known at deployment.
Fix
    Set ``ImageScanningConfiguration: {ScanOnPush: true}``. Basic scanning costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker.model.answers import NO, YES, Answer, Open, either, why_open, yes_if
from checker.model.environments import Environment
from checker.model.judgements import Judgement
from checker.model.resources import Resource
from checker.model.rules import Rule
from checker.model.values import Absent, Known, Resolved, Text, Unknown, as_bool, as_list
from checker.reason.images.references import meets

_PATH: Final = "ImageScanningConfiguration.ScanOnPush"
_FIX: Final = (
    "Set ImageScanningConfiguration.ScanOnPush to true, or add the repository to the registry's scanning rules."
)
_ON_PUSH: Final = {"SCAN_ON_PUSH", "CONTINUOUS_SCAN"}


def check(environment: Environment) -> Iterator[Judgement]:
    configurations = list(environment.project.resources("AWS::ECR::RegistryScanningConfiguration"))
    for repository in environment.resources("AWS::ECR::Repository"):
        registry = next((each for each in configurations if _same_registry(each, repository)), None)
        yield _judged(repository, registry)


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
    return either(_covers(rule, name.value if isinstance(name, Known) else None) for rule in as_list(rules.value))


def _covers(rule: Resolved, name: Resolved) -> Answer:
    if not isinstance(rule, dict):
        return Open("what one of its rules says")
    frequency = rule.get("ScanFrequency")
    if isinstance(frequency, str) and frequency not in _ON_PUSH:
        return NO
    found = either(_matches(entry, name) for entry in as_list(rule.get("RepositoryFilters")))
    return found if isinstance(frequency, str) or found is NO else Open("when one of its rules scans")


def _matches(entry: Resolved, name: Resolved) -> Answer:
    """Amazon ECR User Guide, "Filters to choose which repositories are scanned": without ``*`` a filter matches every
    name that contains it. ``name`` is ``None`` where CloudFormation generates it.
    """
    pattern = entry.get("Filter") if isinstance(entry, dict) else None
    if not isinstance(pattern, str):
        return Open("what one of its filters matches")
    whole = pattern if "*" in pattern else f"*{pattern}*"
    if set(whole) == {"*"}:
        return YES
    form: list[frozenset[str] | None] = []
    for part in name.parts if isinstance(name, Text) else (name,):
        if isinstance(part, str):
            form.extend(map(frozenset, part))
        else:
            form.append(None)
    if not meets(whole, form):
        return NO
    return YES if isinstance(name, str) else Open(f"whether the filter {pattern} matches its name")


RULE = Rule(
    id="W7",
    looked_for="image repository (AWS::ECR::Repository)",
    check=check,
)
