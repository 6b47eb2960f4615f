"""Targets of Nx: what ``nx run PROJECT:TARGET``, ``nx TARGET PROJECT``, ``nx run-many`` and ``nx affected`` start.

A target's lines are those of its ``command`` or of ``nx:run-commands``, the script that ``nx:run-script`` names, or the
script of the project's package.json; what it depends on comes before it. Which projects are affected is not asked: all
are taken. Sources: Nx documentation, "Project Configuration", "nx.json" (``targetDefaults``), "nx:run-commands",
"nx:run-script", "run-many" and "affected" (https://nx.dev/reference).
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field

from checker import lazy_re
from checker.model.possible import OneOf, Possible
from checker.model.values import Text
from checker.resolve.tasks.packages import scripts_in
from checker.resolve.tasks.recipes import Line, TaskLibrary, Tasks, joined_path

# Verbs that run no target of a project.
_QUIET: Final = frozenset(
    {"graph", "dep-graph", "list", "report", "show", "format", "format:check", "format:write", "reset", "daemon",
     "view-logs", "print-affected", "login", "logout", "mcp", "sync:check", "connect", "completion"}
)  # fmt: skip
_UNREAD: Final = frozenset(
    {"generate", "g", "migrate", "release", "import", "init", "repair", "add", "watch", "exec", "sync", "plan"}
)
_MANY: Final = frozenset({"run-many", "affected"})
_VALUES: Final = frozenset(
    {"--configuration", "-c", "--projects", "-p", "--exclude", "--parallel", "--base", "--head", "--files", "--runner",
     "--output-style", "--max-parallel", "--nxBail", "--project"}
)  # fmt: skip
_TARGETS: Final = frozenset({"-t", "--target", "--targets"})
_COMMANDS: Final = frozenset({"nx:run-commands", "@nx/workspace:run-commands", "@nrwl/workspace:run-commands"})
_SCRIPTS: Final = frozenset({"nx:run-script", "@nrwl/workspace:run-script"})
# Builders by the programs that they start.
_BUILDER: Final = lazy_re.compile(
    r"@(?:nx|nrwl)/(?P<of>jest|vite|eslint|js|webpack|rollup|esbuild|next|cypress|playwright):[\w-]+"
)
_PROGRAM: Final = {"js": "tsc", "vite": "vite build", "next": "next build", "eslint": "eslint ."}
_MOST: Final = 200
_HOLE: Final = "\0"


class _Asked(Struct):
    """A command line of nx taken apart."""

    targets: list[str] = field(default_factory=list)
    projects: list[str] | None = None  # none where it is all of them
    configuration: str = ""
    missing: str = ""
    more: list[str] = field(default_factory=list)  # words that are neither, and may be options


class _Project(Struct, frozen=True):
    name: str
    folder: str
    file: str
    text: str
    targets: Mapping[str, Any]


def tasks(words: Sequence[Possible], folder: str, library: TaskLibrary) -> Tasks:
    """The lines of the targets that a command of nx names; of all projects, where only the run knows which one."""
    several = next((index for index, word in enumerate(words) if isinstance(word, OneOf)), None)
    if several is not None and isinstance(word := words[several], OneOf):
        each = [tasks([*words[:several], one, *words[several + 1 :]], folder, library) for one in word.options]
        lines = dict.fromkeys(line for found in each for line in found.lines)
        return Tasks(tuple(lines), folder, next((found.missing for found in each if found.missing), ""))
    asked = _taken_apart([_written(word) for word in words])
    if any(_HOLE in each for each in (*asked.targets, *asked.more, asked.configuration, asked.missing)):
        return Tasks(missing="nx with a target that is not known before it runs")
    if asked.missing or not asked.targets:
        return Tasks(missing=asked.missing)
    if any(_HOLE in each for each in asked.projects or ()):
        asked.projects = None
    projects = {each.name: each for each in _projects(library)}
    made_of: list[Line] = []
    seen: set[tuple[str, str]] = set()
    pending = [(name, target) for target in asked.targets for name in (asked.projects or projects)]
    for name, target in pending:
        found = projects.get(name) or next((each for each in projects.values() if each.folder == name), None)
        if found is None:
            return Tasks(missing=f"nx {target} {name}")
        if asked.projects is None and _target(found, target, library) is None:
            continue
        made = _lines(found, target, asked.configuration, projects, library, seen, folder)
        if made is None:
            return Tasks(missing=f"nx {target} {name}")
        made_of.extend(made)
    return Tasks(tuple(made_of), folder, "" if made_of else f"nx {' '.join(asked.targets)}")


def _written(word: Possible) -> str:
    """A word with a sign in the place of each part that is not known."""
    if not isinstance(word, Text):
        return word if isinstance(word, str) else _HOLE
    return "".join(part if isinstance(part, str) else _HOLE for part in word.parts)


def _taken_apart(words: list[str]) -> _Asked:
    plain: list[str] = []
    asked = _Asked()
    named: list[str] = []
    while words:
        word = words.pop(0)
        option, equals, value = word.partition("=")
        if word == "--":
            break
        if option in _TARGETS or option in {"--projects", "-p", "--project", "--configuration", "-c"}:
            value = value if equals else (words.pop(0) if words else "")
            listed = [each for each in re.split(r"[,\s]+", value) if each]
            while option in _TARGETS and not equals and words and not words[0].startswith("-"):
                listed.append(words.pop(0))
            if option in _TARGETS:
                named += listed
            elif option in {"--configuration", "-c"}:
                asked.configuration = value
            else:
                asked.projects = listed
        elif word.startswith("-"):
            words = words[1:] if option in _VALUES and not equals and words and not words[0].startswith("-") else words
        else:
            plain.append(word)
    verb = plain[0] if plain else ""
    if verb in _QUIET or not verb:
        return asked
    if verb in _MANY:
        asked.targets, asked.more = named or plain[1:], plain[1:]
        asked.projects = (
            None
            if any("*" in each or each.startswith(("tag:", "!")) for each in asked.projects or ())
            else asked.projects
        )
    elif verb == "run":
        parts = (plain[1] if len(plain) > 1 else "").split(":")
        asked.projects, asked.targets = parts[:1], parts[1:2] or plain[2:3]
        asked.configuration = asked.configuration or ":".join(parts[2:])
    elif verb in _UNREAD and len(plain) != 2:
        asked.missing = f"nx {verb}"
    else:
        asked.targets = [verb]
        asked.projects = asked.projects or plain[1:2]
    if not asked.missing and not asked.targets:
        asked.missing = f"nx {verb}"
    return asked


def _projects(library: TaskLibrary) -> Iterator[_Project]:
    """The repository's projects: a folder with a project.json, or a package of npm."""
    told: set[str] = set()
    for file in library.project_files():
        text = library.text(file) or ""
        data = _read(text)
        folder = posixpath.dirname(file)
        told.add(folder)
        name = data.get("name")
        targets = data.get("targets")
        own = name if isinstance(name, str) else posixpath.basename(folder)
        yield _Project(own, folder, file, text, targets if isinstance(targets, dict) else {})
    for name, folder in library.packages().items():
        if folder not in told:
            file = joined_path(folder, "package.json")
            text = library.text(file) or ""
            inner = _read(text).get("nx")
            targets = inner.get("targets") if isinstance(inner, dict) else None
            yield _Project(name, folder, file, text, targets if isinstance(targets, dict) else {})


