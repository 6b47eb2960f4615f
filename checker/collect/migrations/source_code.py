"""Reads program text of several languages far enough to tell code from comments and strings. Nothing is run."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Final

from checker import lazy_re
from checker.model.migrations.folders import SourceFile

LANGUAGES: Final = {
    ".py": "python", ".ts": "script", ".mts": "script", ".cts": "script", ".js": "script", ".mjs": "script",
    ".cjs": "script", ".go": "go", ".rs": "rust", ".java": "other", ".kt": "other", ".rb": "other",
    ".php": "other", ".exs": "other", ".cs": "csharp",
}  # fmt: skip
# A string that never ends is taken to the end of its line: whatever the text, each sign is looked at once.
_TOKEN: Final = lazy_re.compile(
    r"""(?P<comment>//[^\n]*|/\*[\s\S]*?(?:\*/|\Z))
      | (?P<string>'(?:[^'\\\n]|\\.)*'?|"(?:[^"\\\n]|\\.)*"?|`(?:[^`\\]|\\[\s\S])*`?)""",
    re.VERBOSE,
)
_HASH: Final = lazy_re.compile(
    r"""(?P<string>'(?:[^'\\\n]|\\.)*'?|"(?:[^"\\\n]|\\.)*"?)|(?P<comment>\#[^\n]*)""",
    re.VERBOSE,
)
_PYTHON: Final = lazy_re.compile(
    r"""(?P<comment>\#[^\n]*)
      | (?P<string>(?<![\w])[rRuUbBfF]{0,2}(?:\"{3}[\s\S]*?(?:\"{3}|\Z)|'{3}[\s\S]*?(?:'{3}|\Z)
          |"(?:[^"\\\n]|\\[\s\S])*"?|'(?:[^'\\\n]|\\[\s\S])*'?))
    """,
    re.VERBOSE,
)
_PYTHON_IMPORT: Final = lazy_re.compile(r"[ \t]*(?:from\s++(\.*[\w.]*)\s+import\s+([^\n]+)|import\s+([\w., ]+))")
_SQL_COMMENT: Final = lazy_re.compile(r"--[^\n]*|/\*[\s\S]*?(?:\*/|\Z)")


def source_file(file: str, text: str) -> SourceFile:
    """``text`` taken apart, by the language that the file's ending names."""
    suffix = PurePosixPath(file).suffix.lower()
    language = LANGUAGES.get(suffix, "other")
    if language == "python":
        return _python(file, text)
    return _c_like(file, text, language, _HASH if suffix in {".rb", ".exs"} else _TOKEN)


def without_sql_comments(text: str) -> str:
    """The text of a string as the database reads it."""
    return _SQL_COMMENT.sub(_blank, text)


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match.group())


def _c_like(file: str, text: str, language: str, token: re.Pattern[str]) -> SourceFile:
    strings: list[tuple[int, str]] = []
    parts: list[str] = []
    position, line = 0, 1
    for match in token.finditer(text):
        between, found = text[position : match.start()], match.group()
        line += between.count("\n")
        parts.append(between)
        if match.lastgroup == "comment":
            parts.append(_blank(match))
        else:
            parts.append(without_sql_comments(found) if found.startswith("`") else found)
            strings.append((line, found[1:-1]))
        line += found.count("\n")
        position = match.end()
    parts.append(text[position:])
    return SourceFile(file, language, "".join(parts), tuple(strings))


def _python(file: str, text: str) -> SourceFile:
    strings: list[tuple[int, str]] = []
    parts: list[str] = []
    position, line, depth = 0, 1, 0
    for match in _PYTHON.finditer(text):
        between, found = text[position : match.start()], match.group()
        line += between.count("\n")
        parts.append(between)
        position = match.end()
        depth = max(0, depth + _opened(between))
        begins_line = not text[text.rfind("\n", 0, match.start()) + 1 : match.start()].strip()
        if match.lastgroup == "comment" or (depth == 0 and begins_line):
            parts.append(_blank(match))  # a string that is a statement is documentation, whatever it says
        else:
            inner = found.lstrip("rRuUbBfF")
            quote = 3 if inner[:3] in {'"""', "'''"} else 1
            parts.append(without_sql_comments(found) if quote == 3 else found)
            strings.append((line, inner[quote:-quote]))
        line += found.count("\n")
    parts.append(text[position:])
    return SourceFile(file, "python", "".join(parts), tuple(strings))


def _opened(code: str) -> int:
    """How many brackets code opens that it does not close."""
    opened = code.count("(") + code.count("[") + code.count("{")
    return opened - code.count(")") - code.count("]") - code.count("}")


def imported_by_python(shown: str, code: str, is_file: Callable[[str], bool]) -> Iterator[str]:
    """The repository's own files that a Python file imports."""
    folder = posixpath.dirname(shown)
    lines = (line for line in code.split("\n") if "import" in line)
    for match in filter(None, map(_PYTHON_IMPORT.match, lines)):
        if match[3]:
            names = [name.split(" as ")[0].strip() for name in match[3].split(",")]
        else:
            dots = len(match[1]) - len(match[1].lstrip("."))
            base = folder.split("/") if dots else []
            base = base[: len(base) - dots + 1] if dots else base
            module = ".".join([*[part for part in base if part], *[p for p in match[1].lstrip(".").split(".") if p]])
            listed = [name.split(" as ")[0].strip(" ()") for name in match[2].split(",")]
            names = [module, *(f"{module}.{name}" for name in listed if name.isidentifier())]
        for name in names:
            path = name.replace(".", "/")
            for prefix in ("", folder + "/"):
                if path and is_file(f"{prefix}{path}.py"):
                    yield f"{prefix}{path}.py"
                    break
