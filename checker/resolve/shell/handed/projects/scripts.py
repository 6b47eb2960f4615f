"""Scripts that a project names in its settings, and runs by a manager of projects: ``pdm run X``, ``hatch run X``,
``pipenv run X``, ``rye run X``, ``pixi run X``, ``poe X``, ``deno task X``, ``composer run X``, ``mise run X``.

Sources: PDM documentation, "PDM Scripts"; Hatch documentation, "Environment configuration" (scripts); Pipenv
documentation, "Custom Script Shortcuts"; Rye documentation, "Scripts"; Poe the Poet documentation, "Task types"; Deno
documentation, "deno task"; Composer documentation, "Scripts" (the first line that fails ends them); Pixi documentation,
"Advanced tasks"; mise documentation, "TOML-based Tasks", "File Tasks" and "Task Configuration" (``depends`` run at the
same time).
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from checker import lazy_re
from checker.model.possible import Possible
from checker.resolve.shell.handed.kinds import Told

_MOST: Final = 8  # levels of scripts that name others
_COMMENT: Final = lazy_re.compile(r"^[ \t]*+//.*$", re.MULTILINE)
# Manager -> the verb behind which a script's name stands; empty where it stands there by itself.
_VERBS: Final[Mapping[str, str]] = {
    "pdm": "run",
    "hatch": "run",
    "pipenv": "run",
    "rye": "run",
    "pixi": "run",
    "mise": "run",
    "poe": "",
    "deno": "task",
    "composer": "run",
}
# Composer's own commands, which no script of a project replaces.
_OF_COMPOSER: Final = frozenset(
    {"install", "update", "require", "remove", "validate", "audit", "dump-autoload", "dumpautoload", "show", "exec",
     "global", "archive", "bump", "outdated", "config", "status", "search", "reinstall", "self-update", "diagnose"}
)  # fmt: skip
MANAGERS: Final = frozenset(_VERBS)
# What a script that is written as a table says is run.
_KEYS: Final = ("cmd", "shell", "command", "composite", "chain", "sequence", "run", "file", "task")
_DEPENDS: Final = ("deps", "dependencies", "depends-on", "depends_on", "depends")
_FOLDERS: Final = ("dir", "cwd", "working_dir")
# Where mise looks for its settings, and for tasks that are files ("Configuration", "File Tasks").
_MISE: Final = ("mise.toml", ".mise.toml", "mise/config.toml", ".mise/config.toml", ".config/mise.toml")
_MISE_TASKS: Final = ("mise-tasks", ".mise-tasks", "mise/tasks", ".mise/tasks", ".config/mise/tasks")
_MISE_VERBS: Final = (("tasks", "run"), ("tasks", "r"), ("run",), ("r",))


def own_script(told: Told) -> list[Possible] | None:
    """A script as the line of shell that it is; ``None`` where a manager is told anything else."""
    words = [*told.words[1:]]
    while words and isinstance(words[0], str) and words[0].startswith("-"):
        words = words[1:]
    verb = _VERBS[told.name]
    if told.name == "mise":
        words = next((["run", *words[len(each) :]] for each in _MISE_VERBS if tuple(words[: len(each)]) == each), [])
    if told.name == "composer" and words[:1] != ["run"]:
        named = words[0] if words and words[0] not in _OF_COMPOSER else ""
        words = ["run", *words[1:]] if named == "run-script" else ["run", *words] if named else words
    if verb and words[:1] != [verb]:
        return None
    words = words[1:] if verb else words
    while words and isinstance(words[0], str) and words[0].startswith("-"):
        words = words[1:]
    if not words or not isinstance(words[0], str):
        return None
    space, _, name = words[0].rpartition(":") if told.name == "hatch" else ("", "", words[0])
    scripts = _scripts(told, space or "default")
    lines = list(_lines(scripts[name], scripts, name, 0)) if name in scripts else []
    if told.name == "mise":
        lines = [] if not lines or ":::" in words else _of_project(lines, told)
    if not lines or not all(lines):
        return None
    text = re.sub(r"\{args(?::[^{}]*)?\}", '"$@"', " && ".join(lines))
    last = len(lines) == 1 or told.name == "mise"  # which is given the words behind the script's name
    more = "" if '"$@"' in text or not last or not words[1:] else ' "$@"'
    return ["sh", "-c", f"{text}{more}", name, *words[1:]]


def _scripts(told: Told, space: str) -> Mapping[str, object]:
    readers: Mapping[str, Callable[[], Mapping[str, object]]] = {
        "pdm": lambda: _toml(told, "pyproject.toml", "tool", "pdm", "scripts"),
        "rye": lambda: _toml(told, "pyproject.toml", "tool", "rye", "scripts"),
        "pixi": lambda: {
            **_toml(told, "pyproject.toml", "tool", "pixi", "tasks"),
            **_toml(told, "pixi.toml", "tasks"),
        },
        "mise": lambda: _of_mise(told),
        "poe": lambda: _toml(told, "pyproject.toml", "tool", "poe", "tasks") or _toml(told, "poe_tasks.toml", "tasks"),
        "pipenv": lambda: _toml(told, "Pipfile", "scripts"),
        "hatch": lambda: {
            **_toml(told, "pyproject.toml", "tool", "hatch", "envs", space, "scripts"),
            **_toml(told, "hatch.toml", "envs", space, "scripts"),
        },
        "composer": lambda: _of_composer(_json(told, "composer.json", "scripts")),
        "deno": lambda: _json(told, "deno.json") or _json(told, "deno.jsonc"),
    }
    return readers[told.name]()


def _lines(value: object, scripts: Mapping[str, object], name: str, level: int) -> Iterator[str]:
    """The lines of a script, one after the other; an empty one for what is no line of a shell."""
    if level > _MOST:
        yield ""
    elif isinstance(value, dict):
        before = [each for key in _DEPENDS for each in _listed(value.get(key))]
        if "depends" in value and len(before) > 1:
            yield _at_once([list(_lines(each, scripts, name, level + 1)) for each in before])
            before = []
        for each in before:
            yield from _lines(each, scripts, name, level + 1)
        if words := _listed(value.get("cmd")):
            yield _placed(shlex.join(words), value)
            return
        found = next((value[key] for key in _KEYS if key in value), None)
        if found is not None or not any(key in value for key in _DEPENDS):
            yield from (_placed(each, value) for each in _lines(found, scripts, name, level + 1))
        for each in _listed(value.get("depends_post")):
            yield from _lines(each, scripts, name, level + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _lines(each, scripts, name, level + 1)
    elif isinstance(value, str) and value.split()[:1] != [name] and value.split()[:1] and value.split()[0] in scripts:
        inner = value.split()[0]
        yield from _lines(scripts[inner], scripts, inner, level + 1) if value.split() == [inner] else ("",)
    else:
        yield value.strip() if isinstance(value, str) else ""


def _placed(line: str, script: Mapping[str, object]) -> str:
    """A line with the folder that the script runs in, and the variables that it is given; empty where a template
    decides one of them."""
    folder = next((script[key] for key in _FOLDERS if key in script), "")
    folder = "" if folder in ("{{cwd}}", "{{config_root}}") else folder
    given = script.get("env") or {}
    env = given if isinstance(given, dict) else {"": None}
    texts = [line, folder, *env.values()]
    if not line or not all(isinstance(each, str) and "{{" not in each for each in texts):
        return ""
    exports = "".join(f"export {name}={shlex.quote(str(value))}; " for name, value in env.items())
    inside = f"cd {shlex.quote(str(folder))} && " if folder else ""
    return f"({exports}{inside}{line})" if exports or inside else line


def _at_once(several: Sequence[Sequence[str]]) -> str:
    """Scripts that run side by side, all of which have to succeed."""
    if not all(lines and all(lines) for lines in several):
        return ""
    names = [f"__task{index}" for index in range(len(several))]
    started = " ".join(f"({' && '.join(lines)}) & {name}=$!;" for name, lines in zip(names, several, strict=True))
    return f"{{ {started} {' && '.join(f'wait ${name}' for name in names)}; }}"


def _listed(value: object) -> Sequence[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _toml(told: Told, file: str, *keys: str) -> Mapping[str, object]:
    try:
        data: object = tomllib.loads(told.text_of(file) or "")
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def _of_mise(told: Told) -> Mapping[str, object]:
    """The tasks of the project, under their names and aliases; those that are files, by where they lie."""
    found: dict[str, object] = {}
    name = next((each for each in told.words[2:] if isinstance(each, str) and not each.startswith("-")), "")
    for folder in _MISE_TASKS:
        path = f"{folder}/{name.replace(':', '/')}"
        if name and told.text_of(path) is not None:
            found[name] = shlex.quote(f"./{path}")
    for file in _MISE:
        tasks = _toml(told, file, "tasks")
        aliases = {alias: task for task in tasks.values() if isinstance(task, dict) for alias in _aliases(task)}
        found = {**found, **aliases, **tasks}
    return found


def _of_project(lines: Sequence[str], told: Told) -> list[str]:
    """The lines of a task of mise, with the variables of its project before them; none where a template or another
    file decides."""
    env = {name: value for file in _MISE for name, value in _toml(told, file, "env").items()}
    others = env.pop("_", {})
    given = {name: value for name, value in env.items() if isinstance(value, str)}
    open_ = len(given) < len(env) or (isinstance(others, dict) and not {"file", "source"}.isdisjoint(others))
    if open_ or any("{{" in each for each in (*lines, *given.values())):
        return []
    return [*(f"export {name}={shlex.quote(value)}" for name, value in given.items()), *lines]


def _aliases(task: Mapping[str, object]) -> Sequence[str]:
    alias = task.get("alias")
    return [alias] if isinstance(alias, str) else _listed(alias)


def _of_composer(scripts: Mapping[str, object]) -> Mapping[str, object]:
    """Composer's scripts with the lines that a shell would be given; a method that it calls itself is PHP."""
    return {
        name: [_line(each) for each in ([value] if isinstance(value, str) else _listed(value))]
        for name, value in scripts.items()
    }


def _line(written: str) -> str:
    if written.startswith("@putenv "):
        return f"export {written.removeprefix('@putenv ')}"
    return f"php '{written}'" if _METHOD.fullmatch(written) else written.removeprefix("@")


_METHOD: Final = lazy_re.compile(r"[\w\\]+::\w+|(?:\w+\\)+\w+")  # of a class, or a class that is a command


def _json(told: Told, file: str, of: str = "tasks") -> Mapping[str, object]:
    try:
        data = json.loads(_COMMENT.sub("", told.text_of(file) or ""))
    except (ValueError, RecursionError):
        return {}
    found = data.get(of) if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}
