"""What a file of the project has a tool run: pre-commit's local hooks, Lefthook's commands, those of tools that make
releases.

Sources: pre-commit documentation, "Repository local hooks"; Lefthook documentation, "Configuration" (``run``);
semantic-release, "Configuration" and the README of @semantic-release/exec (``publishCmd`` and its kin);
standard-version, README, "Lifecycle Scripts".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from checker import lazy_re
from checker.model.possible import Possible, joined, open_text
from checker.resolve.shell.handed.kinds import Handed, Told, line

_RUNS: Final = frozenset({"run", "hook-impl"})
_LOCAL: Final = lazy_re.compile(
    r"^(?P<dash>\s*)-\s+repo:\s*['\"]?local\b.*?(?=^(?P=dash)-\s|\Z)", re.MULTILINE | re.DOTALL
)
_ENTRY: Final = lazy_re.compile(r"^\s*(?:-\s+)?entry:\s*(?P<quote>['\"]?)(?P<line>[^\n]+?)(?P=quote)\s*$", re.MULTILINE)
_COMMAND: Final = lazy_re.compile(
    r"^\s*(?:-\s+)?run:\s*(?P<quote>['\"]?)(?P<line>[^|>\n][^\n]*?)(?P=quote)\s*$", re.MULTILINE
)
# The same inside braces.
_IN_BRACES: Final = (
    r"[{{,]\s*{name}:\s*(?:'(?P<single>[^'\n]*)'|\"(?P<double>[^\"\n]*)\"|(?P<plain>[^\s'\"|>][^,}}\n]*))"
)
_ENTRY_IN_BRACES: Final = lazy_re.compile(_IN_BRACES.format(name="entry"))
_COMMAND_IN_BRACES: Final = lazy_re.compile(_IN_BRACES.format(name="run"))


def pre_commit(told: Told) -> Iterator[Handed]:
    """The commands of hooks that the project has itself; those of other repositories check source code."""
    if not _RUNS.intersection(word for word in told.words[1:2] if isinstance(word, str)) and len(told.words) > 1:
        return
    for block in _LOCAL.finditer(told.text_of(".pre-commit-config.yaml") or ""):
        for each in _ENTRY.finditer(block[0]):
            yield line(each["line"])
        yield from _in_braces(_ENTRY_IN_BRACES, block[0])


def _in_braces(pattern: re.Pattern[str], text: str) -> Iterator[Handed]:
    for each in pattern.finditer(text):
        yield line(each["single"] or each["double"] or each["plain"] or "")


def lefthook(told: Told) -> Iterator[Handed]:
    """The commands of the hooks, whichever is run."""
    if told.words[1:2] != ["run"]:
        return
    names = ("lefthook.yml", "lefthook.yaml", ".lefthook.yml", ".lefthook.yaml")
    text = next((found for name in names if (found := told.text_of(name)) is not None), None)
    if text is None:
        yield "what lefthook runs was not found in the repository"
    for each in _COMMAND.finditer(text or ""):
        yield line(each["line"])
    yield from _in_braces(_COMMAND_IN_BRACES, text or "")


_RELEASES: Final = (
    *("package.json", ".releaserc", ".releaserc.json", ".releaserc.yaml", ".releaserc.yml", ".releaserc.js"),
    *(".releaserc.cjs", "release.config.js", "release.config.cjs", "release.config.mjs"),
)
_VERSIONS: Final = ("package.json", ".versionrc", ".versionrc.json", ".versionrc.js", ".versionrc.cjs")
_WRITTEN: Final = (
    r"['\"]?{name}['\"]?\s*:\s*(?:\"(?P<double>(?:[^\"\\\n]|\\.)*)\"|'(?P<single>[^'\n]*)'|`(?P<ticked>[^`]*)`"
    r"|(?P<plain>[^\s\"'`\[{{|>][^\n]*))"
)
_OF_RELEASES: Final = lazy_re.compile(_WRITTEN.format(name=r"\w+Cmd"))
_OF_VERSIONS: Final = lazy_re.compile(_WRITTEN.format(name="(?:pre|post)(?:release|bump|changelog|commit|tag)"))
_FILLED: Final = lazy_re.compile(r"\$\{[^{}]*\}|<%.*?%>")  # by the tool, before a shell gets it


def releases(told: Told) -> Iterator[Handed]:
    """The commands that ``@semantic-release/exec`` is set up with."""
    for name in _RELEASES:
        text = told.text_of(name) or ""
        if "@semantic-release/exec" in text:
            yield from _commands(_OF_RELEASES, text)


def versions(told: Told) -> Iterator[Handed]:
    """The scripts that standard-version runs on its way."""
    for name in _VERSIONS:
        text = told.text_of(name) or ""
        at = text.find("standard-version" if name == "package.json" else "scripts")
        yield from _commands(_OF_VERSIONS, text[at:]) if at >= 0 else ()


def _commands(pattern: re.Pattern[str], text: str) -> Iterator[Handed]:
    for match in pattern.finditer(text):
        double = match["double"]
        written = (
            re.sub(r"\\(.)", r"\1", double)
            if double is not None
            else match["single"] or match["ticked"] or match["plain"]
        )
        parts: list[Possible] = []
        end = 0
        for filled in _FILLED.finditer(written or ""):
            parts += [written[end : filled.start()], open_text(filled[0])]
            end = filled.end()
        yield line(joined([*parts, (written or "")[end:].strip()]))
