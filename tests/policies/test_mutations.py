"""What a rule says of its own cases when one property of theirs is taken away from it.

A property that cannot be told never turns a failure into a silent pass; one of a wrong type crashes no rule. Both are
tried on a part of all places, the same ones each time: all of them would take minutes.
"""

from __future__ import annotations

import copy
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from checker.collect.config.register import load_register
from checker.model.resources import Stack
from checker.model.settings import Settings
from checker.model.verdicts import Outcome, Verdict
from checker.policies.rules import load
from checker.resolve.templates.discovery import kind_of
from checker.run.judging import judge_stacks
from tests.matrix.seeded import outcomes
from tests.policies.case import CASES, Case, cases
from tests.policies.harness import all_cases

# What no template can hold, so it resolves to nothing that is known.
UNKNOWN: Final = {"Fn::FindInMap": ["No", "Such", "Map"]}
WRONG: Final[tuple[Any, ...]] = (
    *([], {}, 5, "", None, [[]], [5], {"a": 1}, "x", True, [{"a": [1]}], -1, 1e400),
    *({"Ref": "Nope"}, [UNKNOWN]),
)
# One place of so many is tried.
UNKNOWN_SHARE: Final = 8
WRONG_SHARE: Final = 8
# Where a pass is right although something else is not known, and why.
ACCEPTED: Final[Mapping[str, str]] = {
    "C1[release]": "Conditions on GitHub's claims say whom a statement trusts where its principal is not known.",
    "C2[in-use]": "An image that is not known is C3's finding.",
    "C5": "A custom resource or record whose arguments are not known makes nothing that could be named.",
    "C7[client=REDIS_HOST]": "A variable without a known name is not taken for the client's switch for TLS.",
    "P11[target→api]": "A target group that is not known says nothing of a port.",
    "S4[other-environment]": "What another environment is called must be known to be found elsewhere.",
    "W13": "As for C5.",
}
Templates = dict[str, list[dict[str, Any]]]
Path = tuple[str | int, ...]


class _Source:
    file = "template.yaml"

    def line_of(self, path: Path) -> int | None:
        return 1


def _templates(case: Case) -> Templates:
    return {name: [document.data for document in documents] for name, documents in case.input.stacks().items()}


def _judged(finding: str, templates: Templates, case: Case) -> list[Verdict]:
    stacks = [
        Stack(f"{name}{index}", f"{name}{index}" if index else name, name, template, _Source(), region="us-west-2")
        for name, several in templates.items()
        for index, template in enumerate(several)
    ]
    kinds = {name: kind_of(name) for name in templates}
    settings = Settings(**case.input.settings)
    return judge_stacks(stacks, kinds, load([finding]), load_register().findings, settings=settings)


def _places(templates: Templates) -> Iterator[tuple[str, int, Path]]:
    """Every place below a resource's type: properties at any depth, and the attributes beside them."""
    for name, several in templates.items():
        for index, template in enumerate(several):
            resources = template.get("Resources")
            for logical_id, raw in resources.items() if isinstance(resources, dict) else ():
                for path in _below(raw) if isinstance(raw, dict) else ():
                    if path[0] != "Type":
                        yield name, index, ("Resources", logical_id, *path)


def _below(node: Any, path: Path = ()) -> Iterator[Path]:
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from _below(child, (*path, key))


def _with(templates: Templates, place: tuple[str, int, Path], value: Any) -> Templates:
    name, index, path = place
    changed = copy.deepcopy(templates[name][index])
    node: Any = changed
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return {**templates, name: [*templates[name][:index], changed, *templates[name][index + 1 :]]}


def _number(place: tuple[str, int, Path], case: Case) -> int:
    return zlib.crc32(f"{case.name} {place}".encode())


FINDINGS: Final = sorted({finding for finding, case in all_cases() if case.input.repository_files() is None})


def _own_cases(finding: str) -> Iterator[tuple[Case, Templates]]:
    for case in cases(CASES / f"{finding}.yaml"):
        if case.input.repository_files() is None:
            yield case, _templates(case)


@pytest.mark.parametrize("finding", FINDINGS)
def test_what_is_not_known_passes_nothing_in_silence(finding: str) -> None:
    silent = set()
    for case, templates in _own_cases(finding):
        before = outcomes(_judged(finding, templates, case))
        if Outcome.FAIL not in before.values():
            continue
        for place in _places(templates):
            if _number(place, case) % UNKNOWN_SHARE:
                continue
            after = outcomes(_judged(finding, _with(templates, place, UNKNOWN), case))
            passing = {key for key, outcome in after.items() if outcome is Outcome.PASS}
            told = {key for key, outcome in after.items() if outcome is not before.get(key)} - passing
            for key in passing:
                if before.get(key) is Outcome.FAIL and not told and key[1] not in ACCEPTED:
                    silent.add((case.name, key, place[2]))
    assert silent == set()


@pytest.mark.parametrize("finding", FINDINGS)
def test_wrong_types_crash_nothing(finding: str) -> None:
    crashes = {}
    for case, templates in _own_cases(finding):
        for place in _places(templates):
            number = _number(place, case)
            if number % WRONG_SHARE == 0:
                wrong = WRONG[number // WRONG_SHARE % len(WRONG)]
                for verdict in _judged(finding, _with(templates, place, wrong), case):
                    if verdict.outcome is Outcome.ERROR:
                        crashes[verdict.violation] = (case.name, place[2], wrong)
    assert crashes == {}
