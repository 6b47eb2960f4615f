"""Which workflows roll back: those that their file or their name calls so.

Nothing else tells: a roll-back is a deploy of an earlier release, made of the same calls.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from checker.model.environment_words import words
from checker.model.pipeline.workflows import Workflow

# One word, in any form of it: reverts, restored, undo.
_BACK: Final = ("revert", "restor", "undo", "backout")
# What is done "back", with something between the two or nothing: "roll the API back".
_MOVES: Final = frozenset({"roll", "rolls", "rolling", "go", "goes", "going", "step", "switch"})
# Words that begin with "back" and are no way back: "go back-end tests".
_NO_WAY_BACK: Final = frozenset({"end", "ends", "office", "up", "ups", "fill", "port"})


def is_rollback(workflow: Workflow) -> bool:
    """Whether a workflow is one that goes back to an earlier release."""
    return says_back(workflow.stem) or says_back(workflow.name)


def says_back(name: str) -> bool:
    """Whether a name speaks of a way back."""
    spoken = words(name)
    if any(word.startswith(_BACK) or "rollback" in word for word in spoken):
        return True
    moved = False
    for word, after in pairwise([*spoken, ""]):
        if word == "back" and (after == "out" or (moved and after not in _NO_WAY_BACK)):
            return True
        moved = moved or word in _MOVES
    return False
