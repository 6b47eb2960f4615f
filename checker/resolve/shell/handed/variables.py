"""Variables that have programs run other code: before what they were asked for, or in place of a helper.

Sources: Bash Reference Manual, "Bash Startup Files" (``BASH_ENV``; ``ENV`` is read, and ``PROMPT_COMMAND`` run, by
shells that somebody types into alone) and "Bash Variables" (``PS4``, expanded before each line that ``set -x`` shows);
ld.so(8) (``LD_PRELOAD``, ``LD_AUDIT``); dyld(1); Node.js documentation,
"Command-line API" (``NODE_OPTIONS``); perlrun (``PERL5OPT``, ``PERL5DB``); Ruby documentation, "Environment"
(``RUBYOPT``); Java documentation, "The JDK_JAVA_OPTIONS environment variable" and JVM TI, "JAVA_TOOL_OPTIONS"; .NET
documentation, "DOTNET_STARTUP_HOOKS"; pytest documentation, "Environment Variables"; GNU make manual, "The Variable
MAKEFILES"; The Cargo Book, "Environment Variables"; rsync(1) (``RSYNC_RSH``); GNU tar manual (``TAR_OPTIONS``).
``PYTHONSTARTUP`` is read where somebody types.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from checker import lazy_re
from checker.model.possible import Possible, options, shown
from checker.model.values import Text
from checker.resolve.shell.handed.kinds import Handed, Told, command
from checker.resolve.shell.variables.search_path import NOT_KNOWN

_ANY: Final = lazy_re.compile(r".+", re.DOTALL)
# A library without a folder is one of the system, as are those in its folders.
_NOT_OF_THE_SYSTEM: Final = lazy_re.compile(
    r"(?=.*\S)(?!(?!.*\.\.)(?:[\s:]*+(?:/usr/[^\s:]++|/lib[^\s:/]*+/[^\s:]++|[\w.+-]++))++\s*$).+", re.DOTALL
)
_SUBSTITUTES: Final = lazy_re.compile(r".*(?:\$\(|`|\$\{\s).*", re.DOTALL)
_AGENT: Final = lazy_re.compile(r".*-(?:javaagent|agentpath|agentlib|XX:OnError|XX:OnOutOfMemoryError).*", re.DOTALL)
# What prints what a file or another machine holds: nobody knows which folder that names.
_READERS: Final = "cat|tee|jq|yq|grep|sed|awk|head|tail|cut|find|ls|curl|wget"
_LOADS: Final[Mapping[str, re.Pattern[str]]] = {
    "BASH_ENV": _ANY,
    "PS4": _SUBSTITUTES,
    "LD_PRELOAD": _NOT_OF_THE_SYSTEM,
    "LD_AUDIT": _NOT_OF_THE_SYSTEM,
    "DYLD_INSERT_LIBRARIES": _NOT_OF_THE_SYSTEM,
    "NODE_OPTIONS": lazy_re.compile(
        r".*(?:^|\s)(?:--require|-r|--import|--loader|--experimental-loader)\b.*", re.DOTALL
    ),
    "PERL5OPT": lazy_re.compile(r".*-[mMd].*", re.DOTALL),
    "PERL5DB": _ANY,
    "RUBYOPT": lazy_re.compile(r".*-r.*", re.DOTALL),
    "JAVA_TOOL_OPTIONS": _AGENT,
    "JDK_JAVA_OPTIONS": _AGENT,
    "_JAVA_OPTIONS": _AGENT,
    "MAVEN_OPTS": _AGENT,
    "GRADLE_OPTS": _AGENT,
    "DOTNET_STARTUP_HOOKS": _ANY,
    "PYTEST_PLUGINS": _ANY,
    "PYTEST_ADDOPTS": lazy_re.compile(r".*(?:^|\s)-p\s*(?!no:)\S.*", re.DOTALL),
    "MAKEFILES": _ANY,
    # A folder of somebody's choice stands first: any name may be a program in it.
    "PATH": lazy_re.compile(
        r"(?:(?!\$\{?PATH\b)[^:]*:)*?(?:\$\{\{\s*(?:vars|secrets|inputs|github\.event|needs|matrix)\b"
        rf"|\$\(\s*(?:{_READERS})\b|{re.escape(NOT_KNOWN)}).*",
        re.DOTALL,
    ),
    "MAKEFLAGS": lazy_re.compile(r".*--eval.*", re.DOTALL),
}


def loading(environment: Mapping[str, Possible]) -> Iterator[str]:
    """The variables of a step that have other code run first."""
    for name, pattern in _LOADS.items():
        value = environment.get(name)
        each = () if value is None else options(value) or (value,)
        if any(pattern.fullmatch(shown(one)) for one in each):
            yield name


def is_loading(name: str) -> bool:
    return name in _LOADS


# Program -> variables that hold a command of its.
_COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "rsync": ("RSYNC_RSH", "RSYNC_CONNECT_PROG"),
    "scp": ("SSH_ASKPASS",),
    "sftp": ("SSH_ASKPASS",),
    "ssh-add": ("SSH_ASKPASS",),
    "sudo": ("SUDO_ASKPASS",),
    "less": ("LESSOPEN", "LESSCLOSE"),
    "man": ("MANPAGER", "PAGER"),
    "crontab": ("VISUAL", "EDITOR"),
    "cargo": ("RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER", "RUSTC"),
    "gh": ("BROWSER", "GH_BROWSER", "GH_EDITOR", "GH_PAGER"),
}
HELPED: Final = frozenset(_COMMANDS)


def helped(told: Told) -> Iterator[Handed]:
    """The commands that variables hold for a program."""
    for name in _COMMANDS.get(told.name, ()):
        value = told.variable(name)
        if isinstance(value, str):
            yield from command(value.strip().lstrip("|").removesuffix("%s"))
        elif isinstance(value, Text):
            yield from command(value)


def extended(told: Told) -> Told | None:
    """tar with what ``TAR_OPTIONS`` puts in front of its words."""
    value = told.variable("TAR_OPTIONS") if told.name in {"tar", "gtar"} else None
    if not isinstance(value, str) or not value:
        return None
    try:
        return Told([told.words[0], *shlex.split(value)], told.variable, told.fed, told.text_of, told.is_file)
    except ValueError:
        return None


# Variables that tell a program what it works on, whichever shell of several has exported them.
# Prisma documentation, "Advisory locking"; PostgreSQL documentation, libpq's "Environment Variables".
_READ: Final[Mapping[str, tuple[str, ...]]] = {
    "ko": ("KO_DOCKER_REPO",),
    "prisma": ("PRISMA_SCHEMA_DISABLE_ADVISORY_LOCK",),
    **dict.fromkeys(
        ("psql", "alembic", "flask", "rails", "rake", "dbmate", "goose", "migrate", "knex"), ("PGOPTIONS",)
    ),
    **dict.fromkeys(("node-pg-migrate", "sequelize", "typeorm", "sqlx", "diesel", "yoyo", "sqitch"), ("PGOPTIONS",)),
}
# Where calls go, all or one service's (AWS SDKs and Tools Reference Guide, "Service-specific endpoints").
_ENDPOINT: Final = "AWS_ENDPOINT_URL"
# jq manual, "$ENV, env"; yq documentation, "Env Variable Operators".
_FILTERS: Final = frozenset({"jq", "gojq", "yq"})
_OF_FILTER: Final = lazy_re.compile(r"(?:\$ENV|\benv)\.(\w+)|\b(?:str)?env\((\w+)\)")


def asked_by(words: Sequence[Possible]) -> tuple[str, ...]:
    """The exported variables that a command is known to work with, by its name and its words."""
    name = str(words[0]) if words else ""
    if name in {"aws", "cdk"}:
        own = [f"{_ENDPOINT}_{word.upper().replace('-', '_')}" for word in words[1:6] if isinstance(word, str)]
        return (_ENDPOINT, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", *own)
    if name not in _FILTERS:
        return _READ.get(name, ())
    return tuple(each[1] or each[2] for word in words[1:] for each in _OF_FILTER.finditer(shown(word)))
