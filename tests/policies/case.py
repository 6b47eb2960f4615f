"""Cases of rules, read from ``tests/policies/cases/ID.yaml``.

A file is a list of cases; or ``bases:``, name -> what several cases start from, and ``cases:``, that list. A case has

``name``
    What is special about it, as a phrase.
``kind``
    ``plain`` (default), ``hostile`` (looks right and is wrong) or ``innocent`` (looks wrong and is right).
``template``
    One template as YAML text; or ``environments``: environment name -> template text (or a list of them). The
    environment's kind follows from ``environment_kinds`` of the settings or from its name, as in discovery.
``files``
    Path -> text: the repository around it, with its workflows, scripts and migrations. With files, a template may be
    missing. ``repository: NAME`` puts the files of ``tests/policies/repositories/NAME`` below the case's own.
``settings``
    Optional: fields of :class:`checker.model.settings.Settings`.
``from``
    Optional: the base that all of the above is taken from. What the case has of its own comes on top: environments
    and files by name, the others as a whole.
``do``
    Optional: what is different from there, in the language of :mod:`tests.patches`, with ``stack: NAME`` for another
    environment's template than the first one's (``NAME-1`` for its second).
``github``
    Optional: the repository's settings, as a snapshot has them (``checker/collect/github/facts.py``), without
    ``repository``. Where it is missing nobody looked at them; ``{}`` is a look without a token.
``waivers``
    Optional: entries as in ``policies/waivers.yaml``; only ``finding`` is needed, the rest is filled in when missing
    (every environment, every resource, dates that hold). They are applied as of 2026-12-01.
``expect``
    ``ID`` or ``ID[sub]`` -> subject name -> outcome. Compared both ways: every verdict is expected, every expectation
    is met. A subject is a logical id (``Stack/LogicalId`` where two environments share it), or an environment's name.

A base has what a case takes from it: ``template`` or ``environments``, ``files``, ``repository``, ``settings``,
``github``; it may
start ``from`` a base above it and ``do`` what is different. Its ``names`` (name -> beginning of a path) are what
``@name`` stands for in the steps of its cases.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from checker.collect.documents import Document, parse_yaml
from tests.patches import Lines, PatchError, Step, apply, edited, read

CASES: Final = Path(__file__).parent / "cases"
REPOSITORIES: Final = Path(__file__).parent / "repositories"
_KINDS: Final = ("plain", "hostile", "innocent")
_OF_A_BASE: Final = frozenset(
    {"from", "template", "environments", "files", "repository", "settings", "github", "names", "do"}
)
_OF_A_CASE: Final = (_OF_A_BASE - {"names"}) | {"name", "kind", "waivers", "expect"}
_Path = tuple[str, ...]


class CaseError(Exception):
    """A fault in a case file; the message begins with file and line."""


@dataclass(frozen=True)
class Input:
    """What rules are run on, as written: nothing is read or changed yet."""

    # Environment -> its templates as YAML text.
    environments: Mapping[str, Sequence[str]] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    # The folder below the files.
    repository: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    # The repository's settings as facts of a snapshot, where somebody looked at them.
    github: Mapping[str, Any] | None = None
    # Name -> what ``@name`` in a step stands for.
    names: Mapping[str, str] = field(default_factory=dict)
    # Where each step stands, and the step.
    do: Sequence[tuple[str, Step]] = ()

    def stacks(self) -> dict[str, list[Document]]:
        """Environment -> its templates, changed. A stack's first template is called after its environment."""
        documents = {
            environment: [_document(text, f"{environment}-{index}.yaml") for index, text in enumerate(texts)]
            for environment, texts in self.environments.items()
        }
        templates = {
            environment if index == 0 else f"{environment}-{index}": document.data
            for environment, several in documents.items()
            for index, document in enumerate(several)
        }
        for where, step in self.do:
            if "file" in step:
                continue
            name = str(step.get("stack", next(iter(templates), "")))
            if name not in templates:
                raise CaseError(f"{where}: there is no stack {name!r}; there are: {', '.join(templates) or 'none'}")
            with _at(where):
                apply(templates[name], step, self.names)
        return documents

    def repository_files(self) -> dict[str, str] | None:
        """Path -> text, changed; ``None`` where there is no repository around the templates."""
        edits = [(where, step) for where, step in self.do if "file" in step]
        if not (self.files or self.repository or edits):
            return None
        texts = {**(_folder(self.repository) if self.repository else {}), **self.files}
        for where, step in edits:
            with _at(where):
                texts[step["file"]] = edited(texts.get(step["file"]), step)
        return texts


