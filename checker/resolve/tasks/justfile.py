"""Recipes of a justfile. Source: just manual, "Recipe Parameters", "Dependencies", "Settings", "Attributes", "Shebang
Recipes", "Script Recipes", "Modules"; what just does with each is asked of just itself by the tests."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from checker import lazy_re
from checker.model.possible import Possible, joined, open_text
from checker.resolve.tasks.recipes import Line, TaskLibrary, Tasks, joined_path, placed

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
_ALIAS: Final = lazy_re.compile(r"alias\s+([\w-]+)\s*:=\s*([\w-]+)")
_PARAMETER: Final = lazy_re.compile(r"([*+$]*)([A-Za-z_][\w-]*)(?:=('[^']*'|\"[^\"]*\"|\S+))?")
_NEED: Final = lazy_re.compile(r"\(\s*([\w-]+)([^)]*)\)|([\w-]+)|&&")
_PLACE: Final = lazy_re.compile(r"\{\{((?:(?!\{\{).)*?)\}\}", re.DOTALL)
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
    attributes: str = ""
    body: list[tuple[str, int]] = field(default_factory=list)


class _File(Struct):
    """What a justfile and those that it imports say. ``asked`` are variables that a command's output is put in."""

    recipes: dict[str, _Recipe] = field(default_factory=dict)
    variables: dict[str, Possible] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    exported: set[str] = field(default_factory=set)
    asked: dict[str, Line] = field(default_factory=dict)


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
    while (found := _module(text, path, pending, library)) is not None:
        text, path, pending = found
        folder = posixpath.dirname(path)
        first = str(pending[0]) if pending else ""
    read = _File()
    for inside, at in (*reversed(list(_imported(text, path, library))), (text, path)):
        _read(inside, at, read)
    read.variables.update(given)
    name = first or next((name for name, recipe in read.recipes.items() if recipe.file == path), "")
    lines: list[Line] = []
    missing = list(_run(name, pending[1:], read, lines, set(), 0))
    asked = [line for variable, line in read.asked.items() if variable not in given] if lines else []
    return Tasks((*asked, *lines), folder, f"just {missing[0]}".strip() if missing else "")


def _module(
    text: str, path: str, words: Sequence[Possible], library: TaskLibrary
) -> tuple[str, str, list[Possible]] | None:
    """The file of the module that the first word names, and what is asked of it: ``just a::b``, ``just a b``. ``None``
    where it names none."""
    name, _, rest = str(words[0] if words else "").partition("::")
    given = next((match[2] or "" for match in _MODULE.finditer(text) if match[1] == name), None)
    if given is None:
        return None
    at = posixpath.normpath(joined_path(posixpath.dirname(path), given or name))
    inside = [joined_path(at, file) for file in ("mod.just", *NAMES)]
    found = next((each for each in (*((at,) if given else (f"{at}.just",)), *inside) if library.is_file(each)), None)
    inner = library.text(found) if found is not None else None
    if found is None or inner is None:
        return None
    return inner, found, [*((rest,) if rest else ()), *words[1:]]


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
            into.variables[name] = _expression(written, into.variables)
            into.asked.pop(name, None)
            if match[1]:
                into.exported.add(name)
            if len(written) > 1 and written[0] == written[-1] == "`":
                into.asked[name] = Line(written.strip("`"), file, number, flags=_flags(into), shell=_shell(into))
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


def _run(
    name: str, arguments: Sequence[Possible], read: _File, lines: list[Line], seen: set[str], depth: int
) -> Iterator[str]:
    name = read.aliases.get(name, name)
    recipe = read.recipes.get(name)
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
            bound[parameter] = "" if default is None else _expression(default, bound)
    before, _, after = recipe.needs.partition("&&")
    for need in _NEED.finditer(before):
        yield from _need(need, bound, read, lines, seen, depth)
    given = {parameter for _, parameter, _ in recipe.parameters}.intersection(bound) if arguments else set[str]()
    positional = "positional-arguments" in (*read.settings, *re.findall(r"[a-z-]+", recipe.attributes))
    lines.extend(_lines(recipe, bound, given, read, tuple(arguments) if positional else ()))
    if rest and isinstance(rest[0], str) and depth == 0:
        yield from _run(rest[0], rest[1:], read, lines, seen, depth)
    for need in _NEED.finditer(after):
        yield from _need(need, bound, read, lines, seen, depth)


