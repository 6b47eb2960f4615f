"""Where programs bring a database to the schema of their models when they start: calls in code, settings of Hibernate.

A call that a condition keeps to a developer's machine or to tests is none; under any other condition it is in doubt.
What is called by a name of a person's own errand (``reset_db``, a command of the program's) does not run at its start.

Sources: Spring Boot documentation, "Externalized Configuration" (profile-specific files; documents of one file, and
``spring.config.activate.on-profile``; ``${NAME:default}``); Quarkus documentation, "Configuration Reference Guide"
(profiles by ``%dev.``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open
from checker.model.migrations.folders import SourceFile
from checker.model.migrations.shaping import OF_HIBERNATE, SHAPERS, Shaper, Shapes

# Files for somebody's own machine, for tests, or for rows to begin with.
_ELSEWHERE: Final = lazy_re.compile(
    r"(?:^|[/._-])(?:dev|devel|development|tests?|testing|local|seeds?|seeders?|seeding|examples?|samples?|e2e|fixtures?"
    r"|demos?|benchmarks?|docs|migrations?|ci|h2|reset|wipe|teardown)(?:$|[/._-])",
    re.IGNORECASE,
)
# What somebody, or something, runs for it alone, and is no program that serves.
_BY_ITSELF: Final = lazy_re.compile(
    r"(?:^|/)(?:scripts?|tools?|bin|cli|commands?|management|tasks)/"
    r"|(?:^|/)(?:\w+[_-])?(?:init|create|set-?up|bootstrap|sync)[_-]?(?:db|database|tables?|schema|models)\.\w+$",
    re.IGNORECASE,
)
# A condition that never holds in production, and any at all.
_NEVER: Final = lazy_re.compile(
    r"!\s*[\w.]*prod|(?:!=|!==|\bnot\b)\s*['\"]prod|\bis_?(?:dev|test|local|debug)|\.IsDevelopment\(|!\s*[\w.]*IsProduction\("
    r"|={2,3}\s*['\"](?:dev\w*|test\w*|local\w*)['\"]|['\"](?:dev\w*|test\w*|local\w*)['\"]\s*={2,3}|\bDEBUG\b|\bdebug\b"
    r"|\bTESTING\b|\bin\s*[\[({]\s*['\"](?:dev|test|local)|\bnot\s+[\w.]*prod",
    re.IGNORECASE,
)
_ASKS: Final = lazy_re.compile(r"\b(?:if|elif|else|unless|when|case|switch)\b|\?(?![.:?])|&&|\|\|")
_NO_CONDITION: Final = lazy_re.compile(r"\bif\s+(?:err|_)\s*:?=")  # Go: `if err := db.AutoMigrate(...); err != nil`
# What is run on purpose: a function that is called so, a command of the program's own, a test's fixture.
_ERRAND: Final = lazy_re.compile(
    r"\b(?:function|func|fun|def|void|Task|const|let)\s+\w*(?:reset|drop|clear|tear_?down|wipe|clean|truncate|test|seed|fixture)"
    r"|^\s*@[\w.]*(?:command|task|fixture)\b",
    re.IGNORECASE | re.MULTILINE,
)
_BRACES: Final = lazy_re.compile(r"[{}]")
_MOST_BRACES: Final = 4_000
_HEAD: Final = 300  # signs in front of a block
_MAIN: Final = lazy_re.compile(r"if\s+__name__\s*==")
_DECLARED: Final = lazy_re.compile(r"(?:async\s+)?(?:def|class)\b")


class Shaped(Struct, frozen=True):
    """One place that brings a database to the schema of its models: the tool, what it does, the line, and why it may
    not; empty where it surely does."""

    tool: str
    shapes: Shapes
    line: int
    doubt: str = ""


# SQLite keeps a file that is one process's own; every other database is a server that several work with.
_SQLITE: Final = lazy_re.compile(r"sqlite", re.IGNORECASE)
_SERVER: Final = lazy_re.compile(
    r"postgres|psycopg|asyncpg|\bpg\b|mysql|mariadb|mssql|sqlserver|oracle|cockroach|pgx|Npgsql", re.IGNORECASE
)
_CHOSEN: Final = lazy_re.compile(r"environ|getenv|process\.env|\bsettings?\b|\bconfig\b|configuration", re.IGNORECASE)


def on_whose(found: Shaped, files: Iterable[SourceFile]) -> Shaped | None:
    """What shapes a database that others work with too: none where that is a file of SQLite's, in doubt where settings
    may name another."""
    texts = [each.code for each in files]
    if not any(map(_SQLITE.search, texts)) or any(map(_SERVER.search, texts)):
        return found
    if not any(map(_CHOSEN.search, texts)):
        return None
    return replace(found, doubt=found.doubt or "whether the database is SQLite's file, or one that its settings name")


@cache
def _shapers(language: str) -> tuple[Shaper, ...]:
    return tuple(each for each in SHAPERS if each.calls.get(language))


def may_shape(text: str, language: str) -> bool:
    """Whether the text of a file of code may have such a call of its language."""
    return any(each.word in text and (not each.uses or re.search(each.uses, text)) for each in _shapers(language))


def shaped_by_code(file: SourceFile) -> Shaped | None:
    """The gravest such call of a file that runs in production."""
    if _ELSEWHERE.search(file.file) is not None:
        return None
    found = [each for shaper in _shapers(file.language) if (each := _first(shaper, file)) is not None]
    if _BY_ITSELF.search(file.file) is not None:
        why = "whether it runs when the program starts, or by itself"
        found = [replace(each, doubt=each.doubt or why) for each in found if each.shapes is not Shapes.ADDS]
    grave = list(Shapes)
    return max(found, key=lambda each: (not each.doubt, grave.index(each.shapes)), default=None)


def _first(shaper: Shaper, file: SourceFile) -> Shaped | None:
    pattern, code = shaper.calls.get(file.language, ""), file.code
    if not pattern or shaper.word not in code or (shaper.uses and re.search(shaper.uses, code) is None):
        return None
    doubtful: Shaped | None = None
    for seen, match in enumerate(re.finditer(pattern, code)):
        if seen > 20:
            break
        answer = _runs(file.language, code, match)
        if answer is YES:
            return Shaped(shaper.tool, shaper.shapes, file.line_at(match.start()))
        if isinstance(answer, Open) and doubtful is None:
            doubtful = Shaped(shaper.tool, shaper.shapes, file.line_at(match.start()), answer.why)
    return doubtful


def _runs(language: str, code: str, match: re.Match[str]) -> Answer:
    """Whether a call is made when the program starts in production."""
    given = (match.groupdict().get("given") or "true").strip().rstrip(")}] ")
    if given != "true":
        return NO if _NEVER.search(given) else Open(f"whether `{given[:60]}` holds in production")
    heads = _python_heads(code, match.start()) if language == "python" else _heads(code, match.start())
    answer: Answer = YES
    for head in heads:
        if _ERRAND.search(head) or _MAIN.search(head) or _NEVER.search(head):
            return NO
        if _ASKS.search(head) and not _NO_CONDITION.search(head):
            answer = Open(f"whether it runs, under a condition: `{' '.join(head.split())[-60:]}`")
    return answer


def _heads(code: str, at: int) -> Iterator[str]:
    """The beginning of the call's own statement, and what stands in front of each block around it."""
    yield re.split(r"[;{}\n]", code[max(0, at - _HEAD) : at])[-1]
    depth = 0
    for brace in reversed([*_BRACES.finditer(code, 0, at)][-_MOST_BRACES:]):
        if brace[0] == "}":
            depth += 1
        elif depth:
            depth -= 1
        else:
            yield re.split("[;}{]", code[max(0, brace.start() - _HEAD) : brace.start()])[-1]


