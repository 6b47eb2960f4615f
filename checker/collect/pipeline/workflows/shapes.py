"""Reads plain data as a shape, and turns what does not fit into located problems instead of stopping."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec import Struct, field

from checker.collect.pipeline.workflows.spelling import with_expressions
from checker.collect.yaml_nodes import Mark
from checker.errors import printable
from checker.model.pipeline.workflows import Field, RunText, Service
from checker.model.sources import Problem, Spot

Path = tuple[str | int, ...]
# A file with more faults than this is not what we take it for: the first ones tell that.
MAX_PROBLEMS: Final = 200


def below(data: Any, *path: str) -> Mapping[str, Any]:
    """The mapping that a path leads to, an empty one where there is none."""
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


class Shapes(Struct):
    """One YAML file's data with its marks. Paths are tuples of keys and list indices as strings."""

    file: str
    marks: Mapping[tuple[str | int, ...], Mark]
    lines: list[str]
    problems: list[Problem] = field(default_factory=list)

    def spot(self, path: Path) -> Spot:
        """Where the path's key stands, or its nearest parent's."""
        for length in range(len(path), -1, -1):
            mark = self.marks.get(path[:length])
            if mark is not None:
                return Spot(self.file, mark.line, mark.column)
        return Spot(self.file)

    def complain(self, path: Path, message: str, fix: str, *, unread: bool = True) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(self.spot(path), printable(message, 300), printable(fix, 300), unread))

    def mapping(self, value: Any, path: Path, *, what: str) -> dict[str, Any]:
        """The mapping, or an empty one (with a problem unless the key has no value at all)."""
        if isinstance(value, dict):
            return value
        if value is not None:
            self.complain(path, f"{what} must be a mapping", f"Write {what} as `key: value` lines.")
        return {}

    def items(self, value: Any, path: Path, *, what: str) -> list[Any]:
        if isinstance(value, list):
            return value
        if value is not None:
            self.complain(path, f"{what} must be a list", f"Write {what} as lines that begin with `- `.")
        return []

    def words(self, value: Any, path: Path, *, what: str) -> tuple[str, ...]:
        """A list of strings, where one string may stand for a list of one."""
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return (str(value),)
        words: list[str] = []
        for index, each in enumerate(self.items(value, path, what=what)):
            if isinstance(each, str | int | float):
                words.append(str(each))
            else:
                self.complain((*path, str(index)), f"an entry of {what} must be a string", "Quote it.")
        return tuple(words)

    def word(self, value: Any, path: Path, *, what: str) -> str:
        if value is None:
            return ""
        if isinstance(value, dict | list):
            self.complain(path, f"{what} must be a string", "Quote it.")
            return ""
        return str(value) if not isinstance(value, bool) else str(value).lower()

    def scalar(self, value: Any, path: Path, *, what: str) -> Any:
        """A scalar as written; a list or mapping is a problem and counts as nothing."""
        if isinstance(value, dict | list):
            self.complain(path, f"{what} must be a single value", "Write one value.")
            return None
        return value

    def fields(self, value: Any, path: Path, *, what: str) -> dict[str, Field]:
        """A mapping of scalars, each with its place. An expression in place of the mapping is a problem of its own."""
        if isinstance(value, str) and "${{" in value:
            self.complain(path, f"{what} comes from an expression and was not read", f"Write {what} out.")
            return {}
        found: dict[str, Field] = {}
        for key, each in self.mapping(value, path, what=what).items():
            found[key] = Field(self.scalar(each, (*path, key), what=f"{what}: {key}"), self.spot((*path, key)))
        return found

    def container(self, value: Any, path: Path) -> tuple[str, dict[str, Field]]:
        """The image in which a job's steps run, and the variables that it is started with."""
        if not isinstance(value, dict):
            return self.word(value, path, what="container"), {}
        image = self.word(value.get("image"), (*path, "image"), what="image")
        return image, self.fields(value.get("env"), (*path, "env"), what="env")

    def services(self, value: Any, path: Path) -> tuple[Service, ...]:
        """The containers that run beside a job's steps; those that an expression makes are left out."""
        found: list[Service] = []
        for name, each in value.items() if isinstance(value, dict) else ():
            image, env = self.container(each, (*path, str(name))) if isinstance(each, dict) else (str(each or ""), {})
            found.append(Service(image, self.spot((*path, str(name))), env))
        return tuple(found)

    def known_keys(self, data: Mapping[str, Any], allowed: Iterable[str], path: Path, *, what: str) -> None:
        """Note every key that is not known: GitHub ignores or refuses it, or it is new. The other facts still count."""
        for key in data:
            if key not in allowed:
                message = f"{what} has no key {key!r} that is known"
                self.complain((*path, key), message, "Remove it, or correct its spelling.", unread=False)

    def script(self, value: Any, path: Path) -> RunText | None:
        """A ``run:`` text with the file's line of each of its lines, also through folded and quoted styles."""
        if value is None:
            return None
        text = self.word(value, path, what="run")
        lines = self._script_lines(text, path)
        return RunText(with_expressions(text), lines, self.spot(path))

    def _script_lines(self, text: str, path: Path) -> tuple[int, ...]:
        mark = self.marks.get(path)
        if mark is None:
            return ()
        count = text.count("\n") + 1
        if mark.style == "|":
            return tuple(range(mark.value_line + 1, mark.value_line + 1 + count))
        if count == 1:
            return (mark.value_line + (mark.style == ">"),)
        return self._folded(text, mark.value_line + (mark.style == ">"))

    def _folded(self, text: str, line: int) -> tuple[int, ...]:
        """Lines of a text whose line breaks the style folds: each is found by how its first words read."""
        found: list[int] = []
        for each in text.split("\n"):
            start = each.strip()
            at = line
            while start and at <= len(self.lines):
                raw = self.lines[at - 1].strip().strip("\"'")
                if raw and start.startswith(raw[:20]):
                    line = at
                    break
                at += 1
            found.append(line)
            if start:
                line += 1
        return tuple(found)
