"""Recipes of a justfile. Source: just manual, "Recipe Parameters", "Dependencies", "Settings", "Attributes", "Shebang
Recipes", "Script Recipes", "Modules", "Working Directory"; what just does with each is asked of just itself by
the tests."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker import lazy_re
from checker.model.possible import Possible, open_text
from checker.resolve.tasks.recipes import Line, TaskLibrary, Tasks, assigned, joined_path, placed, side_by_side
from checker.resolve.tasks.values.just import expression, is_asked

NAMES: Final = ("justfile", "Justfile", ".justfile", "JUSTFILE")
_HEAD: Final = lazy_re.compile(
    r"@?([A-Za-z_][\w-]*)((?:\s++[^\s:=]++(?:=(?:'[^']*'|\"[^\"]*\"|[^\s:'\"])++)?)*+)\s*+:(?!=)\s*(.*)"
)
_ASSIGN: Final = lazy_re.compile(r"(export\s+)?([A-Za-z_][\w-]*)\s*:=\s*(.*)")
_SET: Final = lazy_re.compile(r"set\s+([a-z-]+)(?:\s*:=\s*(.*))?")
_ATTRIBUTES: Final = lazy_re.compile(r"\[(.*)\]\s*(?:#.*)?")
_QUOTED: Final = lazy_re.compile(r"'[^']*'|\"[^\"]*\"")
# Systems that no Linux runner is.
_ELSEWHERE: Final = frozenset({"windows", "macos", "openbsd"})
_HERE: Final = frozenset({"linux", "unix"})
_IMPORT: Final = lazy_re.compile(r"(?m)^import\??\s+['\"]([^'\"]+)['\"]")
_MODULE: Final = lazy_re.compile(r"(?m)^mod\??\s+([\w-]+)(?:\s+['\"]([^'\"]+)['\"])?")
_ALIAS: Final = lazy_re.compile(r"alias\s+([\w-]+)\s*:=\s*([\w:-]+)")
_PARAMETER: Final = lazy_re.compile(r"([*+$]*)([A-Za-z_][\w-]*)(?:=('[^']*'|\"[^\"]*\"|\S+))?")
_NEED: Final = lazy_re.compile(r"\(\s*([\w:-]+)([^)]*)\)|([\w:-]+)|&&")
_PLACE: Final = lazy_re.compile(r"\{\{((?:(?!\{\{).)*?)\}\}", re.DOTALL)
_LOOKS: Final = frozenset(
    {"-l", "--list", "--summary", "--dump", "-n", "--dry-run", "--evaluate", "--version", "--fmt"}
)
_VALUES: Final = frozenset({"-f", "--justfile", "-d", "--working-directory", "--set", "--shell", "--dotenv-path"})
_WORDS: Final = lazy_re.compile(r"[\w-]+")
_MAX_DEPTH: Final = 20
_MAX_RUNS: Final = 500


class _Recipe(Struct):
    file: str
    parameters: list[tuple[str, str, str | None]]  # the sign before it, its name, what it is where not given
    needs: str
    attributes: str = ""
    body: list[tuple[str, int]] = field(default_factory=list)


class _File(Struct):
    """What a justfile and those that it imports say. ``asked`` are variables that a command's output is put in,
    ``handed`` those that come from the environment.
    ``folder`` is where its recipes run, ``called`` where just was called, ``inside`` are its modules that were read."""

    path: str
    text: str
    library: TaskLibrary
    folder: str
    called: str
    environment: Mapping[str, Possible]
    given: Mapping[str, Possible]  # in place of what it says itself
    recipes: dict[str, _Recipe] = field(default_factory=dict)
    variables: dict[str, Possible] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    exported: set[str] = field(default_factory=set)
    asked: dict[str, Line] = field(default_factory=dict)
    handed: set[str] = field(default_factory=set)
    inside: dict[str, _File | None] = field(default_factory=dict)


class _Course(Struct):
    """What is run, in order, from the first file on."""

    root: _File
    lines: list[Line] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    entered: list[str] = field(default_factory=list)


def tasks(words: Sequence[Possible], folder: str, environment: Mapping[str, Possible], library: TaskLibrary) -> Tasks:
    """What ``just`` with these words runs."""
    pending = list(words)
    given: dict[str, Possible] = {}
    file, called, where = "", folder, None
    while pending and (
        (isinstance(pending[0], str) and pending[0].startswith("-")) or (set_so := assigned(pending[0])) is not None
    ):
        if not isinstance(pending[0], str) and set_so is not None:
            given[set_so[0]] = set_so[1]
            del pending[0]
            continue
        word, equals, value = str(pending.pop(0)).partition("=")
        if word in _LOOKS:
            return Tasks()
        if word == "--set" and len(pending) > 1:
            given[str(pending.pop(0))] = pending.pop(0)
        elif word in _VALUES:
            taken: Possible = value if equals else pending.pop(0) if pending else ""
            if word in {"-f", "--justfile"}:
                file = str(taken)
            elif word in {"-d", "--working-directory"}:
                where = taken
        elif equals and not word.startswith("-"):
            given[word] = value
    if pending and not file and isinstance(pending[0], str) and "/" in pending[0]:  # `just infra/deploy`
        below, _, recipe = pending[0].rpartition("/")
        folder, pending[0] = posixpath.normpath(joined_path(folder, below)), recipe
    path = _found(file, folder, library)
    text = library.text(path) if path else None
    first = pending[0] if pending else ""
    if path is None or text is None or not isinstance(first, str) or not isinstance(where, str | None):
        return Tasks(missing=f"just {first}".strip())
    folder = posixpath.dirname(path) if where is None else posixpath.normpath(joined_path(called, where))
    root = _file(path, text, library, folder, called, environment, given)
    course = _Course(root)
    missing = list(_begin(pending, course))
    return Tasks(tuple(course.lines), folder, f"just {missing[0]}".strip() if missing else "")


def _found(file: str, folder: str, library: TaskLibrary) -> str | None:
    """The justfile that is named, or the nearest one upwards (just manual, "Quick Start")."""
    if file:
        at = posixpath.normpath(joined_path(folder, file))
        return at if library.is_file(at) else None
    while True:
        found = next((at for name in NAMES if library.is_file(at := joined_path(folder, name))), None)
        if found is not None or not folder or folder.startswith(("/", "..")):
            return found
        folder = posixpath.dirname(folder)


def _file(
    path: str,
    text: str,
    library: TaskLibrary,
    folder: str,
    called: str,
    environment: Mapping[str, Possible],
    given: Mapping[str, Possible] | None = None,
) -> _File:
    read = _File(path, text, library, folder, called, environment, given or {})
    read.variables.update({f"${name}": value for name, value in environment.items()})
    for inside, at in (*reversed(list(_imported(text, path, library))), (text, path)):
        _read(inside, at, read)
    return read


def _begin(words: Sequence[Possible], course: _Course) -> Iterator[str]:
    """Run what is asked of the first file: its first recipe where nothing is. ``just a b`` is ``just a::b``."""
    read, pending = course.root, list(words)
    first = str(pending.pop(0)) if pending else ""
    while (inner := _module(first.partition("::")[0], read)) is not None:
        read, first = inner, first.partition("::")[2]
        if not first and pending:
            first = str(pending.pop(0))
    name = first or next((name for name, recipe in read.recipes.items() if recipe.file == read.path), "")
    yield from _run(name, pending, read, course, 0)


def _module(name: str, of: _File) -> _File | None:
    """A module by its name. ``None`` where the file has none of that name, or it is not there."""
    if name not in of.inside:
        of.inside[name] = _read_module(name, of)
    return of.inside[name]


def _read_module(name: str, of: _File) -> _File | None:
    given = next((match[2] or "" for match in _MODULE.finditer(of.text) if match[1] == name), None)
    if given is None:
        return None
    at = posixpath.normpath(joined_path(posixpath.dirname(of.path), given or name))
    inside = [joined_path(at, file) for file in ("mod.just", *NAMES)]
    found = next((each for each in (*((at,) if given else (f"{at}.just",)), *inside) if of.library.is_file(each)), None)
    text = of.library.text(found) if found is not None else None
    return (
        None
        if found is None or text is None
        else _file(found, text, of.library, posixpath.dirname(found), of.called, of.environment)
    )


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


def _read(text: str, file: str, into: _File) -> None:
    """Add what a file says: it comes before what was there."""
    current: _Recipe | None = None
    attributes = ""
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
        if match := _ATTRIBUTES.fullmatch(line):
            attributes += f",{match[1]}"
            continue
        if match := _ALIAS.match(line):
            into.aliases[match[1]] = match[2]
        elif match := _SET.match(line):
            into.settings[match[1]] = match[2] or "true"
        elif match := _ASSIGN.match(line):
            name, written = match[2], match[3].split(" #")[0].strip()
            is_given = name in into.given
            into.variables[name] = into.given[name] if is_given else expression(written, into.variables)
            into.asked.pop(name, None)
            if is_given or is_asked(written, into.variables) or into.handed.intersection(_WORDS.findall(written)):
                into.handed.add(name)
            if match[1]:
                into.exported.add(name)
            if not is_given and len(written) > 1 and written[0] == written[-1] == "`":
                asked = Line(written.strip("`"), file, number, flags=_flags(into), shell=_shell(into))
                into.asked[name] = replace(asked, folder=into.folder)
        elif match := _HEAD.match(line):
            systems = set(re.findall(r"[a-z]+", _QUOTED.sub("", attributes)))
            if not systems & _ELSEWHERE or systems & _HERE:
                parameters = [(sign, name, default or None) for sign, name, default in _PARAMETER.findall(match[2])]
                current = into.recipes[match[1]] = _Recipe(file, parameters, match[3].split("#")[0], attributes)
        attributes = ""


def _flags(read: _File) -> str:
    """Those of the shell that runs each line: ``-cu`` where nothing is set."""
    return " ".join(_shell_words(read)[1:])


def _shell(read: _File) -> str:
    """The shell itself: ``sh`` where nothing is set (just manual, "Configuring the Shell")."""
    return next(iter(_shell_words(read)), "sh")


def _shell_words(read: _File) -> list[str]:
    return re.findall(r"['\"]([^'\"]*)['\"]", read.settings.get("shell", ""))


def _run(name: str, arguments: Sequence[Possible], read: _File, course: _Course, depth: int) -> Iterator[str]:
    name = read.aliases.get(name, name)
    module, inner, below = name.partition("::")
    other = _module(module, read) if inner else None
    if other is not None and depth <= _MAX_DEPTH:
        yield from (f"{module}::{each}" for each in _run(below, arguments, other, course, depth + 1))
        return
    recipe = read.recipes.get(name)
    if recipe is None:
        yield name
        return
    # Once for the same arguments (just manual, "Dependencies").
    run = f"{read.path} {name} {arguments!r}" if arguments else f"{read.path} {name}"
    if run in course.seen:
        return
    if depth > _MAX_DEPTH or len(course.seen) > _MAX_RUNS:
        yield name
        return
    course.seen.add(run)
    if read.path not in course.entered:
        course.entered.append(read.path)
        course.lines.extend(read.asked.values())
    bound = dict(read.variables)
    rest = list(arguments)
    for sign, parameter, default in recipe.parameters:
        if "*" in sign or "+" in sign:
            known = all(isinstance(each, str) for each in rest)
            bound[parameter] = " ".join(map(str, rest)) if known else open_text(parameter, recipe.file)
            rest = []
        elif rest:
            bound[parameter] = rest.pop(0)
        else:
            bound[parameter] = "" if default is None else expression(default, bound)
    before, _, after = recipe.needs.partition("&&")
    begun, parts = len(course.lines), list[list[Line]]()
    for need in _NEED.finditer(before):
        start = len(course.lines)
        yield from _need(need, bound, read, course, depth)
        parts.append(course.lines[start:])
    if "parallel" in re.findall(r"[a-z-]+", recipe.attributes):  # just manual, "Attributes"
        course.lines[begun:] = side_by_side(parts)
    given = {parameter for _, parameter, _ in recipe.parameters}.intersection(bound) if arguments else set[str]()
    positional = "positional-arguments" in (*read.settings, *re.findall(r"[a-z-]+", recipe.attributes))
    given |= read.handed - {parameter for _, parameter, _ in recipe.parameters}
    course.lines.extend(_lines(recipe, bound, given, read, tuple(arguments) if positional else ()))
    for need in _NEED.finditer(after):
        yield from _need(need, bound, read, course, depth)
    if rest and isinstance(rest[0], str) and depth == 0:
        yield from _begin(rest, course)


def _need(
    need: re.Match[str], bound: Mapping[str, Possible], read: _File, course: _Course, depth: int
) -> Iterator[str]:
    name = need[1] or need[3]
    if name:
        words = re.findall(r"'[^']*'|\"[^\"]*\"|\S+", need[2] or "")
        yield from _run(name, [expression(each, bound) for each in words], read, course, depth + 1)


def _lines(
    recipe: _Recipe,
    bound: Mapping[str, Possible],
    given: Collection[str],
    read: _File,
    positional: tuple[Possible, ...],
) -> Iterator[Line]:
    """A recipe's lines; ``given`` are the names of which the caller says the value."""
    used: dict[str, Possible] = {
        name: value
        for name, value in bound.items()
        if name in read.exported
        or ("export" in read.settings and not name.startswith("$"))
        or any(name == parameter and "$" in sign for sign, parameter, _ in recipe.parameters)
    }

    def put(match: re.Match[str]) -> str:
        name = match[1].strip()
        value = expression(name, bound)
        if isinstance(value, str) and name not in given and not is_asked(name, bound):
            return value
        return placed(name, value, match.string[: match.start()], used)

    if not recipe.body:
        return
    where = _folder(recipe, read)
    indent = len(recipe.body[0][0]) - len(recipe.body[0][0].lstrip())
    program = _script_program(recipe, read)
    if program or recipe.body[0][0].strip().startswith("#!"):
        text = "\n".join(_PLACE.sub(put, line[indent:]) for line, _ in recipe.body)
        # just writes such a recipe to a file of its own, which the program is given.
        text, first = (f"#!{program}\n{text}", 1) if program else (text, 0)
        yield Line(text, recipe.file, recipe.body[0][1] - first, used, True, positional, whole=True, folder=where)
        return
    held, first, flags = "", 0, _flags(read)
    for line, number in recipe.body:
        first = first if held else number
        whole = held + (line[indent:] if not held else line.strip())
        if line.endswith("\\"):
            held = whole[:-1]
            continue
        held = ""
        prefix = re.match(r"[@-]*", whole)
        text = _PLACE.sub(put, whole[prefix.end() if prefix else 0 :])
        text = f"{{ {text}\n}} || true" if prefix and "-" in prefix[0] else text
        used_now, shell = dict(used), _shell(read)
        yield Line(text, recipe.file, first, used_now, True, positional, flags=flags, shell=shell, folder=where)


def _folder(recipe: _Recipe, read: _File) -> str:
    """Where a recipe runs (just manual, "Working Directory")."""
    if re.search(r"\bno-cd\b", _QUOTED.sub("", recipe.attributes)):
        return read.called
    own = re.search(r"\bworking-directory(?:\s*:\s*|\s*\(\s*)['\"]([^'\"]*)", recipe.attributes)
    written = own[1] if own is not None else read.settings.get("working-directory", "").strip("'\"")
    return posixpath.normpath(joined_path(read.folder, written)) if written else read.folder


def _script_program(recipe: _Recipe, read: _File) -> str:
    """What runs a recipe under ``[script]``, as a shebang names it; empty where it is no such recipe."""
    found = re.search(r"\bscript\b(?:\(([^)]*)\))?", recipe.attributes)
    if found is None:
        return ""
    words = re.findall(r"['\"]([^'\"]*)['\"]", found[1] or read.settings.get("script-interpreter", "'sh','-eu'"))
    return " ".join(["/usr/bin/env", *words])
