"""Code that programs run before what they were asked for: files of a fixed name, and those that a variable names.

Sources: Bash Reference Manual, "Bash Startup Files" (``BASH_ENV``); ld.so(8) (``LD_PRELOAD``); Node.js documentation,
"Command-line API" (``NODE_OPTIONS``); perlrun (``PERL5OPT``); Ruby documentation, "Environment" (``RUBYOPT``);
Python documentation, "site" (``sitecustomize``); pytest documentation, "conftest.py: sharing fixtures".
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from checker.model.pipeline.python import PythonLibrary
from checker.model.pipeline.scripts import Command
from checker.model.possible import Possible, shown

_ANY: Final = re.compile(r".+", re.DOTALL)
_LOADS: Final[Mapping[str, re.Pattern[str]]] = {
    "BASH_ENV": _ANY,
    "LD_PRELOAD": _ANY,
    "NODE_OPTIONS": re.compile(r".*(?:^|\s)(?:--require|-r|--import|--loader|--experimental-loader)\b.*", re.DOTALL),
    "PERL5OPT": re.compile(r".*-[mM].*", re.DOTALL),
    "RUBYOPT": re.compile(r".*-r.*", re.DOTALL),
}


def loading(environment: Mapping[str, Possible]) -> Iterator[str]:
    """The variables of a step that have other code run first."""
    for name, pattern in _LOADS.items():
        value = environment.get(name)
        if value is not None and pattern.fullmatch(shown(value)):
            yield name


TEST_RUNNERS: Final = frozenset({"pytest", "py.test"})


def customized(command: Command, environment: Mapping[str, Possible]) -> Iterator[str]:
    """The modules that every Python runs when it starts, where a folder of the repository has them."""
    path = environment.get("PYTHONPATH")
    for folder in path.split(":") if isinstance(path, str) else ():
        for name in ("sitecustomize.py", "usercustomize.py"):
            yield posixpath.normpath(posixpath.join(command.folder or "", folder, name))


def configured(words: Sequence[Possible], folder: str | None) -> Iterator[str]:
    """The files that pytest runs before its tests, and those tests that are named: the outermost first."""
    named = [word for word in words if isinstance(word, str) and not word.startswith("-")]
    for each in named or ("tests",):
        path = posixpath.normpath(posixpath.join(folder or "", each.partition("::")[0]))
        parts = [] if path == "." else path.split("/")
        for length in range(len(parts) + 1):
            yield "/".join((*parts[:length], "conftest.py"))
        if path.endswith(".py"):
            yield path


def packages_above(path: str, levels: int) -> Iterator[str]:
    """The packages that are imported before a module which stands ``levels`` below the outermost of them."""
    folders = path.split("/")[:-1]
    for length in range(max(1, len(folders) - levels), len(folders) + 1):
        name = "/".join((*folders[:length], "__init__.py"))
        if name != path:
            yield name


def module_file(library: PythonLibrary, name: str, package: str, roots: Iterable[str]) -> str | None:
    """The file of a module, or ``package`` in the folder of its name."""
    for root in dict.fromkeys(roots):
        base = "/".join(filter(None, (root, *name.split("."))))
        for path in (f"{base}.py", f"{base}/{package}.py"):
            if library.python(path) is not None:
                return path
    return None
