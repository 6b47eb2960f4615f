"""Whether PostgreSQL refuses a migration because it builds in a transaction what cannot be built in one.

The transaction is the file's own, the one that its tool runs each file in unless the file asks for none, or the one
that PostgreSQL makes of statements that are sent together (documentation, "Multiple Statements in a Simple Query").
Flyway tells by itself what runs in none, and refuses a file that has both (Flyway documentation, "Mixed").
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES, Open
from checker.model.migrations.folders import MigrationFolder, SqlFile, Statement
from checker.model.migrations.tools import BY_NAME, MigrationTool
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import Command
from checker.model.possible import Possible
from checker.reason.migrations.lock_values import POOLER, VARYING
from checker.reason.migrations.migrating import migrating, tool_of, tools_run

# Folders whose files are named as those of several tools, or of a program of the repository's own.
_ANY: Final = frozenset({"pairs", "numbered", "sections", "diesel"})
_MIXED: Final = r"(?i)(?:\b|_)mixed['\"]?\s*[=:]\s*['\"]?true|(?:\b|_)execute_?In_?Transaction\s*=\s*['\"]?false"
_SENT: Final = (".sql", ".xml", ".yaml", ".yml", ".json")


def tool_for(folder: MigrationFolder, pipeline: Pipeline) -> MigrationTool | None:
    """The tool that runs a folder: by its files' names, or the only one that the repository runs."""
    if folder.tool not in _ANY:
        return BY_NAME.get(folder.tool)
    run = {tool.name for step in migrating(pipeline) if (tool := tool_of(step, pipeline)) is not None}
    run |= {each.library for each in pipeline.migration_code.runners}
    run = run or tools_run(pipeline)  # what tests run migrations with, the deployment will
    return BY_NAME.get(next(iter(run)) if len(run) == 1 else folder.tool if not run else "")


def refused_in(file: SqlFile, tool: MigrationTool | None, pipeline: Pipeline) -> tuple[Statement, str | Open] | None:
    """The first statement that is refused, and whose transaction it stands in, or why that is open; ``None`` where
    none is."""
    if not any(each.alone for each in file.statements):
        return None
    switched = tool is not None and bool(tool.unwrapped) and _is_set(tool.unwrapped, tool.name, pipeline)
    asked = tool is not None and bool(tool.wrapped) and _is_set(tool.wrapped, tool.name, pipeline)
    own = tool is not None and (asked or (tool.wraps and not file.outside and not switched))
    around = f"{tool.name} runs the file in one" if tool is not None and own else ""
    sent: str | Open = "it is sent together with other statements, of which PostgreSQL makes one"
    whole = YES if not file.file.endswith(_SENT) else tool.whole if tool is not None and not switched else NO
    mixes = tool is not None and tool.name == "flyway" and not file.outside and not _is_set(_MIXED, tool.name, pipeline)
    if mixes and any(not each.alone for each in file.statements if each.value not in {"begin", "end"}):
        return next(each for each in file.statements if each.alone), "Flyway refuses to mix it with what runs in one"
    for each in file.statements:
        if each.kind == "transaction" and each.value in {"begin", "end"}:
            around = f"one begins in line {each.spot.line}" if each.value == "begin" else ""
        elif each.alone and around:
            return each, around
        elif each.alone and each.together and whole is not NO:
            return each, whole if isinstance(whole, Open) else sent
    return None


@lru_cache(maxsize=32)  # asked for each migration
def _is_set(pattern: str, tool: str, pipeline: Pipeline) -> bool:
    """Whether a command of a tool, its environment or the settings of its connection say so."""
    texts = [each.text for each in pipeline.migration_code.connections if each.tool == tool]
    for step in migrating(pipeline):
        of = tool_of(step, pipeline)
        if of is not None and of.name == tool:
            texts.append(step.action.text() if isinstance(step.action, Command) else step.action.source)
            texts += [f"{name}={value}" for name, value in (step.step.env.items() if step.step is not None else ())]
    return any(re.search(pattern, text) is not None for text in texts)


_ASKS: Final = lazy_re.compile(r"\bpg_advisory_(?P<scope>xact_)?lock\s*\(", re.IGNORECASE)
_LETS_GO: Final = lazy_re.compile(r"\bpg_advisory_unlock(?:_all)?\s*\(", re.IGNORECASE)
_CHANGES_NOTHING: Final = lazy_re.compile(r"\s*(?:(?:SET|SHOW|SELECT)\b|\\|$)", re.IGNORECASE)
_OPEN: Final = "what only the run knows"  # no statement, and nothing that changes nothing
_BEGINS: Final = lazy_re.compile(r"\s*(?:BEGIN|START\s+TRANSACTION)\b", re.IGNORECASE)
_COMMITS: Final = lazy_re.compile(r"\s*(?:COMMIT|END|ROLLBACK|ABORT)\b", re.IGNORECASE)
STOPS: Final = lazy_re.compile(r"\bON_ERROR_STOP(?:[\s=]+(?:1|on|true|yes))?\s*$", re.IGNORECASE)
_TIMES_OUT: Final = lazy_re.compile(r"\b(?:lock|statement)_timeout\s*(?:=|\bTO\b)\s*'?[1-9]", re.IGNORECASE)
_COMMENT: Final = lazy_re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_INCLUDES: Final = lazy_re.compile(r"\s*\\(?:i|ir|include|include_relative)\b")
_GIVEN: Final = lazy_re.compile(
    r"(?:-[A-Za-z]*?(?P<short>[cf])|--(?P<long>command|file))(?:=?(?P<value>.+))?", re.DOTALL
)


