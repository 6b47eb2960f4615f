"""What GitHub's own schema refuses of a workflow file or an action, and what the expressions in it may ask.

A file that is refused does not start at all, whatever it says; a job that uses such an action ends before its steps. A
key or a word that no schema has may be newer than the schema: it is no refusal. Source: the schemas of GitHub's
language server, ``checker/data/workflow_schema.json``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field

from checker import lazy_re
from checker.collect.pipeline.workflows.shapes import Path, Shapes, below
from checker.data.workflow_schema import ACTION, WORKFLOW, definition, forms, keys
from checker.model.pipeline.workflows import Asking
from checker.model.sources import Problem

_CONDITIONS: Final = frozenset({"job-if", "step-if", "snapshot-if"})
_EXPRESSION: Final = "${{"
_INSERTS: Final = lazy_re.compile(r"\$\{\{\s*insert\s*\}\}")
MERGES: Final = "<<"
_IDENTIFIER: Final = lazy_re.compile(r"[A-Za-z_][\w-]*", re.ASCII)
_IS_NUMBER: Final = lazy_re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|0x[0-9a-fA-F]+|0o[0-7]+")


class Accepted(Struct):
    """What was found of one file."""

    shapes: Shapes
    refusals: list[Problem] = field(default_factory=list)
    asking: list[Asking] = field(default_factory=list)

    def look_at_action(self, data: Any) -> None:
        self._value(data, (), ACTION, ())

    def look_at_workflow(self, data: Any) -> None:
        self._value(data, (), WORKFLOW, ())
        self._choices(below(data, "on", "workflow_dispatch", "inputs"))
        for job, written in below(data, "jobs").items():
            self._identified(job, ("jobs", job))
            taken = set[str]()
            steps = written.get("steps") if isinstance(written, dict) else None
            for index, step in enumerate(steps if isinstance(steps, list) else ()):
                name = step.get("id") if isinstance(step, dict) else None
                path = ("jobs", job, "steps", str(index), "id")
                self._identified(name, path)
                if name is not None and str(name).lower() in taken:
                    self._refuse(path, f"two steps of job {job} have the id `{name}`", "Give each its own.")
                taken.add(str(name).lower())

    def _identified(self, name: Any, path: Path) -> None:
        if name is not None and not _IDENTIFIER.fullmatch(str(name)):
            self._refuse(path, f"`{name}` is no id", "Letters, digits, - and _ make one, and no digit is the first.")

    def _choices(self, inputs: Mapping[str, Any]) -> None:
        for name, each in inputs.items():
            path = ("on", "workflow_dispatch", "inputs", name)
            choice, options = below(each).get("type") == "choice", below(each).get("options")
            if choice and not options:
                self._refuse(path, f"the input {name} is a choice without options", "List its options.")
            elif options and not choice:
                self._refuse(path, f"the input {name} has options and is no choice", "Add type: choice.")

    def _refuse(self, path: Path, message: str, fix: str) -> None:
        if not self.refusals:  # one keeps the whole file from starting
            self.refusals.append(Problem(self.shapes.spot(path), message, fix))

    def _value(self, value: Any, path: Path, kind: str, around: Sequence[str]) -> None:
        allowed = tuple(dict.fromkeys((*around, *definition(kind).get("context", ()))))
        of = forms(kind)
        if all("null" in each for each in of):
            # An event without filters: GitHub passes over those that are written all the same. The workflow that SAM
            # makes (`sam pipeline init`) has `delete: {branches: ...}`, and runs.
            return
        if isinstance(value, dict):
            mappings = [each["mapping"] for each in of if "mapping" in each]
            if mappings:
                self._mapping(value, path, mappings, allowed)
            else:
                self._refuse(path, f"{_named(path)} is no mapping", f"Write {_of(of)}.")
        elif isinstance(value, list):
            items = next((each["sequence"]["item-type"] for each in of if "sequence" in each), None)
            if items is None:
                self._refuse(path, f"{_named(path)} is no list", f"Write {_of(of)}.")
            else:
                for index, each in enumerate(value):
                    self._value(each, (*path, str(index)), items, allowed)
        elif isinstance(value, str) and (kind in _CONDITIONS or _EXPRESSION in value):
            self._asking(value, path, allowed, condition=kind in _CONDITIONS)
        elif not _fits(value, of):
            said = "has no value" if value is None or value == "" else f"cannot be {_shown(value)}"
            self._refuse(path, f"{_named(path)} {said}", f"Write {_of(of)}, or take it away.")

    def _asking(self, text: str, path: Path, allowed: Sequence[str], *, condition: bool) -> None:
        if not allowed:
            self._refuse(path, f"{_named(path)} has an expression, and none is allowed there", "Write the value out.")
            return
        named = frozenset(each.partition("(")[0].lower() for each in allowed if "(" not in each)
        functions = frozenset(each.partition("(")[0].lower() for each in allowed if "(" in each)
        self.asking.append(Asking(self.shapes.spot(path), text, _named(path), named, functions, condition))

    def _mapping(
        self, value: Mapping[str, Any], path: Path, mappings: list[Mapping[str, Any]], allowed: Sequence[str]
    ) -> None:
        if (*path, MERGES) in self.shapes.marks:
            fix = "Write the keys out, or use an alias in place of the whole mapping."
            self._refuse((*path, MERGES), f"{_named(path)} merges another mapping by `<<`", fix)
        loose = mappings[0].get("loose-value-type")
        inserted = any("insert" in key and _INSERTS.search(key) for key in value)
        for key, each in value.items():
            kinds = [found for form in mappings if (found := form.get("properties", {}).get(key)) is not None]
            if kinds:
                mappings = [form for form in mappings if key in form.get("properties", {})]
                self._value(each, (*path, key), kinds[-1] if isinstance(kinds[-1], str) else kinds[-1]["type"], allowed)
            elif loose is not None:
                self._value(each, (*path, key), loose, allowed)
            elif key in keys():
                self._refuse((*path, key), f"{_named(path)} has a key `{key}`, which is known elsewhere alone", _MOVE)
        missing = [key for key in _required(mappings) if key not in value]
        if missing and not inserted:
            many = len(mappings) > 1
            what = " or ".join(f"`{key}`" for key in missing)
            self._refuse(path, f"{_named(path)} has no {what}", f"Add {'one of them' if many else what}.")


_MOVE: Final = "Move it to where it belongs, or take it away."


def _required(mappings: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys that a mapping needs; of several kinds of it, those of which one tells the kind."""
    found = [
        key
        for each in mappings
        for key, detail in each.get("properties", {}).items()
        if isinstance(detail, Mapping) and detail.get("required")
    ]
    return found if len(mappings) == 1 or len(set(found)) == len(mappings) else []


