"""What programs make of it that nothing comes in over a pipe, as it does behind a command that has failed.

Sources: GNU grep manual, "Exit Status"; jq manual, "Invoking jq" (``--exit-status``). Of jq that option tells of an
empty input from 1.7 on (jqlang/jq, issue 1142 and pull request 1697); the runners of Ubuntu 24.04 have 1.7.1, those of
22.04 have 1.6 (actions/runner-images, the lists of installed packages).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from checker import lazy_re
from checker.model.pipeline.scripts import Reached
from checker.model.possible import Possible
from checker.resolve.shell.files.changing import filter_of

_NEWER: Final = lazy_re.compile(r"ubuntu-(?:latest|2[4-9]\.04|[3-9]\d\.04)(?:-arm)?")
_EXIT_STATUS: Final = lazy_re.compile(r"-[a-zA-Z]*e[a-zA-Z]*|--exit-status")
_BY_ITSELF: Final = lazy_re.compile(r"-[a-zA-Z]*[nsR][a-zA-Z]*|--(?:null-input|slurp|raw-input)")
_OTHERWISE: Final = lazy_re.compile(
    r"-[a-zA-Z]*[LrR][a-zA-Z]*|--(?:files-without-match|recursive|dereference-recursive)"
)
_GREPS: Final = frozenset({"grep", "egrep", "fgrep"})
# What prints nothing where nothing comes in, whatever it is told; jq and awk may be told to print by themselves.
_FILTERS: Final = frozenset(
    {"sed", "tr", "cut", "sort", "uniq", "head", "tail", "rev", "tac", "fold", "cat", "jq", "awk"}
)


def fails_silently(words: Sequence[str]) -> bool:
    """Whether a command prints nothing where it fails: a program of anybody's own may have printed before."""
    return words[:1] in (("aws",), ("curl",), ("wget",)) and "--fail-with-body" not in words


def ends_on_nothing(words: Sequence[Possible], reached: Reached) -> str | None:
    """The status of a program that gets nothing to read, where that is known."""
    name = words[0] if words else ""
    plain = [each for each in words[1:] if not (isinstance(each, str) and each.startswith("-"))]
    if name in _GREPS:
        return "1" if len(plain) == 1 and not _has(words, _OTHERWISE) else None
    if name == "jq" and _has(words, _EXIT_STATUS):
        asks = len(filter_of(words[1:])) == 1 and not _has(words, _BY_ITSELF)
        return "4" if asks and _is_newer(reached) else None
    return None


def passes_nothing(words: Sequence[Possible]) -> bool:
    """Whether a program that gets nothing to read prints nothing either."""
    name = words[0] if words else ""
    if name not in _FILTERS or not all(isinstance(each, str) for each in words):
        return False
    if name == "jq":
        return len(filter_of(words[1:])) == 1 and not _has(words, _BY_ITSELF)
    plain = [str(each) for each in words[1:] if not str(each).startswith("-")]
    if name in {"sed", "awk"}:
        return len(plain) == 1 and "BEGIN" not in plain[0] and "END" not in plain[0]
    if name in {"cut", "head", "tail"}:  # values of options, and no file
        return not any("." in each or "/" in each or len(each) > len("10,20") for each in plain)
    return not plain or name == "tr"


def _has(words: Sequence[Possible], option: re.Pattern[str]) -> bool:
    return any(isinstance(each, str) and option.fullmatch(each) for each in words[1:])


def _is_newer(reached: Reached) -> bool:
    job = reached.step.job.job if reached.step is not None else None
    if job is None or job.container:
        return False
    named = job.runs_on if isinstance(job.runs_on, list | tuple) else [job.runs_on]
    return any(isinstance(each, str) and _NEWER.fullmatch(each) for each in named) and "self-hosted" not in named