def _read(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _target(project: _Project, target: str, library: TaskLibrary) -> Mapping[str, Any] | None:
    """A target with what nx.json says of every one of its name; ``None`` where the project has none."""
    own = project.targets.get(target)
    if own is None and target not in scripts_in(project.folder, library):
        return None
    defaults = _read(library.text("nx.json") or "").get("targetDefaults")
    default = defaults.get(target) if isinstance(defaults, dict) else None
    return {**(default if isinstance(default, dict) else {}), **(own if isinstance(own, dict) else {})}


def _lines(
    project: _Project,
    target: str,
    configuration: str,
    projects: Mapping[str, _Project],
    library: TaskLibrary,
    seen: set[tuple[str, str]],
    start: str,
) -> list[Line] | None:
    """What a target comes to, with what it depends on before it; ``None`` where that is not told."""
    if (project.name, target) in seen:
        return []
    seen.add((project.name, target))
    told = _target(project, target, library)
    if told is None or len(seen) > _MOST:
        return None
    lines: list[Line] = []
    for each in told.get("dependsOn") or ():
        for other, name in _before(each, project, projects):
            if _target(other, name, library) is None:
                continue
            made = _lines(other, name, configuration, projects, library, seen, start)
            if made is None:
                return None
            lines += made
    own = _own_lines(project, target, told, configuration, library, start)
    return None if own is None else [*lines, *own]


def _before(each: Any, project: _Project, projects: Mapping[str, _Project]) -> Iterator[tuple[_Project, str]]:
    """What stands in ``dependsOn``: a target of its own, of the projects that it depends on (``^build``), of one."""
    name = each.get("target") if isinstance(each, dict) else each
    if not isinstance(name, str):
        return
    named = each.get("projects") if isinstance(each, dict) else None
    if isinstance(named, list | str) and named not in ("self", ["self"]):
        listed = [named] if isinstance(named, str) else named
        yield from ((projects[one], name) for one in listed if one in projects)
    elif name.startswith("^") or (isinstance(each, dict) and each.get("dependencies")):
        yield from ((one, name.lstrip("^")) for one in projects.values() if one is not project)
    elif ":" in name and name.partition(":")[0] in projects:
        yield projects[name.partition(":")[0]], name.partition(":")[2]
    else:
        yield project, name


def _place(keys: Sequence[str], text: str) -> int:
    """Where the last of keys stands of which each is below the one before."""
    at = 0
    for key in keys:
        match = re.compile(rf'"{re.escape(key)}"\s*:').search(text, at)
        at = match.start() if match else at
    return at


def _own_lines(
    project: _Project, target: str, told: Mapping[str, Any], configuration: str, library: TaskLibrary, start: str
) -> list[Line] | None:
    options = dict(told.get("options") or {}) if isinstance(told.get("options"), dict | None) else {}
    configurations = told.get("configurations")
    chosen = (
        configurations.get(configuration or told.get("defaultConfiguration"))
        if isinstance(configurations, dict)
        else None
    )
    options |= chosen if isinstance(chosen, dict) else {}
    executor, command = told.get("executor"), told.get("command", options.get("command"))
    brings = isinstance(chosen, dict) and not {"command", "commands"}.isdisjoint(chosen)
    # The line of the configuration that is chosen, where it brings the command; the target's otherwise.
    keys = [target, str(configuration or told.get("defaultConfiguration"))] if brings else [target]
    at = project.text[: _place(keys, project.text)].count("\n") + 1
    if executor in _COMMANDS or (executor is None and command is not None):
        listed = options.get("commands") if command is None else [command]
        texts = [each.get("command") if isinstance(each, dict) else each for each in listed or ()]
        if not texts or any(not isinstance(each, str) or "{args." in each for each in texts):
            return None
        cwd = options.get("cwd")
        folder = str(cwd).replace("{projectRoot}", project.folder).replace("{workspaceRoot}", ".") if cwd else "."
        variables = options.get("env")
        env = {k: v for k, v in variables.items() if isinstance(v, str)} if isinstance(variables, dict) else {}
        inside = posixpath.relpath(folder, start or ".")
        begin = "" if inside == "." else f"cd {inside} && "
        return [
            Line(begin + str(each).replace("{projectRoot}", project.folder), project.file, at, env, bool(env))
            for each in texts
        ]
    script = options.get("script", target) if executor in _SCRIPTS or executor is None else None
    if isinstance(script, str) and script in scripts_in(project.folder, library):
        inside = posixpath.relpath(project.folder or ".", start or ".")
        return [Line(f"cd {inside} && npm run {script}", project.file, at)]
    builder = _BUILDER.fullmatch(str(executor))
    if builder is not None:
        return [Line(_PROGRAM.get(builder["of"], builder["of"]), project.file, at)]
    return [] if executor in {None, "nx:noop"} and told.get("dependsOn") else None
