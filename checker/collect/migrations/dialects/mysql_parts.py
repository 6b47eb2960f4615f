"""MySQL's statements that PostgreSQL has as several, or with fewer tables: each as what it comes to, on its lines.

``ALTER TABLE`` with several parts is one statement a part; what changes rows of a join changes those of the tables that
it names. Their text has names in double quotes, and no strings but stand-ins. Sources: MySQL Reference Manual, "ALTER
TABLE Statement", "UPDATE Statement", "DELETE Statement", "INSERT ... ON DUPLICATE KEY UPDATE Statement", "REPLACE
Statement", "CREATE TABLE ... LIKE Statement", "LOCK TABLES".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from checker import lazy_re

_NAME: Final = r'(?:"(?:[^"]|"")*"|[A-Za-z_]\w*)'
_TABLE: Final = rf"(?:{_NAME}\.)?{_NAME}"
_LEAD: Final = r"(?P<lead>(?:\s|--[^\n]*(?:\n|$))*+)"
_COLUMNS: Final = r"\((?:[^()]|\([^()]*\))*\)"


def _begins(pattern: str) -> re.Pattern[str]:
    return re.compile(_LEAD + pattern, re.IGNORECASE | re.DOTALL)


_ALTER: Final = _begins(rf"ALTER\s+(?:IGNORE\s+)?TABLE\s+(?P<table>{_TABLE})(?P<rest>\s.*)")
_UPDATE: Final = _begins(r"UPDATE\s+(?:LOW_PRIORITY\s+)?(?:IGNORE\s+)?(?P<tables>.*?)\s+SET\s+(?P<rest>.*)")
_DELETE: Final = _begins(r"DELETE\s+(?:(?:LOW_PRIORITY|QUICK|IGNORE)\s+)*(?P<which>.*?)\bFROM\s+(?P<rest>.*)")
_INSERT: Final = _begins(
    r"(?P<way>INSERT|REPLACE)\b(?:\s+(?:LOW_PRIORITY|DELAYED|HIGH_PRIORITY|IGNORE))*\s+(?:INTO\s+)?(?P<rest>.*)"
)
_LIKE: Final = _begins(rf"(?P<made>CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?{_TABLE})\s+LIKE\s+(?P<rest>{_TABLE})\s*")
_RENAMES: Final = _begins(r"RENAME\s+TABLES?\s+(?P<rest>.*)")
_RENAMED: Final = lazy_re.compile(rf"\s*({_TABLE})\s+TO\s+(?:{_NAME}\.)?({_NAME})\s*", re.IGNORECASE)
_LOCKS: Final = _begins(r"(?:UN)?LOCK\s+TABLES?\b(?P<rest>.*)")
_DUPLICATE: Final = lazy_re.compile(r"\bON\s+DUPLICATE\s+KEY\s+UPDATE\b(?P<set>.*)", re.IGNORECASE | re.DOTALL)
_TAIL: Final = lazy_re.compile(r"\b(?:ORDER\s+BY|LIMIT)\b", re.IGNORECASE)
_WRITES: Final = "UPDATE {} SET {}"
_DELETES: Final = "DELETE FROM {}"
_INSERTS: Final = "INSERT INTO {}"
_ON_CONFLICT: Final = " ON CONFLICT DO UPDATE SET {}"
_WHERE: Final = lazy_re.compile(r"\bWHERE\b|\bORDER\s+BY\b|\bLIMIT\b", re.IGNORECASE)
_JOIN: Final = lazy_re.compile(
    r"\b(?:(?:INNER|CROSS|(?:LEFT|RIGHT)(?:\s+OUTER)?|NATURAL)\s+)*(?:JOIN|STRAIGHT_JOIN)\b", re.IGNORECASE
)
_REFERENCE: Final = lazy_re.compile(
    rf"\s*(?P<table>{_TABLE})(?:\s+(?:AS\s+)?(?!ON\b|USING\b)(?P<alias>{_NAME}))?", re.IGNORECASE
)
_SET: Final = lazy_re.compile(rf"\s*(?:(?P<of>{_TABLE})\.)?(?P<column>{_NAME})\s*=", re.IGNORECASE)
_ADD_INDEX: Final = lazy_re.compile(
    rf"ADD\s+(?:(?:FULLTEXT|SPATIAL)\s+)?(?:INDEX|KEY)(?:\s+({_NAME}))?\s*({_COLUMNS}).*", re.IGNORECASE | re.DOTALL
)
_ADD_SEVERAL: Final = lazy_re.compile(r"ADD\s+(?:COLUMN\s+)?\((?P<columns>.*)\)\s*", re.IGNORECASE | re.DOTALL)
_IS_KEY: Final = lazy_re.compile(
    r"\s*(?:(?:UNIQUE|PRIMARY|FOREIGN|FULLTEXT|SPATIAL|CONSTRAINT)\b|(?:KEY|INDEX|CHECK)\s*\(|(?:KEY|INDEX)\s+\S+\s*\()",
    re.IGNORECASE,
)
_PARTITIONS: Final = lazy_re.compile(r"\s*(?:DROP|TRUNCATE)\s+PARTITION\b", re.IGNORECASE)
_CHANGE: Final = lazy_re.compile(rf"CHANGE\s+(?:COLUMN\s+)?({_NAME})\s+({_NAME})(\s+.*)", re.IGNORECASE | re.DOTALL)
_OTHERS: Final = tuple(
    (lazy_re.compile(pattern, re.IGNORECASE | re.DOTALL), said)
    for pattern, said in (
        (r"DROP\s+PRIMARY\s+KEY", r'ALTER TABLE {0} DROP CONSTRAINT "primary key"'),
        (rf"DROP\s+CHECK\s+({_NAME})", r"ALTER TABLE {0} DROP CONSTRAINT \1"),
        (rf"RENAME\s+(?:INDEX|KEY)\s+({_NAME})\s+TO\s+({_NAME})", r"ALTER INDEX \1 RENAME TO \2"),
        (rf"RENAME\s+(?:TO\s+|AS\s+)?(?!COLUMN\b|INDEX\b|KEY\b)({_NAME})", r"ALTER TABLE {0} RENAME TO \1"),
        (r"(?:FORCE|(?:DISABLE|ENABLE)\s+KEYS)", r"COMMENT ON TABLE {0} IS ''"),
    )
)


def in_parts(text: str) -> str:
    """The text with each such statement as PostgreSQL's for the same."""
    return ";".join(_said(each) for each in split(text, ";"))


