"""What installing a project runs of its own: ``setup.py``, hooks of build backends, Composer's scripts, a Gemfile, a
gemspec.

Packages of others are none of it. Sources: pip documentation, "Build System Interface" and "Local project installs";
PEP 517, "In-tree build backends" (``backend-path``) and its hooks; setuptools documentation, "Extending or Customizing
Setuptools" (``cmdclass``), "Configuring setuptools using pyproject.toml files"; Hatch documentation, "Custom build
hook", "Custom metadata hook"; Poetry documentation, "Building extension modules"; PDM documentation, "Build
Configuration" and "PDM Scripts"; Composer documentation, "Scripts"; Bundler documentation, "Gemfile" (it is Ruby);
RubyGems Guides, "Specification Reference" (so is a gemspec).
"""

from __future__ import annotations

import ast
import json
import posixpath
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from checker import lazy_re
from checker.model.possible import Possible
from checker.resolve.shell.handed.kinds import Handed, Told, given, line

PYTHONS: Final = frozenset({"python", "python3", *(f"python3.{minor}" for minor in range(8, 16))})
_PIP_VALUES: Final = frozenset(
    {"-r", "--requirement", "-c", "--constraint", "-t", "--target", "-i", "--index-url", "--extra-index-url", "-f",
     "--find-links", "--prefix", "--root", "-w", "--wheel-dir", "-d", "--dest", "--python", "-p", "--cache-dir",
     "--proxy", "--timeout", "--retries", "--trusted-host", "--progress-bar", "--log", "--src", "--platform"}
)  # fmt: skip
_FOLDER: Final = lazy_re.compile(
    r"(?:file://)?(?P<path>\.{1,2}(?:/[^\[#;\s]*)?|[\w.-]+/[\w./-]*|/[^\[#;\s]*)(?:\[[^\]]*\])?"
)
_OWN_LINE: Final = lazy_re.compile(
    r"(?:-e\s*|--editable[ =]\s*)?(?P<path>\.{1,2}(?:/\S*)?(?:\[[^\]]*\])?)\s*(?:#.*|;.*)?"
)
_IN_TREE: Final = lazy_re.compile(r"^\s*backend-path\s*=", re.MULTILINE)


def pip(told: Told) -> Iterator[Handed]:
    """``pip install``, ``wheel`` and ``download`` of folders: each one's ``setup.py`` is run."""
    words = told.words[1:]
    verb = next((index for index, word in enumerate(words) if word in {"install", "wheel", "download"}), None)
    if verb is None:
        return
    rest = list(words[verb + 1 :])
    folders = list(given(rest, ("-e", "--editable")))
    while rest:
        word = rest.pop(0)
        if word in _PIP_VALUES or word in {"-e", "--editable"}:
            rest = rest[1:]
        elif not (isinstance(word, str) and word.startswith("-")):
            folders.append(word)
    for name in given(words, ("-r", "--requirement")):
        stripped = map(str.strip, (told.text_of(name) or "").splitlines())
        lines = (_OWN_LINE.fullmatch(each) for each in stripped if each.startswith((".", "-e", "--editable")))
        folders.extend(match["path"] for match in lines if match is not None)  # relative to where pip is started
    yield from _set_up(told, folders)


def python(told: Told) -> Iterator[Handed]:
    """``python -m pip``, ``python -m build``."""
    if told.words[1:3] == ["-m", "pip"]:
        yield from pip(Told(["pip", *told.words[3:]], told.variable, told.fed, told.text_of, told.is_file))
    elif told.words[1:3] == ["-m", "build"]:
        plain = [word for word in told.words[3:] if not (isinstance(word, str) and word.startswith("-"))]
        yield from _set_up(told, plain[:1] or ["."])


def uv(told: Told) -> Iterator[Handed]:
    """``uv pip install X``, ``uv build``; ``uv sync`` where it installs the project."""
    words = told.words[1:]
    if words[:1] == ["pip"]:
        yield from pip(Told(["pip", *words[1:]], told.variable, told.fed, told.text_of, told.is_file))
    elif words[:2] == ["tool", "install"]:
        yield from _set_up(told, [word for word in words[2:] if word not in {"-e", "--editable"}])
    elif words[:1] in (["build"], ["sync"]) and "--no-install-project" not in words:
        yield from _set_up(told, ["."])


# Managers of projects -> the verbs that build the project, and the option that leaves it out.
_BUILDS: Final[Mapping[str, tuple[frozenset[str], str]]] = {
    "poetry": (frozenset({"install", "build", "publish", "sync"}), "--no-root"),
    "pdm": (frozenset({"install", "build", "sync", "publish"}), "--no-self"),
    "hatch": (frozenset({"build", "run", "test", "publish", "shell"}), ""),
    "rye": (frozenset({"sync", "build"}), ""),
    "flit": (frozenset({"install", "build", "publish"}), ""),
    "pyproject-build": (frozenset(), ""),
}
BUILDERS: Final = frozenset({*_BUILDS, "pipx", "pipenv"})


