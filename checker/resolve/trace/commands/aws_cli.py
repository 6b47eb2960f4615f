"""The AWS CLI's command line taken apart: service, operation, options, waiters, commands that are no operation."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from math import prod
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from checker.data.aws_calls import is_custom, operation_of, polled_by, service_of
from checker.data.aws_options import GLOBAL_FLAGS, GLOBAL_VALUES
from checker.model.pipeline.scripts import Argument, AwsCall, Command, How, plain_name
from checker.model.possible import OneOf, Possible, one_of, shown
from checker.model.values import ABSENT, Absent, Text, Unknown, pieces, text

# Options of commands with words of their own, which take no value. Source: AWS CLI Command Reference, s3 and logs tail.
_FLAGS: Final = frozenset(
    {"recursive", "delete", "dryrun", "quiet", "only-show-errors", "no-progress", "follow", "force", "exact-timestamps",
     "size-only", "human-readable", "summarize", "follow-symlinks", "no-follow-symlinks", "no-guess-mime-type",
     "ignore-glacier-warnings", "force-glacier-transfer", "no-overwrite"}
)  # fmt: skip
# Options that take several words although their name is no plural.
_LISTS: Final = frozenset({"metric-data", "item-list", "metric-query-list"})


# Source: AWS CLI User Guide, "Structure of commands"; AWS CLI Command Reference, `lambda invoke`, `s3api get-object`.
_OUT_FILE: Final = frozenset(
    {"invoke", "get-object", "get-object-torrent", "get-export", "get-sdk", "get-media", "get-clip", "get-job-output",
     "get-snapshot-block", "select-object-content", "invoke-endpoint", "invoke-model", "synthesize-speech",
     "get-raw-message-content", "download-db-log-file-portion", "get-configuration", "get-profile", "post-text"}
)  # fmt: skip


class CliCall(Struct, frozen=True):
    """An ``aws`` command taken apart; the fields mean what :class:`~checker.model.pipeline.scripts.AwsCall`'s do."""

    service: str
    operation: str
    how: How
    waiter: str
    arguments: Mapping[str, Possible | tuple[Possible, ...]]
    region: Possible | Absent
    profile: Possible | Absent
    complete: bool

    def made_by(self, command: Command) -> AwsCall:
        """The call, where the command stands."""
        return AwsCall(
            self.service,
            self.operation,
            self.how,
            self.arguments,
            command.reached,
            command.handling,
            command.source,
            self.waiter,
            self.region,
            self.profile,
            self.complete,
            folder=command.folder,
        )


_MAX_NAMES: Final = 16


def each_operation(command: Command) -> Iterator[Command]:
    """The command once for each operation that it may name: of words that are one of several, ``"${verb}-stack"``."""
    length = 4 if "wait" in map(shown, command.words[2:3]) else 3  # `aws SERVICE wait NAME`
    end = next((at for at, word in enumerate(command.words[:length]) if _is_option(word)), length)
    names, rest = command.words[:end], command.words[end:]
    sides = [each.options if isinstance(each, OneOf) else (each,) for each in names]
    if not 1 < prod(map(len, sides)) <= _MAX_NAMES:
        yield command
        return
    for words in product(*sides):
        yield replace(command, words=(*words, *rest), reached=command.reached._replace(certain=False))


def parse_cli(words: tuple[Possible, ...]) -> CliCall | str | None:
    """An ``aws`` command's words taken apart; ``None`` where it calls nothing (``aws --version``, ``configure``).

    A string says why it could not be read: an unknown service, or a service that only the run knows.
    """
    plain: list[Possible] = []
    arguments: dict[str, Possible | tuple[Possible, ...]] = {}
    complete = True
    index = 1
    while index < len(words):
        word = words[index]
        index += 1
        if (option := _inline(word)) is not None:
            arguments[plain_name(option[0])] = option[1]
            continue
        if not isinstance(word, str) or not word.startswith("--") or word == "--":
            if isinstance(word, Text | Unknown) and len(plain) >= 2:
                complete = complete and not (isinstance(word, Text) and str(word) in {"$@", "$*"})
            plain.append(word)
            continue
        name, has_value, value = word[2:].partition("=")
        values: list[Possible] = [value] if has_value else []
        if not has_value and name not in GLOBAL_FLAGS and name not in _FLAGS:
            single = name in GLOBAL_VALUES or not (name.endswith("s") or name in _LISTS)
            while index < len(words) and not _is_option(words[index]) and not (single and values):
                values.append(words[index])
                index += 1
        arguments[plain_name(name)] = True if not values else values[0] if len(values) == 1 else tuple(values)
    if len(plain) < 2:
        return None if all(isinstance(word, str) for word in plain) else "the service is not known before it runs"
    first, second = plain[0], plain[1]
    if not isinstance(first, str) or not isinstance(second, str):
        return "the service or the operation is not known before it runs"
    if first in {"configure", "help", "history"} or second == "help":
        return None
    service = service_of(first)
    if service is None:
        return f"there is no AWS service {first!r}"
    how, operation, waiter, rest = How.CLI, second, "", plain[2:]
    if second == "wait" and rest and isinstance(rest[0], str):
        waiter, rest = rest[0], rest[1:]
        polled = polled_by(service, waiter)
        if polled is None:
            return f"{first} has no waiter {waiter!r}"
        how, operation = How.CLI_WAITER, polled
    elif (first == "s3" or first != "s3api") and is_custom(service, second):
        how = How.CLI_CUSTOM
    elif first == "s3":
        return f"there is no command `aws s3 {second}`"
    else:
        operation = operation_of(service, second)
        # Operations take options alone, but for the file that an answer is written to: what is open may be any of them.
        complete = complete and not any(map(_may_be_option, rest[second in _OUT_FILE :]))
    for position, word in enumerate(rest):
        arguments[str(position)] = word
    arguments, given = _with_input(arguments)
    region, profile = (arguments.get(name, Absent()) for name in ("region", "profile"))
    return CliCall(
        service,
        operation,
        how,
        waiter,
        arguments,
        _one(region),
        _one(profile),
        complete and given,
    )


