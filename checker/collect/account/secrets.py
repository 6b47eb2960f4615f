"""What a snapshot never holds: secrets, values that may be some, and user data."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

from checker.model.secrets.commands import secret_words
from checker.model.secrets.values import NOT_KEPT, keeps_no_secret, looks_secret

# Start-up scripts, wherever they stand: they often carry credentials, and no rule reads them.
_USER_DATA: Final = frozenset({"UserData", "userData"})
WHY: Final = "not kept: may be a secret"

Path = tuple[str | int, ...]


def secret_places(value: Any, name: str = "", place: Path = ()) -> Iterator[Path]:
    """The places in JSON data whose text may be a secret, judged by its own name and by its looks."""
    if isinstance(value, dict):
        named = _pair(value)
        for key, each in value.items():
            if key in _USER_DATA and each:
                yield (*place, key)
            else:
                yield from secret_places(each, named.get(key, str(key)), (*place, key))
        return
    if isinstance(value, list):
        hidden = {*secret_words(value), *_values_of_options(value)}
        for index, each in enumerate(value):
            if index in hidden:
                yield (*place, index)
            else:
                yield from secret_places(each, name, (*place, index))
        return
    if isinstance(value, str) and not keeps_no_secret(name, value):
        yield place


def _values_of_options(words: list[Any]) -> Iterator[int]:
    """Which words of a command are the value of an option that is called a secret: ``--password``, ``value``."""
    for index, (option, value) in enumerate(pairwise(words), 1):
        is_option = isinstance(option, str) and option.startswith("-")
        if is_option and isinstance(value, str) and looks_secret(option.lstrip("-"), value):
            yield index


def _pair(value: dict[str, Any]) -> dict[str, str]:
    """Where an object is a setting with a name beside its value: which key holds the value, and the setting's name."""
    for name, key in (("Name", "Value"), ("Key", "Value"), ("ParameterKey", "ParameterValue")):
        if isinstance(value.get(name), str) and key in value:
            return {key: value[name]}
    return {}


def without_places(value: Any, places: list[Path]) -> Any:
    """The data without what stands at the places; entries of lists keep their index (``None`` stands there)."""
    if not places:
        return value
    if () in places:
        return None
    below: dict[str | int, list[Path]] = {}
    for place in places:
        below.setdefault(place[0], []).append(place[1:])
    if isinstance(value, dict):
        return {
            key: without_places(each, below.get(key, [])) for key, each in value.items() if () not in below.get(key, [])
        }
    if isinstance(value, list):
        return [without_places(each, below.get(index, [])) for index, each in enumerate(value)]
    return value


def covered(value: Any, places: list[Path]) -> Any:
    """The data with ``NOT_KEPT`` at the places: for templates, whose shape is kept."""
    if not places:
        return value
    if () in places:
        return NOT_KEPT
    below: dict[str | int, list[Path]] = {}
    for place in places:
        below.setdefault(place[0], []).append(place[1:])
    if isinstance(value, dict):
        return {key: covered(each, below.get(key, [])) for key, each in value.items()}
    if isinstance(value, list):
        return [covered(each, below.get(index, [])) for index, each in enumerate(value)]
    return value


def template_without_secrets(template: Any) -> Any:
    """A template as a snapshot may keep it: also a parameter's default is a value under the parameter's name."""
    if not isinstance(template, dict):
        return template
    places = list(secret_places(template))
    parameters = template.get("Parameters")
    for name, each in parameters.items() if isinstance(parameters, dict) else ():
        default = each.get("Default") if isinstance(each, dict) else None
        if isinstance(default, str) and not keeps_no_secret(str(name), default):
            places.append(("Parameters", name, "Default"))
    return covered(template, places)
