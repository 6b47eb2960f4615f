"""Which part of an answer a query or a filter lets through: whether it may tell which version of a service runs.

Sources: JMESPath specification ("Multi-select", "Filter expressions", "Pipe expressions"); jq 1.7 manual ("Basic
filters", "Object construction", "String interpolation"); POSIX, "grep", "wc".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from checker import lazy_re
from checker.data.service_parts import SAME_WHICHEVER_RUNS
from checker.model.answers import NO, YES, Answer, Open, either, every, yes_if
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Command
from checker.model.possible import Possible

_Action: TypeAlias = "Command | AwsCall | CdkCommand"

_MOST_PIPED: Final = 20  # commands of a pipe
_FILTERS: Final = frozenset({"jq", "gojq", "jaq", "yq"})
_SEARCHES: Final = frozenset({"grep", "egrep", "fgrep", "rg"})
_COUNTS: Final = frozenset({"wc"})
_TAKING: Final = {"--arg": 2, "--argjson": 2, "--indent": 1, "-e": 0}
_INSIDE: Final = {")": "(", "]": "[", "}": "{"}
# A condition picks services, and gives nothing of them.
_CONDITION: Final = lazy_re.compile(r"\[\?[^\]]*\]")
_SELECTS: Final = lazy_re.compile(r"\bselect\((?:[^()]|\([^()]*\))*\)")
# What only changes the form of what comes in.
_FORMS: Final = lazy_re.compile(r"@\w+|tostring|tojson|sort|unique|add|flatten|first|last|join\([^)]*\)|\.\[\]|@?")
_NO_PART: Final = lazy_re.compile(r"(?:length|keys|type|empty)(?:\(.*\))?")
_INTERPOLATED: Final = lazy_re.compile(r"\\\(((?:[^()]|\([^()]*\))*)\)")
_TEXT: Final = lazy_re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'|`[^`]*`")
# A name that nothing else is picked from, that is no function, and no name of a new field.
_LEAF: Final = lazy_re.compile(r"(?<![\w$-])\.?([A-Za-z_]\w*)\??(?!\w|\s*[\[.(]|\s*:(?!:))")
_ONE_OF_ALL: Final = lazy_re.compile(r".*\[(?:\*|-?\d*)\]\??")
_FROM_FILE: Final = lazy_re.compile(r"-[A-Za-z]*f|--from-file(?:=.*)?", re.DOTALL)
# What is read by a program of somebody's own.
_PROGRAMS: Final = lazy_re.compile(r"python[\d.]*|node|ruby|perl|php|g?awk")
_QUIET: Final = lazy_re.compile(r"-[A-Za-z]*[qc][A-Za-z]*|--quiet|--silent|--count")
_WORDS: Final = frozenset(
    {"map", "select", "if", "then", "else", "end", "and", "or", "not", "as", "in", "null", "true", "false", "reduce",
     "foreach", "def", "length", "keys", "join", "sort", "sort_by", "to_string", "reverse", "max_by", "min_by",
     "unique", "add", "tostring", "first", "last", "values"}
)  # fmt: skip


def tells_version(query: str) -> bool:
    """Whether what a query of the AWS CLI, or a filter of jq, lets through of a service's description may tell which
    version runs: not where it only counts, or gives names and states."""
    plain = _SELECTS.sub("", _CONDITION.sub("[]", query.strip()))
    parts = [each.strip() for each in _pipe(plain)]
    while len(parts) > 1 and _FORMS.fullmatch(parts[-1]):
        parts.pop()
    last = parts[-1] if parts else ""
    if _NO_PART.fullmatch(last):
        return False
    inner = " ".join(_INTERPOLATED.findall(last))
    bare = f"{_TEXT.sub(' ', last)} {inner}"
    if last in {"", ".", "@"} or _ONE_OF_ALL.fullmatch(last):
        return True
    leaves = [each for each in _LEAF.findall(bare) if each not in _WORDS]
    return not leaves or any(each not in SAME_WHICHEVER_RUNS for each in leaves)


def _pipe(query: str) -> Iterator[str]:
    """The parts between the pipes, leaving out those within brackets and texts."""
    depth, begin, quote = 0, 0, ""
    for index, sign in enumerate(query):
        if quote:
            quote = "" if sign == quote and query[index - 1] != "\\" else quote
        elif sign in "\"'`":
            quote = sign
        elif sign in "([{":
            depth += 1
        elif sign in _INSIDE:
            depth -= 1
        elif sign == "|" and depth == 0 and query[index + 1 : index + 2] != "|" and query[index - 1] != "|":
            yield query[begin:index]
            begin = index + 1
    yield query[begin:]


def lets_version_through(action: _Action, actions: Sequence[_Action], depth: int = 0) -> Answer:
    """Whether what reads an action's output through a pipe, if anything does, may show which version runs."""
    readers = [each for each in actions if isinstance(each, Command) and action.spot in each.handling.fed_by]
    readers = [each for each in readers if each is not action]
    # The last of a pipe is fed by all before it: what comes next is what no other of them feeds.
    spots = {each.spot for each in readers}
    following = [each for each in readers if spots.isdisjoint({*each.handling.fed_by} - {each.spot})]
    if not readers:
        return YES
    if depth > _MOST_PIPED:
        return Open(f"what a pipe of more than {_MOST_PIPED} commands lets through")
    return either(shows_version(each, actions, depth + 1) for each in following or readers)


def shows_version(reader: Command, actions: Sequence[_Action], depth: int = 0) -> Answer:
    """Whether a command that reads it lets that through, and so does what reads its own output."""
    own = _passes_on(reader)
    return own if own is NO else every((own, lets_version_through(reader, actions, depth)))


def _passes_on(reader: Command) -> Answer:
    words = reader.words[1:]
    plain = [each for each in words if isinstance(each, str)]
    unknown = Open(f"what `{reader.program}` lets through of what the services run")
    if reader.program in _COUNTS:
        return NO
    if reader.program in _FILTERS:
        if any(map(_FROM_FILE.fullmatch, plain)):
            return unknown
        asked = _filter(words)
        return yes_if(tells_version(asked)) if isinstance(asked, str) else unknown
    if reader.program in _SEARCHES:
        quiet = any(map(_QUIET.fullmatch, plain))
        sought = next((each for each in plain if not each.startswith("-")), "")
        states = {each.lower() for each in SAME_WHICHEVER_RUNS}
        return yes_if(not quiet and sought.strip("\"'^$: ").lower() not in states)
    return unknown if _PROGRAMS.fullmatch(reader.program) and "json.tool" not in plain else YES


def _filter(words: Sequence[Possible]) -> Possible:
    """The filter among the words of jq; all, where there is none."""
    left = list(words)
    while left:
        word = left.pop(0)
        if not isinstance(word, str) or not word.startswith("-") or word == "-":
            return word
        del left[: _TAKING.get(word, 0)]
    return "."
