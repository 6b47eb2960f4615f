"""Tasks that a job starts with a command that nobody knows before it runs: whether they migrate is open.

A task that is given no command runs what its image says, and is judged by what it, its family and its job are called.

Sources: Amazon ECS API Reference, "ContainerOverride" (``command``); AWS Batch API Reference, "ContainerOverrides"; AWS
CLI User Guide, "Using shorthand syntax".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Final

from checker import lazy_re
from checker.model.judgements import Judgement
from checker.model.migrations.tools import TOOLS
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import Argument, AwsCall
from checker.model.possible import options
from checker.model.values import Absent, Text, Unknown, as_list, pieces
from checker.model.written.shell_lines import line_at
from checker.reason.migrations.migrating import Migrating, applied_in_task
from checker.reason.migrations.tools import applies

_STARTS: Final = frozenset({("ecs", "RunTask"), ("ecs", "StartTask"), ("batch", "SubmitJob")})
_FILE: Final = "file://"
_OPEN: Final = "\ue000"  # for each part that only the run knows; Unicode's private use area, a letter that no text has
# A command in the CLI's shorthand, as far as the list is closed: `command=[alembic,upgrade,head]`, `command=date`.
_SHORTHAND: Final = lazy_re.compile(r"(?<![\w-])command=(\[[^\[\]]*\]|[^\s,\[\]}]*)")
# A hole where a list, an object or a key should stand: it may hold a command.
_OPEN_KEY: Final = lazy_re.compile(r"(?:[\[{,]|(?:[oO]verrides|command)[\"']?\s*[:=])\s*" + _OPEN)
# They run the file that they are given first; and these, a task of that name.
_INTERPRETERS: Final = frozenset({"python", "python3", "node", "ruby", "php", "deno", "bun", "bash", "sh"})
_RUNNERS: Final = frozenset({"npm", "yarn", "pnpm", "make", "just", "task", "composer", "poetry", "uv"})
_WHAT: Final = "whether it migrates: the command that its task is started with is not known before it runs"
_FIX: Final = "Write the command where the task is started, or in a file of the repository."


def may_migrate(pipeline: Pipeline, steps: Sequence[Migrating]) -> Iterator[Judgement]:
    """What cannot be decided of tasks whose command is not known, where nothing else says that they migrate: no name,
    and none of the ``steps`` that migrate starts them."""
    for job in pipeline.jobs:
        trace = pipeline.trace(job)
        for call in trace.aws:
            starts = (call.service, call.operation) in _STARTS and not call.waiter
            if not (starts and is_open(call)) or any(each.action.reached.leads_to(call.reached) for each in steps):
                continue
            if applied_in_task(call, job, trace) is None:
                yield call.undecided(None, _WHAT, fix=_FIX)


def is_open(call: AwsCall) -> bool:
    """Whether the command of what a call starts is not known: it is given one, or may be, and that is no list of words
    whose program is known."""
    given = [call.argument(name) for name in ("overrides", "containerOverrides", "cliInputJson")]
    told = [each for each in given if not isinstance(each, Absent)]
    return any(map(_is_open, told)) if told else not call.complete


def _is_open(value: Argument) -> bool:
    if isinstance(value, Mapping):
        return any(_is_command(name, each) or _is_open_part(name, each) for name, each in value.items())
    if isinstance(value, tuple):
        return any(map(_is_open, value))
    given = options(value)
    return given is None or any(isinstance(each, Text | str) and _is_open_text(each) for each in given)


def _is_command(name: str, value: Argument) -> bool:
    """Whether a value is a command which may be one that migrates."""
    if name.lower() != "command":
        return False
    if not isinstance(value, tuple):
        return isinstance(value, Unknown | Text | Mapping)
    return _may_apply([_with_holes(each) if isinstance(each, str | Text) else _OPEN for each in value])


def _may_apply(words: Sequence[str]) -> bool:
    """Whether a command line would migrate if its open parts were what a migration tool is told."""
    if not any(_OPEN in word for word in words):
        return False
    line = [part for word in words[line_at(words) or 0 :] for part in word.split()]
    program = line[0].rpartition("/")[2]
    operands = [word for word in line[1:] if not word.startswith("-")]
    if _OPEN in program or (program in _INTERPRETERS and operands and _OPEN in operands[0]):
        return True
    if program in _RUNNERS and any(map(_OPEN.__eq__, operands)):
        return True
    filled = (" ".join(line).replace(_OPEN, told).split() for told in _told())
    return any((found := applies(each)) is not None and found.tool is not None for each in filled)


@cache
def _told() -> tuple[str, ...]:
    """What migration tools are told to migrate."""
    return tuple(sorted({" ".join(words) for tool in TOOLS for words in tool.forwards}))


def _is_open_part(name: str, value: Argument) -> bool:
    """Whether a part of the overrides may hold a command, and is open."""
    return name.lower() in {"overrides", "containeroverrides"} and _is_open(value)


def _with_holes(value: str | Text) -> str:
    return "".join(part if isinstance(part, str) else _OPEN for part in pieces(value))


def _is_open_text(value: str | Text) -> bool:
    if isinstance(value, str) and "command" not in value and not value.startswith(_FILE):
        return False
    written = _with_holes(value).strip()
    if written.startswith((_FILE, _OPEN)):
        return True
    try:
        document = json.loads(written)
    except (ValueError, RecursionError):
        commands = [re.split(r"[\s,\"']+", each[1].strip("[]\"' ")) for each in _SHORTHAND.finditer(written)]
        return any(map(_may_apply, commands)) or (not commands and _OPEN_KEY.search(written) is not None)
    return _opens(document)


def _opens(document: object) -> bool:
    pending: list[object] = [document]
    while pending:
        part = pending.pop()
        if isinstance(part, list):
            pending += part
        for name, each in part.items() if isinstance(part, dict) else ():
            if name.lower() == "command" and _may_apply([str(one) for one in as_list(each)]):
                return True
            if name.lower() in {"overrides", "containeroverrides"} and isinstance(each, str):
                return True
            pending.append(each)
    return False