def _python_heads(code: str, at: int) -> Iterator[str]:
    """The lines above the call that open a block around it, with the decorators of functions."""
    lines = code[:at].split("\n")
    own = lines.pop()
    yield own
    indent = len(own) - len(own.lstrip())
    while lines and indent:
        line = lines.pop()
        said = line.strip()
        if not said or len(line) - len(line.lstrip()) >= indent:
            continue
        indent = len(line) - len(line.lstrip())
        decorators = []
        while _DECLARED.match(said) and lines and lines[-1].strip().startswith("@"):
            decorators.append(lines.pop().strip())
        yield "\n".join((*decorators, said))


# -- Hibernate's settings ----------------------------------------------------------------------------------------------

_SETTINGS: Final = lazy_re.compile(
    r"application(?:-(?P<profile>[\w-]+))?\.(?:properties|ya?ml)|hibernate(?:\.cfg\.xml|\.properties)|persistence\.xml"
)
_SAID: Final = lazy_re.compile(
    r"^[ \t]*(?P<of>%\w+\.)?(?:spring\.jpa\.)?(?:properties\.)?(?:[\w.]*\.)?"
    r"(?:ddl[-_]?auto|(?:hibernate\.)?hbm2ddl\.auto|hibernate-orm\.(?:database\.generation|schema-management\.strategy))"
    r"[ \t]*[=:][ \t]*['\"]?(?P<value>[^\s'\"#]+)"
    r"|^[ \t]*hbm2ddl:[ \t]*\n[ \t]+auto:[ \t]*['\"]?(?P<nested>[^\s'\"#]+)"
    r"|<property\s+name=\"(?:hibernate\.)?hbm2ddl\.auto\"\s*(?:value=\"|>\s*)(?P<xml>[\w-]+)"
    r"|<property\s+name=\"\w+\.persistence\.schema-generation\.database\.action\"\s+value=\"(?P<action>[\w-]+)\"",
    re.MULTILINE | re.IGNORECASE,
)
_DOCUMENT: Final = lazy_re.compile(r"^(?:#|!)?---[ \t]*$", re.MULTILINE)
_PROFILE: Final = lazy_re.compile(
    r"(?:on-profile|^[ \t]*profiles|spring\.profiles)[ \t]*[:=][ \t]*['\"]?(?P<name>[^\n#]+)", re.MULTILINE
)
_NEVER_PROFILE: Final = lazy_re.compile(
    r"(?:^|[\W_])(?:dev\w*|tests?|testing|local\w*|h2|ci|it|demo)(?:$|[\W_])", re.IGNORECASE
)
_PLACEHOLDER: Final = lazy_re.compile(r"\$\{(?P<name>[\w.-]+)(?::(?P<default>[\w-]*))?\}")


