"""Work counted instead of timed: the same number on every machine, whatever else it does at the time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

# Far above what anything bounded takes on a slow and busy machine, far below what the kinds that these tests are about
# take without their bound (minutes to days). It tells a hang from an answer and measures nothing.
HANG_SECONDS: Final = 120


def lines_run(work: Callable[[], object], limit: int) -> int:
    """How many lines of Python ``work`` ran, generators and comprehensions included; it is ended past ``limit``.

    What C code does inside one call (a regular expression, a sort) is not counted.
    """
    count = 0

    def each(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        if event == "line":
            count += 1
            if count > limit:
                raise AssertionError(f"more than {limit:,} lines were run")
        return each

    before = sys.gettrace()
    sys.settrace(each)
    try:
        work()
    finally:
        sys.settrace(before)
    return count
