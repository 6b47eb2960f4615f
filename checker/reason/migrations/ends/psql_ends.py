"""Whether psql ends well although a statement of a file that it goes through has failed.

Without ``ON_ERROR_STOP`` it goes on with the next one, and ends with 0; in a single transaction the rest is refused and
nothing is kept, and it ends with 0 all the same. Only a last ``-c`` tells. Source: PostgreSQL documentation, "psql",
Exit Status, and Variables, ``ON_ERROR_STOP``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from checker import lazy_re
from checker.model.migrations.folders import SqlFile
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import Command
from checker.model.possible import shown
from checker.reason.migrations.at_hand import driven_by, files_given, handed
from checker.reason.migrations.migrating import Migrating
from checker.reason.migrations.transactions import STOPS, in_order, read_in

SAID: Final = "psql goes on after a statement that fails, and ends with 0: the job goes on without the migration."
# Start-up files may set it as well, and what only the run knows.
_ELSEWHERE: Final = lazy_re.compile(r"ON_ERROR_STOP|psqlrc", re.IGNORECASE)
_OPEN: Final = lazy_re.compile(r"\$\{?\w*(?:OPT|ARG|FLAG)\w*\}?", re.IGNORECASE)


def ends_well(step: Migrating, pipeline: Pipeline) -> bool:
    """Whether a step that migrates surely does so by a psql that ends with 0 after a failure."""
    command = step.action
    if not isinstance(command, Command) or command.program != "psql":
        return False
    given = [*in_order(command.words)]
    piped = handed(step, pipeline)
    read = [] if given else [*read_in(command, piped or ())] or ([("f", "")] if piped is None else [])
    if (given and given[-1][0] == "c") or not any(kind == "f" or text.strip() for kind, text in (*given, *read)):
        return False
    told = [*map(shown, command.words), *(f"{name}={shown(each)}" for name, each in command.environment.items())]
    if any(_ELSEWHERE.search(each) or _OPEN.fullmatch(each) for each in told):
        return False
    if any(STOPS.search(line) for _, text in (*given, *read) for line in text.splitlines()):
        return False
    if any(_ELSEWHERE.search(text) for text in driven_by(step, pipeline)):
        return False
    named = set(files_given(step, pipeline))
    files = [each for each in _files(pipeline) if not named or each.file in named]
    return bool(files) and not any(each.stops or not each.readable for each in files) and not _prepared(step, pipeline)


def _files(pipeline: Pipeline) -> Iterator[SqlFile]:
    for folder in pipeline.migrations:
        for migration in folder.migrations:
            yield migration.up


def _prepared(step: Migrating, pipeline: Pipeline) -> bool:
    """Whether something in its job may tell psql to stop: a start-up file that is written, a line that is printed."""
    commands = [each for each in pipeline.trace(step.job).actions if isinstance(each, Command)]
    told = (text for each in commands for text in (each.text(), *(shown(write.target) for write in each.writes)))
    return any(_ELSEWHERE.search(text) for text in told)
