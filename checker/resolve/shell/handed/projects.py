"""Runners of hooks that a file of the project describes: pre-commit's local hooks, Lefthook's commands.

Sources: pre-commit documentation, "Repository local hooks"; Lefthook documentation, "Configuration" (``run``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from checker.resolve.shell.handed.kinds import Handed, Told, line

_RUNS: Final = frozenset({"run", "hook-impl"})
_LOCAL: Final = re.compile(r"^(?P<dash>\s*)-\s+repo:\s*['\"]?local\b.*?(?=^(?P=dash)-\s|\Z)", re.MULTILINE | re.DOTALL)
_ENTRY: Final = re.compile(r"^\s*(?:-\s+)?entry:\s*(?P<quote>['\"]?)(?P<line>[^\n]+?)(?P=quote)\s*$", re.MULTILINE)
_COMMAND: Final = re.compile(
    r"^\s*(?:-\s+)?run:\s*(?P<quote>['\"]?)(?P<line>[^|>\n][^\n]*?)(?P=quote)\s*$", re.MULTILINE
)


def pre_commit(told: Told) -> Iterator[Handed]:
    """The commands of hooks that the project has itself; those of other repositories check source code."""
    if not _RUNS.intersection(word for word in told.words[1:2] if isinstance(word, str)) and len(told.words) > 1:
        return
    for block in _LOCAL.finditer(told.text_of(".pre-commit-config.yaml") or ""):
        for each in _ENTRY.finditer(block[0]):
            yield line(each["line"])


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
