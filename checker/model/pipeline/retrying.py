"""How often a request over HTTP is made, where what it asks answers that it is not ready."""

from __future__ import annotations

from enum import Enum
from typing import Final

AGAIN: Final = "--again="  # the option of a request made by a program's code that says so, by its client


class Retried(Enum):
    """How often a request is made that is not answered as it should be."""

    NEVER = "once"
    BOUNDED = "several times"
    FOR_EVER = "for ever"
    UNTOLD = "not known"
