"""The tests that pytest and unittest run, as programs: a module of tests, and behind it the runner's calls of them.

Only modules that reach out of the process by themselves, or through a module of the repository that they import, are
followed; one that has doubles in place of AWS reaches nothing.

Sources: pytest documentation, "Changing standard (Python) test discovery" (which files, functions and classes are
tests), "Configuration" (``testpaths``), "How to use fixtures", "How to parametrize fixtures and test functions", "How
to use skip and xfail"; Python documentation, "unittest", "Command-Line Interface".
"""

from __future__ import annotations

import ast
import configparser
import posixpath
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, Protocol

from msgspec import Struct

from checker import lazy_re
from checker.model.pipeline.python import PythonModule
from checker.model.possible import Possible

MAX_MODULES: Final = 40  # that reach out; a run of more is not followed
MAX_TESTS: Final = 200
_TEST_FILE: Final = lazy_re.compile(r"(?:.*/)?(?:test_[^/]*|[^/]*_test)\.py")
_UNITTEST_FILE: Final = lazy_re.compile(r"(?:.*/)?test[^/]*\.py")
_REACHES: Final = lazy_re.compile(
    r"\b(?:boto3|botocore|aioboto3|aiobotocore|subprocess|os\.(?:system|popen|exec\w*|spawn\w*|posix_spawn\w*)|pexpect|pty|requests|httpx"
    r"|urllib|http\.client|aiohttp|importlib|runpy|exec|eval)\b"
)
# What takes the place of AWS: moto, botocore's stubs, an emulator's address, patches of the client's own names.
_DOUBLES: Final = lazy_re.compile(
    r"\bmoto\b|\bmock_(?:aws|\w+)\b|\bStubber\b|localstack|endpoint_url|\bMagicMock\b|\bmonkeypatch\b|\bpatch\(|\bmocker\b|placebo"
    r"|\bvcr\b|responses\.activate|requests_mock|respx|FakeClient"
)
# Options of pytest and unittest whose value is the next word.
_VALUES: Final = frozenset(
    {"-k", "-m", "-p", "-c", "-o", "-n", "-W", "-r", "--rootdir", "--confcutdir", "--junitxml", "--junit-xml",
     "--ignore", "--ignore-glob", "--deselect", "--maxfail", "--cov", "--cov-report", "--cov-config", "--durations",
     "--tb", "--numprocesses", "--dist", "--override-ini", "--log-level", "--log-cli-level", "--color", "--timeout",
     "--reruns", "--html", "--report-log"}
)  # fmt: skip
_NOT_RUN: Final = frozenset({"--collect-only", "--co", "--fixtures", "--markers", "--version", "-V", "--help", "-h"})


class TestLibrary(Protocol):
    """The repository's files, as far as tests are found among them."""

    def python(self, path: str) -> PythonModule | None: ...

    def text(self, path: str) -> str | None: ...

    def python_in(self, folder: str) -> tuple[str, ...]:
        """The Python files of a folder and those below it."""
        ...

    def python_below(self, tail: str) -> tuple[str, ...]: ...


class Selected(Struct, frozen=True):
    """Tests of one module. ``certain``: that they are run; ``text``: the program that they come to."""

    path: str
    text: str
    certain: bool


def names_tests(words: Sequence[Possible]) -> bool:
    """Whether a command says which tests it runs."""
    return any(True for _ in _plain([word for word in words if isinstance(word, str)], _VALUES))