# What hands all arguments of a call over in one (AWS CLI User Guide, "Skeletons and input files").
_INPUT: Final = ("cliinputjson", "cliinputyaml")


def _with_input(
    arguments: dict[str, Possible | tuple[Possible, ...]],
) -> tuple[dict[str, Possible | tuple[Possible, ...]], bool]:
    """The arguments with those that a text of JSON gives, and whether all are known. Options of their own go first."""
    named = next((name for name in _INPUT if name in arguments), None)
    if named is None:
        return arguments, True
    value = arguments[named]
    yaml = named.endswith("yaml")
    found = document(value, yaml=yaml) if isinstance(value, str) and not value.startswith(_FILE) else None
    if not isinstance(found, dict):
        return arguments, False
    told = {plain_name(name): _as_option(each) for name, each in found.items() if each is not False}
    return {**told, **{name: each for name, each in arguments.items() if name != named}}, True


def document(written: str, *, yaml: bool) -> object:
    """What is written as JSON, or as YAML where that is asked for."""
    try:
        return json.loads(written)
    except (ValueError, RecursionError):
        return _as_yaml(written) if yaml else None


def input_of(call: AwsCall) -> Argument | Absent:
    """What hands over all arguments of a call, as it is written."""
    return next((call.arguments[name] for name in _INPUT if name in call.arguments), ABSENT)


def holding_input(call: AwsCall, held: Argument | Absent) -> AwsCall:
    """A call with what hands over all its arguments, by one name for all formats: in JSON where it is YAML that holds
    an object."""
    named = next((name for name in _INPUT if name in call.arguments), "")
    if isinstance(held, Absent) or not named:
        return call
    found = document(held, yaml=True) if isinstance(held, str) and named.endswith("yaml") else None
    text = json.dumps(found, default=str) if isinstance(found, dict) else held
    others = {name: each for name, each in call.arguments.items() if name != named}
    return replace(call, arguments={**others, _INPUT[0]: text})


def _as_yaml(written: str) -> object:
    import yaml

    try:
        return yaml.safe_load(written)
    except (yaml.YAMLError, RecursionError):
        return None


_FILE: Final = "file://"
# Of a task definition the file is read where it is known what has changed it by then.
_READ_LATER: Final = frozenset({"register-task-definition"})
_READ_HERE: Final = frozenset({*_INPUT, "targets", "target", "overrides"})


def with_input_read(command: Command, text_of: Callable[[str], str | None]) -> tuple[Possible, ...]:
    """A command's words, with the text of the repository's file in place of that file which holds all arguments, or
    one that names roles."""
    words = command.words
    if command.folder is None or not _READ_LATER.isdisjoint(map(str, words[1:8])):
        return words
    found = [*words]
    for index, word in enumerate(words):
        name, _, value = word.partition("=") if isinstance(word, str) else ("", "", "")
        if not name.startswith("--") or plain_name(name) not in _READ_HERE:
            continue
        at, given = (index, value) if value else (index + 1, words[index + 1] if index + 1 < len(words) else "")
        if isinstance(given, str) and given.startswith(_FILE):
            path = posixpath.normpath(posixpath.join(command.folder, given.removeprefix(_FILE)))
            text = text_of(path)
            if text is not None:
                found[at] = f"{name}={text}" if value else text
    return tuple(found)


def _as_option(value: object) -> Possible | tuple[Possible, ...]:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    return value if isinstance(value, str | bool) else json.dumps(value)


def _inline(word: Possible) -> tuple[str, Possible] | None:
    """Name and value of an option in one word whose value is not all known: ``--cluster=$CLUSTER``."""
    if isinstance(word, OneOf):
        each = [_apart(option) for option in word.options]
        names = {found[0] for found in each if found is not None}
        if None in each or len(names) != 1:
            return None
        return names.pop(), one_of(found[1] for found in each if found is not None)
    return _apart(word) if isinstance(word, Text) else None


def _apart(word: Possible) -> tuple[str, Possible] | None:
    head, *rest = pieces(word) if isinstance(word, str | Text) else ("",)
    if not isinstance(head, str) or not head.startswith("--") or "=" not in head:
        return None
    name, _, begun = head[2:].partition("=")
    return name, text([*([begun] if begun else []), *rest])


def _is_option(word: Possible) -> bool:
    return _begins_option(word) or (isinstance(word, OneOf) and any(map(_begins_option, word.options)))


def _begins_option(word: Possible) -> bool:
    return (isinstance(word, str) and word.startswith("--")) or _inline(word) is not None


def _may_be_option(word: Possible) -> bool:
    """Whether a word that stands alone may be an option: what only the run knows, and what is one on some ways."""
    return isinstance(word, Unknown | Text) or (isinstance(word, OneOf) and (_is_option(word) or _has_open(word)))


def _has_open(word: OneOf) -> bool:
    return any(isinstance(each, Unknown | Text) for each in word.options)


def _one(value: Possible | tuple[Possible, ...] | Absent) -> Possible | Absent:
    return value[0] if isinstance(value, tuple) else value
