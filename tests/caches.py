"""What the checker remembers of what it was shown: dropped between tests, for it holds on to whole programs."""

from __future__ import annotations

import functools
import sys

_LARGE = 512  # tables and single facts are remembered for good


def forget() -> None:
    """Empty every large cache of the checker's functions. A cache changes how long an answer takes, and no answer."""
    for name, module in list(sys.modules.items()):
        if name.startswith("checker."):
            for value in vars(module).values():
                if isinstance(value, functools._lru_cache_wrapper) and (value.cache_info().maxsize or 0) >= _LARGE:
                    value.cache_clear()