def selected(
    library: TestLibrary, words: Sequence[Possible], folder: str, *, unittest: bool = False
) -> list[Selected] | None:
    """The tests that a command runs and that reach out; ``None`` where these are more than can be followed."""
    given = [word for word in words if isinstance(word, str)]
    if _NOT_RUN & set(given):
        return []
    picked = any(
        word in {"-k", "-m", "--lf", "--last-failed", "--sw"} or word.startswith(("-k", "-m=")) for word in given
    )
    found: list[Selected] = []
    count = 0
    for path, only in _paths(library, given, folder, unittest=unittest):
        text = library.text(path) or ""
        if not _reaching(library, text, path):
            continue
        calls = [*_calls(library, path, only, unittest=unittest)]
        count += len(calls)
        if calls:
            found.append(Selected(path, "\n".join([text, *calls]) + "\n", certain=not picked))
    return found if len(found) <= MAX_MODULES and count <= MAX_TESTS else None


def _paths(
    library: TestLibrary, given: Sequence[str], folder: str, *, unittest: bool
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The modules of tests, each with the names that are asked for of it (all, where none)."""
    pattern = _UNITTEST_FILE if unittest else _TEST_FILE
    plain = [*_plain(given, frozenset({"-k", "-s", "-t", "-p"}) if unittest else _VALUES)]
    if unittest:
        plain = [
            each if "/" in each or each.endswith(".py") else each.replace(".", "/")
            for each in plain
            if each != "discover"
        ]
        plain += [after for before, after in pairwise(given) if before in {"-s", "--start-directory"}]
    roots = plain or [*_configured(library, folder)] or ["."]
    done: set[str] = set()
    for each in roots:
        name, *names = each.split("::")
        path = posixpath.normpath(posixpath.join(folder, name))
        if path.startswith("../"):
            continue
        if path.endswith(".py") or library.python(f"{path}.py") is not None:
            files: Sequence[str] = [path if path.endswith(".py") else f"{path}.py"]
        else:
            files = [file for file in library.python_in("" if path == "." else path) if pattern.fullmatch(file)]
        for file in files:
            if (file not in done or names) and library.python(file) is not None:
                done.add(file)
                yield file, tuple(names[-1:])


def _plain(given: Sequence[str], values: frozenset[str]) -> Iterator[str]:
    skip = False
    for word in given:
        if skip:
            skip = False
        elif word.startswith("-"):
            skip = word in values
        else:
            yield word


def _configured(library: TestLibrary, folder: str) -> Iterator[str]:
    """``testpaths``, where the project has set them."""
    for name in ("pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"):
        text = library.text(posixpath.normpath(posixpath.join(folder, name)))
        if text is None or "testpaths" not in text:
            continue
        try:
            if name == "pyproject.toml":
                table = (
                    tomllib.loads(text).get("tool", {}).get("pytest", {}).get("ini_options", {}).get("testpaths", [])
                )
                yield from (
                    table.split() if isinstance(table, str) else [each for each in table if isinstance(each, str)]
                )
            else:
                ini = configparser.ConfigParser(interpolation=None)
                ini.read_string(text)
                section = "tool:pytest" if name == "setup.cfg" else "pytest"
                yield from ini.get(section, "testpaths", fallback="").split()
        except (tomllib.TOMLDecodeError, configparser.Error, AttributeError, RecursionError):
            return
        return


def _reaching(library: TestLibrary, text: str, path: str) -> bool:
    """Whether a module of tests, or one of the repository's that it imports, reaches out, with no doubles for it."""
    if _DOUBLES.search(text):
        return False
    above = posixpath.dirname(path)
    if any(_DOUBLES.search(library.text(posixpath.join(each, "conftest.py")) or "") for each in _above(above)):
        return False
    return bool(_REACHES.search(text)) or any(
        _REACHES.search(library.text(file) or "") for file in _imported(library, text)
    )


def _above(folder: str) -> Iterator[str]:
    parts = folder.split("/") if folder else []
    for length in range(len(parts) + 1):
        yield "/".join(parts[:length])


def _imported(library: TestLibrary, text: str) -> Iterator[str]:
    for match in re.finditer(
        r"^\s*(?:from\s+\.*([\w.]+)\s+import\s+([\w, ]+)|import\s+([\w., ]+))", text, re.MULTILINE
    ):
        names = (
            [match[1], *(f"{match[1]}.{each.strip()}" for each in match[2].split(","))]
            if match[1]
            else match[3].split(",")
        )
        for name in names:
            tail = name.strip().partition(" ")[0].replace(".", "/")
            if library.python(f"{tail}.py") is not None:
                yield f"{tail}.py"
            yield from library.python_below(tail)


# --- what the runner calls --------------------------------------------------------------------------------------------


def _calls(library: TestLibrary, path: str, only: Sequence[str], *, unittest: bool) -> Iterator[str]:
    """The lines of a program that call a module's tests."""
    module = library.python(path)
    if module is None:
        return
    fixtures = _fixtures(library, path, module)
    yield from (f"from conftest import {name}" for name, there in fixtures.items() if not there)
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test") and not unittest:
            if not only or node.name == only[0].partition("[")[0]:
                yield from _call(node, node.name, fixtures, [])
        elif isinstance(node, ast.ClassDef) and (_is_case(node) or (node.name.startswith("Test") and not unittest)):
            named = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
            before = [each for each in ("setUpClass", "setup_class", "setUp", "setup_method") if each in named]
            tests = [each for each in named.values() if each.name.startswith("test")]
            wanted = [each for each in tests if not only or only[0].partition("[")[0] in {each.name, node.name}]
            if not wanted or _marks(node, "skip"):
                continue
            yield f"_tested = {node.name}()"
            yield from (f"_tested.{each}()" for each in before if len(named[each].args.args) < 2)
            for each in wanted:
                yield from _call(each, f"_tested.{each.name}", fixtures, ["self"])


def _is_case(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).rpartition(".")[2].endswith("TestCase") for base in node.bases)


