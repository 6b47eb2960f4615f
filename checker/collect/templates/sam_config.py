"""What ``samconfig.toml`` says of a SAM template: the stacks that it is deployed as, with their parameters.

The file lies beside the template; how it is laid out is in :mod:`checker.model.pipeline.sam_config`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field

from checker.collect.documents import read_text
from checker.errors import InputError
from checker.model.pipeline.sam_config import NAMES, said_to
from checker.model.resources import Raw

# Where the configuration does not say which template it is for (AWS SAM Developer Guide, "sam deploy").
_TEMPLATES: Final = ("template.yaml", "template.yml", "template.json")

_FIX: Final = "Write it as 'Key=value Other=value', or as a table."


class SamDeployment(Struct, frozen=True):
    """One environment of the configuration that names a stack."""

    environment: str  # as `--config-env` names it
    stack: str
    region: str = ""
    parameters: Mapping[str, Raw] = field(default_factory=dict)


def sam_deployments(template: Path) -> tuple[SamDeployment, ...]:
    """The stacks that a template is deployed as. Raises InputError where the configuration cannot be read."""
    for name in NAMES:
        file = template.parent / name
        if file.is_file():
            return tuple(_deployments(_read(file), template.name, name))
    return ()


def _read(file: Path) -> dict[str, Any]:
    text = read_text(file, file.name)
    if file.suffix == ".toml":
        import tomllib

        try:
            return tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise InputError(f"{file.name}: not valid TOML: {error}", "Write the line again.") from None
    from checker.collect.yaml_nodes import construct

    data, _ = construct(text, file.name, 20_000)
    if not isinstance(data, dict | None):
        raise InputError(f"{file.name}: not a mapping of environments", "Write a table per environment.")
    return data or {}


def _deployments(data: Mapping[str, Any], template: str, file: str) -> Iterator[SamDeployment]:
    for environment in data:
        said = said_to("deploy", environment, data)
        stack, region = said.get("stack_name"), said.get("region", "")
        # A build's output is the template that stands here.
        named = str(said.get("template_file", said.get("template", ""))).rpartition("/")[2]
        ours = template in (named, "") if named else template in _TEMPLATES
        if isinstance(stack, str) and stack and ours:
            given = dict(_overrides(said.get("parameter_overrides"), f"{file}: {environment}"))
            yield SamDeployment(environment, stack, region if isinstance(region, str) else "", given)


def _overrides(value: object, where: str) -> Iterator[tuple[str, str]]:
    """``"Key=value Other='two words'"``, a list of such, a table, or the form ``ParameterKey=K,ParameterValue=V``.

    Of what cannot be read a parameter's default would decide in silence: it is an error.
    """
    if isinstance(value, dict):
        yield from ((str(name), _as_text(each, where)) for name, each in value.items())
        return
    for line in value if isinstance(value, list) else [] if value is None else [value]:
        try:
            words = shlex.split(_as_text(line, where))
        except ValueError as error:
            raise InputError(f"{where}: parameter_overrides cannot be read: {error}", _FIX) from None
        for word in words:
            name, has_value, given = word.partition("=")
            if name == "ParameterKey":
                name, has_value, given = given.partition(",ParameterValue=")
            if not has_value:
                raise InputError(f"{where}: parameter_overrides has a word without a value", _FIX)
            yield name, given


def _as_text(value: object, where: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise InputError(f"{where}: parameter_overrides has a value that is no text", _FIX)
