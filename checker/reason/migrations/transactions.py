"""Whether PostgreSQL refuses a migration because it builds in a transaction what cannot be built in one.

The transaction is the file's own, or the one that its tool runs each file in unless the file asks for none.
"""

from __future__ import annotations

from checker.model.migrations.folders import MigrationFolder, SqlFile, Statement
from checker.model.migrations.tools import BY_NAME


def refused_in(file: SqlFile, folder: MigrationFolder) -> tuple[Statement, str] | None:
    """The first statement that is refused, and whose transaction it stands in; ``None`` where none is."""
    tool = BY_NAME.get(folder.tool)
    around = f"{folder.tool} runs the file in one" if tool is not None and tool.outside and not file.outside else ""
    for each in file.statements:
        if each.kind == "transaction" and each.value:
            around = f"one begins in line {each.spot.line}" if each.value == "begin" else ""
        elif each.alone and around:
            return each, around
    return None
