"""Changed repositories, made-up scripts (``ends``) or expressions, until the seconds are over; what is found is printed
with the seed that shows it again::

python -m tests.fuzz [ends|expressions] [SECONDS] [FIRST SEED]
"""

from __future__ import annotations

import itertools
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.fuzz import ends, expressions
from tests.fuzz.pipelines import found, repository


def main() -> int:
    words = sys.argv[1:]
    kind = words[0] if words[:1] and words[0] in _KINDS else ""
    given = words[1:] if kind else words
    seconds, first = (int(word) for word in [*given, *("600", "0")[len(given) :]][:2])
    until, finds = time.monotonic() + seconds, 0
    for seed in itertools.count(first):
        if time.monotonic() > until:
            print(f"{seed - first} seeds, {finds} finds")
            return 1 if finds else 0
        try:
            wrong = list(_KINDS[kind](seed) if kind else found(seed))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a find
            wrong = [repr(error)]
        finds += len(wrong)
        for each in wrong:
            print(f"seed {seed}{'' if kind else f' ({repository(seed)[0].where})'}: {each}", flush=True)
    return 0


def _ends(seed: int) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        for each in ends.found(seed, Path(folder)):
            yield f"fails: {each.fails}, and was said to: {each.said}\n{each.script}"


_KINDS = {"ends": _ends, "expressions": expressions.found}

sys.exit(main())
