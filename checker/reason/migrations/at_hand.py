"""Whether the migrations that a step runs are among those that were read: what is not cannot be said to be harmless."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.migrations.folders import SQL_ENDING
from checker.model.migrations.tools import TOOLS
from checker.model.pipeline.changes import held_by
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import Command
from checker.model.possible import Possible, joined, open_text, shown
from checker.model.sources import Spot
from checker.reason.migrations.migrating import Migrating, migrating, tool_of
from checker.reason.migrations.started.steps import by_images, by_tasks
from checker.reason.migrations.tools import declares
from checker.reason.migrations.transactions import HERE, asks_for_lock, includes_others

_SQL: Final = lazy_re.compile(rf"(?:--file=|-f)?(?:\./)*(?P<file>[\w./-]+{SQL_ENDING})")


# The option behind which a client is given a statement, alone or as the last of several letters: `-Atc`.
_OF_PSQL: Final = lazy_re.compile(r"(?:-[abeEnqsStwWxXAH1z0]*c|--command(?:=|$))(?P<behind>.*)", re.DOTALL)
_OF_MYSQL: Final = lazy_re.compile(r"(?:-[NsBrtvqfnAbEHXwGLoTU]*e|--execute(?:=|$))(?P<behind>.*)", re.DOTALL)
_STATEMENT_OF: Final = {
    "psql": _OF_PSQL, "usql": _OF_PSQL, "cockroach": _OF_MYSQL, "mysql": _OF_MYSQL, "mariadb": _OF_MYSQL,
}  # fmt: skip


class Given(Struct, frozen=True):
    """SQL that steps give to a database's client, and that no folder of migrations holds: files, and statements with
    the lines that they stand in."""

    files: tuple[str, ...] = ()
    statements: tuple[tuple[Spot, str], ...] = ()


def given_to_clients(pipeline: Pipeline) -> Given:
    clients = {program for tool in TOOLS if tool.is_client for program in tool.programs}
    traces = (*pipeline.traces.values(), *(each.trace for each in pipeline.containers))
    if not any(command.program in clients for trace in traces for command in trace.commands):
        return Given()
    read = _read(pipeline)
    steps = [step for step in _all(pipeline) if step.tool is not None and step.tool.is_client]
    files = (
        file
        for step in steps
        for file in files_given(step, pipeline)
        if not _is_read(file, read) and _written(step, file, pipeline) is None
    )
    statements = [
        (step.action.spot, each) for step in steps for each in _statements(step, pipeline) if isinstance(each, str)
    ]
    for step in steps:
        texts = (_written(step, file, pipeline) for file in files_given(step, pipeline) if not _is_read(file, read))
        statements += [(step.action.spot, text) for text in texts if text is not None]
    return Given(tuple(dict.fromkeys(files)), tuple(dict.fromkeys(statements)))


def _all(pipeline: Pipeline) -> Iterator[Migrating]:
    yield from migrating(pipeline)
    yield from by_images(pipeline)
    yield from by_tasks(pipeline)


def drivers(pipeline: Pipeline, text: Callable[[str], str | None]) -> Iterator[tuple[str, str]]:
    """The files of SQL that psql is given and that include others or take a lock, with what they hold."""
    steps = [step for step in _all(pipeline) if step.tool is not None and step.tool.name == "psql"]
    for step, file in [(each, file) for each in steps for file in files_given(each, pipeline)]:
        written = text(file) if held_by(pipeline.trace(step.job), file, step.action) is None else None
        if written is not None and (includes_others(written) or asks_for_lock(written)):
            yield file, written


def driven_by(step: Migrating, pipeline: Pipeline) -> Iterator[str]:
    """What the files hold that a step gives to psql and that include others or take a lock."""
    known = dict(pipeline.migration_code.drivers)
    yield from (known[file] for file in files_given(step, pipeline) if file in known)


def not_at_hand(steps: Sequence[Migrating], pipeline: Pipeline) -> Iterator[tuple[Migrating, str]]:
    """The first of the steps whose migrations are not at hand, and what is not."""
    read = _read(pipeline)
    said: set[str] = set()
    for step in steps:
        if isinstance(step.action, Command) and declares(step.action):
            continue  # it has none
        why = _missing(step, read, pipeline)
        if why and why not in said:
            said.add(why)
            yield step, why


def _missing(step: Migrating, read: set[str], pipeline: Pipeline) -> str:
    tool = tool_of(step, pipeline)
    if tool is not None and tool.is_client and isinstance(step.action, Command):
        files = list(files_given(step, pipeline))
        others = [file for file in files if not _is_read(file, read) and _written(step, file, pipeline) is None]
        others = [file for file in others if not _is_read(file, _written_out(pipeline))] if others else []
        if others:
            return f"{others[0]}, which it runs, is in no folder of migrations"
        written = list(_statements(step, pipeline))
        if not all(isinstance(each, str) for each in written):
            return "a statement that it runs is not known before the run"
        if files or written:
            return ""
        if _is_handed(step, pipeline):
            return "what another command hands it is not judged"
    if any(folder.tool != "given" for folder in pipeline.migrations) or (
        tool is None and pipeline.migration_code.runners
    ):
        return ""  # a program of the repository's own may be what others give their migrations to
    return "none of the migrations that it runs is found in the repository"


def _read(pipeline: Pipeline) -> set[str]:
    migrations = [each for folder in pipeline.migrations for each in folder.migrations]
    return {each.file for each in migrations} | {each.down.file for each in migrations if each.down is not None}


def _is_read(file: str, read: set[str]) -> bool:
    """A path that a container has may end as one of the repository's does."""
    return file in read or any(each.endswith(f"/{file}") or file.endswith(f"/{each}") for each in read)