def build(told: Told) -> Iterator[Handed]:
    """``poetry install`` and its kin; ``pipx install .``, ``pipenv install -e .``."""
    plain = [word for word in told.words[1:] if isinstance(word, str) and not word.startswith("-")]
    if told.name in {"pipx", "pipenv"}:
        if plain[:1] == ["install"] or plain[:1] == ["sync"]:
            yield from _set_up(told, [*plain[1:], *given(told.words[1:], ("-e", "--editable"))])
        return
    verbs, without = _BUILDS[told.name]
    if (verbs and not verbs.intersection(plain[:1])) or without in told.words:
        return
    yield from _set_up(told, ["."])
    if told.name == "pdm":
        scripts = _table(_read_toml(told, "."), "tool", "pdm", "scripts")
        for event in (f"pre_{plain[0]}", f"post_{plain[0]}"):
            each = scripts.get(event)
            command = each.get("cmd", each.get("shell")) if isinstance(each, dict) else each
            if isinstance(command, str):
                yield line(command)
            elif command is not None:
                yield f"what pdm runs at {event} was not followed"


def _set_up(told: Told, folders: Sequence[Possible]) -> Iterator[Handed]:
    for each in folders:
        match = _FOLDER.fullmatch(each) if isinstance(each, str) else None
        if match is None:
            continue
        folder = match["path"]
        if told.is_file(posixpath.join(folder, "setup.py")):
            yield line(f"cd {shlex.quote(folder)} && python setup.py")
            yield from _called_by(told, folder, "setup.py")
        if _IN_TREE.search(told.text_of(posixpath.join(folder, "pyproject.toml")) or ""):
            yield "the build backend that the project brings along was not followed"
        for file in _hooks(_read_toml(told, folder), lambda name: told.is_file(posixpath.join(folder, name))):  # noqa: B023
            yield line(f"cd {shlex.quote(folder)} && python {shlex.quote(file)}")
            yield from _called_by(told, folder, file)


def _read_toml(told: Told, folder: str) -> Mapping[str, object]:
    return _toml(told.text_of(posixpath.join(folder, "pyproject.toml")) or "")


@lru_cache(maxsize=64)  # every job installs the project
def _toml(text: str) -> Mapping[str, object]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _table(data: object, *keys: str) -> Mapping[str, object]:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def _hooks(project: Mapping[str, object], is_file: Callable[[str], bool]) -> Iterator[str]:
    """The files of Python that a build backend runs, by what the project's settings say."""
    hatch = _table(project, "tool", "hatch")
    targets = _table(hatch, "build", "targets")
    places = [_table(hatch, "build", "hooks"), *(_table(targets, name, "hooks") for name in targets)]
    for custom in (*places, _table(hatch, "metadata", "hooks")):
        if "custom" in custom:
            path = _table(custom, "custom").get("path", "hatch_build.py")
            yield path if isinstance(path, str) else "hatch_build.py"
    poetry = _table(project, "tool", "poetry")
    script = _table(poetry, "build").get("script") if isinstance(poetry.get("build"), dict) else poetry.get("build")
    if isinstance(script, str):
        yield script
    hook = _table(project, "tool", "pdm", "build").get("custom-hook", "pdm_build.py")
    backend = _table(project, "build-system").get("build-backend")
    if isinstance(hook, str) and backend == "pdm.backend" and is_file(hook):
        yield hook
    for dotted in _table(project, "tool", "setuptools", "cmdclass").values():
        module = str(dotted).replace(":", ".").rpartition(".")[0].replace(".", "/")
        yield from [file for file in (f"{module}.py", f"src/{module}.py", f"{module}/__init__.py") if is_file(file)][:1]


# What is called of code that builds: methods of commands and hooks, functions of scripts and backends.
_METHODS: Final = frozenset(
    {"run", "initialize", "finalize", "clean", "update", "finalize_options", "build_extensions"}
)
_FUNCTIONS: Final = frozenset(
    {"build", "pdm_build_initialize", "pdm_build_hook_enabled", "pdm_build_finalize", "pdm_build_update_files"}
)
_REACHES: Final = lazy_re.compile(
    r"\b(?:boto3|botocore|subprocess|os\.(?:system|popen|exec\w*|spawn\w*)|requests|httpx|urllib|exec|eval|import\w*)\b"
)