def _fixtures(library: TestLibrary, path: str, module: PythonModule) -> Mapping[str, bool]:
    """The fixtures of a module and of the ``conftest.py`` nearest to it, and whether it has them itself."""
    found = dict.fromkeys(_named_fixtures(module), True)
    for folder in reversed([*_above(posixpath.dirname(path))]):
        near = library.python(posixpath.join(folder, "conftest.py"))
        if near is not None:
            found.update({name: False for name in _named_fixtures(near) if name not in found})
            break
    return found


def _named_fixtures(module: PythonModule) -> Iterator[str]:
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef) and any("fixture" in ast.unparse(each) for each in node.decorator_list):
            yield node.name


def _marks(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, *names: str) -> bool:
    return any(ast.unparse(each).partition("(")[0].rpartition(".")[2] in names for each in node.decorator_list)


def _call(
    node: ast.FunctionDef | ast.AsyncFunctionDef, name: str, fixtures: Mapping[str, bool], own: Sequence[str]
) -> Iterator[str]:
    if _marks(node, "skip"):
        return
    given: dict[str, str] = {}
    head, indent = [], ""
    for each in node.decorator_list:
        if isinstance(each, ast.Call) and ast.unparse(each.func).endswith(".parametrize") and len(each.args) > 1:
            names = each.args[0].value if isinstance(each.args[0], ast.Constant) else ""
            listed = [one.strip() for one in names.split(",")] if isinstance(names, str) else []
            if listed and all(one.isidentifier() for one in listed):
                head.append(f"{indent}for {', '.join(listed)} in {ast.unparse(each.args[1])}:")
                indent += "    "
                given.update({one: one for one in listed})
    if _marks(node, "skipif", "xfail", "skipUnless", "skipIf"):
        head.append(f"{indent}if open('may be skipped').read():")
        indent += "    "
    parameters = [each.arg for each in node.args.args if each.arg not in own]
    values = [given.get(each, f"{each}()" if each in fixtures else "None") for each in parameters]
    call = f"{name}({', '.join(values)})"
    if isinstance(node, ast.AsyncFunctionDef):
        call = f"__import__('asyncio').run({call})"
    yield "\n".join([*head, f"{indent}{call}"])
