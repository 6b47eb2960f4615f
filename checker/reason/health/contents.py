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
from collections.abc import Iterator
from itertools import zip_longest
from typing import Final, TypeAlias

from msgspec import Struct

from checker import lazy_re
from checker.model.overlap import could_be_equal
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Command, Write
from checker.model.possible import leaves, shown
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
_COPIES: Final = frozenset({"cp", "mv", "install", "aws", "ln", "rsync"})  # of several paths the last is written
# What is named to these they read, unless an option says where their output goes, or to change it in place.
_READERS: Final = (LOOKS - {"git"}) | {"curl", "wget", "chmod", "chown", "touch", "base64", "file", "gh", "tar", "zip"}
_TOLD_WHERE: Final = frozenset({"sort", "yq", "curl", "wget", "gh", "base64"})
_OUTPUT: Final = lazy_re.compile(r"-[a-zA-Z]*?[oO](?P<short>.*)|--output(?:-document|-file)?(?:=(?P<long>.*))?")
_IN_PLACE: Final = lazy_re.compile(r"-[a-zA-Z]*i[a-zA-Z]*|--in-?place")
_BACK: Final = frozenset({"checkout", "restore", "rm", "mv", "reset", "stash"})  # of git's
_ANY: Final = lazy_re.compile(r"[*?\[$]|(?:^|/)\.?$")  # of several files, or of one that the run names

_Action: TypeAlias = "Command | AwsCall | CdkCommand"


class Contents(Struct, frozen=True):
    """The commands that wrote what is handed over. ``untold``: a file of which not all that it holds is known;
    ``spoiled``: one that something else may have written over since."""

    actions: tuple[_Action, ...] = ()
    untold: str = ""
    spoiled: str = ""


def contents(at: At, most: int) -> Contents:
    """What an action reads, beside its own words: of at most so many commands."""
    found: dict[int, _Action] = {}
    untold: list[str] = []
    spoiled: list[str] = []
    seen: set[tuple[int, str]] = set()
    pending: list[tuple[_Action, int, str]] = [(at.action, at.index, name) for name in _handed(at.action)]
    for action, index, name in pending:  # grows
        if (index, name) in seen:
            continue
        seen.add((index, name))
        made = _input(at, action) if name in _INPUT else _written(at, action, index, name)
        if made.open_one or not made.actions:
            untold.append(name)
        spoiled += [name] if made.spoiled else []
        for place, each in made.actions:
            known = len(found)
            found.setdefault(id(each), each)
            if len(found) > most or len(pending) > most:
                return Contents(tuple(found.values())[:most], next(iter(untold), name), next(iter(spoiled), ""))
            if len(found) == known or each is action:
                continue  # followed before, or its own words
            if not isinstance(each, Command) or each.program not in _SAYS:
                untold.append(name)
            pending += [(each, place, one) for one in _read(each)]
    return Contents(tuple(found.values()), next(iter(untold), ""), next(iter(spoiled), ""))


# -- which files -------------------------------------------------------------------------------------


def _handed(action: _Action) -> list[str]:
    """The files that an action hands over, ``-`` for its standard input."""
    if isinstance(action, AwsCall):
        text = " ".join(map(shown, leaves(action.arguments)))
        return list(dict.fromkeys(name for match in _NAMED.finditer(text) for name in match.groups() if name))
    if not isinstance(action, Command):
        return []
    named = dict.fromkeys(name for match in _NAMED.finditer(action.text()) for name in match.groups() if name)
    named.update(dict.fromkeys(each for each in _by_option(action) if each))
    if action.program in {"http", "https", "xh"} and action.source.startswith(_HTTPIE) and _has_input(action):
        named["-"] = None
    return list(named)


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


class _Makers(Struct, frozen=True):
    """The commands that wrote a file, with their places. ``open_one``: another one may have, of which it is not known
    where it writes, or what; ``spoiled``: since the last of them."""

    actions: tuple[tuple[int, _Action], ...] = ()
    open_one: bool = False
    spoiled: bool = False


