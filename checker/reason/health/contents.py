"""What stands in the files and comes through the pipes that a call or a request hands over, as its job made them.

A file is known by where it lies, and not by its name alone. What the commands write of which that is known (``echo``,
``printf``, ``cat``, ``jq``, a here-document) is followed to what they read themselves; of all else it is untold.

Sources: AWS CLI User Guide, "Load a parameter from a file" (``file://``); curl's manual, ``--data`` (a value that
begins with ``@`` is a file, ``@-`` the standard input, not so of ``--data-raw``), ``--data-urlencode``, ``--json``,
``--form``, ``--upload-file``; wget's manual, ``--post-file``; GitHub CLI manual, "gh api" (``--field``, ``--input``);
HTTPie's documentation, "Request items" and "Redirected Input"; jq's manual, "Invoking jq".
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from msgspec import Struct

from checker import lazy_re
from checker.model.overlap import could_be_equal
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Command, Write
from checker.model.possible import shown
from checker.model.values import Text
from checker.reason.deploys.code.brought import LOOKS, lies
from checker.reason.deploys.paths import At

_NAMED: Final = lazy_re.compile(r"fileb?://([^\s\"',)]+)|\$\((?:cat\s+|<\s*)[\"']?([^\s\"')|]+)[\"']?\s*\)")
_INPUT: Final = frozenset({"-", "/dev/stdin"})
_DATA: Final = frozenset({"-d", "--data", "--data-ascii", "--data-binary", "--json"})
_FORM: Final = frozenset({("curl", "-F"), ("curl", "--form"), ("gh", "-F"), ("gh", "--field")})
_FILES: Final = frozenset(
    {("curl", "-T"), ("curl", "--upload-file"), ("wget", "--post-file"), ("wget", "--body-file"), ("gh", "--input")}
)
_SHORT: Final = "dFT"  # of these options, those of one letter
_ENCODED: Final = "--data-urlencode"
_HTTPIE: Final = ("http ", "https ", "xh ")
_RUNNERS: Final = lazy_re.compile(r"\$\{?(?:GITHUB|RUNNER)_|\$\(mktemp|/dev/|/tmp/")
_SAYS: Final = frozenset({"echo", "printf", "cat", "jq", "tee"})  # of these it is known what they print
# Options of jq that take words: of the names of variables and files, how many, and which of them is a file.
_JQ: Final = {
    "--arg": (2, -1), "--argjson": (2, -1), "--slurpfile": (2, 1), "--rawfile": (2, 1), "--argfile": (2, 1),
    "-f": (1, 0), "--from-file": (1, 0), "--indent": (1, -1), "-L": (1, -1),
}  # fmt: skip
_COPIES: Final = frozenset({"cp", "mv", "install", "aws", "ln"})  # of two paths the last is written

_Action: TypeAlias = "Command | AwsCall | CdkCommand"


class Contents(Struct, frozen=True):
    """The commands that wrote what is handed over. ``untold``: a file of which not all that it holds is known."""

    actions: tuple[_Action, ...] = ()
    untold: str = ""


def contents(at: At, most: int) -> Contents:
    """What an action reads, beside its own words: of at most so many commands."""
    found: dict[int, _Action] = {}
    untold: list[str] = []
    seen: set[tuple[int, str]] = set()
    pending: list[tuple[_Action, int, str]] = [(at.action, at.index, name) for name in _handed(at.action)]
    for action, index, name in pending:  # grows
        if (index, name) in seen:
            continue
        seen.add((index, name))
        makers, open_one = _input(at, action) if name in _INPUT else _written(at, action, index, name)
        if open_one or not makers:
            untold.append(name)
        for place, each in makers:
            known = len(found)
            found.setdefault(id(each), each)
            if len(found) > most or len(pending) > most:
                return Contents(tuple(found.values())[:most], untold[0] if untold else name)
            if len(found) == known or each is action:
                continue  # followed before, or its own words
            if not isinstance(each, Command) or each.program not in _SAYS:
                untold.append(name)
            pending += [(each, place, one) for one in _read(each)]
    return Contents(tuple(found.values()), untold[0] if untold else "")


# -- which files -------------------------------------------------------------------------------------


def _handed(action: _Action) -> list[str]:
    """The files that an action hands over, ``-`` for its standard input."""
    if isinstance(action, AwsCall):
        text = " ".join(_flat(action.arguments))
        return list(dict.fromkeys(name for match in _NAMED.finditer(text) for name in match.groups() if name))
    if not isinstance(action, Command):
        return []
    named = dict.fromkeys(name for match in _NAMED.finditer(action.text()) for name in match.groups() if name)
    named.update(dict.fromkeys(each for each in _by_option(action) if each))
    if action.program in {"http", "https", "xh"} and action.source.startswith(_HTTPIE) and _has_input(action):
        named["-"] = None
    return list(named)


def _flat(value: object) -> Iterator[str]:
    pending = [value]
    while pending:
        each = pending.pop()
        if isinstance(each, Mapping):
            pending.extend(each.values())
        elif isinstance(each, tuple):
            pending.extend(each)
        else:
            yield shown(each)


def _by_option(command: Command) -> Iterator[str]:
    """The files that a request is told to send: the value of an option for data that begins with ``@``, or an option's
    for files. A sign within a text is a sign."""
    words = [shown(word) for word in command.words[1:]]
    httpie = command.program in {"http", "https", "xh"}
    if httpie and not command.source.startswith(_HTTPIE):
        return  # a program's own request
    for index, word in enumerate(words):
        option, value = _option(word, words[index + 1] if index + 1 < len(words) else "")
        if command.program == "curl" and option in _DATA:
            yield value[1:] if value.startswith("@") else ""
        elif command.program == "curl" and option == _ENCODED:
            name, at, file = value.partition("@")
            yield file if at and "=" not in name else ""
        elif (command.program, option) in _FORM:
            _, _, given = value.partition("=")
            yield given[1:].partition(";")[0] if given.startswith(("@", "<")) else ""
        elif (command.program, option) in _FILES:
            yield value
        elif httpie and not option:
            before, at, file = word.partition("@")
            yield file if at and (not before or before.endswith((":=", "="))) else ""
        elif command.program not in {"curl", "wget"} and word.startswith("@"):
            yield word[1:]


def _option(word: str, after: str) -> tuple[str, str]:
    """An option with its value, which stands in the same word or behind it."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return name, value if equals else after
    if len(word) < 2 or not word.startswith("-"):
        return "", ""
    for place, letter in enumerate(word[1:], 1):  # `-sSd @file`, `-d@file`
        if letter in _SHORT:
            return f"-{letter}", word[place + 1 :] or after
        if not letter.isalpha() or letter in "oXHuAewmKxbcECQrtDPyYz":  # these take what follows themselves
            break
    return word, ""


