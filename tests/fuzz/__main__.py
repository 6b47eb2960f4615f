"""Changed repositories until the seconds are over; what is found is printed with the seed that shows it again::

python -m tests.fuzz [SECONDS] [FIRST SEED]
"""

from __future__ import annotations

import itertools
import sys
import time

from tests.fuzz.pipelines import found, repository


def main() -> int:
    seconds, first = (int(word) for word in [*sys.argv[1:], "600", "0"][:2])
    until, finds = time.monotonic() + seconds, 0
    for seed in itertools.count(first):
        if time.monotonic() > until:
            print(f"{seed - first} repositories, {finds} finds")
            return 1 if finds else 0
        try:
            wrong = list(found(seed))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a find
            wrong = [repr(error)]
        finds += len(wrong)
        for each in wrong:
            print(f"seed {seed} ({repository(seed)[0].where}): {each}", flush=True)
    return 0


sys.exit(main())
