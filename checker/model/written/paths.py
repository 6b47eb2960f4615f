"""Paths into a resource's properties, as they are written: expressions on the way are not resolved yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from checker.model.values import Absent

# A path into a resource's properties: "A.B.0.C", or its steps.
Path: TypeAlias = "str | tuple[str | int, ...]"


def steps_of(path: Path) -> tuple[str | int, ...]:
    """``"A.0.B"`` as steps. A step of digits stands for a list index (and still finds an object's key of that name)."""
    return path if isinstance(path, tuple) else _steps_of(path)


@lru_cache(maxsize=1 << 13)  # rules ask every resource for the same
def _steps_of(path: str) -> tuple[str, ...]:
    return tuple(path.split(".")) if path else ()


def child(node: Any, step: str | int) -> Any:
    if isinstance(node, dict):
        return node.get(str(step))
    if isinstance(node, list):
        try:
            return node[int(step)]
        except (ValueError, IndexError):
            return None
    return None


def may_be_intrinsic(node: Mapping[str, Any]) -> bool:
    return len(node) == 1 and next(iter(node)).startswith(("Fn::", "Ref"))


def written_at(node: Any, path: Path, resolve: Callable[[Any], object]) -> Any:
    """The expression at ``path``, ``None`` where nothing is; where one expression makes all around it, that one."""
    for step in steps_of(path):
        node = _chosen(node, resolve)
        if isinstance(node, dict) and may_be_intrinsic(node):
            return node
        node = child(node, step)
    return node


def _chosen(node: Any, resolve: Callable[[Any], object]) -> Any:
    """What ``Fn::If`` chooses, ``None`` where that is not known; a list without what is not there."""
    while isinstance(node, dict) and len(node) == 1 and isinstance(way := node.get("Fn::If"), list):
        taken = resolve({"Fn::If": [*way[:1], True, False]})
        node = way[1 if taken else 2] if isinstance(taken, bool) and len(way) == 3 else None
    return present(node, resolve) if isinstance(node, list) else node


def present(items: list[Any], resolve: Callable[[Any], object]) -> list[Any]:
    """The items that are there: where ``AWS::NoValue`` stands is none."""
    if not any(map(_may_be_absent, items)):
        return items
    return [each for each in items if not (_may_be_absent(each) and isinstance(resolve(each), Absent))]


def _may_be_absent(item: Any) -> bool:
    return isinstance(item, dict) and len(item) == 1 and ("Fn::If" in item or item.get("Ref") == "AWS::NoValue")