@dataclass(frozen=True)
class Case:
    """One case: an input and what a rule says of it."""

    # File and line, for messages.
    where: str
    name: str
    kind: str
    input: Input
    waivers: Sequence[Mapping[str, Any]]
    expect: Mapping[str, Mapping[str, str]]

    def __str__(self) -> str:
        return self.name


@contextmanager
def _at(where: str) -> Iterator[None]:
    """Gives the error of a step its place."""
    try:
        yield
    except PatchError as error:
        raise CaseError(f"{where}: {error}") from None


@cache
def _parsed(text: str, shown: str) -> Document:
    return parse_yaml(text, shown)


def _document(text: str, shown: str) -> Document:
    """A document of its own, so that one case's changes are not another's. Its lines are those before any change."""
    document = _parsed(text, shown)
    return replace(document, data=copy.deepcopy(document.data))


@cache
def _folder(name: str) -> Mapping[str, str]:
    root = REPOSITORIES / name
    files = sorted(file for file in root.rglob("*") if file.is_file())
    return {file.relative_to(root).as_posix(): file.read_text(encoding="utf-8") for file in files}


@cache
def cases(path: Path) -> list[Case]:
    """The cases of a file. Raises :class:`CaseError`."""
    shown = f"{path.parent.name}/{path.name}"
    data, lines = read(path)
    reader = _Reader(shown, lines)
    if isinstance(data, list):
        return reader.cases(data, (), {})
    if not isinstance(data, dict) or set(data) != {"bases", "cases"}:
        raise CaseError(f"{shown}:1: a file is a list of cases, or has bases and cases")
    bases: dict[str, Input] = {}
    for name, raw in data["bases"].items():
        bases[name] = reader.input(raw, ("bases", name), bases, _OF_A_BASE)
    return reader.cases(data["cases"], ("cases",), bases)


class _Reader:
    """Makes cases of one file's data; knows the line of everything in it."""

    def __init__(self, shown: str, lines: Lines) -> None:
        self._shown = shown
        self._lines = lines

    def cases(self, raw: Sequence[Any], path: _Path, bases: Mapping[str, Input]) -> list[Case]:
        return [self._case(each, (*path, str(index)), bases) for index, each in enumerate(raw)]

    def _case(self, raw: Mapping[str, Any], path: _Path, bases: Mapping[str, Input]) -> Case:
        made = self.input(raw, path, bases, _OF_A_CASE)
        where = self._where(path)
        for key in ("name", "expect"):
            if key not in raw:
                raise CaseError(f"{where}: a case without {key}")
        kind = raw.get("kind", "plain")
        if kind not in _KINDS:
            raise CaseError(f"{self._where((*path, 'kind'))}: no kind {kind!r}; there are: {', '.join(_KINDS)}")
        return Case(where, raw["name"], kind, made, raw.get("waivers", ()), raw["expect"])

    def input(self, raw: Mapping[str, Any], path: _Path, bases: Mapping[str, Input], known: frozenset[str]) -> Input:
        """What a case or a base says, on top of the base that it starts from."""
        for key in raw:
            if key not in known:
                raise CaseError(f"{self._where((*path, key))}: nothing is called {key!r} here")
        base = Input()
        if "from" in raw:
            if raw["from"] not in bases:
                there = ", ".join(bases) or "none"
                raise CaseError(f"{self._where((*path, 'from'))}: no base {raw['from']!r} above; there are: {there}")
            base = bases[raw["from"]]
        own = {"default": raw["template"]} if "template" in raw else raw.get("environments", {})
        texts = {name: tuple(each) if isinstance(each, list) else (each,) for name, each in own.items()}
        return Input(
            {**base.environments, **texts},
            {**base.files, **raw.get("files", {})},
            raw.get("repository", base.repository),
            raw.get("settings", base.settings),
            raw.get("github", base.github),
            {**base.names, **raw.get("names", {})},
            (*base.do, *self._steps(raw.get("do", []), (*path, "do"))),
        )

    def _steps(self, raw: Sequence[Any], path: _Path) -> Iterator[tuple[str, Step]]:
        for index, step in enumerate(raw):
            if isinstance(step, list):
                yield from self._steps(step, (*path, str(index)))
            else:
                yield self._where((*path, str(index))), step

    def _where(self, path: _Path) -> str:
        return f"{self._shown}:{self._lines.get(path, 1)}"
