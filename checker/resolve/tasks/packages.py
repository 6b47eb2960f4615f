"""Scripts of package.json, as npm, yarn, pnpm and bun run them.

Sources: npm documentation, "npm run", "scripts" (pre and post scripts) and "workspaces"; Yarn, "yarn run" and
"yarn workspace"; pnpm, "pnpm run" and "Filtering".
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker import lazy_re
from checker.model.possible import Possible
from checker.resolve.tasks.node.hooks import runs_hooks
from checker.resolve.tasks.node.selectors import in_order, root_of, run_beside, selected
from checker.resolve.tasks.recipes import Line, TaskLibrary, Tasks, joined_path, named_by, plain, side_by_side

MANAGERS: Final = frozenset({"npm", "yarn", "pnpm", "bun"})
# What the managers do themselves, without running a script that the project named.
_OWN: Final = frozenset(
    {"access", "add", "adduser", "audit", "autoclean", "b", "bin", "c", "cache", "ci", "clean-install", "completion",
     "config", "cit", "clean-install-test", "constraints", "create", "dedupe", "deprecate", "diff", "dir", "dist-tag",
     "docs", "doctor", "edit", "env", "exec-path", "explain", "explore", "fetch", "find-dupes", "fund", "get",
     "global", "help", "help-search", "hook", "i", "import", "in", "info", "init", "ins", "inst", "insta", "instal",
     "install", "install-test", "isnt", "it", "la", "licenses", "link", "list", "list-global", "ll", "ln", "login",
     "logout", "ls", "npm", "org", "outdated", "owner", "pack", "patch", "patch-commit", "ping", "pkg", "plugin",
     "policies", "prefix", "profile", "prune", "publish", "query", "rb", "rebuild", "remove", "repo", "rm", "root",
     "s", "sbom", "se", "search", "self-update", "set", "set-script", "setup", "shrinkwrap", "show", "star", "stars",
     "store", "team", "token", "un", "undeprecate", "uninstall", "unlink", "unplug", "unpublish", "unstar", "up",
     "update", "upgrade", "v", "versions", "view", "whoami", "why", "pm", "upgrade-interactive", "approve-builds",
     "cat-file", "cat-index", "find-hash"}
)  # fmt: skip
_RUN: Final = frozenset({"run", "run-script", "rum", "urn"})
_SHORT: Final = {"test": "test", "t": "test", "tst": "test", "start": "start", "stop": "stop", "restart": "restart"}
_FOLDERS: Final = frozenset({"--prefix", "-C", "--dir", "--cwd"})
_ONE: Final = frozenset({"-w", "--workspace", "--filter", "-F", "--scope"})
_EVERY: Final = frozenset({"-ws", "--workspaces", "-r", "--recursive"})
_WITH_ROOT: Final = frozenset({"-iwr", "--include-workspace-root"})
_VALUES: Final = (
    _FOLDERS
    | _ONE
    | {
        "--loglevel",
        "--reporter",
        "--registry",
        "--config",
        "--script-shell",
        "--omit",
        "--include",
        "--cache",
        "--mode",
    }
    | {
        "--userconfig",
        "--cache-folder",
        "--network-timeout",
        "--network-concurrency",
        "--mutex",
        "--store-dir",
        "--mode",
    }
)


class _Asked(Struct):
    """A command line of a package manager taken apart."""

    verb: str = ""
    rest: list[Possible] = field(default_factory=list)
    folder: str = ""
    packages: list[str] = field(default_factory=list)
    every: bool = False
    root: bool = False  # whether the workspaces' root is one of them
    at_root: bool = False  # whether it runs there
    optional: bool = False
    scripts: bool = True


def _taken_apart(manager: str, words: Sequence[Possible]) -> _Asked | None:
    """npm reads options wherever they stand before ``--``; what follows a script's name is the script's elsewhere, and
    what follows a command of the manager's own is the manager's."""
    asked = _Asked()
    pending = list(words)
    named = False  # whether the script's name has been seen: what follows is the script's
    while pending:
        word = pending.pop(0)
        if not isinstance(word, str):
            if not named:
                return None
            asked.rest.append(word)
        elif word == "--" and asked.verb and (manager == "npm" or (named and asked.rest[1:] == [])):
            asked.rest.extend(pending)
            break
        elif word.startswith("-") and not (named and manager != "npm" and asked.verb not in _OWN):
            option, has_value, value = word.partition("=")
            if manager == "pnpm" and option in {"-w", "--workspace-root"}:
                asked.at_root = True  # it names none
                continue
            if option in _VALUES and not has_value and pending:
                following = pending.pop(0)
                value = following if isinstance(following, str) else "?"
            if option in _FOLDERS:
                asked.folder = value
            elif option in _ONE:
                asked.packages.append(value)
            asked.every = asked.every or option in _EVERY
            asked.root = asked.root or option in _WITH_ROOT
            asked.optional = asked.optional or option == "--if-present"
            asked.scripts = asked.scripts and option != "--ignore-scripts"
        elif not asked.verb:
            if word == "workspace" and pending and isinstance(pending[0], str):
                asked.packages.append(str(pending.pop(0)))
            elif word == "workspaces":
                asked.every = True
                while pending and pending[0] in {"foreach", "-A", "--all", "-p", "-t", "-v", "-pt", "-ptA", "-At"}:
                    pending.pop(0)
            else:
                asked.verb = word
                named = word not in _RUN
        else:
            asked.rest.append(word)
            named = True
    return asked


def tasks(manager: str, words: Sequence[Possible], folder: str, library: TaskLibrary) -> Tasks | Sequence[Possible]:
    """What a manager's command runs: the lines of the script, or the words of a program that it starts itself.

    No lines where it runs no script of the project.
    """
    asked = _taken_apart(manager, words)
    if asked is None:
        return Tasks(missing="a script that is not known before it runs")
    verb, rest = asked.verb, asked.rest
    start = posixpath.normpath(posixpath.join(folder, asked.folder)) if asked.folder else folder
    start = "" if start == "." else start
    start = root_of(start, library) if asked.at_root else start
    if manager == "pnpm" and verb == "deploy":
        return Tasks()  # it copies a package to a folder
    own = verb in _OWN and not (manager != "npm" and verb in _scripts_at(_nearest(start, library), library))
    if not verb or own:
        return _life_cycle(manager, asked, start, library)
    if verb in _RUN or verb in _SHORT:
        name = rest.pop(0) if verb in _RUN and rest else _SHORT.get(verb, "")
    elif manager == "npm" or verb == "version":
        return _life_cycle(manager, asked, start, library) if verb == "version" else Tasks(missing=f"npm {verb}")
    else:
        name = verb
    if not isinstance(name, str):
        return Tasks(missing="a script that is not known before it runs")
    if not name:
        return Tasks()
    if asked.packages or asked.every:
        return _of_workspaces(manager, words, asked, name, start, library)
    found = _nearest(start, library)
    if found is None:
        return Tasks() if name == "test" else Tasks(missing=f"{manager} {name}")
    alone = not (asked.scripts and runs_hooks(manager, found, library))
    if manager == "pnpm" and len(name) > 2 and name[0] == name[-1] == "/":
        return _fitting(name[1:-1], words, found, library, alone=alone)
    lines = list(_script(found, name, tuple(rest), library, alone=alone))
    if not lines and manager != "npm":
        return [name, *rest]  # a program of a package that is installed
    if not lines and asked.optional:
        return Tasks()
    return Tasks(tuple(lines), found, "" if lines or name in _SHORT else f"{manager} {name}")


def _fitting(pattern: str, words: Sequence[Possible], folder: str, library: TaskLibrary, *, alone: bool) -> Tasks:
    """The scripts whose names a pattern fits, at the same time (pnpm documentation, "pnpm run", "Running multiple
    scripts"; ``--sequential``)."""
    named = named_by(pattern, _scripts_at(folder, library))
    scripts = [list(_script(folder, each, (), library, alone=alone)) for each in named]
    in_turn = {"--sequential", "--workspace-concurrency=1"}.intersection(plain(words))
    lines = [line for each in scripts for line in each] if in_turn else side_by_side(scripts)
    return Tasks(tuple(lines), folder, "" if lines else f"pnpm /{pattern}/")


# npm-run-all's documentation: each name is a script, perhaps with arguments; `*` stands for a part between colons, `**`
# for several; the options of `npm-run-all` stand between names. `run-p` runs them beside each other.
SEVERAL: Final = frozenset({"npm-run-all", "npm-run-all2", "run-s", "run-p"})
_OF_SEVERAL: Final = frozenset({"--max-parallel", "--npm-path", "-c_"})


def several(program: str, words: Sequence[Possible], folder: str, library: TaskLibrary) -> Tasks:
    """The scripts that a runner of several is told, one after the other."""
    found = _nearest(folder, library)
    known = _scripts_at(found, library)
    scripts: list[list[Line]] = []
    beside = program == "run-p" and _one_at_a_time(words) is None
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            break
        if not isinstance(word, str):
            return Tasks(missing="a script that is not known before it runs")
        if word.startswith("-"):
            beside = beside or (word in {"-p", "--parallel"} and _one_at_a_time(words) is None)
            rest = rest[1:] if word in _OF_SEVERAL else rest
            continue
        name, *given = word.split()
        parts = (
            ".*" if each == "**" else "[^:]*" if each == "*" else re.escape(each) for each in re.split(r"(\*+)", name)
        )
        fits = re.compile("".join(parts))
        named = [each for each in known if fits.fullmatch(each)]
        if found is None or not named:
            return Tasks(missing=f"{program} {name}")
        scripts.extend(list(_script(found, each, tuple(given), library)) for each in named)
    lines = side_by_side(scripts) if beside else [line for each in scripts for line in each]
    return Tasks(tuple(lines), found or folder)


def _one_at_a_time(words: Sequence[Possible]) -> str | None:
    """The option that lets no more than one run at a time, where it is given."""
    text = " ".join(plain(words))
    return "--max-parallel" if re.search(r"--max-parallel[ =]1\b", text) else None


# Scripts that a manager runs by itself (npm documentation, "Life Cycle Scripts").
_INSTALLING: Final = ("preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare")
_LIFE_CYCLES: Final = {
    **dict.fromkeys(
        ("", "install", "i", "in", "ins", "inst", "insta", "instal", "isnt", "ci", "clean-install", "cit", "it",
         "install-test", "clean-install-test"),
        _INSTALLING,
    ),
    "pack": ("prepack", "prepare", "postpack"),
    "publish": ("prepublishOnly", "prepack", "prepare", "postpack", "publish", "postpublish"),
    "version": ("preversion", "version", "postversion"),
}  # fmt: skip


def _life_cycle(manager: str, asked: _Asked, start: str, library: TaskLibrary) -> Tasks:
    """The project's own scripts that an installation (without names of packages) or a release runs on the way."""
    nothing = not asked.verb and (manager != "yarn" or asked.every)
    installs = _LIFE_CYCLES.get(asked.verb) is _INSTALLING
    if nothing or not asked.scripts or (installs and asked.rest):
        return Tasks()
    found = _nearest(start, library)
    settings = library.text(joined_path(found, ".npmrc")) if found is not None else None
    if found is None or re.search(r"(?m)^[ \t]*ignore-scripts\s*=\s*true", settings or ""):
        return Tasks()
    scripts = _scripts_at(found, library)
    names = [name for name in _LIFE_CYCLES.get(asked.verb, ()) if name in scripts]
    # `_script` would add what comes before and after by its name once more.
    lines = [line for name in names for line in _script(found, name, (), library, alone=True)]
    return Tasks(tuple(lines), found)


def _of_workspaces(
    manager: str, words: Sequence[Possible], asked: _Asked, name: str, start: str, library: TaskLibrary
) -> Tasks | Sequence[Possible]:
    wanted = selected(asked.packages, start, library) if asked.packages else []
    if isinstance(wanted, str):
        return Tasks(missing=f"the script {name} of the package {wanted}")
    if asked.every and not asked.packages:
        wanted.extend(library.packages().values())
    if asked.root and (found_at := _nearest(start, library)) is not None:
        wanted.insert(0, found_at)
    scripts = {at: list(_at(manager, at, name, asked, library)) for at in in_order(wanted, library)}
    running = [at for at, each in scripts.items() if each]
    beside = run_beside(manager, words, running, library)
    lines = side_by_side([*scripts.values()]) if beside else [line for each in scripts.values() for line in each]
    if not lines and manager != "npm" and not asked.optional:
        return [name, *asked.rest]  # a program of an installed package
    if len({posixpath.dirname(line.file) for line in lines}) > 1:
        # Each runs in its own package's folder.
        lines = [_moved(line, start) for line in lines]
        return Tasks(tuple(lines), start)
    return Tasks(tuple(lines), wanted[0] if wanted else start)


def _at(manager: str, folder: str, name: str, asked: _Asked, library: TaskLibrary) -> Iterator[Line]:
    alone = not runs_hooks(manager, folder, library)
    return _script(folder, name, tuple(asked.rest), library, alone=alone)


def scripts_of(name: str, arguments: tuple[Possible, ...], start: str, library: TaskLibrary) -> Iterator[Line]:
    """The scripts of this name of all packages, each to be run in its package's folder."""
    for at in dict.fromkeys(library.packages().values()):
        yield from (_moved(line, start) for line in _script(at, name, arguments, library))


def _moved(line: Line, start: str) -> Line:
    folder = posixpath.relpath(posixpath.dirname(line.file) or ".", start or ".")
    return replace(line, text=f"cd {folder} && {line.text}")


def _nearest(folder: str, library: TaskLibrary) -> str | None:
    """The folder with the package.json that counts: the current one or the next above."""
    while True:
        if library.is_file(joined_path(folder, "package.json")):
            return folder
        if not folder:
            return None
        folder = folder.rpartition("/")[0]


def _script(
    folder: str, name: str, arguments: tuple[Possible, ...], library: TaskLibrary, *, alone: bool = False
) -> Iterator[Line]:
    file = joined_path(folder, "package.json")
    text = library.text(file)
    scripts = _scripts(text)
    if name not in scripts or text is None:
        return
    shell = _shell(folder, library)
    for each in (name,) if alone else (f"pre{name}", name, f"post{name}"):
        if each not in scripts:
            continue
        match = re.search(rf'"{re.escape(each)}"\s*:', text[max(text.find('"scripts"'), 0) :])
        before = text[: max(text.find('"scripts"'), 0) + (match.start() if match else 0)]
        given = arguments if each == name else ()
        if scripts[each].strip() == "wireit" and (lines := _of_wireit(text, each, set())) is not None:
            at = before.count("\n") + 1
            yield from (
                Line(line, file, at, positional=given if line is lines[-1] else (), shell=shell) for line in lines
            )
            continue
        written = f'{scripts[each]} "$@"' if given else scripts[each]
        at = before.count("\n") + 1
        yield Line(written, file, at, _told(text, each), exported=True, positional=given, shell=shell)


_SHELL_SET: Final = lazy_re.compile(r"(?m)^[ \t]*script-shell[ \t]*=[ \t]*[\"']?([^\s\"']+)")


def _shell(folder: str, library: TaskLibrary) -> str:
    """What runs scripts: ``sh``, or what the settings of the package, or of the repository, say (npm documentation,
    "Config", ``script-shell``; pnpm, "Settings"). Yarn and bun have a shell of their own, which knows little of bash's
    either."""
    for each in dict.fromkeys((folder, "")):
        if found := _SHELL_SET.search(library.text(joined_path(each, ".npmrc")) or ""):
            return found[1]
    return "sh"


def _told(text: str, script: str) -> dict[str, Possible]:
    """What npm tells a script of its package (npm documentation, "Scripts", package.json vars)."""
    data = json.loads(text)
    named = {f"npm_package_{key}": data.get(key) for key in ("name", "version")}
    return {"npm_lifecycle_event": script, **{key: each for key, each in named.items() if isinstance(each, str)}}


def scripts_in(folder: str, library: TaskLibrary) -> Mapping[str, str]:
    """The scripts of the package.json of a folder, by name."""
    return _scripts_at(folder, library)


def _of_wireit(text: str, name: str, seen: set[str]) -> list[str] | None:
    """The lines of a script that wireit runs, behind those that it depends on: of this package by name, of another
    (``../other:build``) by its manager (wireit documentation, "Dependencies"). ``None`` where that is not told."""
    try:
        told = json.loads(text).get("wireit", {}).get(name, {})
        depending, command = told.get("dependencies", []), told.get("command")
    except (ValueError, RecursionError, AttributeError):
        return None
    lines: list[str] = []
    seen.add(name)
    for each in depending if isinstance(depending, list) else ():
        other = each.get("script") if isinstance(each, dict) else each
        if not isinstance(other, str) or other.startswith("$"):
            return None
        folder, _, script = other.rpartition(":") if other.startswith(".") else ("", "", other)
        if folder:
            lines.append(f"npm --prefix {shlex.quote(folder)} run {shlex.quote(script)}")
        elif script not in seen:
            own = _scripts(text).get(script)
            inner = [own] if own is not None and own.strip() != "wireit" else _of_wireit(text, script, seen)
            if inner is None:
                return None
            seen.add(script)
            lines += inner
    return [*lines, command] if isinstance(command, str) else (lines or None)


def _scripts_at(folder: str | None, library: TaskLibrary) -> dict[str, str]:
    return {} if folder is None else _scripts(library.text(joined_path(folder, "package.json")))


def _scripts(text: str | None) -> dict[str, str]:
    try:
        data: Any = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    found = data.get("scripts") if isinstance(data, dict) else None
    if not isinstance(found, dict):
        return {}
    return {name: script for name, script in found.items() if isinstance(script, str)}