# A here-document, and one in a string.
HERE: Final = frozenset({"<<", "<<-", "<<<"})


_LEAVES: Final = lazy_re.compile(r"\s*\\(?:c|connect|if|elif|else|endif)\b")


def locked_first(
    command: Command, handed: Sequence[tuple[str, Possible]], drivers: Mapping[str, str]
) -> tuple[bool, str]:
    """Whether psql takes an advisory lock and holds it while it goes through its files, and why one that it takes keeps
    nobody out; ``handed`` is what it reads from a pipe (:func:`checker.reason.migrations.at_hand.handed`), ``drivers``
    are files that include others.

    All that ``-c`` and ``-f`` give is done in one session, in their order, and so is what it reads where there is
    neither; with ``--single-transaction`` in one transaction, as long as which its locks last. Where a wait for the
    lock may time out, psql goes on without it unless ``ON_ERROR_STOP`` is set or its transaction fails as a whole.
    Source: PostgreSQL documentation, "psql", Options and Variables.
    """
    about = [*command.words, *command.handed.values()]
    stops = any(STOPS.search(str(each)) for each in about)
    times_out = _TIMES_OUT.search(str(command.handed.get("PGOPTIONS", ""))) is not None
    fault = ""
    whole = bool({"-1", "--single-transaction"} & {word for word in command.words if isinstance(word, str)})
    begun = held = ends = changes = False  # a transaction, a lock, whether that lasts as long, and what it is for
    given = [*in_order(command.words)] or [*read_in(command, handed)]
    for kind, written in (part for each in given for part in _driven(each, command.folder, drivers)):
        text = _COMMENT.sub(" ", written)
        asks = _ASKS.search(text) if kind == "c" else None
        if asks is not None:
            ends = bool(asks["scope"])
            times_out = times_out or _TIMES_OUT.search(text, 0, asks.start()) is not None
            held = (whole or begun or not ends) and not VARYING.search(text[asks.end() :])
            if held and times_out and not (stops or whole or begun):
                held, fault = False, "its wait may time out, and psql goes on without it (no ON_ERROR_STOP)"
        elif kind == "c" and (_LETS_GO.search(text) or (ends and _COMMITS.match(text))):
            held = begun = False
        elif kind == "c" and _BEGINS.match(text):
            begun = True
        elif kind == "c" and _LEAVES.match(text):
            return False, fault  # another session, or a part that is perhaps not run
        elif kind == "f" or not _CHANGES_NOTHING.match(text):
            changes = True
            if not held:
                return False, fault
        elif kind == "c":
            stops, times_out = stops or bool(STOPS.search(text)), times_out or bool(_TIMES_OUT.search(text))
    port = str(command.handed.get("PGPORT", ""))
    if changes and (port in {"6432", "6543"} or any(POOLER.search(str(each)) for each in about)):
        return False, "it connects through a pooler, which gives the lock's session to others"
    return changes, fault


def _driven(given: tuple[str, str], folder: str | None, drivers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What a file that includes others has psql do; what is given itself, where it is no such file."""
    kind, written = given
    path = posixpath.normpath(posixpath.join(folder or "", written)) if kind == "f" else ""
    yield from _in_text(drivers[path]) if path in drivers else (given,)


def includes_others(text: str) -> bool:
    """Whether a file has psql go through others."""
    return any(_INCLUDES.match(line) for line in text.splitlines())


def read_in(command: Command, handed: Sequence[tuple[str, Possible]]) -> Iterator[tuple[str, str]]:
    """What it reads, as :func:`in_order` says it: statements, and files that are included."""
    here = (("c" if each.operator in HERE else "f", each.target) for each in command.writes if each.descriptor == 0)
    for kind, text in (*here, *handed):
        written = text if isinstance(text, str) else _OPEN if kind == "c" else ""
        yield from _in_text(written) if kind == "c" else [("f", written)]


def _in_text(text: str) -> Iterator[tuple[str, str]]:
    statement = ""
    for line in text.splitlines():
        if line.lstrip().startswith("\\"):  # psql's own, which its line ends
            yield "f" if _INCLUDES.match(line) else "c", line.strip()
            continue
        *done, statement = f"{statement}\n{line}".split(";")
        yield from (("c", each) for each in done if each.strip())
    if statement.strip():
        yield "c", statement


def in_order(words: Sequence[Possible]) -> Iterator[tuple[str, str]]:
    """What ``-c`` and ``-f`` give: the option's letter, with its text; of what only the run knows there is none."""
    for index, word in enumerate(words):
        found = _GIVEN.fullmatch(word) if isinstance(word, str) else None
        if found is not None:
            following = words[index + 1] if index + 1 < len(words) else ""
            given = found["value"] or following
            yield found["short"] or found["long"][0], given if isinstance(given, str) else _OPEN
