"""What commands run as code of what they are given: text that becomes a script again once variables stand in it.

``eval "$X"``, ``bash -c "deploy $X"``, ``python -c "$X"``, ``xargs -I{} sh -c 'deploy {}'``, ``ssh host "deploy $X"``
and ``echo "$X" | bash`` make a script of the variable's text, as GitHub does of an expression's; and so do task runners
of the values that a recipe names (``make deploy X="$X"``). Sources: GNU Bash manual, "Bourne Shell Builtins"
(``eval``), "Invoking Bash" (``-c``); POSIX, ``xargs``; GNU make manual, "Recipe Execution"; just and Task, "Variables".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from checker import lazy_re
from checker.model.pipeline.scripts import AwsCall, Command, Trace
from checker.model.pipeline.shell import PASTED
from checker.model.possible import Possible
from checker.model.values import Text
from checker.model.written.shell_lines import SHELLS
from checker.reason.text.code_given import code_given, code_sent, is_interpreter, reads_code

# What stands for a variable's text in a text that is read as a script: a step's own expressions have lower numbers.
_MARK: Final = lazy_re.compile(rf"__gha\d{{4,}}__|\b{PASTED}\w+")
_HERE: Final = frozenset({"<<", "<<-", "<<<"})
_PRINTS: Final = frozenset({"echo", "printf", "cat", "sed"})


def run_as_code(trace: Trace) -> Iterator[tuple[Command | AwsCall, tuple[Possible, ...]]]:
    """The commands and calls that run text as code, each with that text as far as it is not known."""
    before: Command | None = None
    kept: dict[str, list[Possible]] = {}  # what was written to files
    for command in trace.commands:
        given = [*_texts(command, before), *_from_files(command, kept)]
        found = tuple(each for each in given if isinstance(each, Text))
        if found:
            yield command, found
        for each in command.writes:
            if each.operator in {">", ">>", ">|"} and isinstance(each.target, str):
                kept.setdefault(each.target, []).extend(_printed(command))
        before = command
    for call in trace.aws:
        sent = tuple(each for each in code_sent(call) if isinstance(each, Text))
        if sent:
            yield call, sent


def _texts(command: Command, before: Command | None) -> Iterator[Possible]:
    words = command.words
    if ("__gha" in command.source or PASTED in command.source) and _MARK.search(command.source):
        tokens = command.source.split()
        alike = len(tokens) == len(words)
        yield from (word for index, word in enumerate(words) if not alike or _MARK.search(tokens[index]))
        return
    if words[:1] == ("eval",):
        yield from words[1:]
        return
    yield from code_given(words)
    reads = reads_code(words)
    if reads:
        yield from (each.target for each in command.writes if each.operator in _HERE)
    named = any(isinstance(word, Text) and word.holes[0].shown.startswith("<(") for word in words)
    if before is None or not before.handling.piped or before.spot.line > command.spot.line:
        return
    if reads or (named and is_interpreter(command.program)):
        yield from (
            _printed(before) if command.program not in SHELLS or named else (*_printed(before), *before.words[1:])
        )


def _printed(command: Command) -> Iterator[Possible]:
    """What a command prints, as far as it is what it is given."""
    if command.program in _PRINTS:
        yield from command.words[1:]
        yield from (each.target for each in command.writes if each.operator in _HERE)


def _from_files(command: Command, kept: Mapping[str, Sequence[Possible]]) -> Iterator[Possible]:
    """What stands in files that a command runs and that the script wrote."""
    if not kept or not command.words or not (command.words[0] in kept or is_interpreter(command.program)):
        return
    names = [word.removeprefix("./") for word in command.words if isinstance(word, str)]
    yield from (each for name in names for each in kept.get(name, kept.get(f"./{name}", ())))
