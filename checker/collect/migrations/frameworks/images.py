"""What containers of an image start, and where in it the files of the repository lie: by its recipe.

Source: Dockerfile reference, "FROM" (a stage may go on from another), "WORKDIR", "COPY" and "ADD" (of a folder what is
in it is copied; a target that ends in a slash is a folder), "ENV" and "ARG", "ENTRYPOINT" (of the exec form it comes
before the words of CMD; the shell form takes none) and "CMD" (which a later ENTRYPOINT takes back).
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from msgspec import Struct, field

from checker import lazy_re
from checker.model.migrations.images import ImageStart

_CONTINUED: Final = lazy_re.compile(r"\\[ \t]*\n(?:[ \t]*#[^\n]*\n)*")  # comments between are none of it
_INSTRUCTION: Final = lazy_re.compile(r"[ \t]*([A-Za-z]+)[ \t]+(.*)")
_VARIABLE: Final = lazy_re.compile(r"\$(?:(\w+)|\{(\w+)(?::?-([^{}]*))?\})")
_PAIR: Final = lazy_re.compile(r"(\w+)=(\"[^\"]*\"|'[^']*'|\S*)")
_MOST: Final = 500  # instructions of a recipe
_MOST_PLACES: Final = 200
IsFile = Callable[[str], bool]


class _Stage(Struct):
    folder: str = "/"
    places: list[tuple[str, str]] = field(default_factory=list)  # of the image, and of the repository
    variables: dict[str, str] = field(default_factory=dict)
    entry: list[str] | None = None
    command: list[str] | None = None
    line: int = 1

    def further(self) -> _Stage:
        """A stage that goes on from this one."""
        return _Stage(self.folder, [*self.places], {**self.variables}, self.entry, self.command, self.line)


def image_start(recipe: str, text: str, is_file: IsFile) -> ImageStart | None:
    """What a container of the image starts, as its last stage says; ``None`` where that says nothing."""
    beside = posixpath.dirname(recipe)
    # An image is built in the folder of its recipe, or in the one that all are built in.
    contexts = [beside, ""] if beside else [""]
    found = [_last(text, context, is_file) for context in contexts]
    stage = max(found, key=lambda each: sum(is_file(place) for _, place in each.places))
    if not stage.entry and not stage.command and not stage.places:
        return None
    places = tuple(sorted(dict(stage.places).items(), key=lambda each: -len(each[0])))[:_MOST_PLACES]
    return ImageStart(recipe, stage.line, tuple(stage.entry or ()), tuple(stage.command or ()), stage.folder, places)


def _last(text: str, context: str, is_file: IsFile) -> _Stage:
    stages: dict[str, _Stage] = {}
    stage, given = _Stage(), dict[str, str]()
    for number, name, written in _instructions(text):
        said = _filled(written, {**given, **stage.variables})
        if name == "FROM":
            words = [each for each in said.split() if not each.startswith("--")]
            before = stages.get(words[0].lower()) if words else None
            stage = before.further() if before is not None else _Stage(variables=dict(given))
            stages[str(len(stages))] = stage
            if len(words) == 3:
                stages[words[2].lower()] = stage
        elif name in {"ENV", "ARG"}:
            pairs = {each[1]: each[2].strip("\"'") for each in _PAIR.finditer(said)}
            first, _, rest = said.partition(" ")
            stage.variables |= pairs or ({first: rest.strip()} if name == "ENV" else {})
            given |= pairs if name == "ARG" and not stages else {}
        elif name == "WORKDIR":
            stage.folder = posixpath.normpath(posixpath.join(stage.folder, said.strip().strip("\"'")))
        elif name in {"COPY", "ADD"}:
            stage.places += _copied(said, stage, stages, context, is_file)
        elif name == "ENTRYPOINT":
            stage.entry, stage.command, stage.line = _words(said), None, number
        elif name == "CMD":
            stage.command = _words(said)
            stage.line = stage.line if stage.entry else number
    if stage.entry is not None and stage.entry[:2] == ["sh", "-c"] and len(stage.entry) == 3:
        stage.command = None  # the shell form is given no words
    return stage


def _instructions(text: str) -> Iterator[tuple[int, str, str]]:
    number, count = 1, 0
    joined = _CONTINUED.sub(lambda match: "\0" * match[0].count("\n"), text)
    for line in joined.split("\n"):
        match = _INSTRUCTION.match(line)
        if match is not None and count < _MOST:
            count += 1
            yield number, match[1].upper(), match[2].replace("\0", " ").strip()
        number += 1 + line.count("\0")


def _filled(written: str, variables: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        known = variables.get(match[1] or match[2])
        return known if known is not None else match[3] if match[3] is not None else match[0]

    return _VARIABLE.sub(value, written)


def _words(said: str) -> list[str]:
    try:
        listed = json.loads(said) if said.startswith("[") else ["sh", "-c", said]
    except ValueError:
        return []
    return listed if all(isinstance(each, str) for each in listed) else []


def _copied(
    said: str, stage: _Stage, stages: Mapping[str, _Stage], context: str, is_file: IsFile
) -> Iterator[tuple[str, str]]:
    """What lies where by an instruction that copies: places of the image, and those of the repository."""
    try:
        listed = json.loads(said[said.index("[") :]) if said.endswith("]") and "[" in said else shlex.split(said)
    except ValueError:
        return
    words = [each for each in listed if isinstance(each, str) and not each.startswith("--")]
    source = re.search(r"--from=(\S+)", said)
    before = stages.get(source[1].lower()) if source is not None else None
    if len(words) < 2 or (source is not None and before is None):
        return
    *froms, to = words
    target = posixpath.normpath(posixpath.join(stage.folder, to))
    into = to.endswith("/") or to in {".", "./"} or len(froms) > 1 or target == stage.folder
    for each in froms:
        if before is not None:
            path = posixpath.normpath(posixpath.join(before.folder, each))
            yield from _of_stage(path, target, before, into=into)
        elif "*" not in each and "?" not in each and "://" not in each:
            path = posixpath.normpath(posixpath.join(context, each.lstrip("/") or "."))
            path = "" if path == "." else path
            if path.startswith(".."):
                continue
            yield (posixpath.join(target, posixpath.basename(path)) if into and is_file(path) else target), path


def _of_stage(path: str, target: str, before: _Stage, *, into: bool) -> Iterator[tuple[str, str]]:
    for place, own in before.places:
        if place == path:  # one file, or a whole folder: only of a file does the target's slash decide
            named = into and "." in posixpath.basename(own)
            yield (posixpath.join(target, posixpath.basename(path)) if named else target), own
        elif path.startswith(place.rstrip("/") + "/"):
            rest = path[len(place.rstrip("/")) + 1 :]
            yield (
                (posixpath.join(target, posixpath.basename(rest)) if into and "." in rest else target),
                (posixpath.join(own, rest)),
            )
        elif place.startswith(path.rstrip("/") + "/"):
            yield posixpath.join(target, place[len(path.rstrip("/")) + 1 :]), own
