"""Scripts that a project names in its settings, and runs by a manager of projects: ``pdm run X``, ``hatch run X``,
``pipenv run X``, ``rye run X``, ``poe X``, ``deno task X``, ``composer run X``.

Sources: PDM documentation, "PDM Scripts"; Hatch documentation, "Environment configuration" (scripts); Pipenv
documentation, "Custom Script Shortcuts"; Rye documentation, "Scripts"; Poe the Poet documentation, "Task types"; Deno
documentation, "deno task"; Composer documentation, "Scripts" (the first line that fails ends them).
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
_KEYS: Final = ("cmd", "shell", "command", "composite", "chain", "sequence")


def own_script(told: Told) -> list[Possible] | None:
    """A script as the line of shell that it is; ``None`` where a manager is told anything else."""
    words = [*told.words[1:]]
    while words and isinstance(words[0], str) and words[0].startswith("-"):
        words = words[1:]
    verb = _VERBS[told.name]
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
    if not lines or not all(lines):
        return None
    text = re.sub(r"\{args(?::[^{}]*)?\}", '"$@"', " && ".join(lines))
    more = "" if '"$@"' in text or len(lines) > 1 or not words[1:] else ' "$@"'
    return ["sh", "-c", f"{text}{more}", name, *words[1:]]


def _scripts(told: Told, space: str) -> Mapping[str, object]:
    readers: Mapping[str, Callable[[], Mapping[str, object]]] = {
        "pdm": lambda: _toml(told, "pyproject.toml", "tool", "pdm", "scripts"),
        "rye": lambda: _toml(told, "pyproject.toml", "tool", "rye", "scripts"),
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
        for each in (*_listed(value.get("deps")), *_listed(value.get("dependencies"))):
            yield from _lines(each, scripts, name, level + 1)
        if words := _listed(value.get("cmd")):
            yield shlex.join(words)
        else:
            found = next((value[key] for key in _KEYS if key in value), None)
            yield from _lines(found, scripts, name, level + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _lines(each, scripts, name, level + 1)
    elif isinstance(value, str) and value.split()[:1] != [name] and value.split()[:1] and value.split()[0] in scripts:
        inner = value.split()[0]
        yield from _lines(scripts[inner], scripts, inner, level + 1) if value.split() == [inner] else ("",)
    else:
        yield value.strip() if isinstance(value, str) else ""


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
