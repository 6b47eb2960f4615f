"""The language in which cases and seeded defects say what they change. There is no other.

A list of steps, done in order; a list among them (an alias) stands for its own steps. A step changes a template:

``{set: PATH, to: VALUE}``
    Changes a value, or adds it to what is there.
``{remove: PATH}``
    Takes a value away.
``{append: PATH, value: VALUE}``
    Adds an item to the end of a list; makes the list where there is none.
``{merge: PATH, with: OBJECT}``
    Adds to an object, or changes, all of a second object's keys; makes the object where there is none.

``PATH`` is keys with slashes between them. In a list a step of the path is a place from 0, or ``Key=Value`` for the
item that has it. A section (``Conditions``) that the template does not have yet is made. ``stack: NAME`` beside any of
these picks another template than the first. ``times: N`` repeats a step with ``#`` in its path and value replaced by 0
to N - 1. ``@name`` in a path or anywhere in a value stands for what the name was given for. Values may be written in
CloudFormation's short forms: ``!Ref Vpc``.

Or it changes a text file:

``{file: PATH, replace: TEXT, with: TEXT}``
    Replaces a text by another one wherever it stands in the file.
``{file: PATH, with: TEXT}``
    Appends to the file; makes it where there is none.

A path or text that is not there is an error, and so is a step that changes nothing: a case that says that it is broken
is broken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from checker.collect.yaml_nodes import construct

Step = Mapping[str, Any]
Lines = Mapping[tuple[str | int, ...], int]
_MAX_NODES: Final = 1_000_000
# What a step does to a template -> the key of what it does it with.
_OPERATIONS: Final[Mapping[str, str | None]] = {"set": "to", "remove": None, "append": "value", "merge": "with"}
# What a template has only where it needs it.
_SECTIONS: Final = frozenset({"Conditions", "Mappings", "Metadata", "Outputs", "Parameters", "Rules"})


class PatchError(Exception):
    """A step that cannot be done, or that does nothing."""


def read(path: Path) -> tuple[Any, Lines]:
    """A file of cases or defects as data, and the line of every path in it."""
    return construct(path.read_text(encoding="utf-8"), f"{path.parent.name}/{path.name}", _MAX_NODES)


def flat(steps: Sequence[Any]) -> Iterator[Step]:
    """The steps, those of an aliased list among them."""
    for step in steps:
        if isinstance(step, list):
            yield from flat(step)
        else:
            yield step


def apply(template: dict[str, Any], step: Step, names: Mapping[str, str] | None = None) -> None:
    """Do one step to a template, in place. Raises :class:`PatchError`."""
    operation = next((key for key in _OPERATIONS if key in step), None)
    needed = {operation, _OPERATIONS.get(operation or "")} - {None}
    if operation is None or needed - set(step) or set(step) - needed - {"stack", "times"}:
        raise PatchError(
            f"not a step: {', '.join(map(str, step))}. Steps are set/to, remove, append/value, merge/with."
        )
    for number in range(step["times"]) if "times" in step else [None]:
        numbered = step if number is None else json.loads(json.dumps(step).replace("#", str(number)))
        path = named(numbered[operation], names or {})
        value = _filled(numbered.get(_OPERATIONS[operation] or ""), names or {})
        _CHANGES[operation](*_parent(template, path), value, path)


def edited(text: str | None, step: Step) -> str:
    """A file's text after one step on it; ``None`` is a file that is not there. Raises :class:`PatchError`."""
    if set(step) not in ({"file", "replace", "with"}, {"file", "with"}):
        raise PatchError(f"not a step on a file: {', '.join(map(str, step))}. A step has file, replace and with.")
    file, goes, comes = step["file"], str(step.get("replace", "")), str(step["with"])
    if goes == comes:
        raise PatchError(f"{file}: the step changes nothing")
    if "replace" not in step:
        return (text or "") + comes
    if text is None:
        raise PatchError(f"{file}: no such file")
    if goes not in text:
        raise PatchError(f"{file} does not have: {goes}")
    return text.replace(goes, comes)


def named(value: str, names: Mapping[str, str]) -> str:
    """A text with every ``@name`` that was given replaced."""
    return re.sub(r"@(\w+)", lambda match: names.get(match[1], match[0]), value)


def _filled(value: Any, names: Mapping[str, str]) -> Any:
    """A copy of a value with every ``@name`` replaced, in keys too."""
    return json.loads(named(json.dumps(value), names))


def _parent(template: dict[str, Any], path: str) -> tuple[Any, Any]:
    """What holds the last step of a path, and that step as its key or place."""
    node: Any = template
    steps = path.split("/")
    for at, step in enumerate(steps):
        last = at == len(steps) - 1
        if isinstance(node, list):
            key: Any = _place(node, step, path)
        elif isinstance(node, dict) and (last or step in node):
            key = step
        elif node is template and step in _SECTIONS:
            node[step], key = {}, step
        else:
            raise PatchError(f"{path}: there is no {'/'.join(steps[: at + 1])}")
        if last:
            return node, key
        node = node[key]
    raise AssertionError("a path has at least one step")


def _place(items: list[Any], step: str, path: str) -> int:
    """The place in a list that a step names: its number, or the item with ``Key=Value``."""
    key, equals, value = step.partition("=")
    if equals:
        found = [at for at, item in enumerate(items) if isinstance(item, dict) and item.get(key) == value]
        if found:
            return found[0]
    elif step.isdigit() and int(step) < len(items):
        return int(step)
    raise PatchError(f"{path}: no item {step} in a list of {len(items)}")


def _same(one: Any, other: Any) -> bool:
    """Equal as data: 1 is not true."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _has(node: Any, key: Any) -> bool:
    return isinstance(node, list) or key in node


def _set(node: Any, key: Any, value: Any, path: str) -> None:
    if _has(node, key) and _same(node[key], value):
        raise PatchError(f"{path}: the step changes nothing: that is its value")
    node[key] = value


def _remove(node: Any, key: Any, _: Any, path: str) -> None:
    if not _has(node, key):
        raise PatchError(f"{path}: there is no {key}")
    del node[key]


def _append(node: Any, key: Any, value: Any, path: str) -> None:
    items = node[key] if _has(node, key) else node.setdefault(key, [])
    if not isinstance(items, list):
        raise PatchError(f"{path}: not a list")
    items.append(value)


def _merge(node: Any, key: Any, value: Any, path: str) -> None:
    into = node[key] if _has(node, key) else node.setdefault(key, {})
    if not isinstance(into, dict) or not isinstance(value, dict):
        raise PatchError(f"{path}: not an object")
    if all(each in into and _same(into[each], value[each]) for each in value):
        raise PatchError(f"{path}: the step changes nothing")
    into.update(value)


_CHANGES: Final[Mapping[str, Callable[[Any, Any, Any, str], None]]] = {
    "set": _set,
    "remove": _remove,
    "append": _append,
    "merge": _merge,
}