def split(text: str, sign: str) -> Iterator[str]:
    """The parts between signs that stand in no brackets, quotes and comments."""
    depth, start, at = 0, 0, 0
    while at < len(text):
        each = text[at]
        if each in "\"'":
            at = text.find(each, at + 1)
        elif each == "-" and text.startswith("--", at):
            at = text.find("\n", at)
        elif each in "()":
            depth += 1 if each == "(" else -1
        elif each == sign and depth <= 0:
            yield text[start:at]
            start = at + 1
        if at < 0:
            break
        at += 1
    yield text[start:]


def _said(statement: str) -> str:
    if (match := _ALTER.fullmatch(statement)) is not None:
        if _PARTITIONS.match(match["rest"]):  # stands alone, and takes the rows with it
            return match["lead"] + _line(statement[len(match["lead"]) :], f"TRUNCATE {match['table']}")
        parts = split(match["rest"], ",")
        return match["lead"] + ";".join(_line(each, _altered(match["table"], each.strip())) for each in parts)
    if (match := _UPDATE.fullmatch(statement)) is not None:
        return match["lead"] + _line(statement[len(match["lead"]) :], _updated(match["tables"], match["rest"]))
    if (match := _DELETE.fullmatch(statement)) is not None:
        return match["lead"] + _line(statement[len(match["lead"]) :], _deleted(match["which"], match["rest"]))
    if (match := _INSERT.fullmatch(statement)) is not None:
        return match["lead"] + _inserted(match["way"].upper(), match["rest"])
    if (match := _RENAMES.fullmatch(statement)) is not None:
        pairs = [_RENAMED.fullmatch(each) for each in split(match["rest"], ",")]
        said = [f"ALTER TABLE {each[1]} RENAME TO {each[2]}" for each in pairs if each is not None]
        return match["lead"] + _line(match["rest"], "; ".join(said)) if len(said) == len(pairs) else statement
    if (match := _LIKE.fullmatch(statement)) is not None:
        return f"{match['lead']}{match['made']} (LIKE {match['rest']})"
    return _blank(_LOCKS.fullmatch(statement)) if _LOCKS.fullmatch(statement) else statement