def is_settings(name: str) -> bool:
    """Whether a file of this name may have settings of Hibernate's for production."""
    found = _SETTINGS.fullmatch(name.rpartition("/")[2])
    return found is not None and not _NEVER_PROFILE.search(found["profile"] or "")


def shaped_by_settings(shown: str, text: str) -> Shaped | None:
    """What a file of settings has Hibernate do when the program starts; the last of its documents counts."""
    if re.search(r"ddl|hibernate-orm|schema-generation", text) is None or _ELSEWHERE.search(shown.rpartition("/")[0]):
        return None
    told: Shaped | None = None
    begin = 0
    for end in [*(each.start() for each in _DOCUMENT.finditer(text)), len(text)]:
        part = text[begin:end]
        profile = _PROFILE.search(part)
        if profile is None or not _NEVER_PROFILE.search(profile["name"]):
            for match in _SAID.finditer(part):
                if not _NEVER_PROFILE.search(match["of"] or ""):
                    told = _setting(match, 1 + text.count("\n", 0, begin + match.start()))
        begin = end
    return told


def _setting(match: re.Match[str], line: int) -> Shaped | None:
    written = next(each for each in (match["value"], match["nested"], match["xml"], match["action"]) if each)
    hole = _PLACEHOLDER.fullmatch(written)
    doubt = f"what {hole['name']} is set to" if hole is not None else ""
    value = (hole["default"] or "") if hole is not None else written
    shapes = OF_HIBERNATE.get(value.lower())
    if match["action"] and value == "create":
        shapes = Shapes.ADDS
    if hole is not None and not value:
        shapes = Shapes.CHANGES
    return None if shapes is None else Shaped("hibernate", shapes, line, doubt)
