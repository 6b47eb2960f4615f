"""A step that names a shell of its own, ``shell: bash ops/in_vpn.sh {0}``: the program that is named there runs, with
the step's script in a file that it is told of, and makes of it what it likes.

Source: GitHub documentation, "Workflow syntax", "Custom shell": the runner starts the first word with the others, and
no shell around it.
"""

from __future__ import annotations

import shlex
from typing import Final

from checker.model.pipeline.jobs import EffectiveStep
from checker.model.written.shell_lines import SHELLS
from checker.resolve.shell.dialects.powershell import for_bash

_SCRIPT: Final = "{0}"
# Where GitHub's hosted runners put a step's script ("Workflow syntax", ``shell``: ``{0}`` is its path).
_FILE: Final = "/home/runner/work/_temp/step.sh"
# Options of shells that the next word belongs to (GNU Bash manual, "Invoking Bash").
_WITH_VALUE: Final = frozenset({"-o", "+o", "-O", "+O", "--rcfile", "--init-file"})


def as_bash(step: EffectiveStep, options: str | None) -> tuple[str | None, str, tuple[int, ...]]:
    """The options of a step's shell, its script as bash would have it, and the line of each of its lines."""
    assert step.run is not None
    words = _words(step.shell)
    if not words or _only_runs_it(words):
        return *for_bash(step, options), step.run.lines
    text = step.run.text.rstrip("\n")
    end = "END"
    while end in text:
        end += "_"
    started = shlex.join(word.replace(_SCRIPT, _FILE) for word in words)
    here = step.run.line(0)
    given = tuple(step.run.line(index) for index in range(text.count("\n") + 1))
    return "", f"cat > {_FILE} <<'{end}'\n{text}\n{end}\n{started}", (here, *given, here, here)


def _words(shell: str) -> list[str]:
    """The words of such a shell; none where it is one of GitHub's own, or an expression tells it."""
    if _SCRIPT not in shell or "${{" in shell:
        return []
    try:
        return shlex.split(shell)
    except ValueError:
        return []


def _only_runs_it(words: list[str]) -> bool:
    """Whether it is a program that runs the script, and nothing else: a shell with its options, Python, any other."""
    program = words[0].rpartition("/")[2]
    if program.startswith("python") and "-m" in words:
        return words[-1] == _SCRIPT  # a debugger or a profiler runs it
    if program not in SHELLS and not program.startswith("python"):
        return len(words) == 2 and program == words[0]
    left = words[1:]
    while left and left[0].startswith(("-", "+")):
        if left[0] == "-c":
            return False
        left = left[2:] if left[0] in _WITH_VALUE or left[0].endswith("o") else left[1:]
    return left == [_SCRIPT]
