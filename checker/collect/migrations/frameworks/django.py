"""Folders of Django's migrations: each file's operations as statements, in the order of their numbers.

A way back is Django's own, made of the operations (documentation, "Reversing migrations"): it is looked at where a
migration does more than add. What cannot be undone has none.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Final

from checker import lazy_re
from checker.collect.migrations.frameworks.changes import Change, only_adds, statements
from checker.collect.migrations.frameworks.operations import State, changes
from checker.collect.migrations.revisions.columns import Unread, called
from checker.collect.migrations.sql_context import in_context
from checker.model.migrations.folders import Effect, Migration, MigrationFolder, SqlFile, Statement
from checker.model.sources import Problem, Spot

_NUMBERED: Final = lazy_re.compile(r"(\d+)_?(.*)")
_NO_DEFAULT: Final = (
    "rows that the running release adds lack it: Django keeps no default in the database but db_default"
)


def is_migration(text: str) -> bool:
    return "migrations.Migration" in text and "operations" in text


def django_folder(folder: str, texts: Mapping[str, str]) -> MigrationFolder | None:
    """The migrations of an app; ``None`` where a file of the folder is none of Django's."""
    state = State(folder.split("/")[-2] if "/" in folder else "app")
    found: list[Migration] = []
    for file, text in sorted(texts.items()):
        try:
            module = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        cls = next((each for each in module.body if isinstance(each, ast.ClassDef) and _is_of_django(each)), None)
        if cls is None:
            return None
        found.append(_migration(file, text, module, cls, state))
    shown = ", ".join(each.file.rpartition("/")[2] for each in found[:3])
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    note = Problem(Spot(folder), f"took {shown}{more} for Django's migrations: their operations are read", "", False)
    return MigrationFolder(folder, "django", tuple(found), (note,))


def _is_of_django(cls: ast.ClassDef) -> bool:
    return any(called(base) == "Migration" for base in cls.bases)


def _migration(file: str, text: str, module: ast.Module, cls: ast.ClassDef, state: State) -> Migration:
    ways = [*_ways(cls, state)]
    up = [each for change, at in ways for each in statements(change.sql, change.code, file, at, _NO_DEFAULT)]
    inside = {each.targets[0].id: each.value for each in cls.body if _is_plain(each)}  # type: ignore[attr-defined]
    atomic = inside.get("atomic")
    outside = isinstance(atomic, ast.Constant) and atomic.value is False
    unread = [each for each in module.body if not isinstance(each, _DECLARES) and not _is_text(each)]
    up += [Statement("code around it", Effect.OTHER, Spot(file, each.lineno)) for each in unread]
    unread = [each for each in cls.body if not isinstance(each, ast.Assign | ast.AnnAssign | ast.Pass)]
    unread = [each for each in unread if not _is_text(each)]
    up += [Statement("code of its class", Effect.OTHER, Spot(file, each.lineno)) for each in unread]
    down = None
    if not only_adds(up) and all(change.back is not None for change, _ in ways):
        back: list[Statement] = []
        for change, at in reversed(ways):
            code = f"the way back of {change.code}" if change.code else ""
            back += statements(change.back or (), code, file, at, _NO_DEFAULT)
        down = SqlFile(file, tuple(in_context(back)), (), (), outside)
    header = tuple(_header(text, file))
    match = _NUMBERED.fullmatch(file.rpartition("/")[2].removesuffix(".py"))
    number, name = (match[1], match[2]) if match is not None else (file.rpartition("/")[2], "")
    return Migration(number, name, SqlFile(file, tuple(in_context(up)), header, (), outside), down)


_DECLARES: Final = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign, ast.If)


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_plain(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name)
    )


def _ways(cls: ast.ClassDef, state: State) -> Iterator[tuple[Change, int]]:
    """What each operation comes to, with its line."""
    for statement in cls.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if not any(isinstance(each, ast.Name) and each.id == "operations" for each in targets):
            continue
        written = statement.value if isinstance(statement, ast.Assign) else None
        if not isinstance(written, ast.List | ast.Tuple):
            yield Change(code="operations", back=None), statement.lineno
            continue
        for each in written.elts:
            try:
                made = [*changes(each, state)] if isinstance(each, ast.Call) else [Change(code="an operation")]
            except Unread:
                made = [Change(code=f"{called(each) or 'an operation'}(...)")]
            yield from ((one, each.lineno) for one in made)


def _header(text: str, file: str) -> Iterator[tuple[Spot, str]]:
    """The comments in front of the class that say what the migration is."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("class "):
            return
        if line.startswith("#"):
            yield Spot(file, number), line.lstrip("# ").strip()
