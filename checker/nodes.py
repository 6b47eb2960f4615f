"""Walking a document that somebody wrote: every value with the path to it, so that each fault names its place."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from checker.errors import InputError

_E = TypeVar("_E", bound=StrEnum)
_T = TypeVar("_T")


class Node:
    """A value of the document. ``path`` is empty for the document itself.

    ``shown`` is how people name the file, ``hint`` what to do about a fault in it. Every fault is an
    :class:`InputError`.
    """

    __slots__ = ("_hint", "_shown", "data", "path")

    def __init__(self, data: Any, shown: str, path: str = "", *, hint: str = "") -> None:
        self.data, self._shown, self.path, self._hint = data, shown, path, hint

    def wrong(self, what: str) -> InputError:
        return InputError(f"{self._shown}: {self.path or 'the document'} {what}", self._hint)

    def at(self, data: Any, path: str) -> Node:
        return Node(data, self._shown, path, hint=self._hint)

    def child(self, key: str) -> Node:
        if not isinstance(self.data, dict):
            raise self.wrong("is not an object")
        return self.at(self.data.get(key), f"{self.path}.{key}".lstrip("."))

    @property
    def empty(self) -> bool:
        return self.data is None

    def items(self, key: str, read: Callable[[Node], _T], *, optional: bool = False) -> list[_T]:
        node = self.child(key)
        if node.empty and optional:
            return []
        if not isinstance(node.data, list):
            raise node.wrong("is not a list")
        return [read(self.at(each, f"{node.path}[{index}]")) for index, each in enumerate(node.data)]

    def mapping(self, key: str, read: Callable[[Node, str], _T], *, optional: bool = False) -> dict[str, _T]:
        node = self.child(key)
        if node.empty and optional:
            return {}
        if not isinstance(node.data, dict):
            raise node.wrong("is not an object")
        return {name: read(node.child(name), name) for name in node.data}

    def as_text(self) -> str:
        if not isinstance(self.data, str):
            raise self.wrong("is not text")
        return self.data

    def text(self, key: str, default: str | None = None) -> str:
        node = self.child(key)
        return default if node.empty and default is not None else node.as_text()

    def maybe_text(self, key: str) -> str | None:
        node = self.child(key)
        return None if node.empty else node.as_text()

    def maybe_number(self, key: str) -> int | None:
        node = self.child(key)
        return None if node.empty else node.as_number()

    def as_number(self) -> int:
        if isinstance(self.data, bool) or not isinstance(self.data, int):
            raise self.wrong("is not a whole number")
        return self.data

    def one_of(self, key: str, kind: type[_E]) -> _E:
        node = self.child(key)
        try:
            return kind(node.as_text())
        except ValueError:
            raise node.wrong(f"is none of {', '.join(kind)}") from None