def _blank(match: re.Match[str] | None) -> str:
    return "\n" * match[0].count("\n") if match is not None else ""


def _line(was: str, becomes: str) -> str:
    """What a part becomes, with as many ends of lines as it had: those before it first."""
    before = len(was) - len(was.lstrip())
    first = was[:before].count("\n")
    return "\n" * first + becomes + "\n" * (was.count("\n") - first - becomes.count("\n"))


# -- ALTER TABLE ---------------------------------------------------------------------------------


def _altered(table: str, part: str) -> str:
    if not part:  # what has no meaning for code was left out
        return f"COMMENT ON TABLE {table} IS ''"
    if (match := _ADD_INDEX.fullmatch(part)) is not None:
        return f"CREATE INDEX {match[1] or ''} ON {table} {match[2]}"
    if (match := _ADD_SEVERAL.fullmatch(part)) is not None:
        listed = [each for each in split(match["columns"], ",") if not _IS_KEY.match(each)]
        return f"ALTER TABLE {table} " + ", ".join(f"ADD COLUMN {each.strip()}" for each in listed)
    if (match := _CHANGE.fullmatch(part)) is not None:
        same = match[1].strip('"').lower() == match[2].strip('"').lower()
        return f"ALTER TABLE {table} " + (
            f"MODIFY {match[2]}{match[3]}" if same else f"RENAME COLUMN {match[1]} TO {match[2]}"
        )
    for pattern, said in _OTHERS:
        if (match := pattern.fullmatch(part)) is not None:
            return match.expand(said.replace("{0}", table.replace("\\", "")))
    return f"ALTER TABLE {table} {part}"


def _inserted(way: str, rest: str) -> str:
    """New rows, which take the place of those that were there, or change them."""
    match = _DUPLICATE.search(rest)
    names = [each["column"] for part in split(match["set"], ",") if (each := _SET.match(part))] if match else []
    if match is None and way == "INSERT":
        return _INSERTS.format(rest)
    written = ", ".join(f"{each} = NULL" for each in names) or '"all of it" = NULL'
    lines = _blank(match)
    return _INSERTS.format(rest[: match.start()] if match is not None else rest) + _ON_CONFLICT.format(written) + lines


# -- rows ----------------------------------------------------------------------------------------


def _tables(written: str) -> dict[str, str]:
    """What tables are called in a join -> the table."""
    found: dict[str, str] = {}
    for part in (each for one in split(written, ",") for each in _JOIN.split(one)):
        match = _REFERENCE.match(part)
        if match is not None:
            found[_plain(match["alias"] or match["table"])] = match["table"]
    return found


def _plain(name: str) -> str:
    return name.rpartition(".")[2].strip('"').lower()


def _without_tail(rest: str) -> str:
    """Without the order in which rows are taken, and how many."""
    match = _TAIL.search(rest, rest.rfind(")") + 1)
    return rest[: match.start()] if match is not None else rest


def _updated(tables: str, rest: str) -> str:
    known = _tables(tables)
    if len(known) == 1 and _JOIN.search(tables) is None:
        return _WRITES.format(tables, _without_tail(rest))
    where = _WHERE.search(rest)
    columns: dict[str, list[str]] = {}
    for each in split(rest[: where.start()] if where is not None else rest, ","):
        match = _SET.match(each)
        if match is None:
            return _WRITES.format(tables, rest)  # refused as it is
        of = known.get(_plain(match["of"])) if match["of"] else next(iter(known.values()), None)
        if of is None:
            return _WRITES.format(tables, rest)
        columns.setdefault(of, []).append(f"{match['column']} = NULL")
    return "; ".join(_WRITES.format(table, ", ".join(each)) for table, each in columns.items())


def _deleted(which: str, rest: str) -> str:
    where = _WHERE.search(rest)
    tables, *using = re.split(r"\bUSING\b", rest[: where.start()] if where is not None else rest, maxsplit=1)
    if not which.strip() and not using:
        return _DELETES.format(_without_tail(rest))
    known = _tables(using[0] if using else tables)
    named = [_plain(re.sub(r"\.\*", "", each).strip()) for each in split(which if which.strip() else tables, ",")]
    if not all(each in known for each in named):
        return "DELETE"  # refused
    return "; ".join(_DELETES.format(known[each]) for each in named)
