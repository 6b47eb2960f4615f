"""``make matrix``: the matrix as a table. A row per defect; what it flipped, and whether that is what it should."""

from __future__ import annotations

import sys
from pathlib import Path

from checker.collect.synthesis import own_assembly
from checker.settings_file import project_settings
from tests.matrix.patches import Matrix, defects, outcomes
from tests.matrix.rewrites import REWRITES

ROOT = Path(__file__).parents[2]


def main() -> int:
    settings = project_settings(ROOT)
    matrix = Matrix(own_assembly(ROOT, settings, lambda message: print(message, file=sys.stderr)), settings)
    wrong = 0
    for defect in defects():
        actual, expected = matrix.flipped(defect)
        wrong += actual != expected
        mark = "ok   " if actual == expected else "WRONG"
        shown = "; ".join(f"{finding} on {', '.join(sorted(names))}" for finding, names in sorted(actual.items()))
        print(f"{mark} {defect.finding:4} {defect.name:60.60} {shown or 'nothing flipped'}")
    for name, rewrite in REWRITES.items():
        after = outcomes(matrix.judged(rewrite(matrix.templates)))
        changed = sorted(key for key, outcome in after.items() if matrix.baseline.get(key) is not outcome)
        wrong += bool(changed)
        print(f"{'WRONG' if changed else 'ok   '} same {name:60.60} {changed or 'no verdict changed'}")
    print(f"{wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