# Commands of tools that write their migrations out as SQL, by the tool's name: its programs, and the words that ask for
# it, each in one spelling or another. Sources: EF Core documentation, "Applying Migrations", SQL scripts; Alembic
# documentation, "Running in Offline Mode"; Liquibase documentation, "update-sql".
_WRITES_OUT: Final = (
    ("entity-framework", frozenset({"dotnet", "dotnet-ef"}), (frozenset({"migrations"}), frozenset({"script"}))),
    ("alembic", frozenset({"alembic"}), (frozenset({"upgrade"}), frozenset({"--sql"}))),
    ("liquibase", frozenset({"liquibase"}), (frozenset({"update-sql", "updateSQL", "updateSql"}),)),
)
_OUTPUT: Final = lazy_re.compile(r"(?:-o|--output|--output-?file)(?:=(?P<file>.*))?", re.IGNORECASE)


def _written_out(pipeline: Pipeline) -> set[str]:
    """The files that jobs have a tool write its migrations to, where those are at hand."""
    tools = {folder.tool for folder in pipeline.migrations}
    found: set[str] = set()
    for trace in pipeline.traces.values():
        for command in trace.commands:
            words = [shown(word) for word in command.words[1:]]
            if any(
                name in tools and command.program in programs and all(way & {*words} for way in asked)
                for name, programs, asked in _WRITES_OUT
            ):
                files = [shown(each.target) for each in command.writes if each.operator in {">", ">|"}]
                for at, word in enumerate(words):
                    if (match := _OUTPUT.fullmatch(word)) is not None:
                        files += [match["file"]] if match["file"] else words[at + 1 : at + 2]
                found.update(posixpath.normpath(posixpath.join(command.folder or "", each)) for each in files)
    return found


def _written(step: Migrating, file: str, pipeline: Pipeline) -> str | None:
    """What a file holds that the job has written or changed before, where all of it is known."""
    held = held_by(pipeline.trace(step.job), file, step.action)
    return held.text if held is not None and isinstance(held.text, str) and not held.edits else None


