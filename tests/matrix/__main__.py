"""``make matrix``: the matrix as a table. A row per defect; what it flipped, and whether that is what it should."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from checker.collect.config.settings_file import project_settings
from checker.collect.templates.synthesis import own_assembly
from tests.matrix import pipeline_seeded
from tests.matrix.reshapes import RESHAPES, changes
from tests.matrix.rewrites import REWRITES
from tests.matrix.seeded import Key, Matrix, defects, outcomes

ROOT = Path(__file__).parents[2]


def main() -> int:
    settings = project_settings(ROOT)
    assembly = own_assembly(ROOT, settings, lambda message: print(message, file=sys.stderr))
    matrix = Matrix(assembly, settings)
    wrong = sum(_told(each.finding, each.name, *matrix.flipped(each)) for each in defects())
    with TemporaryDirectory() as folder:
        pipeline = pipeline_seeded.PipelineMatrix(assembly, Path(folder))
        for each in pipeline_seeded.defects():
            expected = {finding: set(subjects) for finding, subjects in each.flips.items()}
            wrong += _told(each.finding, each.name, pipeline.flipped(each), expected)
    for name, rewrite in REWRITES.items():
        after = outcomes(matrix.judged(rewrite(matrix.templates)))
        changed = sorted(key for key, outcome in after.items() if matrix.baseline.get(key) is not outcome)
        wrong += bool(changed)
        _same(name, changed)
    for name, reshape in RESHAPES.items():
        differing = sorted(changes(matrix, reshape))
        wrong += bool(differing)
        _same(name, differing)
    print(f"{wrong} wrong")
    return 1 if wrong else 0


def _told(finding: str, name: str, actual: Mapping[str, set[str]], expected: Mapping[str, set[str]]) -> bool:
    """One row; whether something else was flipped than should be."""
    mark = "ok   " if actual == expected else "WRONG"
    shown = "; ".join(f"{key} on {', '.join(sorted(names))}" for key, names in sorted(actual.items()))
    print(f"{mark} {finding:4} {name:60.60} {shown or 'nothing flipped'}")
    return actual != expected


def _same(name: str, changed: Sequence[Key]) -> None:
    print(f"{'WRONG' if changed else 'ok   '} same {name:60.60} {changed or 'no verdict changed'}")


if __name__ == "__main__":
    sys.exit(main())
