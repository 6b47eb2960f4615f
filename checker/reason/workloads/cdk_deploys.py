"""Runs of ``cdk deploy``: which stacks they deploy, what makes these, and which image tags they are given."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from checker import lazy_re
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import CdkCommand, Command
from checker.model.possible import options, shown
from checker.model.resources import Stack
from checker.reason.deploys.paths import At

IMAGE_KEY: Final = lazy_re.compile(
    r"image|(?:^|[-_.:])tag$|sha$|commit|release$|appversion|app[-_]version", re.IGNORECASE
)
TAG_NAME: Final = lazy_re.compile(r"image|(?:^|[-_.:])tag$", re.IGNORECASE)

# What the CDK takes context from beside its words (AWS CDK Developer Guide, "Context values and the AWS CDK").
_CONFIGURATION: Final = frozenset({"cdk.json", "cdk.context.json"})
_IN_PLACE: Final = frozenset({"sed", "perl", "yq", "gsed"})


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


def given_by_file(at: At) -> str:
    """A file that the job writes before, and that the CDK takes context from or that is called an image's tag."""
    for action in at.trace.actions[: at.index]:
        for name in _written(action) if isinstance(action, Command) else ():
            base = posixpath.basename(name)
            if base in _CONFIGURATION or TAG_NAME.search(base.partition(".")[0]):
                return name
    return ""


def _written(command: Command) -> Iterator[str]:
    yield from (shown(each.target) for each in command.writes if each.descriptor == 1)
    words = [shown(each) for each in command.words[1:]]
    if command.program in {"mv", "cp", "install"}:
        yield from words[-1:]
    elif command.program in {"tee", "sponge"} or (
        command.program in _IN_PLACE and any(each.startswith(("-i", "--in-place", "-pi")) for each in words)
    ):
        yield from words
