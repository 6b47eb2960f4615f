"""MySQL's and MariaDB's statements as PostgreSQL says the same, line for line.

What has no meaning for code that runs on the schema (engine, character set, comment, place of a column) is left out; a
statement that is not known stays as it is, and PostgreSQL's grammar refuses it. Sources: MySQL Reference Manual,
"CREATE TABLE Statement", "ALTER TABLE Statement", "String Literals", "Schema Object Names", "Comments" (what stands in
``/*! ... */`` is run); MariaDB documentation.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from checker import lazy_re
from checker.collect.migrations.dialects.mysql_parts import in_parts

_MOST: Final = 200_000  # signs of a file that is written by hand
_TOKEN: Final = lazy_re.compile(
    r"(?P<run>/\*M?!(?:\d{5,6})?(?P<inside>(?:(?!\*/)[\s\S])*+)\*/)|(?P<comment>--[^\n]*|\#[^\n]*|/\*(?!!)[\s\S]*?(?:\*/|\Z))|(?P<name>`(?:[^`]|``)*+(?:`|\Z))"
    r"|(?P<string>'(?:[^'\\]|\\[\s\S]|'')*+(?:'|\Z)|\"(?:[^\"\\]|\\[\s\S]|\"\")*+(?:\"|\Z))"
)
# A comment that MySQL runs, and what in it is of the session alone.
_RUN: Final = lazy_re.compile(
    r"/\*M?!(?:\d{5,6}\b|\s*(?:ALTER|DROP|CREATE|DELETE|UPDATE|INSERT|TRUNCATE|RENAME)\b)", re.IGNORECASE
)
_OF_SESSION: Final = lazy_re.compile(
    r"\s*(?:SET\b[^;]*;?\s*|ALTER\s+TABLE\s+\S+\s+(?:DIS|EN)ABLE\s+KEYS\s*)", re.IGNORECASE
)
_TELLS: Final = lazy_re.compile(
    rf"{_RUN.pattern}|`[\w $-]+`"
    r"|\bAUTO_INCREMENT\b|\bENGINE\s*=|\bMODIFY\s+(?:COLUMN\s+)?\w|\bCHANGE\s+(?:COLUMN\s+)?\w+\s+\w"
    r"|\bRENAME\s+(?:INDEX|KEY|TABLES?)\s|\bON\s+DUPLICATE\s+KEY\b|\bREPLACE\s+INTO\b|\bUNLOCK\s+TABLES\b"
    r"|\bUPDATE\s[^;]{1,300}?\bJOIN\b|\bDELETE\s+\w[\w.*, ]{0,100}\sFROM\s"
    r"|\bADD\s[^;]{1,200}?\s(?:AFTER\s+\w+|FIRST)\s*(?:[,;]|\Z)"
    r"|\bUNSIGNED\b|\bDROP\s+TEMPORARY\s+TABLE\b|\b(?:DROP|TRUNCATE)\s+PARTITION\b|\bCONVERT\s+TO\s+CHAR"
    r"|\bDROP\s+FOREIGN\s+KEY\b|\bALGORITHM\s*=\s*(?:INPLACE|INSTANT|COPY)\b|\bADD\s+(?:INDEX|KEY)\b",
    re.IGNORECASE,
)
# A column that is given a character set anew may lose what that has not; of this one nothing is lost.
_RECODED: Final = lazy_re.compile(
    r"\b(?:MODIFY|CHANGE)\s[^,;]{1,200}\s(?:CHARACTER\s+SET|CHARSET)\s+(?!utf8mb4\b)", re.IGNORECASE
)
_NAME: Final = r'(?:"(?:[^"]|"")*"|[A-Za-z_]\w*)'
_COLUMNS: Final = r"\((?:[^()]|\(\d+\))*\)"
_TYPE: Final = r"[A-Za-z]\w*(?:\s+(?:precision|varying))?(?:\s*\([^()]*\))?"
# What is left out, and what is said in other words, one after the other.
_LEFT_OUT: Final = tuple(
    lazy_re.compile(each, re.IGNORECASE)
    for each in (
        r"\bON\s+UPDATE\s+(?:CURRENT_TIMESTAMP|NOW|LOCALTIME(?:STAMP)?)(?:\s*\(\d*\))?",
        r"\bCOMMENT\s*=?\s*'__text\d+__'",
        r"\bCONVERT\s+TO\s+(?:CHARACTER\s+SET|CHARSET)\s+(?:utf8mb4|utf16|utf32)\b",
        r"(?:\bDEFAULT\s+)?\b(?:CHARACTER\s+SET|CHARSET)\s*=?\s*[\w']+",
        r"\bCOLLATE\s*=?\s*[\w']+",
        # What keeps no rows, or none that may be changed, stays and is refused.
        r"\bENGINE\s*=\s*(?!(?:BLACKHOLE|ARCHIVE|FEDERATED|MEMORY|HEAP|CSV|EXAMPLE)\b)[\w']+",
        r"\b(?:ROW_FORMAT|AUTO_INCREMENT|KEY_BLOCK_SIZE|STATS_PERSISTENT)\s*=\s*[\w']+",
        r"\bAUTO_INCREMENT\b",
        r"\bZEROFILL\b",
        r",\s*(?:ALGORITHM|LOCK)\s*=\s*\w+",
        rf"\bAFTER\s+{_NAME}(?=\s*(?:,|;|$))",
        r"\bFIRST(?=\s*(?:,|;|$))",
        r"\bUSING\s+(?:BTREE|HASH)\b",
    )
)
_SAID: Final = tuple(
    (lazy_re.compile(pattern, re.IGNORECASE), said)
    for pattern, said in (
        (r"\b((?:tiny|small|medium|big)?int(?:eger)?)\s*\(\d+\)", r"\1"),
        (r"\b(tiny|small|medium|big)int\s+UNSIGNED\b", r"unsigned_\1int"),
        (r"\bint(?:eger)?\s+UNSIGNED\b", "unsigned_int"),
        (r"\b(?:decimal|numeric)(\s*\([^()]*\))?\s+UNSIGNED\b", r"unsigned_decimal\1"),
        (r"\b(?:float|double(?:\s+precision)?|real)(?:\s*\([^()]*\))?\s+UNSIGNED\b", "unsigned_float"),
        (r"\bdouble\b(?!\s+precision)", "double precision"),
        (r"\b(float|double precision)\s*\(\d+\s*,\s*\d+\)", r"\1"),
        (rf",\s*(?:FULLTEXT\s+|SPATIAL\s+)?(?:INDEX|KEY)\s+{_NAME}\s*{_COLUMNS}", ""),
        (rf"(,\s*)UNIQUE\s+(?:INDEX|KEY)\s+({_NAME})\s*({_COLUMNS})", r"\1CONSTRAINT \2 UNIQUE \3"),
        (rf"\bADD\s+UNIQUE\s+(?:INDEX|KEY)\s+({_NAME})\s*({_COLUMNS})", r"ADD CONSTRAINT \1 UNIQUE \2"),
        (rf"\bDROP\s+FOREIGN\s+KEY\s+({_NAME})", r"DROP CONSTRAINT \1"),
        (rf"\bDROP\s+(?:INDEX|KEY)\s+({_NAME})(?=\s*(?:,|;|$))", r"DROP CONSTRAINT \1"),
        (rf"\bDROP\s+TEMPORARY\s+TABLE\s+(IF\s+EXISTS\s+)?({_NAME})", r"DROP TABLE \1pg_temp.\2"),
        (rf"\bDROP\s+INDEX\s+({_NAME})\s+ON\s+{_NAME}", r"DROP INDEX \1"),
        (
            rf"\bMODIFY\s+(?:COLUMN\s+)?({_NAME})\s+({_TYPE})([^,;]{{0,300}}?)(?=\s*(?:,|;|$))",
            r"ALTER COLUMN \1 TYPE \2",
        ),
    )
)
_NOT_NULL: Final = lazy_re.compile(
    rf"\bMODIFY\s+(?:COLUMN\s+)?({_NAME})\s+{_TYPE}[^,;]{{0,300}}?\bNOT\s+NULL\b[^,;]{{0,300}}", re.IGNORECASE
)


def runs_comments(text: str) -> bool:
    """Whether comments in it are statements to MySQL: PostgreSQL's grammar passes them over."""
    return _RUN.search(text) is not None


