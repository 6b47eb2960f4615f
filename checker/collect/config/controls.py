"""The frameworks whose controls findings give evidence for: ``checker/policies/controls.yaml``, validated on load."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from checker.collect.config.data_files import parse_config, read_config, refuse_unknown
from checker.errors import ConfigError
from checker.model.shown.facts import Framework


@cache
def load_frameworks() -> tuple[Framework, ...]:
    """Read and validate the package's own. Raises :class:`ConfigError`."""
    source = Path(str(resources.files("checker.policies").joinpath("controls.yaml")))
    return parse_frameworks(read_config(source, source.name), source.name)


def parse_frameworks(text: str, shown: str) -> tuple[Framework, ...]:
    """The frameworks from their YAML text; ``shown`` is the file's name in errors."""
    document = parse_config(text, shown)
    found = []
    for identifier, raw in document.data.items():
        where = f"{shown}:{document.line_of((identifier,))}"
        found.append(_framework(identifier, raw, where))
    return tuple(found)


def _framework(identifier: str, raw: Any, where: str) -> Framework:
    hint = "Write {title: text, parts: {id: title}}, each id as text."
    if not isinstance(raw, dict):
        raise ConfigError(f"{where}: {identifier} is not a mapping", hint)
    refuse_unknown(raw, ("title", "parts"), where, identifier)
    title, parts = raw.get("title"), raw.get("parts")
    if not isinstance(title, str) or not title:
        raise ConfigError(f"{where}: {identifier} has no title", hint)
    texts = isinstance(parts, dict) and all(isinstance(each, str) and each for pair in parts.items() for each in pair)
    if not isinstance(parts, dict) or not texts:
        raise ConfigError(f"{where}: the parts of {identifier} are not a mapping of texts", hint)
    return Framework(identifier, title, tuple(parts.items()))
