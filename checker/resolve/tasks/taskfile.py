"""Tasks of a Taskfile. Source: Task documentation, "Guide" and "Schema Reference"."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker import lazy_re
from checker.model.possible import Possible
from checker.resolve.tasks.recipes import (
    Line,
    TaskLibrary,
    Tasks,
    assigned,
    joined_path,
    plain,
    side_by_side,
)
from checker.resolve.tasks.values.task import filled

NAMES: Final = tuple(
    f"{name}.{ending}" for name in ("Taskfile", "taskfile", "Taskfile.dist") for ending in ("yml", "yaml")
)
_LOOKS: Final = frozenset({"-l", "--list", "-a", "--list-all", "-n", "--dry", "--version", "--summary", "--status"})
_VALUES: Final = frozenset({"-d", "--dir", "-t", "--taskfile", "-o", "--output", "-C", "--concurrency"})
# Systems that no Linux runner is, as a runner says which it is (GitHub documentation, "Variables reference").
_SYSTEMS: Final = {"windows": "Windows", "darwin": "macOS", "freebsd": "FreeBSD"}
_MAX_DEPTH: Final = 20
_MAX_RUNS: Final = 500


class _Run(Struct):
    file: str
    text: str
    listed: Mapping[str, Any]
    includes: Mapping[str, Any]
    library: TaskLibrary
    shared: Mapping[str, Any]
    given: Mapping[str, Possible]  # on the command line: it comes before what the file says
    arguments: tuple[Possible, ...]
    environment: Mapping[str, Possible]
    options: tuple[str, ...] = ()  # of the shell, in the whole file
    lines: list[Line] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    started: int = 0
    root: _Run | None = None  # the file that includes this one, and what includes that


def tasks(words: Sequence[Possible], folder: str, environment: Mapping[str, Possible], library: TaskLibrary) -> Tasks:
    """What ``task`` with these words runs."""
    pending = list(words)
    names: list[str] = []
    given: dict[str, Any] = {}
    arguments: tuple[Possible, ...] = ()
    file = ""
    while pending:
        word = pending.pop(0)
        if word == "--":
            arguments = tuple(pending)
            break
        if not isinstance(word, str):
            if (set_so := assigned(word)) is None:
                return Tasks(missing="a task that is not known before it runs")
            given[set_so[0]] = set_so[1]
            continue
        if word in _LOOKS:
            return Tasks()
        if word in _VALUES and pending:
            value = str(pending.pop(0))
            if word in {"-d", "--dir"}:
                folder = posixpath.normpath(posixpath.join(folder, value)).removeprefix(".")
            elif word in {"-t", "--taskfile"}:
                file = value
        elif not word.startswith("-"):
            left, is_set, right = word.partition("=")
            if is_set:
                given[left] = right
            else:
                names.append(word)
    path = next((at for name in ((file,) if file else NAMES) if library.is_file(at := joined_path(folder, name))), None)
    text = library.text(path) if path else None
    data = _parsed(text)
    if path is None or text is None or not (_mapping(data.get("tasks")) or _mapping(data.get("includes"))):
        return Tasks(missing=" ".join(["task", *names[:1]]))
    run = _run_of(path, text, data, library, given, arguments, environment)
    parts = list[list[Line]]()
    for name in names or ["default"]:
        begun = len(run.lines)
        _task(name, run, {}, 0)
        parts.append(run.lines[begun:])
    if {"-p", "--parallel"}.intersection(plain(words)):
        run.lines[:] = side_by_side(parts)
    return Tasks(tuple(run.lines), folder, f"task {run.missing[0]}" if run.missing else "")


def _run_of(
    path: str,
    text: str,
    data: Mapping[str, Any],
    library: TaskLibrary,
    given: Mapping[str, Possible],
    arguments: tuple[Possible, ...],
    environment: Mapping[str, Possible],
) -> _Run:
    shared = {**_mapping(data.get("vars")), **_mapping(data.get("env"))}
    listed, includes, options = _mapping(data.get("tasks")), _mapping(data.get("includes")), _words(data.get("set"))
    return _Run(path, text, listed, includes, library, shared, given, arguments, environment, options)


def _parsed(text: str | None) -> Mapping[str, Any]:
    import yaml

    try:
        found = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)) if text else {}  # noqa: S506 - a safe one
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}
    return found if isinstance(found, Mapping) else {}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _words(value: object) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _needed(task: Mapping[str, Any], run: _Run, depth: int) -> None:
    """What a task depends on, all at the same time (Taskfile documentation, "Task dependencies")."""
    begun, parts = len(run.lines), list[list[Line]]()
    for need in task.get("deps") or ():
        before = len(run.lines)
        _inner(need, run, depth)
        parts.append(run.lines[before:])
    run.lines[begun:] = side_by_side(parts)


def _task(name: str, run: _Run, given: Mapping[str, Any], depth: int) -> None:
    if name.startswith(":") and run.root is not None and depth <= _MAX_DEPTH:
        _of_root(name, run, run.root, given, depth)
        return
    task = run.listed.get(name, run.listed.get(_alias(name, run.listed)))
    key = name
    if task is None and (fitting := _by_pattern(name, run.listed)) is not None:
        key, task = fitting
    run.started += 1
    if task is None and depth <= _MAX_DEPTH and run.started <= _MAX_RUNS and _included(name, run, given, depth):
        return
    if task is None or depth > _MAX_DEPTH or run.started > _MAX_RUNS:
        if name not in run.missing:
            run.missing.append(name)
        return
    if isinstance(task, str | list):
        task = {"cmds": [task] if isinstance(task, str) else task}
    if depth == 0 and isinstance(task, Mapping) and task.get("internal") is True:
        run.missing.append(name)  # it cannot be asked for
        return
    if not isinstance(task, Mapping):
        return
    variables = {**run.shared, **_mapping(task.get("vars")), **_mapping(task.get("env")), **given}
    _needed(task, run, depth)
    where = re.search(rf"(?m)^[ \t]*['\"]?{re.escape(key)}['\"]?\s*:", run.text)
    line = run.text[: where.start()].count("\n") + 1 if where else 1
    for condition in _list(task.get("preconditions"))[:_MAX_DEPTH]:
        written = condition.get("sh") if isinstance(condition, Mapping) else condition
        if isinstance(written, str):
            run.lines.append(_line(written, task, variables, run, line, {}))
    first = len(run.lines)  # what it depends on, and what it asks for, come before whether it has to run
    commands = task.get("cmds") or ([task["cmd"]] if task.get("cmd") else [])
    late: list[list[Line]] = []  # what is put off to the end: the last one first, and nothing fails of it
    for each in commands if isinstance(commands, list) else [commands]:
        for item in _items(each, variables, run):
            bound = {**variables, **item}
            if isinstance(each, Mapping) and "task" in each:
                begin = len(run.lines)
                _inner(each, run, depth)
                run.lines[begin:] = [_under(each, inner, bound, run) for inner in run.lines[begin:]]
                continue
            written = each.get("cmd", each.get("defer")) if isinstance(each, Mapping) else each
            if isinstance(written, Mapping):
                begin = len(run.lines)
                _inner(written, run, depth)
                late.append(run.lines[begin:])
                del run.lines[begin:]
            if not isinstance(written, str):
                continue
            found = _line(written, task, bound, run, line, _mapping(each))
            if isinstance(each, Mapping) and "defer" in each:
                late.append([found])
            else:
                run.lines.append(found)
    put_off = (line for group in reversed(late) for line in group)
    run.lines.extend(replace(line, text=f"{{ {line.text}\n}} || true") for line in put_off)
    run.lines[first:] = [_under(task, each, variables, run) for each in run.lines[first:]]


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _items(command: object, variables: Mapping[str, Any], run: _Run) -> Iterator[Mapping[str, Any]]:
    """What each round of a ``for:`` names; one round without names of those that have none."""
    rounds = command.get("for") if isinstance(command, Mapping) else None
    if rounds is None:
        yield {}
        return
    named, listed = "ITEM", rounds
    if isinstance(rounds, Mapping):
        named = str(rounds.get("as") or "ITEM")
        value = variables.get(str(rounds.get("var")), run.given.get(str(rounds.get("var"))))
        split = rounds.get("split")
        listed = (
            (value.split(split) if isinstance(split, str) and split else value.split())
            if isinstance(value, str)
            else value
        )
    if not isinstance(listed, list) or not all(isinstance(each, str | int | float) for each in listed):
        yield {}  # only the run knows them
        return
    for each in listed[:_MAX_RUNS]:
        yield {named: str(each)}


def _systems(entry: Mapping[str, Any]) -> str:
    """The test whether it runs on this runner (Task documentation, "Platform Specific Tasks"); empty where nothing is
    said, or where Linux alone or Linux too is named."""
    wanted = {word for each in _words(entry.get("platforms")) for word in each.split("/")}
    named = [_SYSTEMS[each] for each in sorted(wanted & {*_SYSTEMS})]
    return "" if "linux" in wanted or not named else " || ".join(f'[ "$RUNNER_OS" = {each} ]' for each in named)


def _under(entry: Mapping[str, Any], line: Line, variables: Mapping[str, Any], run: _Run) -> Line:
    """A line under what its task, or the command that calls its task, says of whether it runs and may fail."""
    text, used = line.text, dict(line.variables)
    status = entry.get("status")
    checks = [status] if isinstance(status, str) else _words(status)
    conditions = [
        str(entry["if"]) if entry.get("if") else "",
        f"! {{ {' && '.join(f'( {each}{chr(10)})' for each in checks)}; }}" if checks else "",
        _systems(entry),
    ]
    for condition in filter(None, conditions):
        asked, more = filled(condition, variables, run.given, run.environment, run.file)
        text, used = f"if {asked}; then\n{text}\nfi", {**more, **used}
    if entry.get("ignore_error") is True:
        text = f"{{ {text}\n}} || true"
    return replace(line, text=text, variables=used) if text != line.text else line


def _line(
    written: str,
    task: Mapping[str, Any],
    variables: Mapping[str, Any],
    run: _Run,
    after: int,
    command: Mapping[str, Any],
) -> Line:
    """A command as its shell gets it. That shell stops where a command fails, whatever else is set."""
    folder = task.get("dir")
    text, used = filled(written, variables, run.given, run.environment, run.file)
    text = f"cd {folder} && {text}" if isinstance(folder, str) and "{{" not in folder else text
    options = (*run.options, *_words(task.get("set")), *_words(command.get("set")))
    flags = " ".join(["-e", *(each for each in options if each in {"pipefail", "errexit"})])
    at = _line_of(run.text, written, after)
    line = Line(text, run.file, at, used, exported=True, positional=run.arguments, flags=flags)
    return _under(command, line, variables, run)


def _alias(name: str, listed: Mapping[str, Any]) -> str:
    """The task that has the name among its aliases."""
    each = (key for key, task in listed.items() if isinstance(task, Mapping) and name in (task.get("aliases") or ()))
    return next(each, "")


_MATCH: Final = lazy_re.compile(r"\{\{-?\s*index\s+\.MATCH\s+(\d+)\s*-?\}\}")


def _by_pattern(name: str, listed: Mapping[str, Any]) -> tuple[str, object] | None:
    """The task whose name with stars fits, by its key, with what stands in their places (Task documentation, "Wildcard
    arguments")."""
    for key, task in listed.items():
        if "*" in str(key) and (match := re.fullmatch(re.escape(str(key)).replace(r"\*", "(.*)"), name)):
            return str(key), _put_in(task, match.groups())
    return None


def _put_in(value: Any, places: Sequence[str]) -> Any:
    if isinstance(value, str):
        return _MATCH.sub(lambda match: places[int(match[1])] if int(match[1]) < len(places) else match[0], value)
    if isinstance(value, list):
        return [_put_in(each, places) for each in value]
    return {key: _put_in(each, places) for key, each in value.items()} if isinstance(value, dict) else value


def _of_root(name: str, run: _Run, root: _Run, given: Mapping[str, Any], depth: int) -> None:
    """Run a task of the file that was read first: ``:build`` (Task documentation, "Including other Taskfiles")."""
    begin, root.started = len(root.lines), run.started
    _task(name.lstrip(":"), root, given, depth + 1)
    run.lines.extend(replace(each, at_root=True) for each in root.lines[begin:])
    del root.lines[begin:]
    run.started = root.started


def _included(name: str, run: _Run, given: Mapping[str, Any], depth: int) -> bool:
    """Run ``docs:build``: the task of a file that is included under the first name, or under none of its own; whether
    it is there."""
    space, _, inner = name.lstrip(":").partition(":")
    for key, entry in run.includes.items():
        told = {"taskfile": entry} if isinstance(entry, str) else _mapping(entry)
        named = key == space or space in _words(told.get("aliases"))
        flat = told.get("flatten") is True and name not in _words(told.get("excludes"))
        if named and not flat:
            return _of_file(str(key), told, inner or "default", run, given, depth)
        if flat and _of_file(str(key), told, name, run, given, depth):
            return True
    return False


def _of_file(space: str, entry: Mapping[str, Any], name: str, run: _Run, given: Mapping[str, Any], depth: int) -> bool:
    if not isinstance(entry.get("taskfile"), str):
        return False
    at = posixpath.normpath(joined_path(posixpath.dirname(run.file), entry["taskfile"]))
    path = next((each for each in (at, *(joined_path(at, file) for file in NAMES)) if run.library.is_file(each)), None)
    text = run.library.text(path) if path else None
    if path is None or text is None:
        return False
    other = _run_of(path, text, _parsed(text), run.library, run.given, run.arguments, run.environment)
    other.shared = {**run.shared, **other.shared, **_mapping(entry.get("vars"))}
    other.started, other.root = run.started, run.root or run
    _task(name, other, given, depth + 1)
    run.started = other.started
    if entry.get("flatten") is True and other.missing == [name]:
        return False
    where = entry.get("dir")
    moved = f"cd {where} && " if isinstance(where, str) and "{{" not in where else ""
    run.lines.extend(each if each.at_root else replace(each, text=f"{moved}{each.text}") for each in other.lines)
    run.missing.extend(f"{space}:{each}" for each in other.missing)
    return True


def _inner(need: object, run: _Run, depth: int) -> None:
    name = need.get("task") if isinstance(need, Mapping) else need
    if isinstance(name, str):
        _task(name, run, _mapping(need.get("vars")) if isinstance(need, Mapping) else {}, depth + 1)


def _line_of(text: str, written: str, after: int) -> int:
    first = written.strip().split("\n")[0]
    for number, line in enumerate(text.split("\n"), 1):
        if number >= after and first and first in line:
            return number
    return after