def from_mysql(text: str) -> str | None:
    """The same in PostgreSQL's words; ``None`` where nothing tells that it is MySQL's."""
    if len(text) > _MOST or not _TELLS.search(text) or _RECODED.search(text):
        return None
    kept: list[str] = []

    def token(match: re.Match[str]) -> str:
        if match["run"]:
            return _lines(match) if _OF_SESSION.fullmatch(match["inside"]) else match["inside"]
        if match["comment"]:
            said = match["comment"]
            return f"--{said[1:]}" if said.startswith("#") else said
        if len(match[0]) < len("''") or match[0][-1] != match[0][0]:
            return "("  # it never ends: refused
        if match["name"]:
            return '"' + match["name"][1:-1].replace('"', '""') + '"'
        inner = re.sub(r"\\([\s\S])", r"\1", match["string"][1:-1]).replace("''", "'").replace("'", "''")
        kept.append(f"'{inner}'")
        return f"'__text{len(kept) - 1}__'"

    found = _TOKEN.sub(token, text)
    for pattern in _LEFT_OUT:
        found = pattern.sub(_lines, found)
    found = in_parts(found)
    # A column that is given a type anew and must not be empty then: both are said.
    found = _NOT_NULL.sub(lambda match: f"{match[0]}, ALTER COLUMN {match[1]} SET NOT NULL", found)
    for pattern, said in _SAID:
        found = pattern.sub(partial(_put, said), found)
    return re.sub(r"'__text(\d+)__'", lambda match: kept[int(match[1])], found)


def _put(said: str, match: re.Match[str]) -> str:
    new = match.expand(said)
    return new + "\n" * (match[0].count("\n") - new.count("\n"))


def _lines(match: re.Match[str]) -> str:
    """The ends of lines of what goes, so that what follows stays where it was."""
    return "\n" * match[0].count("\n")