def _statements(step: Migrating, pipeline: Pipeline) -> Iterator[Possible]:
    """What a client is told to run, word for word."""
    command = step.action
    option = _STATEMENT_OF.get(command.program) if isinstance(command, Command) else None
    if not isinstance(command, Command) or option is None:
        return
    for index, word in enumerate(command.words):
        match = option.fullmatch(word) if isinstance(word, str) else None
        if match is not None and match["behind"]:
            yield match["behind"]
        elif match is not None:
            yield from command.words[index + 1 : index + 2]
    yield from (write.target for write in command.writes if write.operator in HERE)
    yield from (text for kind, text in handed(step, pipeline) or () if kind == "c")


def _is_handed(step: Migrating, pipeline: Pipeline) -> bool:
    """Whether a client reads from a pipe what nobody knows before the run."""
    return handed(step, pipeline) is None


def handed(step: Migrating, pipeline: Pipeline) -> list[tuple[str, Possible]] | None:
    """What a client reads from a pipe, in order: ``("c", TEXT)`` what ``echo`` and ``printf`` print, ``("f", WORD)``
    the files of ``cat``. Nothing where it reads from none, ``None`` where another program prints into it."""
    found: list[tuple[str, Possible]] = []
    for command in _handing(step, pipeline):
        if command.program == "cat":
            given = _through_cat(command)
            if given is None or not (given or found):
                return None
        elif command.program in {"echo", "printf"}:
            given = [("c", _printed(command))]
        else:
            return None
        for kind, text in given:
            follows = kind == "c" and bool(found) and found[-1][0] == "c"  # a statement may have several lines
            found.append((kind, joined([found.pop()[1], "\n", text]) if follows else text))
    return found


def _through_cat(command: Command) -> list[tuple[str, Possible]] | None:
    """What ``cat`` prints: its files, or what is redirected into it; nothing of its own where it passes on what the
    command before it prints. ``None`` where that is no SQL that is at hand."""
    if len(command.words) > 1:
        files = command.words[1:]
    elif here := [("c", write.target) for write in command.writes if write.operator in HERE]:
        return here
    else:
        files = tuple(write.target for write in command.writes if write.operator == "<")
    return [("f", word) for word in files] if all(_SQL.fullmatch(shown(word)) for word in files) else None


def _printed(command: Command) -> Possible:
    """What ``echo`` prints, and ``printf`` of a format that is given no values."""
    words = [word for word in command.words[1:] if word not in {"-n", "-e", "-en", "-ne", "--"}]
    if command.program == "printf" and (len(words) != 1 or "%" in shown(words[0])):
        return open_text("what printf prints")
    if command.program == "printf" and isinstance(words[0], str):
        return words[0].replace("\\n", "\n").replace("\\t", "\t")
    return joined([part for word in words for part in (word, " ")])


def _handing(step: Migrating, pipeline: Pipeline) -> list[Command]:
    """The commands before it that print into a pipe which a client reads: in turn, or each into the next."""
    actions = pipeline.trace(step.job).actions
    index = next((at for at, each in enumerate(actions) if each is step.action), 0)
    found: list[Command] = []
    for before in reversed(actions[:index]):
        if not isinstance(before, Command) or not before.handling.piped or before.step is not step.step:
            break
        found.append(before)
    return found[::-1]


def files_given(step: Migrating, pipeline: Pipeline) -> Iterator[str]:
    """The files of SQL that a client is given, as paths of the repository where its folder is known."""
    if not isinstance(step.action, Command):
        return
    command = step.action
    words = [*command.words[1:], *(write.target for write in command.writes if write.operator.startswith("<"))]
    words += [word for kind, word in handed(step, pipeline) or () if kind == "f"]
    for word in map(shown, words):
        match = _SQL.fullmatch(word)
        if match is not None:
            yield posixpath.normpath(posixpath.join(command.folder or "", match["file"]))
