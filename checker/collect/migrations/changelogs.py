"""Migrations whose order and ways back stand in the tool's own files: Liquibase's SQL change logs, sqitch's plans.
Change logs in XML, YAML and JSON: :mod:`checker.collect.migrations.schema_code.liquibase`.

Sources: Liquibase documentation, "Formatted SQL changelogs"; sqitch documentation, sqitchplan and sqitch-config.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from checker import lazy_re
from checker.collect.documents import read_text
from checker.collect.migrations.sql import parse_sql
from checker.collect.seen import asked
from checker.errors import InputError
from checker.model.migrations.folders import Migration, MigrationFolder, SqlFile
from checker.model.sources import Problem, Spot

MAX_BYTES: Final = 5 * 1024 * 1024
_FORMATTED: Final = lazy_re.compile(r"\A\s*--[ \t]*liquibase[ \t]+formatted[ \t]+sql\b", re.IGNORECASE)
_CHANGE_SET: Final = lazy_re.compile(r"^[ \t]*--[ \t]*changeset[ \t]+(?P<said>\S[^\n]*)$", re.IGNORECASE | re.MULTILINE)
_ROLLBACK: Final = lazy_re.compile(r"^[ \t]*--[ \t]*rollback\b[ \t]*(?P<said>[^\n]*)$", re.IGNORECASE | re.MULTILINE)
_ROLLBACK_BLOCK: Final = lazy_re.compile(
    r"/\*[ \t]*liquibase[ \t]+rollback\b(?P<said>.*?)\*/", re.IGNORECASE | re.DOTALL
)
_NOTHING: Final = lazy_re.compile(r"(?:empty|not required)?;?", re.IGNORECASE)
_OTHER_SET: Final = lazy_re.compile(r"changeset(?:id|path|author)\s*:", re.IGNORECASE)
_OUTSIDE: Final = lazy_re.compile(r"\brunInTransaction[ \t]*:[ \t]*\"?false\b", re.IGNORECASE)
_LOG: Final = lazy_re.compile(r".*change-?_?(?:log|set)s?.*\.(?:xml|ya?ml|json)", re.IGNORECASE)
_IN_FOLDER: Final = lazy_re.compile(r"[\w-]+.*\.(?:xml|ya?ml|json)", re.IGNORECASE)
_FOLDER: Final = lazy_re.compile(r"liquibase|(?:db[._-]?)?change[-_]?(?:log|set)?s?|v?\d[\d._]*", re.IGNORECASE)
_PLAN: Final = "sqitch.plan"
_SETTING: Final = lazy_re.compile(r"^[ \t]*(top_dir|deploy_dir|revert_dir)[ \t]*=[ \t]*(\S[^\n]*)$", re.MULTILINE)


def is_of_tools(name: str) -> bool:
    """Whether a file, by its name, may tell of migrations without being one."""
    return name == _PLAN or _LOG.fullmatch(name) is not None


def may_be_log(folder: str, name: str) -> bool:
    """Whether a file lies where change logs lie: its text has to tell whether it is one."""
    return _FOLDER.fullmatch(folder) is not None and _IN_FOLDER.fullmatch(name) is not None


def is_formatted(text: str) -> bool:
    """Whether a text is a change log in SQL."""
    return _FORMATTED.match(text) is not None


def change_sets(texts: Mapping[str, str], folder: str) -> MigrationFolder:
    """The change sets of a folder's files, in the order of the files' names (as ``includeAll`` takes them)."""
    found = [each for file, text in sorted(texts.items()) for each in _change_sets(text, file)]
    return MigrationFolder(folder, "liquibase", tuple(found))


def _change_sets(text: str, file: str) -> Iterator[Migration]:
    marks = list(_CHANGE_SET.finditer(text))
    for index, mark in enumerate(marks):
        end = marks[index + 1].start() if index + 1 < len(marks) else len(text)
        part = text[mark.end() : end]
        first = text.count("\n", 0, mark.end()) + 1
        author, _, number = mark["said"].split()[0].partition(":")
        back = [(match["said"], match.start("said")) for match in _ROLLBACK.finditer(part)]
        back += [(match["said"], match.start("said")) for match in _ROLLBACK_BLOCK.finditer(part)]
        outside = _OUTSIDE.search(mark["said"]) is not None
        up = replace(parse_sql(part, file, first), outside=outside)
        down = _way_back(back, part, file, first)
        down = replace(down, outside=outside) if down is not None else None
        yield Migration(number or author, "", up, down, part=number if len(marks) > 1 else "")


def _way_back(back: list[tuple[str, int]], part: str, file: str, first: int) -> SqlFile | None:
    if not back or all(_NOTHING.fullmatch(said.strip()) for said, _ in back):
        return None
    if any(_OTHER_SET.search(said) for said, _ in back):
        problem = Problem(Spot(file, first), "its way back is another change set: not read", "Write the statements.")
        return SqlFile(file, (), problems=(problem,))
    laid = list(re.sub(r"[^\n]", " ", part))  # each statement on the line on which it stands
    for said, start in back:
        laid[start : start + len(said)] = said
    return parse_sql("".join(laid), file, first)


def planned(root: Path, plan: Path) -> MigrationFolder | None:
    """The changes of a sqitch plan, in its order; ``None`` where none is listed."""
    shown = plan.relative_to(root).as_posix()
    try:
        text = read_text(plan, shown, MAX_BYTES)
    except InputError as error:
        return MigrationFolder(plan.parent.relative_to(root).as_posix(), "sqitch", (), (_unread(shown, error),))
    top = plan.parent
    settings = _settings(top / "sqitch.conf")
    base = top / settings.get("top_dir", ".")
    deploy = top / settings["deploy_dir"] if "deploy_dir" in settings else base / "deploy"
    revert = top / settings["revert_dir"] if "revert_dir" in settings else base / "revert"
    migrations: list[Migration] = []
    problems: list[Problem] = []
    for number, (line, name, file) in enumerate(_changes(text), 1):
        there = _file(root, deploy / f"{file}.sql")
        if there is None:
            problems.append(Problem(Spot(shown, line), f"the plan's change {name} has no file", "Add it."))
            continue
        migrations.append(Migration(str(number), name, there, _file(root, revert / f"{file}.sql")))
    if not migrations and not problems:
        return None
    where = deploy.resolve()
    inside = where.is_relative_to(root.resolve())
    folder = where.relative_to(root.resolve()).as_posix() if inside else top.relative_to(root).as_posix()
    return MigrationFolder(folder, "sqitch", tuple(migrations), tuple(problems))


def _changes(text: str) -> Iterator[tuple[int, str, str]]:
    """Line, name and file of each change: one that is made anew after a tag keeps its old file as ``name@tag``."""
    listed: list[tuple[int, str]] = []
    tags: dict[int, str] = {}  # by how many changes stand above the tag
    for number, line in enumerate(text.splitlines(), 1):
        word = line.split(maxsplit=1)[0] if line.strip() else ""
        if word.startswith("@"):
            tags[len(listed)] = word
        elif word and not word.startswith(("%", "#", "-")):
            listed.append((number, word.removeprefix("+") or line.split()[1]))
    for index, (number, name) in enumerate(listed):
        again = next((at for at in range(index + 1, len(listed)) if listed[at][1] == name), None)
        tag = next((tags[at] for at in range(index + 1, (again or 0) + 1) if at in tags), "") if again else ""
        yield number, name, f"{name}{tag}"


def _settings(path: Path) -> dict[str, str]:
    try:
        return {
            match[1]: match[2].strip().strip('"') for match in _SETTING.finditer(read_text(path, path.name, 65_536))
        }
    except InputError:
        return {}


def _file(root: Path, path: Path) -> SqlFile | None:
    """A file of the repository; ``None`` where there is none, or where it lies outside."""
    real = asked(path.resolve())
    if not real.is_relative_to(root.resolve()) or not real.is_file():
        return None
    shown = real.relative_to(root.resolve()).as_posix()
    try:
        return parse_sql(read_text(real, shown, MAX_BYTES), shown)
    except InputError as error:
        return SqlFile(shown, (), (), (_unread(shown, error),))


def _unread(shown: str, error: InputError) -> Problem:
    return Problem(Spot(shown), error.message, error.hint)
