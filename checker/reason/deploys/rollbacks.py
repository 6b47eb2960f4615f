"""Which workflows roll back: those that their file or their name calls so.

Nothing else tells: a roll-back is a deploy of an earlier release, made of the same calls.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from checker import lazy_re
from checker.model.answers import NO
from checker.model.environment_words import words
from checker.model.pipeline.jobs import EffectiveStep
from checker.model.pipeline.scripts import Command
from checker.model.pipeline.workflows import Workflow
from checker.model.possible import shown

# One word, in any form of it: reverts, restored, undo.
_BACK: Final = ("revert", "restor", "undo", "backout")
# What is done "back", with something between the two or nothing: "roll the API back".
_MOVES: Final = frozenset({"roll", "rolls", "rolling", "go", "goes", "going", "step", "switch"})
# Words that begin with "back" and are no way back: "go back-end tests".
_NO_WAY_BACK: Final = frozenset({"end", "ends", "office", "up", "ups", "fill", "port"})


_CANCEL: Final = lazy_re.compile(r"/actions/runs/[^/]+/(?:force-)?cancel\b")


def cancels_runs(command: Command) -> bool:
    """Whether a command cancels a run of a workflow: ``gh run cancel``, or a request to the API that does."""
    written = [shown(word) for word in command.words]
    if command.program == "gh" and written[1:3] == ["run", "cancel"]:
        return True
    return command.program in {"gh", "curl", "http", "https", "xh", "wget"} and any(map(_CANCEL.search, written))


# Actions that cancel runs of the workflow that they are told, by its file; else earlier ones of their own.
CANCELLERS: Final = ("styfle/cancel-workflow-action", "n1hility/cancel-previous-runs", "potiuk/cancel-workflow-runs")
_ALL: Final = "all"
_OWN: Final = lazy_re.compile(r"github\.workflow\b|GITHUB_WORKFLOW\b")


def cancels_runs_of(step: EffectiveStep, commands: Iterable[Command], workflow: Workflow) -> bool:
    """Whether a step cancels runs of a workflow that it names, or of its own. ``commands``: what it runs."""
    if step.runs is NO:
        return False
    named = workflow.file.rpartition("/")[2]
    own = step.job.entry.file == workflow.file
    if step.step.action in CANCELLERS:
        told = [shown(value) for name, value in step.with_.items() if "workflow" in name.lower()]
        return any(each == _ALL or named in each.split(",") for each in told) or (own and not told)
    if not step_cancels_runs(step) and not any(map(cancels_runs, commands)):
        return False
    text = " ".join(str(value.value) for value in step.step.with_.values())
    text += step.run.text if step.run is not None else ""
    return named in re.findall(r"[\w.-]+", text) or (own and _OWN.search(text) is not None)


_METHODS: Final = lazy_re.compile(r"\b(?:force)?[cC]ancelWorkflowRun\b")


def step_cancels_runs(step: EffectiveStep) -> bool:
    """Whether an action is told to cancel a run: by a script of GitHub's client, or the path of a request."""
    given = [str(value.value) for value in step.step.with_.values()] if step.runs is not NO else []
    return any(_CANCEL.search(each) or (_METHODS.search(each) and "github" in each) for each in given)


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
