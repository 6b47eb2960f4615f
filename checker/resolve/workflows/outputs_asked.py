"""Outputs of a job's own steps that expressions ask for, and those that nobody makes: they are empty.

Source: GitHub Docs, "Contexts reference": a property that does not exist is an empty string.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from checker import lazy_re
from checker.model.pipeline.jobs import EffectiveJob, EffectiveStep
from checker.model.pipeline.scripts import Command

_ASKED: Final = lazy_re.compile(r"\bsteps\.([A-Za-z_][\w-]*)\.outputs\.([A-Za-z_][\w-]*)")
# One output by its name, at the end of a line.
_PLAIN: Final = lazy_re.compile(
    r"""(?:.*(?:;|&&|\|\||\bthen|\bdo|\{)\s)?\s*echo\s+["']?[A-Za-z_][\w-]*=.*>>\s*["']?\$\{?GITHUB_OUTPUT\}?["']?\s*"""
)
_MENTIONS: Final = lazy_re.compile(r"GITHUB_OUTPUT|set-output")
# What writes into no output by itself.
_WRITES_NONE: Final = frozenset(
    {"echo", "printf", "export", "set", "unset", "test", "[", "[[", "true", "false", "exit", "git", "date", "aws", "jq",
     "cut", "tr", "sed", "awk", "cat", "grep", "head", "tail", "sort", "uniq", "wc", "basename", "dirname", "shift"}
)  # fmt: skip


def unmade(step: EffectiveStep, commands: Iterable[object]) -> Iterator[str]:
    """The outputs of a step that others of its job ask for, and that its script surely does not write. ``commands`` is
    all that it does, as far as that was followed."""
    if step.run is None or not step.step.id or step.scope or step.via:
        return
    lines = [each for each in step.run.text.splitlines() if _MENTIONS.search(each)]
    if not lines or not all(map(_PLAIN.fullmatch, lines)):
        return
    if any(isinstance(each, Command) and each.program not in _WRITES_NONE for each in commands):
        return
    written = {name for each in lines for name in _written(each)}
    asked = (name for id_, name in _ASKED.findall(_texts(step.job)) if id_ == step.step.id)
    yield from (name for name in dict.fromkeys(asked) if name.lower() not in written)


_NAMED: Final = lazy_re.compile(r"""\becho\s+["']?([A-Za-z_][\w-]*)=""")


def _written(line: str) -> Iterator[str]:
    yield from (each.lower() for each in _NAMED.findall(line))


def _texts(job: EffectiveJob) -> str:
    """All that a job has written that may hold an expression."""
    found: list[object] = [each.value for each in job.job.outputs.values()]
    for step in job.steps:
        found += [each.value for each in (*step.step.with_.values(), *step.step.env.values())]
        found += [step.step.run.text if step.step.run is not None else "", step.step.if_]
    return "\n".join(map(str, found))