def _called_by(told: Told, folder: str, file: str) -> Iterator[Handed]:
    """The methods and functions of a file that whoever builds calls, as the program that they come to."""
    text = told.text_of(posixpath.join(folder, file)) or ""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # said where the file is followed
    calls: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            named = [each for each in node.body if isinstance(each, ast.FunctionDef) and each.name in _METHODS]
            calls += [f"_building = {node.name}(None)"] if named else []
            calls += [f"_building.{each.name}({_nothing(each.args.args[1:])})" for each in named]
        elif isinstance(node, ast.FunctionDef) and node.name in _FUNCTIONS and file != "setup.py":
            calls.append(f"{node.name}({_nothing(node.args.args)})")
    for name in _commands(tree):
        calls += [f"_building = {name}(None)", "_building.run()"]
    if calls and _REACHES.search(text):
        code = "\n".join([text, *calls])
        yield line(f"cd {shlex.quote(folder)} && python -c {shlex.quote(code)}")


def _nothing(arguments: Sequence[ast.arg]) -> str:
    return ", ".join("None" for _ in arguments)


def _commands(tree: ast.Module) -> Iterator[str]:
    """Commands of ``cmdclass`` that other modules have."""
    own = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "cmdclass" and isinstance(node.value, ast.Dict):
            yield from (
                ast.unparse(each)
                for each in node.value.values
                if isinstance(each, ast.Name | ast.Attribute) and ast.unparse(each) not in own
            )


# Verb -> the events of Composer, as it fires them.
_EVENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "install": ("pre-install-cmd", "pre-autoload-dump", "post-autoload-dump", "post-install-cmd"),
    "update": ("pre-update-cmd", "pre-autoload-dump", "post-autoload-dump", "post-update-cmd"),
    "dump-autoload": ("pre-autoload-dump", "post-autoload-dump"),
    "dumpautoload": ("pre-autoload-dump", "post-autoload-dump"),
}
_METHOD: Final = lazy_re.compile(r"[\w\\]+::\w+")


def composer(told: Told) -> Iterator[Handed]:
    """The scripts of ``composer.json`` that a command of Composer runs; a method of PHP is a package's."""
    plain = [word for word in told.words[1:] if isinstance(word, str) and not word.startswith("-")]
    text = told.text_of("composer.json")
    if not plain or text is None or "--no-scripts" in told.words:
        return
    try:
        read = json.loads(text)
    except ValueError:
        read = {}
    scripts = read.get("scripts") if isinstance(read, dict) else None
    if not isinstance(scripts, dict):
        return
    names = plain[1:2] if plain[0] in {"run-script", "run"} else _EVENTS.get(plain[0], ())
    for name in names:
        yield from _scripts(scripts, name, 0)


def _scripts(scripts: Mapping[str, object], name: str, level: int) -> Iterator[Handed]:
    listed = scripts.get(name, ())
    for each in [listed] if isinstance(listed, str) else listed if isinstance(listed, list) else ():
        if not isinstance(each, str) or _METHOD.fullmatch(each) or each.startswith("@putenv"):
            continue
        if each.startswith(("@php ", "@composer ")):
            yield line(each[1:])
        elif not each.startswith("@"):
            yield line(each)
        elif level < len(scripts):
            yield from _scripts(scripts, each[1:].split()[0], level + 1)


_RUNS: Final = lazy_re.compile(
    r"^[^#\n]*?(?:\b(?:system|exec|spawn)\b[( ]\s*(?P<quote>[\"'])(?P<called>[^\"'#\n]*)(?P=quote)"
    r"|`(?P<ticked>[^`#\n]*)`|\bsystem\b\s*[( ]|\b(?:IO\.popen|Open3|require_relative)\b|%x[\[({])",
    re.MULTILINE,
)


def bundle(told: Told) -> Iterator[Handed]:
    """``bundle install`` evaluates the Gemfile, and the gemspec that it names."""
    if told.words[1:2] and told.words[1] not in {"install", "update", "lock", "exec", "check"}:
        return
    named = told.variable("BUNDLE_GEMFILE")
    text = told.text_of(named or "Gemfile") or ""
    yield from _ruby(text, "the Gemfile")
    if _GEMSPEC.search(text):
        yield from _gemspecs(told, "*.gemspec")


_GEMSPEC: Final = lazy_re.compile(r"^\s*gemspec\b|\bpath:\s*['\"]", re.MULTILINE)


def gem(told: Told) -> Iterator[Handed]:
    """``gem build X.gemspec`` evaluates it."""
    plain = [word for word in told.words[1:] if isinstance(word, str) and not word.startswith("-")]
    if plain[:1] == ["build"]:
        yield from _gemspecs(told, plain[1] if len(plain) > 1 else "*.gemspec")


def _gemspecs(told: Told, name: str) -> Iterator[Handed]:
    for file in told.files_of(name):
        yield from _ruby(told.text_of(file) or "", "the gemspec")


def _ruby(text: str, what: str) -> Iterator[Handed]:
    for match in _RUNS.finditer(text):
        called = match["called"] or match["ticked"]
        yield line(called) if called else f"code that {what} runs was not followed"