def _input(at: At, action: _Action) -> _Makers:
    """What comes in: from the commands of a pipe, written below the command itself, or from a file."""
    spots = action.handling.fed_by
    piped = [(place, each) for place, each in enumerate(at.trace.actions) if each.spot in spots and each is not action]
    if piped or not isinstance(action, Command):
        return _Makers(tuple(piped))
    if any(each.operator.startswith("<<") for each in action.writes):
        return _Makers(((at.index, action),))
    file = next((shown(each.target) for each in action.writes if each.operator.startswith("<")), "")
    place = next((place for place, each in enumerate(at.trace.actions) if each is action), at.index)
    return _written(at, action, place, file) if file else _Makers(open_one=True)


def _written(at: At, reader: _Action, index: int, name: str, copied: int = 0) -> _Makers:
    """The commands that wrote a file before, in the same job, since something wrote it anew."""
    wanted = _path(name, reader)
    base = posixpath.basename(name)
    made = _Makers(open_one=wanted is None)
    last: tuple[Write | None, object] | None = None
    for place, each in enumerate(at.trace.actions[:index]):
        if not isinstance(each, Command) or each is reader:
            continue
        write = next((one for one in each.writes if _goes_to(one, base)), None)
        named = [word for word in map(shown, each.words[1:]) if posixpath.basename(word) == base and base]
        if write is None and not (named and each.program == "tee"):
            if _takes_its_place(each, wanted, base):
                source = _copied(each, wanted)
                if source and copied < _MOST_COPIED and each.certain_in_job and not each.reached.loops:
                    made, last = _written(at, each, place, source, copied + 1), None
                else:
                    made = _Makers(made.actions, open_one=True, spoiled=bool(made.actions))
            elif wanted is not None and any(_may_go_to(one, wanted) for one in each.writes):
                made = _Makers(made.actions, open_one=True, spoiled=made.spoiled)
            continue
        path = _path(shown(write.target) if write is not None else named[0], each)
        if path is None or wanted is None or path != wanted:
            made = _Makers(made.actions, made.open_one or path is None, made.spoiled)
            continue
        appends = not {"-a", "--append"}.isdisjoint(map(shown, each.words)) if write is None else ">>" in write.operator
        anew = not appends and each.certain_in_job and not each.reached.loops
        # The commands of `{ ...; } > file` write one file together.
        if anew and (write is None or last is None or last[0] != write or last[1] is not each.step):
            made = _Makers()
        last = write, each.step
        made = _Makers((*made.actions, (place, each)), made.open_one, made.spoiled)
    return made


_MOST_COPIED: Final = 5  # copies of copies


def _takes_its_place(command: Command, wanted: str | None, base: str) -> bool:
    """Whether a command that prints nothing into a file may write it, or change what it holds."""
    words = [shown(word) for word in command.words[1:]]
    if command.program in _COPIES:
        return any(_path(each, command) in {wanted, None} for each in _targets(words, base))
    if command.program == "git" and words[:1] and words[0] not in _BACK:
        return False
    program = command.program
    named = list(_outputs(words)) if program in _TOLD_WHERE or program not in _READERS else []
    if program not in _READERS or (program == "yq" and any(map(_IN_PLACE.fullmatch, words))):
        named += [each for word in words for each in (word, word.partition("=")[2])]
    elif program in {"rm", "uniq"}:  # `uniq` writes the second of two
        named += words[program == "uniq" :]
    return bool(base) and any(
        posixpath.basename(each) == base and _path(each, command) in {wanted, None} for each in named
    )


def _outputs(words: list[str]) -> Iterator[str]:
    """What options for an output name."""
    for word, after in zip_longest(words, words[1:], fillvalue=""):
        if (match := _OUTPUT.fullmatch(word)) is not None:
            yield match["short"] or match["long"] or after


def _targets(words: list[str], base: str) -> Iterator[str]:
    """The files that a copy may write: its last word, and in the folder that this may be what is called so."""
    plain = [each for each in words if not each.startswith("-")]
    if len(plain) < 2:
        return
    *sources, target = plain
    if posixpath.basename(target) == base:
        yield target
    if any(posixpath.basename(each) == base or _ANY.search(each) for each in sources):
        yield posixpath.join(target, base)


def _copied(command: Command, wanted: str | None) -> str:
    """The one file that a copy puts in a file's place; empty where it is another's, or not sure."""
    plain = [each for each in map(shown, command.words[1:]) if not each.startswith("-")]
    if command.program not in {"cp", "mv"} or len(plain) != 2 or _ANY.search(plain[0]):
        return ""
    return plain[0] if wanted is not None and _path(plain[1], command) == wanted else ""


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
