"""The command line of the AWS CLI in one order, however it was written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checker.data.aws_calls import is_call
from checker.data.aws_options import GLOBAL_FLAGS, GLOBAL_VALUES
from checker.model.possible import OneOf, Possible, Scalar, one_of, options
from checker.model.values import Text, text


def in_order(words: list[Possible]) -> list[Possible]:
    """A command of AWS's with its service and operation in front and each option apart from its value, by the plain
    name of its program: settings for all commands may stand anywhere (``aws --region x ecs --output text
    describe-services``)."""
    if not words or not isinstance(words[0], str) or words[0].rpartition("/")[2] != "aws":
        return words
    named: list[Possible] = ["aws"]
    ahead: list[Possible] = []
    rest = [part for index, word in enumerate(words[1:], 2) for part in _apart(word, words[index : index + 1])]
    while rest and len(named) < (4 if named[2:] == ["wait"] else 3):
        if _is_in_front(rest[0], [*named[1:], *rest[1:]]):
            ahead.append(rest.pop(0))
            continue
        name = rest[0][2:] if isinstance(rest[0], str) and rest[0].startswith("--") else None
        if name is None:
            named.append(rest.pop(0))
            continue
        if name.partition("=")[0] not in GLOBAL_FLAGS | GLOBAL_VALUES:
            break
        taken = 1 if name in GLOBAL_FLAGS or "=" in name else 2
        ahead, rest = [*ahead, *rest[:taken]], rest[taken:]
    return [*named, *rest, *ahead]


def _is_in_front(word: Possible, others: Sequence[Possible]) -> bool:
    """Whether a word of which nothing is known (``aws $OPTIONS ecs update-service``) can only be options, or nothing at
    all: those around it make a command as they are, and with a name in its place they would make none."""
    if isinstance(word, OneOf | str) or (isinstance(word, Text) and word.only_hole is None):
        return False
    service, command, *_ = [*_names(others), "", ""]
    return is_call(service, command)


def _names(words: Sequence[Possible]) -> Iterator[str]:
    """The words that are written out, up to the first option that is not for all commands."""
    is_value = False
    for word in words:
        option = word[2:] if isinstance(word, str) and word.startswith("--") else None
        if option is not None and option not in GLOBAL_FLAGS | GLOBAL_VALUES:
            return
        if option is None and not is_value and isinstance(word, str):
            yield word
        is_value = option in GLOBAL_VALUES


def _apart(word: Possible, behind: Sequence[Possible]) -> list[Possible]:
    """``--cluster=app`` as two words, where what is behind it is another option."""
    each = [_named(option) for option in options(word) or ()]
    names = {found[0] for found in each if found is not None}
    if None in each or len(names) != 1:
        return [word]
    name = names.pop()
    if behind and not str(behind[0]).startswith("--") and name[2:] not in GLOBAL_VALUES:
        return [word]
    return [name, one_of(found[1] for found in each if found is not None)]


def _named(word: Scalar) -> tuple[str, Scalar] | None:
    first = word.parts[0] if isinstance(word, Text) else word
    if not isinstance(first, str) or not first.startswith("--"):
        return None
    name, equals, begun = first.partition("=")
    given = text([begun, *word.parts[1:]]) if isinstance(word, Text) else begun
    return (name, given) if equals and given != "" and not str(given).startswith("--") else None
