"""Recipes of a justfile. Source: just manual, "Recipe Parameters", "Dependencies", "Expressions", "Shebang Recipes"."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from checker.model.possible import Possible, open_text
from checker.resolve.tasks.recipes import Line, TaskLibrary, Tasks, joined_path, placed

NAMES: Final = ("justfile", "Justfile", ".justfile", "JUSTFILE")
_HEAD: Final = re.compile(
    r"@?([A-Za-z_][\w-]*)((?:\s++[^\s:=]++(?:=(?:'[^']*'|\"[^\"]*\"|[^\s:'\"])++)?)*+)\s*+:(?!=)\s*(.*)"
)
_ASSIGN: Final = re.compile(r"(?:export\s+)?([A-Za-z_][\w-]*)\s*:=\s*(.*)")
_IMPORT: Final = re.compile(r"(?m)^import\??\s+['\"]([^'\"]+)['\"]")
_ALIAS: Final = re.compile(r"alias\s+([\w-]+)\s*:=\s*([\w-]+)")
_PARAMETER: Final = re.compile(r"([*+$]*)([A-Za-z_][\w-]*)(?:=('[^']*'|\"[^\"]*\"|\S+))?")
_NEED: Final = re.compile(r"\(\s*([\w-]+)([^)]*)\)|([\w-]+)|&&")
_PLACE: Final = re.compile(r"\{\{((?:(?!\{\{).)*?)\}\}", re.DOTALL)
_LOOKS: Final = frozenset(
    {"-l", "--list", "--summary", "--dump", "-n", "--dry-run", "--evaluate", "--version", "--fmt"}
)
_VALUES: Final = frozenset({"-f", "--justfile", "-d", "--working-directory", "--set", "--shell", "--dotenv-path"})
_MAX_DEPTH: Final = 20
_MAX_RUNS: Final = 500


class _Recipe(Struct):
    file: str
    parameters: list[tuple[str, str, str | None]]  # the sign before it, its name, what it is where not given
    needs: str
    body: list[tuple[str, int]] = field(default_factory=list)


def tasks(words: Sequence[Possible], folder: str, library: TaskLibrary) -> Tasks:
    """What ``just`` with these words runs."""
    pending = list(words)
    given: dict[str, Possible] = {}
    file = ""
    while pending and isinstance(pending[0], str) and (pending[0].startswith("-") or "=" in pending[0]):
        word = str(pending.pop(0))
        if word in _LOOKS:
            return Tasks()
        if word in {"-f", "--justfile"} and pending:
            file = str(pending.pop(0))
        elif word == "--set" and len(pending) > 1:
            given[str(pending.pop(0))] = pending.pop(0)
        elif word in _VALUES and pending:
            pending.pop(0)
        elif "=" in word and not word.startswith("-"):
            name, _, value = word.partition("=")
            given[name] = value
    if pending and not file and isinstance(pending[0], str) and "/" in pending[0]:  # `just infra/deploy`
        below, _, recipe = pending[0].rpartition("/")
        folder, pending[0] = posixpath.normpath(joined_path(folder, below)), recipe
    path = next((at for name in ((file,) if file else NAMES) if library.is_file(at := joined_path(folder, name))), None)
    text = library.text(path) if path else None
    first = pending[0] if pending else ""
    if path is None or text is None or not isinstance(first, str):
        return Tasks(missing=f"just {first}".strip())
    recipes, variables, aliases = _read(text, path)
    for inside, at in _imported(text, path, library):
        others = _read(inside, at)
        recipes, variables, aliases = {**others[0], **recipes}, {**others[1], **variables}, {**others[2], **aliases}
    name = first or next(iter(recipes), "")
    lines: list[Line] = []
    missing = list(_run(name, pending[1:], _Book(path, recipes, {**variables, **given}, aliases), lines, set(), 0))
    return Tasks(tuple(lines), folder, f"just {missing[0]}".strip() if missing else "")


def _imported(text: str, path: str, library: TaskLibrary) -> Iterator[tuple[str, str]]:
    """The texts and places of the files that a justfile imports (just manual, "Imports")."""
    pending, seen = [(text, path)], {path}
    while pending and len(seen) < _MAX_DEPTH:
        inside, at = pending.pop(0)
        for match in _IMPORT.finditer(inside):
            name = posixpath.normpath(joined_path(posixpath.dirname(at), match[1]))
            found = library.text(name) if name not in seen else None
            seen.add(name)
            if found is not None:
                pending.append((found, name))
                yield found, name


class _Book(Struct, frozen=True):
    file: str
    recipes: Mapping[str, _Recipe]
    variables: Mapping[str, Possible]
    aliases: Mapping[str, str]


def _read(text: str, file: str) -> tuple[dict[str, _Recipe], dict[str, Possible], dict[str, str]]:
    recipes: dict[str, _Recipe] = {}
    variables: dict[str, Possible] = {}
    aliases: dict[str, str] = {}
    current: _Recipe | None = None
    for number, line in enumerate(text.split("\n"), 1):
        if line[:1] in {" ", "\t"}:
            if current is not None and line.strip():
                current.body.append((line, number))
            continue
        if not line.strip():
            continue
        current = None
        if line.startswith("#"):
            continue
        if match := _ALIAS.match(line):
            aliases[match[1]] = match[2]
        elif match := _ASSIGN.match(line):
            variables[match[1]] = _expression(match[2], variables)
        elif match := _HEAD.match(line):
            parameters = [(sign, name, default or None) for sign, name, default in _PARAMETER.findall(match[2])]
            current = recipes[match[1]] = _Recipe(file, parameters, match[3].split("#")[0])
    return recipes, variables, aliases


def _run(
    name: str, arguments: Sequence[Possible], book: _Book, lines: list[Line], seen: set[str], depth: int
) -> Iterator[str]:
    name = book.aliases.get(name, name)
    recipe = book.recipes.get(name)
    if recipe is None:
        yield name
        return
    # Once for the same arguments (just manual, "Dependencies").
    run = f"{name} {arguments!r}" if arguments else name
    if run in seen:
        return
    if depth > _MAX_DEPTH or len(seen) > _MAX_RUNS:
        yield name
        return
    seen.add(run)
    bound = dict(book.variables)
    rest = list(arguments)
    for sign, parameter, default in recipe.parameters:
        if "*" in sign or "+" in sign:
            known = all(isinstance(each, str) for each in rest)
            bound[parameter] = " ".join(map(str, rest)) if known else open_text(parameter, book.file)
            rest = []
        elif rest:
            bound[parameter] = rest.pop(0)
        else:
            bound[parameter] = "" if default is None else _expression(default, bound)
    before, _, after = recipe.needs.partition("&&")
    for need in _NEED.finditer(before):
        yield from _need(need, bound, book, lines, seen, depth)
    given = {parameter for _, parameter, _ in recipe.parameters}.intersection(bound) if arguments else set[str]()
    lines.extend(_lines(recipe, bound, given, recipe.file))
    if rest and isinstance(rest[0], str) and depth == 0:
        yield from _run(rest[0], rest[1:], book, lines, seen, depth)
    for need in _NEED.finditer(after):
        yield from _need(need, bound, book, lines, seen, depth)


def _need(
    need: re.Match[str], bound: Mapping[str, Possible], book: _Book, lines: list[Line], seen: set[str], depth: int
) -> Iterator[str]:
    name = need[1] or need[3]
    if name:
        words = re.findall(r"'[^']*'|\"[^\"]*\"|\S+", need[2] or "")
        yield from _run(name, [_expression(each, bound) for each in words], book, lines, seen, depth + 1)


def _lines(recipe: _Recipe, bound: Mapping[str, Possible], given: Collection[str], file: str) -> Iterator[Line]:
    """A recipe's lines; ``given`` are the names of which the caller says the value."""
    used: dict[str, Possible] = {}

    def put(match: re.Match[str]) -> str:
        name = match[1].strip()
        value = _expression(name, bound)
        if isinstance(value, str) and name not in given:
            return value
        return placed(name, value, match.string[: match.start()], used)

    if not recipe.body:
        return
    indent = len(recipe.body[0][0]) - len(recipe.body[0][0].lstrip())
    shebang = recipe.body[0][0].strip()
    if shebang.startswith("#!"):
        text = "\n".join(_PLACE.sub(put, line[indent:]) for line, _ in recipe.body)
        yield Line(text, file, recipe.body[0][1], used, exported=True, whole=True)
        return
    held, first = "", 0
    for line, number in recipe.body:
        first = first if held else number
        whole = held + (line[indent:] if not held else line.strip())
        if line.endswith("\\"):
            held = whole[:-1] + " "
            continue
        held = ""
        prefix = re.match(r"[@-]*", whole)
        text = _PLACE.sub(put, whole[prefix.end() if prefix else 0 :])
        yield Line(f"{{ {text}\n}} || true" if prefix and "-" in prefix[0] else text, file, first, dict(used), True)


def _expression(written: str, bound: Mapping[str, Possible]) -> Possible:
    """A value of just: a string, a name; anything else is open."""
    written = written.strip()
    if len(written) > 1 and written[0] == written[-1] and written[0] in "'\"":
        return written[1:-1]
    if written in bound:
        return bound[written]
    return open_text(f"{{{{{written}}}}}", "just")
