"""The files of SQL whose lines may be commands of a database client's own (``\\!``, ``.shell``, ``system``)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from checker import lazy_re
from checker.collect.folders import walk
from checker.model.migrations.folders import is_sql

_OWN_COMMANDS: Final = lazy_re.compile(
    r"\\[!A-Za-z.]|^[ \t]*\.[a-z]|^[ \t]*(?:system|pager|source)[ \t]|\bload_extension\b", re.IGNORECASE | re.MULTILINE
)


def sql_files(root: Path, text_of: Callable[[str], str | None], most: int) -> tuple[str, ...]:
    paths = walk(root, is_sql, most, [])
    return tuple(sorted(path for path in paths if _OWN_COMMANDS.search(text_of(path) or "")))
