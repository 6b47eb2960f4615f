"""Options and words of the command line, as a program's parser takes them (Python documentation, ``argparse``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from checker.model.possible import OneOf, Possible, joined
from checker.model.values import Text
from checker.resolve.python.machine import COMMAND, Call, Machine
from checker.resolve.python.values import Extern, Value, extern

_PLACE: Final = "word "  # in front of what a parser calls a word that is told by its place
_SHORT: Final = "short "  # in front of an option's one letter: what it is short for
_REST: Final = "words "  # in front of what a parser calls all words that no option takes
_SEVERAL: Final = frozenset({"*", "+", "..."})  # of ``nargs``: any number of them
_OPEN: Final = "any number of words"  # a parser with which a word's place tells nothing


def declare(machine: Machine, given: Call) -> None:
    """``add_argument``: what an option is where it is not given, and which words have a place."""
    names = [each for each in given.positional if isinstance(each, str)]
    long = [each for each in names if each.startswith("--")]
    action, nargs = given.named.get("action"), given.named.get("nargs")
    is_flag = isinstance(action, str) and action in {"store_true", "store_false"}
    absent: Value = action == "store_false" if is_flag else given.named.get("default")
    for name in long:
        machine.declare(name, absent, flag=is_flag)
    for name in names:
        if name.startswith("-") and name not in long:
            machine.declare(f"{_SHORT}{name}", long[0] if long else None, flag=is_flag)
        elif name not in long and nargs is None and "type" not in given.named:
            machine.declare(f"{_PLACE}{name}", None, flag=False)
        elif name not in long and (nargs in _SEVERAL or _is_remainder(nargs)):
            machine.declare(f"{_REST}{name}", None, flag=True)
    takes_more = nargs is not None or (action is not None and not is_flag and action != "store")
    if takes_more or any(name not in long and not name.startswith("-") and "type" in given.named for name in names):
        machine.declare(_OPEN, None, flag=True)


def _is_remainder(nargs: Value) -> bool:
    return isinstance(nargs, Extern) and nargs.name == "argparse.REMAINDER"


def declare_commands(machine: Machine, dest: Value) -> None:
    """``add_subparsers``: what the command that is chosen is called."""
    if isinstance(dest, str):
        machine.declare(f"{COMMAND}{dest}", None, flag=True)
    machine.declare(_OPEN, None, flag=True)  # words behind the command are another parser's


def from_command_line(machine: Machine, parsed: Extern, name: str) -> Value:
    """``options.environment``: what the command line gives, where it is known."""
    flag = "--" + name.replace("_", "-")
    given = machine.words
    words = list(_long(machine, given or ()))
    # The command of a parser that has several: its first word, where no option stands before it.
    if words and f"{COMMAND}{name}" in machine.flags and isinstance(words[0], str) and not words[0].startswith("-"):
        return words[0]
    for index, word in enumerate(words):
        if (rest := behind(word, f"{flag}=")) is not None:
            return rest
        if word == flag and flag in machine.flags:
            return True
        if word == flag and index + 1 < len(words):
            return words[index + 1]
    if given is not None and not any(may_be_options(word) for word in words):
        if flag in machine.options:
            return machine.options[flag]
        if (found := _by_place(machine, words, name)) is not None:
            return found
        if (all_left := _rest(machine, words, name)) is not None:
            return all_left
    return extern(f"{parsed.name}.{name}", parsed.words, parsed=parsed.parsed, answer=parsed.answer)


def _long(machine: Machine, words: Sequence[Possible]) -> Iterator[Possible]:
    """The words with options of one letter as the long ones that they are short for."""
    for word in words:
        meant = machine.options.get(f"{_SHORT}{word[:2]}") if isinstance(word, str) else None
        alone = isinstance(word, str) and len(word) == len("-x")
        if isinstance(word, str) and isinstance(meant, str) and (alone or meant not in machine.flags):
            yield meant
            if rest := word[2:].removeprefix("="):
                yield rest
        else:
            yield word


def _by_place(machine: Machine, words: Sequence[Possible], name: str) -> Possible | None:
    """The word that a parser takes by its place among those that are no options, nor their values."""
    places = [each.removeprefix(_PLACE) for each in machine.options if each.startswith(_PLACE)]
    if name not in places or _OPEN in machine.options:
        return None
    plain: list[Possible] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if not isinstance(word, str) or not word.startswith("-"):
            plain.append(word)
        elif word.partition("=")[0] not in machine.options:
            return None
        elif "=" not in word and word not in machine.flags:
            left = left[1:]
    at = places.index(name)
    return plain[at] if len(plain) == len(places) else None


def _rest(machine: Machine, words: Sequence[Possible], name: str) -> tuple[Value, ...] | None:
    """All words behind ``--``, which are no options; ``None`` where there is none, or the parser takes others."""
    if f"{_REST}{name}" not in machine.flags or "--" not in words:
        return None
    return tuple(words[words.index("--") + 1 :])


def behind(word: Possible, start: str) -> Possible | None:
    """What stands in a word behind its start, ``None`` where it does not start so: ``--image=$IMAGE``."""
    if isinstance(word, str):
        return word.removeprefix(start) if word.startswith(start) else None
    first = word.parts[0] if isinstance(word, Text) else None
    if not (isinstance(word, Text) and isinstance(first, str) and first.startswith(start)):
        return None
    return joined(
        [first.removeprefix(start), *(part if isinstance(part, str) else Text((part,)) for part in word.parts[1:])]
    )


def may_be_options(word: Possible) -> bool:
    """Whether a word that is not known can be an option, or several words."""
    if isinstance(word, Text):
        return not isinstance(word.parts[0], str) and str(word) in {"$@", "$*"}
    if isinstance(word, OneOf):
        return any(may_be_options(each) or (isinstance(each, str) and each.startswith("-")) for each in word.options)
    return not isinstance(word, str)