def _read(command: _Action) -> list[str]:
    """What a command that prints something reads: its files, and its standard input where it names none."""
    if not isinstance(command, Command) or command.program in {"echo", "printf"}:
        return []
    words = [shown(word) for word in command.words[1:]]
    if command.program == "jq":
        return _read_by_jq(words)
    if command.program == "cat":
        return [word for word in words if not word.startswith("-") or word == "-"] or ["-"]
    return ["-"] if command.program == "tee" or _has_input(command) else []


def _read_by_jq(words: list[str]) -> list[str]:
    files: list[str] = []
    plain: list[str] = []
    alone = filtered = False
    rest = iter(words)
    for word in rest:
        if word in {"--args", "--jsonargs"}:
            break
        if word in _JQ:
            count, file = _JQ[word]
            values = [next(rest, "") for _ in range(count)]
            files += [values[file]] if file >= 0 else []
            filtered = filtered or word in {"-f", "--from-file"}
        elif word.startswith("-"):
            alone = alone or word == "--null-input" or (word[1:2] != "-" and "n" in word)
        else:
            plain.append(word)
    inputs = plain if filtered else plain[1:]
    return [*files, *([] if alone else inputs or ["-"])]


def _has_input(command: Command) -> bool:
    return bool(command.handling.fed_by) or any(each.operator.startswith("<") for each in command.writes)


# -- who wrote them ----------------------------------------------------------------------------------


def _input(at: At, action: _Action) -> tuple[list[tuple[int, _Action]], bool]:
    """What comes in: from the commands of a pipe, written below the command itself, or from a file; whether not all of
    that is known."""
    spots = action.handling.fed_by
    piped = [(place, each) for place, each in enumerate(at.trace.actions) if each.spot in spots and each is not action]
    if piped or not isinstance(action, Command):
        return piped, False
    if any(each.operator.startswith("<<") for each in action.writes):
        return [(at.index, action)], False
    file = next((shown(each.target) for each in action.writes if each.operator.startswith("<")), "")
    place = next((place for place, each in enumerate(at.trace.actions) if each is action), at.index)
    return _written(at, action, place, file) if file else ([], True)


def _written(at: At, reader: _Action, index: int, name: str) -> tuple[list[tuple[int, _Action]], bool]:
    """The commands that wrote a file before, in the same job, since something wrote it anew; whether another one may
    have: one of which it is not known where it writes, or what."""
    wanted = _path(name, reader)
    base = posixpath.basename(name)
    found: list[tuple[int, _Action]] = []
    last: tuple[Write | None, object] | None = None
    open_one = wanted is None
    for place, each in enumerate(at.trace.actions[:index]):
        if not isinstance(each, Command) or each is reader:
            continue
        write = next((one for one in each.writes if _goes_to(one, base)), None)
        named = [word for word in map(shown, each.words[1:]) if posixpath.basename(word) == base and base]
        if write is None and not named:
            open_one = open_one or (wanted is not None and any(_may_go_to(one, wanted) for one in each.writes))
            continue
        if write is not None or each.program == "tee":
            path = _path(shown(write.target) if write is not None else named[0], each)
            if path is None or wanted is None or path != wanted:
                open_one = open_one or path is None
                continue
            appends = (
                not {"-a", "--append"}.isdisjoint(map(shown, each.words)) if write is None else ">>" in write.operator
            )
            anew = not appends and each.certain_in_job and not each.reached.loops
            # The commands of `{ ...; } > file` write one file together.
            if anew and (write is None or last is None or last[0] != write or last[1] is not each.step):
                found, open_one = [], False
            last = write, each.step
            found.append((place, each))
        elif each.program not in LOOKS and (each.program not in _COPIES or shown(each.words[-1]) in named):
            open_one = open_one or any(_path(word, each) in {wanted, None} for word in named)
    return found, open_one


def _goes_to(write: Write, base: str) -> bool:
    return (
        write.descriptor in {1, -1}
        and write.operator.startswith((">", "&>"))
        and posixpath.basename(shown(write.target)) == base
    )


def _may_go_to(write: Write, path: str) -> bool:
    """Whether something is written to a file that only the run knows, and may be this one: no file of the runner's."""
    target = write.target
    if not isinstance(target, Text) or write.descriptor not in {1, -1} or not write.operator.startswith((">", "&>")):
        return False
    return not _RUNNERS.match(shown(target)) and could_be_equal(target, path)


def _path(name: str, action: _Action) -> str | None:
    return lies(name, action) if isinstance(action, Command | AwsCall) else None
