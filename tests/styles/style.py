"""One style of release: a repository as one YAML file, and its defects.

``files``
    Path -> text.
``stays``
    What the gate says of it as it is, of all that is not well: ``ID[sub] environment subject`` -> outcome.
``defects``
    Each with a ``name``, ``edits`` as steps of :mod:`tests.patches`, and ``flips``: the ``ID[sub]`` that fail for it,
    or with `` (unknown)`` behind them are no longer decided, or with `` (not said)`` are no longer told of. Nothing
    else may flip. A defect without any is none: what looks wrong, and is right.

``python -m tests.styles.style`` writes ``stays`` and ``flips`` anew; what changes is then read before it is committed.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from checker.collect.config.settings_file import project_settings
from checker.model.verdicts import Outcome, Verdict
from checker.run.judging import gate
from checker.run.request import Request
from tests.patches import edited
from tests.pipelines import load, repository

HERE: Final = Path(__file__).parent
STYLES: Final = sorted(HERE.glob("*.yaml"))
_BAD: Final = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.ERROR)


@dataclass(frozen=True)
class Defect:
    """One way to break a release, as the data says it."""

    style: str
    name: str
    edits: Sequence[Mapping[str, str]]
    flips: Sequence[str]

    def __str__(self) -> str:
        return f"{self.style}: {self.name}"


def defects() -> Iterator[Defect]:
    for style in STYLES:
        for raw in load(style)["defects"]:
            yield Defect(style.stem, raw["name"], raw["edits"], raw["flips"])


def said_of(files: Mapping[str, str]) -> dict[tuple[str, str], Outcome]:
    """Whatever is not well, by its finding and its subject."""
    with tempfile.TemporaryDirectory() as folder:
        root = repository(Path(folder), files)
        run = gate(Request(project=root, settings=project_settings(root)))
    return {(_id(each), f"{each.environment} {each.subject.name}"): each.outcome for each in run.verdicts if _bad(each)}


def broken(files: Mapping[str, str], edits: Sequence[Mapping[str, str]]) -> dict[str, str]:
    changed = dict(files)
    for edit in edits:
        changed[edit["file"]] = edited(changed.get(edit["file"]), edit)
    return changed


def flipped(before: Mapping[tuple[str, str], Outcome], after: Mapping[tuple[str, str], Outcome]) -> list[str]:
    found = {key: after.get(key) for key in {**before, **after} if before.get(key) is not after.get(key)}
    failed = {name for (name, _), outcome in found.items() if outcome not in {None, Outcome.UNKNOWN}}
    undecided = {name for (name, _), outcome in found.items() if outcome is Outcome.UNKNOWN} - failed
    silent = {name for (name, _), outcome in found.items() if outcome is None} - failed - undecided
    return sorted([*failed, *(f"{name} (unknown)" for name in undecided), *(f"{name} (not said)" for name in silent)])


def stays(said: Mapping[tuple[str, str], Outcome]) -> dict[str, str]:
    return {f"{name} {subject.strip()}": str(outcome) for (name, subject), outcome in sorted(said.items())}


def _bad(verdict: Verdict) -> bool:
    return verdict.outcome in _BAD


def _id(verdict: Verdict) -> str:
    return f"{verdict.finding}[{verdict.sub}]" if verdict.sub else verdict.finding


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as they stand in a file."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _written_anew(style: Path) -> str:
    heading = style.read_text(encoding="utf-8").partition("\n")[0]
    said: dict[str, Any] = load(style)
    before = said_of(said["files"])
    told = [
        each | {"flips": flipped(before, said_of(broken(said["files"], each["edits"])))} for each in said["defects"]
    ]
    body = {"files": said["files"], "stays": stays(before), "defects": told}
    return f"{heading}\n{yaml.dump(body, Dumper=_Dumper, sort_keys=False, width=118, allow_unicode=True)}"


if __name__ == "__main__":
    for each in [HERE / f"{name}.yaml" for name in sys.argv[1:]] or STYLES:
        each.write_text(_written_anew(each), encoding="utf-8")