def _fits(value: Any, of: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a scalar may be one of these. A word is taken for one where any word may be: it may be a new one."""
    words = [each["string"] for each in of if "string" in each]
    if value is None or value == "":
        free = any("constant" not in each and not each.get("require-non-empty") for each in words)
        return free or (value is None and any("null" in each for each in of))
    if isinstance(value, bool):
        return bool(words) or any("boolean" in each for each in of)
    # A number or a truth in quotes is let pass.
    wanted = "boolean" if str(value) in {"true", "false"} else "number"
    return bool(words) or (
        (_IS_NUMBER.fullmatch(str(value)) is not None or wanted == "boolean") and any(wanted in each for each in of)
    )


def _named(path: Path) -> str:
    """The nearest key of a path, and whose it is."""
    if not path:
        return "the workflow"
    match path:
        case ("jobs", job, "steps", index, *rest):
            whose = f"step {int(index) + 1} of job {job}"
        case ("runs", "steps", index, *rest):
            whose = f"step {int(index) + 1} of the action"
        case ("jobs", job, *rest):
            whose = f"job {job}"
        case _:
            return f"`{'.'.join(map(str, path))}`"
    return f"`{'.'.join(map(str, rest))}` of {whose}" if rest else whose


_FORMS: Final = {
    "boolean": "true or false",
    "number": "a number",
    "string": "a text",
    "sequence": "a list",
    "mapping": "keys and values",
}


def _of(of: Sequence[Mapping[str, Any]]) -> str:
    found = dict.fromkeys(said for each in of for form, said in _FORMS.items() if form in each)
    return " or ".join(found) or "nothing"


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f"`{value}`"
