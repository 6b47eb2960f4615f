"""What stands inside of an argument: a structure of boto3's own, JSON text, the AWS CLI's shorthand, an address in S3.

Source: AWS CLI User Guide, "Using shorthand syntax in the AWS CLI" (``key=value,key={key=value}``, blanks between the
items of a list) and "Loading a parameter from a file".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from checker import lazy_re
from checker.model.answers import NO, Answer, Open, yes_if
from checker.model.pipeline.scripts import Argument, AwsCall, plain_name
from checker.model.possible import Scalar, options
from checker.model.values import Absent, Hole, Pseudo, Text, pieces, text

# Stand for a hole while the text around it is taken apart: of Unicode's private use.
_HOLE: Final = lazy_re.compile("\ue000(\\d+)\ue001")
_LONGEST: Final = 100_000
_OPENS: Final = {"{": "}", "[": "]", '"': '"', "'": "'"}


class _OpenError(Exception):
    """What it holds cannot be told."""


def inside(call: AwsCall, argument: str, key: str) -> tuple[Scalar, ...] | None:
    """All that ``key`` (a plain name) is in ``argument`` or in the items of it; ``None`` where that is open."""
    value = call.argument(argument)
    if isinstance(value, Absent):
        return () if call.complete else None
    try:
        return tuple(dict.fromkeys(_values(value, key)))
    except _OpenError:
        return None


def _values(value: Argument, key: str) -> Iterator[Scalar]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            if plain_name(str(name)) == key:
                yield from _scalars(each)
        return
    if isinstance(value, tuple):
        for each in value:
            yield from _values(each, key)
        return
    for option in _scalars(value):
        yield from _in_text(option, key)


def _scalars(value: Argument) -> tuple[Scalar, ...]:
    found = None if isinstance(value, tuple | Mapping) else options(value)
    if found is None:
        raise _OpenError
    return found


def _in_text(value: Scalar, key: str) -> Iterator[Scalar]:
    if not isinstance(value, str | Text):
        return
    holes: list[Hole] = []
    written = ""
    if _HOLE.search(str(value)):
        raise _OpenError  # the stand-ins would be mistaken
    for part in pieces(value):
        written += part if isinstance(part, str) else f"\ue000{len(holes)}\ue001"
        if isinstance(part, Hole):
            holes.append(part)
    written = written.strip()
    if len(written) > _LONGEST or written.startswith(("file://", "fileb://")):
        raise _OpenError
    found = _in_json(written, key) if written[:1] in {"[", "{"} else _in_shorthand(written, key)
    for each in found:
        parts = _HOLE.split(each)
        yield text([part if index % 2 == 0 else holes[int(part)] for index, part in enumerate(parts)])


def _in_json(written: str, key: str) -> list[str]:
    try:
        document: Any = json.loads(written)
    except (ValueError, RecursionError):
        raise _OpenError from None  # a hole stands for a part of its structure, or AWS refuses it
    items = document if isinstance(document, list) else [document]
    found: list[str] = []
    for item in items:
        for name, each in item.items() if isinstance(item, dict) else ():
            if _HOLE.search(name):
                raise _OpenError
            if plain_name(name) == key and each is not None:
                found.append(str(each))
    return found


def _in_shorthand(written: str, key: str) -> list[str]:
    found: list[str] = []
    for part in _parts(written):
        name, equals, value = part.partition("=")
        if _HOLE.search(name):
            raise _OpenError  # it may be any number of keys
        if equals and plain_name(name.strip()) == key:
            found.append(value.strip().strip("\"'"))
    return found


def _parts(written: str) -> Iterator[str]:
    """What stands between the outermost commas."""
    closing: list[str] = []
    start = 0
    for index, character in enumerate(written):
        if closing and character == closing[-1]:
            closing.pop()
        elif character in _OPENS and not (closing and closing[-1] in "\"'"):
            closing.append(_OPENS[character])
        elif character == "," and not closing:
            yield written[start:index]
            start = index + 1
    yield written[start:]


def own_arns(call: AwsCall, prefix: str, *names: str) -> tuple[str | Text, ...]:
    """The ARNs of the service with this prefix among the arguments, or among those of these (plain) names."""
    values = [call.argument(name) for name in names] if names else call.arguments.values()
    given = (each for value in values for each in (value if isinstance(value, tuple) else (value,)))
    return tuple(dict.fromkeys(each for each in given if isinstance(each, str | Text) and _is_of(each, prefix)))


def _is_of(value: str | Text, prefix: str) -> bool:
    first = pieces(value)[0]
    parts = first.split(":") if isinstance(first, str) else []
    return len(parts) > 2 and parts[0] == "arn" and parts[2] == prefix


# What reads one object and writes another. Source: Amazon S3 API Reference, CopyObject and UploadPartCopy.
COPIES: Final = frozenset({"CopyObject", "UploadPartCopy", "copy"})


def copied(call: AwsCall) -> tuple[str | Text, ...] | None:
    """The object that a copy reads: ``CopySource`` as ``bucket/key`` or as both; none where the call names none."""
    source = call.argument("copysource")
    if isinstance(source, Absent):
        return () if call.complete else None
    if isinstance(source, Mapping):
        by_name = {str(name).lower(): each for name, each in source.items()}
        bucket, key = by_name.get("bucket"), by_name.get("key")
        if not isinstance(bucket, str | Text) or not isinstance(key, str | Text):
            return None
        named = [*pieces(bucket), "/", *pieces(key)]
    elif isinstance(source, str | Text):
        named = list(pieces(source))
    else:
        return None
    if isinstance(named[0], str):
        named[0] = named[0].removeprefix("/")
    return (text(["arn:", Pseudo("AWS::Partition"), ":s3:::", *named]),)


# -- addresses in Amazon S3 ------------------------------------------------------------------------------------------


def is_recursive(call: AwsCall) -> bool:
    return call.operation == "sync" or not isinstance(call.argument("recursive"), Absent)


def in_s3(value: object) -> Answer:
    if isinstance(value, str):
        return yes_if(value.startswith("s3://"))
    if isinstance(value, Text) and isinstance(value.parts[0], str):
        return yes_if(value.parts[0].startswith("s3://"))
    if isinstance(value, Text) and isinstance(value.parts[0], Hole) and _NO_ADDRESS.search(value.parts[0].shown):
        return NO
    return Open(f"whether {value} is in a bucket")


# What begins no address: names that git takes no colon in, what the runner and a shell's own commands give.
_NO_ADDRESS: Final = lazy_re.compile(
    r"^\$(?:\{\{ *github\.|\{?GITHUB_)(?:sha|ref|ref_name|head_ref|run_\w+|repository\w*|workspace)\b"
    r"|^\$\{?(?:RUNNER_TEMP|PWD)\b|^\$\((?:git (?:rev-parse|describe)|date|mktemp|pwd)\b", re.IGNORECASE)  # fmt: skip


def addresses(call: AwsCall, part: str, words: tuple[str, ...]) -> tuple[Scalar, ...] | None:
    """The buckets, the keys or their beginnings (``prefix``) of ``s3://bucket/key`` words of a high-level command.

    Where many objects are meant an address is a folder: AWS CLI Command Reference, ``s3 cp --recursive``.
    """
    found: list[Scalar] = []
    for word in map(call.argument, words):
        if isinstance(word, Absent):
            continue
        if not isinstance(word, str | Text):
            return None
        parts = list(pieces(word))
        if not isinstance(parts[0], str):
            return None  # an address that is open from its beginning
        if not parts[0].startswith("s3://"):
            continue
        parts[0] = parts[0].removeprefix("s3://")
        bucket, key = _at_slash(parts)
        if part == "bucket":
            found.append(text(bucket))
            continue
        whole = text(key) == "" or str(text(key)).endswith("/")
        if is_recursive(call) and not whole:
            key, whole = [*key, "/"], True
        found.append(text([*key, "*"]) if whole and part != "prefix" else text(key))
    return tuple(found)


def _at_slash(parts: list[str | Hole]) -> tuple[list[str | Hole], list[str | Hole]]:
    for index, part in enumerate(parts):
        if isinstance(part, str) and "/" in part:
            before, _, after = part.partition("/")
            return [*parts[:index], before], [after, *parts[index + 1 :]]
    return parts, [""]


def text_given(call: AwsCall) -> str | Text | None:
    """The text that gives all arguments of a call in one, as far as it is known; ``None`` where it is not."""
    given = call.argument("cliinputjson")
    if not isinstance(given, str | Text):
        return None
    begins = pieces(given)[0] if pieces(given) else ""
    return given if isinstance(begins, str) and begins.lstrip().startswith("{") else None


def roles_in(told: str | Text, name: str) -> tuple[str, ...] | None:
    """The role that a text of JSON gives under a name; none where it has no such name, ``None`` where it is open."""
    line = "".join(part if isinstance(part, str) else _OPEN_PART for part in pieces(told))
    found = [each for key, each in _GIVEN.findall(line) if plain_name(key) == plain_name(name)]
    if any(_OPEN_PART in each for each in found) or (not found and not _is_json(line)):
        return None
    return tuple(each for each in found if each)


# What only the run tells stands in quotes where it is a value: an image, a region. Anywhere else it may be a key.
_OPEN_PART: Final = "\x00"
_GIVEN: Final = lazy_re.compile(r'"(\w+)"\s*:\s*"([^"]*)"')


def _is_json(line: str) -> bool:
    try:
        json.loads(line.replace(_OPEN_PART, ""))
    except (ValueError, RecursionError):
        return False
    return _OPEN_PART not in _QUOTED.sub("", line)


_QUOTED: Final = lazy_re.compile(r'"(?:[^"\\]|\\.)*"')
