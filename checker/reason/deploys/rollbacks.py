"""Which workflows roll back: those that their file or their name calls so; and which deploy a tag.

Nothing else tells: a roll-back is a deploy of an earlier release, made of the same calls.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from checker.model.environment_words import words
from checker.model.pipeline.jobs import EffectiveJob, Start
from checker.model.pipeline.workflows import Workflow

# One word, in any form of it: reverts, restored, undo.
_BACK: Final = ("revert", "restor", "undo", "backout")
# What is done "back", with something between the two or nothing: "roll the API back".
_MOVES: Final = frozenset({"roll", "rolls", "rolling", "go", "goes", "going", "step", "switch"})
# Words that begin with "back" and are no way back: "go back-end tests".
_NO_WAY_BACK: Final = frozenset({"end", "ends", "office", "up", "ups", "fill", "port"})

_TAG_WORDS: Final = frozenset({"tag", "version", "release", "ref", "sha", "commit", "revision"})
_IMAGE_WORDS: Final = frozenset({"image", "docker", "container", "ecr"})
_NUMBERS: Final = frozenset({"version", "revision"})  # of code, or of what these words name
_NUMBERED: Final = frozenset(
    {"task", "taskdef", "family", "migration", "migrations", "schema", "node", "python", "ruby", "java", "go", "php",
     "terraform"}
)  # fmt: skip


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


def tag_inputs(workflow: Workflow) -> frozenset[str]:
    """The inputs by which a person names what to deploy: ``tag``, ``release_version``, ``sha``. That of an image in a
    registry is none of the repository's, nor is a tool's version or a task definition's revision."""
    given = {name: frozenset(words(name)) for name, each in workflow.inputs.items() if each.type != "boolean"}
    numbers = {name for name, said in given.items() if said & _TAG_WORDS <= _NUMBERS and _NUMBERED & said}
    return frozenset(name for name, said in given.items() if said & _TAG_WORDS and not said & _IMAGE_WORDS) - numbers


def deploys_a_tag(job: EffectiveJob) -> tuple[Start, ...]:
    """The starts of a job in which a tag is deployed: a release, a pushed tag, a person who names one."""
    by_hand = bool(tag_inputs(job.entry))
    return tuple(start for start in job.starts if on_tag(start) or (by_hand and start.event == "workflow_dispatch"))


def on_tag(start: Start) -> bool:
    first = start.ref if isinstance(start.ref, str) else start.ref.parts[0]
    return start.event == "release" or (
        start.event == "push" and isinstance(first, str) and first.startswith("refs/tags/")
    )
