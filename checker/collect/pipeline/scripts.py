"""The repository's scripts: shell files and Python modules, read and parsed when they are asked for. Nothing is run.

Paths are relative to the repository's root; a path (or a link) that leads out of it is no file of it.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field

from checker import lazy_re
from checker.collect.documents import read_text
from checker.collect.folders import walk
from checker.collect.pipeline.build_files import build_files
from checker.collect.pipeline.go_packages import go_files
from checker.collect.pipeline.shell_syntax import parse_shell
from checker.collect.pipeline.sql_files import sql_files
from checker.collect.pipeline.test_files import test_files
from checker.collect.seen import ask
from checker.errors import InputError
from checker.model.pipeline.jobs import WORKSPACE
from checker.model.pipeline.python import PythonModule, plain
from checker.model.pipeline.shell import Script
from checker.model.settings import Settings
from checker.model.sources import Problem, Spot
from checker.model.written.shell_lines import SHELLS

MAX_BYTES: Final = 1024 * 1024
MAX_FILES: Final = 2_000
_SHELL_SUFFIXES: Final = frozenset({".sh", ".bash", ".zsh", ".ksh"})
_OF_A_NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
_OF_A_PATH: Final = _OF_A_NAME | {"/", "}"}
_CONSOLE_SCRIPT: Final = lazy_re.compile(
    r"(?:^|['\"])[ \t]*([\w.-]+)[ \t]*=[ \t]*([\w.]+:[\w.]+)[ \t]*(?:['\"]|$)", re.MULTILINE
)


def here(text: str, laid: Sequence[tuple[str, str]]) -> str:
    """A text that is read in an image, with the repository's places in place of the image's."""
    for place, own in laid:
        begin = place.rstrip("/")
        if begin:  # a whole image is nobody's folder
            parts = text.split(begin)
            put = f"{WORKSPACE}/{own}".rstrip("/")
            for at in range(len(parts) - 1):
                apart = parts[at][-1:] not in _OF_A_PATH and parts[at + 1][:1] not in _OF_A_NAME
                parts[at] += put if apart else begin
            text = "".join(parts)
    return text


class ScriptLibrary(Struct):
    """All code of one repository that can be followed, each file read once. ``laid``: places of an image that have
    files and folders of it, longest first; what names such a place in a file's text names the repository's then."""

    root: Path
    laid: tuple[tuple[str, str], ...] = ()
    _shell: dict[str, Script | None] = field(default_factory=dict)
    _texts: dict[tuple[str, str, tuple[int, ...]], Script] = field(default_factory=dict)
    _python: dict[str, PythonModule | None] = field(default_factory=dict)
    _plain: dict[str, str | None] = field(default_factory=dict)
    _inline: dict[str, str] = field(default_factory=dict)  # Python text in other files, by the path to ask for it by
    _modules: dict[str, list[str]] | None = None
    _below: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _packages: dict[str, str] | None = None
    _sql: tuple[str, ...] | None = None
    _tests: tuple[str, ...] | None = None
    _builds: tuple[str, ...] | None = None
    _gemspecs: tuple[str, ...] | None = None
    _rake: tuple[str, ...] | None = None
    _faults: dict[str, Problem] = field(default_factory=dict)
    _entry_points: dict[str, str] | None = None
    _files: dict[str, Path | None] = field(default_factory=dict)
    _real: dict[str, str] = field(default_factory=dict)  # folders, with links followed
    _top: str = ""

    _folders: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _others: list[ScriptLibrary] = field(default_factory=list)  # the same files, as images have them

    def __post_init__(self) -> None:
        self._top = os.path.realpath(self.root).rstrip("/")

    def in_image(self, places: Sequence[tuple[str, str]]) -> ScriptLibrary:
        """The same files, as an image has them in these places; what is asked of it counts as asked here."""
        self._others.append(ScriptLibrary(self.root, tuple(places)))
        return self._others[-1]

    def fault(self, path: str) -> Problem | None:
        """Why a file that is there could not be read or parsed; ``None`` where it could, or is not there."""
        return self._faults.get(path)

    def _file(self, path: str) -> Path | None:
        if path not in self._files:
            self._files[path] = self._found(path)
        return self._files[path]

    def _found(self, path: str) -> Path | None:
        # Strings, and each folder's links followed once: of most paths that are asked for there is no file.
        whole = os.path.join(self.root, path)  # noqa: PTH118
        ask(whole)
        try:
            if not os.path.isfile(whole):  # noqa: PTH113
                return None
            folder, _, name = whole.rpartition("/")
            if folder not in self._real:
                self._real[folder] = os.path.realpath(folder)
            real = f"{self._real[folder]}/{name}"
            if name in {".", ".."} or os.path.islink(real):  # noqa: PTH114
                real = os.path.realpath(real)
        except (OSError, ValueError):
            return None
        return Path(real) if real.startswith(f"{self._top}/") else None

    def is_file(self, path: str) -> bool:
        return self._file(path) is not None

    def _read(self, path: str) -> str | None:
        found = self._file(path)
        if found is None:
            return None
        try:
            return read_text(found, path, MAX_BYTES)
        except InputError as error:
            self._faults[path] = Problem(Spot(path), error.message, error.hint)
            return None

    def text(self, path: str) -> str | None:
        """The text of a file; ``None`` where there is none, or it cannot be read."""
        if path not in self._plain:
            text = self._read(path)
            self._plain[path] = here(text, self.laid) if text is not None and self.laid else text
        return self._plain[path]

    def go_files(self, pattern: str) -> tuple[str, ...] | None:
        """The Go files of a folder, or of ``folder/...``; ``None`` where they are too many."""
        return go_files(self.root, pattern)

    def files_below(self, folder: str) -> tuple[str, ...]:
        """The files of a folder and those below it, as far as they are not vendored or generated."""
        if folder not in self._folders:
            there = (self.root / folder).is_dir() and ".." not in folder.split("/")
            self._folders[folder] = tuple(walk(self.root, lambda _: True, MAX_FILES, [], folder)) if there else ()
        return self._folders[folder]

    def sql_files(self) -> tuple[str, ...]:
        """The files of SQL with lines that may be commands of a client's own."""
        if self._sql is None:
            self._sql = sql_files(self.root, self.text, MAX_FILES)
        return self._sql

    def rake_files(self) -> tuple[str, ...]:
        """The files that tell rake of tasks."""
        if self._rake is None:
            self._rake = tuple(walk(self.root, _tells_rake, MAX_FILES, []))
        return self._rake

    def project_files(self) -> tuple[str, ...]:
        """The files that tell Nx of a project."""
        return tuple(walk(self.root, lambda name: name == "project.json", MAX_FILES, []))

    def makefiles(self) -> tuple[str, ...]:
        """The files that are make's by their names, in order."""
        return tuple(sorted(walk(self.root, _is_makefile, MAX_FILES, [])))

    def gemspecs(self) -> tuple[str, ...]:
        """The files that say what a gem of Ruby is."""
        if self._gemspecs is None:
            self._gemspecs = tuple(walk(self.root, lambda name: name.endswith(".gemspec"), MAX_FILES, []))
        return self._gemspecs

    def test_files(self) -> tuple[str, ...]:
        """The files that runners of tests in other languages take for tests."""
        if self._tests is None:
            self._tests = tuple(test_files(self.root, MAX_FILES))
        return self._tests

    def build_files(self) -> tuple[str, ...]:
        """The files that build tools run as code, or that tell them of programs."""
        if self._builds is None:
            self._builds = tuple(build_files(self.root, MAX_FILES))
        return self._builds

    def packages(self) -> Mapping[str, str]:
        """The folders of the repository's npm packages by the packages' names."""
        if self._packages is None:
            self._packages = {}
            for path in walk(self.root, lambda name: name == "package.json", MAX_FILES, []):
                try:
                    data: Any = json.loads(self.text(path) or "{}")
                except (ValueError, RecursionError):
                    continue
                folder = path.rpartition("/")[0]
                name = data.get("name") if isinstance(data, dict) else None
                if folder:
                    self._packages[name if isinstance(name, str) else folder] = folder
        return self._packages

    def shell(self, path: str) -> Script | None:
        """The shell script at ``path``; ``None`` where no such file is, or it is none by its ending and first line."""
        if path not in self._shell:
            self._shell[path] = self._parse_shell(path)
        return self._shell[path]

    def as_shell(self, path: str) -> Script | None:
        """The file at ``path`` as a shell that is told to run it reads it, whatever its name and first line say."""
        script = self.shell(path)
        if script is None and (text := self.text(path)) is not None:
            script = self._shell[path] = parse_shell(text, path)
        return script

    def _parse_shell(self, path: str) -> Script | None:
        text = self.text(path)
        if text is None or not _is_shell(path, text):
            return None
        return parse_shell(text, path)

    def shell_text(self, text: str, file: str, lines: tuple[int, ...]) -> Script:
        """A script that stands inside another file; ``lines`` as in :class:`~checker.model.pipeline.shell.Script`."""
        key = (text, file, lines)
        if key not in self._texts:
            self._texts[key] = parse_shell(here(text, self.laid), file, lines)
        return self._texts[key]

    def python(self, path: str) -> PythonModule | None:
        """The Python file at ``path``, parsed; ``None`` where there is none."""
        if path not in self._python:
            text = self.text(path) if path.endswith(".py") else None
            self._python[path] = self._parse_python(text, path, 1) if text is not None else None
        return self._python[path]

    def python_text(self, text: str, file: str, line: int) -> str | None:
        """Keep Python text that stands in another file from ``line`` on; the path to ask for it by."""
        path = f"{file}:{line}"
        if path not in self._python:
            module = self._parse_python(text, file, line)
            if module is None:
                return None
            self._python[path] = module
            self._inline[path] = text
        return path

    def python_in(self, folder: str) -> tuple[str, ...]:
        """The Python files of a folder and those below it."""
        self.python_below("")
        inside = f"{folder}/" if folder else ""
        return tuple(
            sorted(path for paths in (self._modules or {}).values() for path in paths if path.startswith(inside))
        )

    def python_below(self, tail: str) -> tuple[str, ...]:
        """The Python files, wherever they are, that an import of ``tail`` (``a/b``) could mean."""
        if tail not in self._below:
            self._below[tail] = self._found_below(tail)
        return self._below[tail]

    def _found_below(self, tail: str) -> tuple[str, ...]:
        if self._modules is None:
            self._modules = {}
            for path in walk(self.root, lambda name: name.endswith(".py"), MAX_FILES, []):
                module = path.removesuffix(".py").removesuffix("/__init__")
                self._modules.setdefault(module.rpartition("/")[2], []).append(path)
        found = self._modules.get(tail.rpartition("/")[2], ())
        return tuple(path for path in found if path.endswith((f"/{tail}.py", f"/{tail}/__init__.py")))

    def _parse_python(self, text: str, file: str, line: int) -> PythonModule | None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about the scanned code's own spelling
                tree = plain(ast.parse(text))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            at = (getattr(error, "lineno", None) or 1) + line - 1
            message = f"not valid Python: {getattr(error, 'msg', error)}"
            self._faults[file] = Problem(Spot(file, at), message, "Correct the line.")
            return None
        if line > 1:
            ast.increment_lineno(tree, line - 1)
        return PythonModule(file, tree, file.rpartition("/")[0])

    def inline(self, path: str) -> str:
        """The Python text that was kept under a path, empty where that is a file's."""
        return "\0".join(each._inline.get(path, "") for each in (self, *self._others))

    def asked(self) -> dict[str, str]:
        """What was asked about Python files so far, with the answers, short: by content, not by time."""
        each = [(path, found, one) for one in (self, *self._others) for path, found in one._python.items()]
        files = {path: found for path, found, one in each if path not in one._inline}
        return {
            **{f"{'is' if found else 'parse'} {path}": self._told(path) for path, found in files.items()},
            **{f"below {tail}": "\0".join(found) for one in self._others for tail, found in one._below.items()},
            **{f"below {tail}": "\0".join(found) for tail, found in self._below.items()},
        }

    def answers_as(self, before: Mapping[str, str]) -> bool:
        """Whether the same questions get the same answers now."""
        for question, answer in before.items():
            kind, _, about = question.partition(" ")
            if kind == "below":
                now = "\0".join(self.python_below(about))
            else:
                now = self._told(about)
                if kind == "parse" and now:
                    self.python(about)  # why that fails is asked for by others, too
            if now != answer:
                return False
        return True

    def _told(self, path: str) -> str:
        """What there is at the path of a Python file."""
        text = self.text(path) if path.endswith(".py") else None
        if text is not None:
            return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        fault = self._faults.get(path)
        return f"unread: {fault.message}" if fault is not None else ""

    def entry_point(self, name: str) -> str | None:
        """``module:function`` of a console script that the project declares."""
        if self._entry_points is None:
            self._entry_points = self._declared()
        return self._entry_points.get(name)

    def _declared(self) -> dict[str, str]:
        """By ``pyproject.toml``, else by what setuptools reads beside it (its documentation, "Entry Points")."""
        older = "\n".join(filter(None, map(self._read, ("setup.cfg", "setup.py"))))
        older = older[older.find("console_scripts") :] if "console_scripts" in older else ""
        found = dict(_CONSOLE_SCRIPT.findall(older))
        text = self._read("pyproject.toml")
        if text is None:
            return found
        import tomllib

        try:
            data: Any = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError):
            return found
        for path in (("tool", "poetry", "scripts"), ("project", "gui-scripts"), ("project", "scripts")):
            table = data
            for key in path:
                table = table.get(key) if isinstance(table, dict) else None
            pairs = table.items() if isinstance(table, dict) else ()
            found.update((name, target) for name, target in pairs if isinstance(target, str))
        return found


def _is_makefile(name: str) -> bool:
    return name.endswith((".mk", ".mak", ".make")) or "makefile" in name.lower()


def _tells_rake(name: str) -> bool:
    return name.endswith(".rake") or name.lower() == "rakefile"


def _is_shell(path: str, text: str) -> bool:
    if Path(path).suffix in _SHELL_SUFFIXES:
        return True
    first = text.partition("\n")[0]
    if not first.startswith("#!"):
        return False
    words = [word.rsplit("/", 1)[-1] for word in first[2:].split()]
    return any(word in SHELLS for word in words[:3])


def find_scripts(root: Path, settings: Settings, problems: list[Problem]) -> tuple[str, ...]:
    """The shell scripts of the repository, and the Python files of the folders that ``checker.toml`` names."""
    found = list(walk(root, lambda name: name.endswith((".sh", ".bash")), MAX_FILES, problems))
    for folder in settings.script_folders:
        found.extend(walk(root, lambda name: name.endswith((".sh", ".bash", ".py")), MAX_FILES, problems, folder))
    return tuple(dict.fromkeys(found))
