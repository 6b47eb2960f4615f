"""Each defect of our workflows and release code flips its finding, where it stands, and no other.

``tests/matrix/pipeline_defects/ID.yaml`` is a list of defects of one finding, each with

``name``
    What is broken, as a phrase.
``file``, ``replace``, ``with``
    A step of :mod:`tests.patches` on a file; several as a list of such steps under ``edits``.
``flips``
    ``ID[sub]`` -> the subjects that fail; ``SUBJECT (unknown)`` for one that can no longer be decided. Nothing else may
    flip. What disappears with the defect (a step that is taken out) does not count.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

from checker.collect.config.register import load_register
from checker.collect.config.settings_file import project_settings
from checker.collect.pipeline.earlier_runs import EarlierRuns
from checker.collect.templates.assembly import read_assembly
from checker.model.verdicts import Outcome, Verdict
from checker.policies.rules import load
from checker.resolve.templates.discovery import assign
from checker.run.judging import judge_stacks
from checker.run.pipeline import pipeline_of
from tests.caches import forget
from tests.matrix.seeded import Key, outcomes
from tests.patches import edited, read

ROOT = Path(__file__).parents[2]
DEFECTS = Path(__file__).parent / "pipeline_defects"
# All that the pipeline's rules read.
COPIED = (
    ".github",
    "infra",
    "migrations",
    "tests/infra/migrations",
    "Makefile",
    "checker.toml",
    "cdk.json",
    "app.py",
    "package.json",
    "checker",
    "policies",
    "pyproject.toml",
)
_BAD = {Outcome.FAIL, Outcome.UNKNOWN, Outcome.ERROR}


@dataclass(frozen=True)
class PipelineDefect:
    """One way to break a finding, as the data says it."""

    finding: str
    name: str
    edits: Sequence[Mapping[str, str]]
    flips: Mapping[str, Sequence[str]]
    also: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.finding}: {self.name}"


def defects() -> Iterator[PipelineDefect]:
    for file in sorted(DEFECTS.glob("*.yaml")):
        for raw in read(file)[0]:
            yield PipelineDefect(
                file.stem, raw["name"], raw.get("edits") or [_step(raw)], raw["flips"], raw.get("also", {})
            )


def _step(raw: Mapping[str, str]) -> Mapping[str, str]:
    return {key: raw[key] for key in ("file", "replace", "with") if key in raw}


class PipelineMatrix:
    """Our own repository, copied once, to be broken again and again."""

    def __init__(self, assembly: Path, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            source, target = ROOT / name, folder / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        self.assembly = assembly
        self.settings = project_settings(ROOT)
        self.rules = [rule for rule in load() if rule.check_pipeline is not None]
        # A defect that changes no program is judged with what programs did before, as the next gate would judge it.
        self.cache = folder.with_name(f"{folder.name}-cache")
        self.baseline = outcomes(self.judged(keep=True))

    def judged(self, *, keep: bool = False) -> list[Verdict]:
        """The verdicts on the folder as it now is, of everything that no template alone shows."""
        with patch.dict(os.environ, {"XDG_CACHE_HOME": str(self.cache)}):
            return self._judged(EarlierRuns(), keep=keep)

    def _judged(self, earlier: EarlierRuns, *, keep: bool) -> list[Verdict]:
        stacks = read_assembly(self.assembly, self.assembly).stacks
        assigned = assign(stacks, {}, self.settings.stacks)
        stacks, kinds = assigned.stacks, assigned.kinds
        pipeline = pipeline_of(self.folder, self.settings, tuple(kinds), earlier)
        findings = load_register().findings
        verdicts = judge_stacks(stacks, kinds, self.rules, findings, settings=self.settings, pipeline=pipeline)
        if keep:
            earlier.save()
        return verdicts

    def flipped(self, defect: PipelineDefect) -> dict[str, set[str]]:
        """What the defect made fail, or no longer decided."""
        before = {self.folder / edit["file"]: _read(self.folder / edit["file"]) for edit in defect.edits}
        try:
            for edit in defect.edits:
                file = self.folder / edit["file"]
                changed = edited(_read(file), edit)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(changed, encoding="utf-8")
            after = outcomes(self.judged())
        finally:
            for file, text in before.items():
                file.unlink() if text is None else file.write_text(text, encoding="utf-8")
            forget()
        return _flips(self.baseline, after)


def _flips(before: Mapping[Key, Outcome], after: Mapping[Key, Outcome]) -> dict[str, set[str]]:
    flipped: dict[str, set[str]] = {}
    for key, outcome in after.items():
        if outcome in _BAD and before.get(key) is not outcome:
            _, finding, subject = key
            flipped.setdefault(finding, set()).add(
                subject if outcome is Outcome.FAIL else f"{subject} ({outcome.value})"
            )
    return flipped


def _read(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.is_file() else None