def _need(
    need: re.Match[str], bound: Mapping[str, Possible], read: _File, lines: list[Line], seen: set[str], depth: int
) -> Iterator[str]:
    name = need[1] or need[3]
    if name:
        words = re.findall(r"'[^']*'|\"[^\"]*\"|\S+", need[2] or "")
        yield from _run(name, [_expression(each, bound) for each in words], read, lines, seen, depth + 1)


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
        or "export" in read.settings
        or any(name == parameter and "$" in sign for sign, parameter, _ in recipe.parameters)
    }

    def put(match: re.Match[str]) -> str:
        name = match[1].strip()
        value = _expression(name, bound)
        if isinstance(value, str) and name not in given:
            return value
        return placed(name, value, match.string[: match.start()], used)

    if not recipe.body:
        return
    indent = len(recipe.body[0][0]) - len(recipe.body[0][0].lstrip())
    program = _script_program(recipe, read)
    if program or recipe.body[0][0].strip().startswith("#!"):
        text = "\n".join(_PLACE.sub(put, line[indent:]) for line, _ in recipe.body)
        # just writes such a recipe to a file of its own, which the program is given.
        text, first = (f"#!{program}\n{text}", 1) if program else (text, 0)
        yield Line(text, recipe.file, recipe.body[0][1] - first, used, True, positional, whole=True)
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
        yield Line(text, recipe.file, first, dict(used), True, positional, flags=flags, shell=_shell(read))


def _script_program(recipe: _Recipe, read: _File) -> str:
    """What runs a recipe under ``[script]``, as a shebang names it; empty where it is no such recipe."""
    found = re.search(r"\bscript\b(?:\(([^)]*)\))?", recipe.attributes)
    if found is None:
        return ""
    words = re.findall(r"['\"]([^'\"]*)['\"]", found[1] or read.settings.get("script-interpreter", "'sh','-eu'"))
    return " ".join(["/usr/bin/env", *words])


_LONGEST: Final = 500  # characters of an expression that is looked into
_CHOICE: Final = lazy_re.compile(
    r"if\s+(.+?)\s*(==|!=)\s*(.+?)\s*\{\s*(.*?)\s*\}\s*else\s*(?:\{\s*(.*?)\s*\}|(if\b.*))", re.DOTALL
)
_PARTS: Final = lazy_re.compile(r"((?:'[^']*'|\"[^\"]*\"|[^'\"+/])+)\s*([+/]|$)")


def _expression(written: str, bound: Mapping[str, Possible]) -> Possible:
    """A value of just: a string, a name, several put together, a choice between known ones; anything else is open."""
    written = written.strip()
    quote = written[:1]
    if len(written) > 1 and quote in "'\"" and written.find(quote, 1) == len(written) - 1:
        return written[1:-1]
    if written in bound:
        return bound[written]
    if len(written) > _LONGEST:
        return open_text(f"{{{{{written[:80]}}}}}", "just")
    if choice := _CHOICE.fullmatch(written):
        left, right = _expression(choice[1], bound), _expression(choice[3], bound)
        if isinstance(left, str) and isinstance(right, str):
            holds = (left == right) is (choice[2] == "==")
            return _expression(choice[4] if holds else choice[5] if choice[5] is not None else choice[6], bound)
    parts = _PARTS.findall(written)
    if len(parts) > 1 and "".join(f"{part}{sign}" for part, sign in parts) == written:
        values = [_expression(part, bound) for part, _ in parts]
        signs = ["", *({"+": "", "/": "/"}[sign] for _, sign in parts[:-1])]
        return joined(each for sign, value in zip(signs, values, strict=True) for each in (sign, value))
    return open_text(f"{{{{{written}}}}}", "just")
