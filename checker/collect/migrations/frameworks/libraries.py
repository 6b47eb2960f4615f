"""Where code has a tool's library apply migrations, and which version of the library a project asks for.

Sources: EF Core documentation, "Applying Migrations"; .NET documentation, "Package references in project files" and
"Central Package Management".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from checker import lazy_re
from checker.collect.migrations.source_code import LANGUAGES
from checker.model.migrations.folders import SourceFile
from checker.model.migrations.tools import TOOLS

# How each language imports a module; the modules of the tools' libraries are expressions themselves. Where no import
# tells, or an import alone does not, it is the call.
_IMPORTS: Final[Mapping[str, str]] = {
    "script": r"(?:\bfrom\s*|\brequire\(\s*|\bimport\(\s*)['\"]{0}['\"]",
    "go": r"^[ \t]*(?:import[ \t]+)?(?:\w+[ \t]+)?\"{0}",
    "other": r"^import\s+{0}",
    "python": r"^(?:from|import)\s+{0}",
}
# How the libraries call it that they apply migrations.
_APPLIES: Final = lazy_re.compile(
    r"\b(?:upgrade|migrate\w*|run_?(?:pending_)?migrations?|apply_?\w*|up|latest|call_command|CreateAndMigrate)\s*\(",
    re.I,
)
# Code for its tests alone, which stands at a file's end (The Rust Programming Language, "Test Organization").
_RUST_TESTS: Final = lazy_re.compile(r"^#\[cfg\(test\)\]\s*(?:pub\s+)?mod\s+\w+\s*\{", re.MULTILINE)
# Calls by a name that is anybody's, and what a file says beside one that is the library's.
_ANYBODYS: Final = {
    "typeorm": (
        "runMigrations",
        lazy_re.compile(r"(?<!\bthis)\.runMigrations\s*\("),
        lazy_re.compile(r"['\"](?:@nestjs/)?typeorm['\"]|\.initialize\(\s*\)"),
    )
}
_MOST_LOOKED_AT: Final = 20  # calls of one file
_LONGEST_HEAD: Final = 400  # signs in front of a block
_BRACES: Final = lazy_re.compile(r"[{}]")
# A condition that holds on a developer's machine alone.
_DEVELOPS: Final = lazy_re.compile(
    r"\bif\s*\([^{;]{0,200}?(?<![\w.!])(?<!! )[\w.]*(?:Environment|env)\.IsDevelopment\(\)", re.I
)
_NO_PRODUCTION: Final = lazy_re.compile(r"\bif\s*\([^{;]{0,200}?!\s*[\w.]*(?:Environment|env)\.IsProduction\(\)", re.I)


def _library(written: str, module: str) -> tuple[str, re.Pattern[str]]:
    """How an import of ``module``, an expression, is found: the word that it begins with, and the whole of it."""
    return re.split(r"[^\w-]", module, maxsplit=1)[0], re.compile(written.replace("{0}", module), re.MULTILINE)


# By language, the tool's name -> its imports and calls.
_LIBRARIES: Final[Mapping[str, Mapping[str, tuple[tuple[str, re.Pattern[str]], ...]]]] = {
    language: {
        tool.name: tuple(
            _library(form, said[language])
            for form, said in ((_IMPORTS.get(language, ""), tool.imports), (r"\b{0}", tool.calls))
            if language in said
        )
        for tool in TOOLS
        if language in tool.imports or language in tool.calls
    }
    for language in {*LANGUAGES.values()}
}


def libraries_in(shown: str, text: str) -> list[str]:
    """The tools whose libraries a file of code uses to migrate."""
    language = LANGUAGES["." + shown.rpartition(".")[2].lower()]
    return [
        name
        for name, forms in _LIBRARIES[language].items()
        if any(word in text for word in _words(name, forms)) and _first(name, language, text) is not None
    ]


def _words(name: str, forms: tuple[tuple[str, re.Pattern[str]], ...]) -> Iterator[str]:
    yield from (word for word, _ in forms)
    if name in _ANYBODYS:
        yield _ANYBODYS[name][0]


def line_of(entry: SourceFile, name: str) -> int:
    """Where a file has a library apply migrations: the first such call behind its import, or that."""
    found = _first(name, entry.language, entry.code)
    if found is None:
        return 1
    call = _APPLIES.search(entry.code, found.end())
    return entry.line_at(call.start() if call is not None else found.start())


def _first(name: str, language: str, text: str) -> re.Match[str] | None:
    end = len(text)
    if language == "rust" and (tests := _RUST_TESTS.search(text)) is not None:
        end = tests.start()
    for _, pattern in _LIBRARIES[language][name]:
        for seen, found in enumerate(pattern.finditer(text, 0, end)):
            if language != "csharp" or seen > _MOST_LOOKED_AT or not _is_guarded(text, found.start()):
                return found
    if name in _ANYBODYS and language == "script" and _ANYBODYS[name][2].search(text) is not None:
        return _ANYBODYS[name][1].search(text)
    return None


def _is_guarded(text: str, at: int) -> bool:
    """Whether a call stands in a block that a developer's machine alone enters."""
    depth = 0
    for brace in reversed([*_BRACES.finditer(text, 0, at)]):
        if brace[0] == "}":
            depth += 1
        elif depth:
            depth -= 1
        else:
            head = re.split("[;}]", text[max(0, brace.start() - _LONGEST_HEAD) : brace.start()])[-1]
            if _DEVELOPS.search(head) or _NO_PRODUCTION.search(head):
                return True
    return False


# -- versions ----------------------------------------------------------------------------------------------------------

_PROJECT: Final = lazy_re.compile(
    r".*\.(?:cs|fs|vb)proj|Directory\.(?:Packages|Build)\.(?:props|targets)", re.IGNORECASE
)
_PACKAGE: Final = lazy_re.compile(
    r"<Package(?:Reference|Version)\s[^>]{0,300}?\b(?:Include|Update)\s*=\s*\"(?P<name>[\w.]{1,100})\"[^>]{0,300}?"
    r"(?:\bVersion(?:Override)?\s*=\s*\"|>\s*<Version>)(?P<version>[^\"<]{0,60})",
    re.IGNORECASE,
)
_OF_EF: Final = lazy_re.compile(
    r"Microsoft\.EntityFrameworkCore(?:\.(?:Relational|SqlServer|Sqlite|Design))?|Npgsql\.EntityFrameworkCore\.PostgreSQL"
    r"|Pomelo\.EntityFrameworkCore\.MySql|MySql\.EntityFrameworkCore",
    re.IGNORECASE,
)
_MAJOR: Final = lazy_re.compile(r"\[?(\d+)(?:\.[\w.*+-]*)?[\])]?")


def is_project(name: str) -> bool:
    """Whether a file of this name says which packages a project of .NET asks for."""
    return _PROJECT.fullmatch(name.rpartition("/")[2]) is not None


def versions_in(text: str) -> Iterator[tuple[str, int]]:
    """The tools whose libraries a project asks for, and the major version of each; 0 where that is not told."""
    for found in _PACKAGE.finditer(text) if "EntityFrameworkCore" in text else ():
        if _OF_EF.fullmatch(found["name"]):
            major = _MAJOR.fullmatch(found["version"].strip())
            yield "entity-framework", int(major[1]) if major is not None else 0
