"""Defects seeded into our own synthesized templates, kept as data.

``tests/matrix/defects/ID.yaml`` is a list of defects of one finding, each with

``name``
    What is broken, as a phrase.
``select``
    Names for resources: ``name -> {stack, type, path}``; ``path`` is a glob over the construct path, ``stack`` a stack
    name. Each selects exactly one resource. The first one's stack is the one that ``do`` changes unless it says so.
``do``
    Steps of :mod:`tests.patches`; ``@name`` stands for the selected resource's logical id. A ``stack`` that is not
    there is made; a name with a slash is a nested stack.
``flips``
    ``ID[sub]`` -> the subjects that fail: ``@name``, or the name as the verdict has it. Nothing else may flip.
``mends``
    Optional, likewise: what failed before, under a waiver, and passes now. Nothing else may be mended.
``also``
    Where it cannot but flip another finding too: the finding, and why that is no false alarm.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from checker.collect.config.register import load_register
from checker.collect.documents import Document
from checker.collect.templates.assembly import Assembly, read_assembly
from checker.model.resources import Stack, nesting
from checker.model.settings import Settings
from checker.model.verdicts import Outcome, Surface, Verdict
from checker.policies.rules import load
from checker.resolve.templates.discovery import assign
from checker.run.judging import judge_stacks
from tests.patches import PatchError, apply, flat, named, read

DEFECTS = Path(__file__).parent / "defects"
Templates = dict[str, dict[str, Any]]
# What a verdict is about, without its place in a file: environment, finding, subject.
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Defect:
    """One way to break a finding, as the data says it."""

    finding: str
    name: str
    select: Mapping[str, Mapping[str, str]]
    do: Sequence[Any]
    flips: Mapping[str, Sequence[str]]
    mends: Mapping[str, Sequence[str]]
    also: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.finding}: {self.name}"


def defects() -> Iterator[Defect]:
    for file in sorted(DEFECTS.glob("*.yaml")):
        for raw in read(file)[0]:
            yield Defect(
                file.stem,
                raw["name"],
                raw["select"],
                raw["do"],
                raw["flips"],
                raw.get("mends", {}),
                raw.get("also", {}),
            )


class Matrix:
    """Our own stacks, ready to be broken again and again."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.assembly: Assembly = read_assembly(folder, folder)
        self.settings = settings
        self.templates: Templates = {stack.name: dict(stack.template) for stack in self.assembly.stacks}
        self.rules = [rule for rule in load() if Surface.TEMPLATE in rule.surfaces]
        self.baseline = outcomes(self.judged(self.templates))

    def judged(self, templates: Templates) -> list[Verdict]:
        """The verdicts on these templates. A stack that is not our own is of whatever environment its name says."""
        stacks = [self._with_nested(name, templates) for name in templates if "/" not in name]
        assigned = assign(stacks, {}, self.settings.stacks)
        return judge_stacks(
            assigned.stacks, assigned.kinds, self.rules, load_register().findings, settings=self.settings
        )

    def _with_nested(self, name: str, templates: Templates) -> Stack:
        below = [each for each in templates if each.rpartition("/")[0] == name]
        nested = {each.rpartition("/")[2]: self._with_nested(each, templates) for each in below}
        return nesting(self._stack(name, templates[name]), nested)

    def _stack(self, name: str, template: dict[str, Any]) -> Stack:
        root = name.split("/", 1)[0]
        own = next((stack for stack in self.assembly.stacks if stack.name == root), self.assembly.stacks[0])
        document = Document(f"{name}.template.json", template, "{}")
        return Stack(name, name, "", template, document, own.account, own.region, constructs=own.constructs)

    def broken(self, defect: Defect) -> tuple[Templates, dict[str, str]]:
        """The templates with the defect in, and what each selected name stands for."""
        found = {name: self._one(defect, selector) for name, selector in defect.select.items()}
        ids = {name: logical_id for name, (_, logical_id) in found.items()}
        first = next(iter(found.values()))[0]
        touched = {str(step.get("stack", first)) for step in flat(defect.do)}
        templates = {n: copy.deepcopy(t) if n in touched else t for n, t in self.templates.items()}
        for step in flat(defect.do):
            template = templates.setdefault(str(step.get("stack", first)), {"Resources": {}})
            try:
                apply(template, step, ids)
            except PatchError as error:
                raise PatchError(f"{defect}: {error}") from None
        return templates, ids

    def _one(self, defect: Defect, selector: Mapping[str, str]) -> tuple[str, str]:
        found = [
            (stack.name, logical_id)
            for stack in self.assembly.stacks
            if stack.name == selector["stack"]
            for logical_id, raw in stack.template["Resources"].items()
            if raw["Type"] == selector["type"]
            and fnmatchcase(stack.constructs[logical_id].path, selector.get("path", "*"))
        ]
        assert len(found) == 1, f"{defect}: {dict(selector)} selects {len(found)} resources: {found}"
        return found[0]

    def flipped(
        self, defect: Defect, disguise: Callable[[Templates], Templates] = lambda templates: templates
    ) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
        """What the defect made fail or undecided that was not before (or mended), and what the data says it should.

        ``disguise`` writes the broken templates differently first.
        """
        templates, ids = self.broken(defect)
        after = outcomes(self.judged(disguise(templates)))
        actual: dict[str, set[str]] = {}
        for (environment, finding, subject), outcome in after.items():
            before = self.baseline.get((environment, finding, subject))
            if outcome is not before and (outcome in _BAD or before in _BAD):
                label = subject if outcome is Outcome.FAIL else f"{subject} ({outcome.value})"
                actual.setdefault(finding, set()).add(label)
        expected = {key: {named(name, ids) for name in names} for key, names in defect.flips.items()}
        for key, names in defect.mends.items():
            expected.setdefault(key, set()).update(f"{named(name, ids)} (pass)" for name in names)
        return actual, expected


_BAD = {Outcome.FAIL, Outcome.UNKNOWN, Outcome.ERROR}
_RANK = [Outcome.ERROR, Outcome.FAIL, Outcome.UNKNOWN, Outcome.WAIVED, Outcome.PASS, Outcome.NOT_APPLICABLE]


def outcomes(verdicts: Sequence[Verdict]) -> dict[Key, Outcome]:
    """The gravest outcome per environment, finding and subject."""
    found: dict[Key, Outcome] = {}
    for verdict in verdicts:
        key = (verdict.environment, verdict.id, verdict.subject.name)
        found[key] = min(found.get(key, verdict.outcome), verdict.outcome, key=_RANK.index)
    return found
