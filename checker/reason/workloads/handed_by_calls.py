"""What calls of a pipeline tell the containers, functions and builds that they register, start or change.

Sources: Amazon ECS API Reference, ``ContainerDefinition`` and ``ContainerOverride``; AWS Batch API Reference,
``ContainerOverrides``; AWS CodeBuild API Reference, ``EnvironmentVariable`` (of the types ``PARAMETER_STORE`` and
``SECRETS_MANAGER`` the value is a name); AWS Lambda API Reference, ``Environment``; AWS App Runner API Reference,
``ImageConfiguration``; Amazon Lightsail API Reference, ``Container``. All of them show such a value to whoever may
describe the task, the job or the function.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from checker import lazy_re
from checker.model.pipeline.scripts import Argument, AwsCall, plain_name
from checker.model.possible import options
from checker.model.secrets.values import is_secret_name, looks_secret, plain_secret
from checker.model.values import Text, pieces
from checker.reason.images.replaced import marked, unmarked
from checker.reason.workloads.scripts import arguments, secret_inside

_TELLING: Final[Mapping[str, frozenset[str]]] = {
    "ecs": frozenset({"RegisterTaskDefinition", "RunTask", "StartTask"}),
    "batch": frozenset({"RegisterJobDefinition", "SubmitJob"}),
    "codebuild": frozenset({"CreateProject", "StartBuild", "StartBuildBatch", "UpdateProject"}),
    "lambda": frozenset({"CreateFunction", "UpdateFunctionConfiguration"}),
    "apprunner": frozenset({"CreateService", "UpdateService"}),
    "lightsail": frozenset({"CreateContainerServiceDeployment"}),
}
# What holds variables by their names.
_BY_NAME: Final = frozenset({"variables", "environment", "environmentvariables", "runtimeenvironmentvariables"})
_WORDS: Final = frozenset({"command", "entrypoint"})
_PLAIN: Final = "PLAINTEXT"  # the type of a variable that is what it says
_LONGEST: Final = 200_000
_DEEP: Final = 24
# The AWS CLI's shorthand: ``{name=A,value=b}``, ``Variables={A=b,C=d}`` (AWS CLI User Guide, "Using shorthand syntax").
_PAIR: Final = lazy_re.compile(
    r"(?:\btype=(\w+),)?\bname=([\w.-]{1,256}),(?:type=(\w+),)?value=(\"[^\"]*\"|'[^']*'|[^,\]}\s]*)(?:,type=(\w+))?",
    re.IGNORECASE,
)
_VARIABLES: Final = lazy_re.compile(r"\bVariables=\{([^{}]*)\}", re.IGNORECASE)
_OF_MAP: Final = lazy_re.compile(r"([\w.-]{1,256})=(\"[^\"]*\"|'[^']*'|[^,}]*)")


class Handed(NamedTuple):
    """A variable: its name and what it is set to."""

    name: str
    value: str | Text


def handed(call: AwsCall) -> Iterator[Handed]:
    """The variables that a call sets, as far as they are read."""
    if call.operation in _TELLING.get(call.service, frozenset()):
        for name, value in call.arguments.items():
            yield from _within(name, value, 0)


def _within(name: str, value: Argument, depth: int) -> Iterator[Handed]:
    if depth > _DEEP:
        return
    if isinstance(value, tuple):
        for each in value:
            yield from _within(name, each, depth + 1)
    elif isinstance(value, Mapping):
        yield from _of_mapping(name, value, depth)
    else:
        for option in options(value) or ():
            if isinstance(option, str | Text):
                yield from _in_text(name, option, depth)


def _of_mapping(holder: str, value: Mapping[str, Argument], depth: int) -> Iterator[Handed]:
    keys = {plain_name(str(key)): each for key, each in value.items()}
    named = keys.get("name")
    if isinstance(named, str) and "value" in keys:
        if keys.get("type") in (None, _PLAIN):
            yield from _set(named, keys["value"])
        return
    for key, each in value.items():
        if plain_name(str(key)) in _WORDS and isinstance(each, tuple):
            words = [one if isinstance(one, str | Text) else None for one in each]
            yield from (Handed(of, one) for of, one, _ in arguments(str(key), words) if isinstance(one, str | Text))
        elif plain_name(holder) in _BY_NAME and not isinstance(each, tuple | Mapping):
            yield from _set(str(key), each)
        else:
            yield from _within(str(key), each, depth + 1)


def _set(name: str, value: Argument) -> Iterator[Handed]:
    found = None if isinstance(value, tuple | Mapping) else options(value)
    yield from (Handed(name, each) for each in found or () if isinstance(each, str | Text))


def _in_text(name: str, written: str | Text, depth: int) -> Iterator[Handed]:
    """What stands in JSON, or in the shorthand that the AWS CLI takes for it."""
    found = marked(written) if len(str(written)) <= _LONGEST else None
    if found is None:
        return
    line, holes = found
    if line.lstrip()[:1] in {"{", "["}:
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict | list):
            for each in _within(name, _as_given(document), depth + 1):
                yield Handed(each.name, unmarked(str(each.value), holes))
            return
    plain = (each for each in _PAIR.finditer(line) if (each[1] or each[3] or each[5] or _PLAIN).upper() == _PLAIN)
    pairs = [(each[2], each[4]) for each in plain]
    pairs += [(each[1], each[2]) for one in _VARIABLES.finditer(line) for each in _OF_MAP.finditer(one[1])]
    for key, value in pairs:
        yield Handed(key, unmarked(value.strip("\"'"), holes))


def _as_given(document: object) -> Argument:
    if isinstance(document, dict):
        return {str(key): _as_given(each) for key, each in document.items()}
    if isinstance(document, list):
        return tuple(map(_as_given, document))
    return document if isinstance(document, bool | int | float | str) else None


class Shown(NamedTuple):
    """A secret that a call hands on in plain text: what is said of it, and whether it surely is one. ``written`` is
    the variable where all of it is written out."""

    said: str
    sure: bool
    written: Handed | None = None


def shown_secrets(call: AwsCall) -> Iterator[Shown]:
    """The secrets that a call hands on where everybody reads them who may describe what it is told. What a call of
    this pipeline takes from a secret of the repository is one, whatever its name."""
    for name, value in handed(call):
        if isinstance(value, str):
            if plain_secret(value) or looks_secret(name, value) or secret_inside(value):
                said = f"{name}, which holds its secret as plain text, for everyone who may read the call"
                yield Shown(said, sure=True, written=Handed(name, value))
            continue
        written = "".join(part if isinstance(part, str) else "*" for part in pieces(value))
        stored = next((hole.shown for hole in value.holes if _OF_REPOSITORY.search(hole.shown)), "")
        if plain_secret(written) or (stored and is_secret_name(name)):
            yield Shown(
                f"{name}, which holds {stored or 'a secret'} as plain text, for everyone who may describe it", sure=True
            )
        elif stored:
            yield Shown(f"whether {name}, which {stored} is put in, may be read by everyone", sure=False)
        elif is_secret_name(name) and not written.startswith("arn:") and value.only_hole is not None:
            yield Shown(f"whether {name}, which comes from {value.only_hole.shown}, is a secret itself", sure=False)


_OF_REPOSITORY: Final = lazy_re.compile(r"\bsecrets(?:\.|\[)")
