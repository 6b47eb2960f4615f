"""Runs of ``cdk deploy``: which stacks they deploy, what makes these, and which image tags they are given."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from checker import lazy_re
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import CdkCommand
from checker.model.possible import options
from checker.model.resources import Stack
from checker.reason.deploys.paths import At

IMAGE_KEY: Final = lazy_re.compile(
    r"image|(?:^|[-_.:])tag$|sha$|commit|release$|appversion|app[-_]version", re.IGNORECASE
)
TAG_NAME: Final = lazy_re.compile(r"image|(?:^|[-_.:])tag$", re.IGNORECASE)


def names_of(stack: Stack, command: CdkCommand) -> frozenset[str]:
    """The names by which a command's selectors pick this stack: its own, and those of the stacks that bring it along.

    A deploy begins with the stacks that the selected ones depend on, a destroy ends with those that depend on them,
    unless it is told to keep to what it names (AWS CDK CLI reference, ``cdk deploy`` and ``cdk destroy``:
    ``--exclusively`` or ``-e``).
    """
    own = frozenset((stack.name, stack.id))
    if any(command.options.get(name) for name in ("exclusively", "e")):
        return own
    if command.name == "destroy":
        return own | stack.needs
    return own | stack.needed_by if command.name == "deploy" else own


def selected(stack: Stack, deploy: CdkCommand) -> bool:
    """Whether a ``cdk deploy`` deploys this stack, as far as its selectors are known."""
    if not deploy.stacks:
        return True
    names = names_of(stack, deploy)
    for selector in deploy.stacks:
        for option in options(selector) or (None,):
            if not isinstance(option, str) or any(fnmatchcase(name, option) for name in names):
                return True
    return False


def syntheses(at: At, deploy: CdkCommand, pipeline: Pipeline) -> Iterator[tuple[At, CdkCommand]]:
    """The commands that make what is deployed: the deploy itself, or the ``cdk synth`` into the folder it names."""
    app = deploy.options.get("app")
    if app is None or (isinstance(app, str) and " " in app.strip()):
        yield at, deploy
        return
    for job in (at.job, *(each for each in pipeline.jobs if at.job.after(each))):
        trace = pipeline.trace(job)
        end = at.index if job is at.job else len(trace.actions)
        for index in range(end):
            action = trace.actions[index]
            if isinstance(action, CdkCommand) and action.name == "synth":
                output = action.options.get("output", "cdk.out")
                if output == app or not (isinstance(output, str) and isinstance(app, str)):
                    yield At(job, trace, index), action


def rolls_nothing_back(deploy: CdkCommand) -> bool:
    """Whether a deploy that fails leaves what it came to (AWS CDK CLI reference, ``cdk deploy``: ``--no-rollback`` or
    ``-R``)."""
    return any(deploy.options.get(name) for name in ("no-rollback", "R")) or deploy.options.get("rollback") == "false"
