"""Where tools that migrate are told how to connect: files of the repository that name a session's settings.

Sources: Rails Guides, "Configuring a Database" (``variables``); Django documentation, "Settings", ``OPTIONS``; Knex
documentation, "Configuration"; Flyway documentation, "initSql"; Sequelize and TypeORM documentation, data sources;
Laravel documentation, "Database: Configuration"; Ecto SQL documentation, ``Ecto.Migration`` ("Repo configuration").
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from checker import lazy_re
from checker.collect.documents import read_text
from checker.collect.folders import walk
from checker.collect.migrations.frameworks.sections import NEVER_DEPLOYED, of_production
from checker.errors import InputError
from checker.model.migrations.folders import Connection
from checker.model.sources import Problem

_MAX_FILES: Final = 200
_MAX_BYTES: Final = 512 * 1024
_MAX_PACKAGES: Final = 5_000
_MAX_PACKAGE: Final = 1024 * 1024
# Tool -> its file below the repository, and a word that the file has where it is one.
_FILES: Final = (
    ("rails", lazy_re.compile(r"(?:.*/)?config/database\.ya?ml"), "adapter"),
    ("django", lazy_re.compile(r"(?:.*/)?(?:settings(?:/\w+)?|config/\w+|\w*settings\w*)\.py"), "DATABASES"),
    ("knex", lazy_re.compile(r"(?:.*/)?knexfile\.(?:m|c)?[jt]s"), "client"),
    ("flyway", lazy_re.compile(r"(?:.*/)?flyway\.(?:conf|toml)"), "flyway"),
    (
        "sequelize",
        lazy_re.compile(r"(?:.*/)?(?:config/(?:config|database)|\.sequelizerc)\.(?:js|cjs|json|ts)"),
        "dialect",
    ),
    ("typeorm", lazy_re.compile(r"(?:.*/)?(?:ormconfig|data-?source)\.(?:js|ts|json)", re.IGNORECASE), "type"),
    ("laravel", lazy_re.compile(r"(?:.*/)?config/database\.php"), "connections"),
    ("ecto", lazy_re.compile(r"(?:.*/)?config/(?:config|prod|runtime|releases)\.exs"), "Repo"),
)
_NAMES: Final = lazy_re.compile(
    r"(?:database\.(?:ya?ml|php|js|json|ts)|[\w-]*settings[\w-]*\.py|\w+\.py|knexfile\.\w+|flyway\.\w+|config\.(?:c?js|json|ts)"
    r"|ormconfig\.\w+|data-?source\.\w+|(?:config|prod|runtime|releases)\.exs)",
    re.IGNORECASE,
)
# Files for somebody's own machine, and for tests.
_ELSEWHERE: Final = lazy_re.compile(
    r"(?:^|[/_.-])(?:dev|develop|development|local|tests?|testing|ci|example)(?=[/_.-])", re.IGNORECASE
)


def _may_tell(name: str) -> bool:
    return _NAMES.fullmatch(name) is not None and not name.startswith("__")


def read_connections(root: Path, problems: list[Problem]) -> Iterator[Connection]:
    """The files of a repository that say how its tools connect to the database."""
    read = 0
    for shown in walk(root, _may_tell, 5_000, problems):
        tool = next(((name, word) for name, pattern, word in _FILES if pattern.fullmatch(shown)), None)
        if tool is None or _ELSEWHERE.search(shown) or read >= _MAX_FILES:
            continue
        read += 1
        try:
            text = read_text(root / shown, shown, _MAX_BYTES)
        except InputError:
            continue  # whoever needs it says so
        if tool[1] in text:
            yield Connection(tool[0], shown, (of_production(text) or _by_signs(text)) if tool[0] == "rails" else text)


_SECTION: Final = lazy_re.compile(r"^(\w+):[ \t]*(?:&(\w+))?[ \t]*$", re.MULTILINE)
_MERGED: Final = lazy_re.compile(r"<<:\s*\*(\w+)")


def _by_signs(text: str) -> str:
    """The same of a file that is no YAML before it is made: its section, and those that it merges."""
    heads = list(_SECTION.finditer(text))
    ends = [*(each.start() for each in heads[1:]), len(text)][: len(heads)]
    sections = {each[1]: (each[2] or "", text[each.start() : end]) for each, end in zip(heads, ends, strict=True)}
    kept, pending = set[str](), ["production"]
    if "production" not in sections:
        kept, pending = set(sections) - NEVER_DEPLOYED, []
    while pending:
        name = pending.pop()
        kept.add(name)
        for anchor in _MERGED.findall(sections[name][1]):
            pending += [other for other, (named, _) in sections.items() if named == anchor and other not in kept]
    blank = {name: re.sub(r"[^\n]", " ", body) for name, (_, body) in sections.items()}
    first = text[: heads[0].start()] if heads else text
    return first + "".join(body if name in kept else blank[name] for name, (_, body) in sections.items())


def package_scripts(root: Path, problems: list[Problem]) -> Iterator[tuple[str, str]]:
    """What ``npm run NAME`` runs, of every package.json."""
    for shown in walk(root, lambda name: name == "package.json", _MAX_PACKAGES, problems):
        try:
            data = json.loads(read_text(root / shown, shown, _MAX_PACKAGE))
        except (InputError, ValueError, RecursionError):
            continue
        scripts = data.get("scripts") if isinstance(data, dict) else None
        for name, command in scripts.items() if isinstance(scripts, dict) else ():
            if isinstance(command, str):
                yield str(name), command
