"""Programs for Node.js of the repository that are called after migrations, and that talk to a database and to nobody
else, by all that they import.

What such a program does to the database is asked by the rules for migrations; it calls nothing of AWS, starts nothing,
and tells later steps nothing. Sources: Node.js documentation, "Modules", "ECMAScript modules", "Command-line API"; the
packages' own documentation.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final, Protocol

from checker import lazy_re
from checker.data.harmless import inert
from checker.model.migrations.tools import about_migrations
from checker.model.pipeline.scripts import Command

RUNNERS: Final = frozenset({"node", "nodejs", "tsx", "ts-node", "bun"})
_FLAGS: Final = lazy_re.compile(
    r"--(?:enable-source-maps|no-warnings|trace-warnings|trace-uncaught|experimental-strip-types|env-file(?:-if-exists)?=.*"
    r"|unhandled-rejections=\w+|import=tsx|tsconfig=.*|transpile-only|esm)|-T"
)
_MODULES: Final = frozenset(
    """assert buffer console crypto events fs fs/promises os path perf_hooks process querystring readline stream
    string_decoder timers timers/promises url util""".split()  # noqa: SIM905 - a table
)
# Drivers of databases, and what writes statements for them; beside them what reads settings or prints. None of them
# loads files of code, as libraries do that apply migrations.
_DRIVERS: Final = frozenset(
    "pg pg-pool pg-native pg-promise postgres mysql mysql2 mariadb mssql slonik drizzle-orm".split()  # noqa: SIM905 - a table
)
_PACKAGES: Final = _DRIVERS | frozenset(
    """sql-template-strings dotenv dotenv-safe zod envalid commander yargs minimist arg meow chalk picocolors kleur
    debug pino winston consola ora""".split()  # noqa: SIM905 - a table
)
# Remarks in which nothing is called: what looks like one may stand inside of a text.
_COMMENT: Final = lazy_re.compile(r"^[ \t]*+(?://|\*|/\*)[^(`$\n]*$|(?<=[\s;{}(),])//[^'\"`($\n]*$", re.MULTILINE)
_IMPORT: Final = lazy_re.compile(
    r"\b(?:import|export)\s+(?:type\s+)?(?:[\w$*{},\s]+?\s+from\s*)?['\"](?P<static>[^'\"\n]+)['\"](?:\s+with\s*\{[^{}]*\})?"
    r"|\b(?:require|import)\(\s*['\"](?P<called>[^'\"\n]+)['\"]\s*\)"
)
# Where they are, and how the file itself is called, may be asked.
_META: Final = lazy_re.compile(r"\bimport\.meta\.(?:url|dirname|filename)\b|\b(?:require\.main|module\.exports)\b")
# What changes files, of which a later step may run one, and what tells the runner something.
_TELLS: Final = lazy_re.compile(
    r"GITHUB_|::(?:set|add|save)-|\b(?:Bun|Deno)\b"
    r"|\b(?:writeFile|appendFile|createWriteStream|copyFile|rename|symlink|link|cp|chmod|openSync|writeSync)(?:Sync)?\b|\bfs\w*\s*\["
)
_ENDINGS: Final = ("", ".ts", ".mts", ".js", ".mjs", ".cjs", ".json", "/index.ts", "/index.js")
_MOST: Final = 40


class Files(Protocol):
    """The repository's files."""

    def text(self, path: str) -> str | None: ...


def asks_a_database(command: Command, files: Files) -> bool:
    """Whether a command starts such a program, and no other code first."""
    folder = command.folder
    if command.program not in RUNNERS or folder is None or "NODE_OPTIONS" in command.handed:
        return False
    rest = [word if isinstance(word, str) else "" for word in command.words[1:]]
    while rest and (rest[0].startswith("-") or rest[0] == "run"):
        known = (
            _FLAGS.fullmatch(rest[0]) or rest[:2] in (["--import", "tsx"], ["-r", "dotenv/config"]) or rest[0] == "run"
        )
        if not known:
            return False
        rest = rest[2:] if rest[0] in {"--import", "-r"} else rest[1:]
    # Of others the rules for migrations do not ask what they do to the database: nobody would.
    named = bool(rest) and about_migrations(rest[0])
    return named and _stays(posixpath.normpath(posixpath.join(folder, rest[0])), files)


def _stays(file: str, files: Files) -> bool:
    pending, seen, asks = [file], set[str](), False
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        seen.add(path)
        text = files.text(path) if len(seen) <= _MOST else None
        if text is None:
            return False
        if path.endswith(".json"):
            continue
        code = _COMMENT.sub("", text)
        for name in imports_of(code):
            found = own_file(path, name, files) if name.startswith(".") else ""
            if found:
                pending.append(found)
            elif name.startswith(".") or not _is_known(name, files):
                return False
            asks = asks or name.partition("/")[0] in _DRIVERS
        if _TELLS.search(code) or not inert(_META.sub("", _IMPORT.sub("", code))):
            return False
    return asks


def imports_of(code: str) -> Iterator[str]:
    for match in _IMPORT.finditer(code):
        yield match["static"] or match["called"]


def own_file(path: str, name: str, files: Files) -> str:
    """The file that a path means; TypeScript calls it as it will be called once it is compiled."""
    base = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
    compiled = re.sub(r"\.([cm]?)js$", r".\1ts", base)
    each = [base + ending for ending in _ENDINGS] + [compiled] * (compiled != base)
    return next((one for one in each if files.text(one) is not None), "")


def _is_known(name: str, files: Files) -> bool:
    if name.removeprefix("node:") in _MODULES:
        return True
    package = name.partition("/")[0]
    return package in _PACKAGES and files.text(f"node_modules/{package}/package.json") is None
