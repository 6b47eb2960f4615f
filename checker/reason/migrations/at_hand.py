"""Whether the migrations that a step runs are among those that were read: what is not cannot be said to be harmless."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import Command
from checker.model.possible import shown
from checker.reason.migrations.migrating import Migrating, tool_of

_SQL: Final = re.compile(r"(?:\./)*(?P<file>[\w./-]+\.(?:sql|psql|ddl))")


def not_at_hand(steps: Sequence[Migrating], pipeline: Pipeline) -> Iterator[tuple[Migrating, str]]:
    """The first of the steps whose migrations are not at hand, and what is not."""
    read = {migration.file for folder in pipeline.migrations for migration in folder.migrations}
    read |= {each.down.file for folder in pipeline.migrations for each in folder.migrations if each.down is not None}
    said: set[str] = set()
    for step in steps:
        why = _missing(step, read, pipeline)
        if why and why not in said:
            said.add(why)
            yield step, why


def _missing(step: Migrating, read: set[str], pipeline: Pipeline) -> str:
    tool = tool_of(step, pipeline)
    if tool is not None and tool.is_client and isinstance(step.action, Command):
        files = [match["file"] for word in _given(step.action) if (match := _SQL.fullmatch(word))]
        others = [file for file in files if not any(each == file or each.endswith(f"/{file}") for each in read)]
        if others:
            return f"{others[0]}, which it runs, is in no folder of migrations"
        if files:
            return ""
    if pipeline.migrations or (tool is None and pipeline.migration_code.runners):
        return ""  # a program of the repository's own may be what others give their migrations to
    return "none of the migrations that it runs is found in the repository"


def _given(command: Command) -> Iterator[str]:
    yield from map(shown, command.words[1:])
    yield from (shown(write.target) for write in command.writes if write.operator.startswith("<"))
