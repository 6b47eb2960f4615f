"""What installing a project runs of its own: ``setup.py``, Composer's scripts, a Gemfile.

Packages of others are none of it. Sources: pip documentation, "Build System Interface" and "Local project installs";
PEP 517, "In-tree build backends" (``backend-path``); Composer documentation, "Scripts"; Bundler documentation,
"Gemfile" (it is Ruby).
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from checker.model.possible import Possible
from checker.resolve.shell.handed.kinds import Handed, Told, given, line

PYTHONS: Final = frozenset({"python", "python3", *(f"python3.{minor}" for minor in range(8, 16))})
_PIP_VALUES: Final = frozenset(
    {"-r", "--requirement", "-c", "--constraint", "-t", "--target", "-i", "--index-url", "--extra-index-url", "-f",
     "--find-links", "--prefix", "--root", "-w", "--wheel-dir", "-d", "--dest", "--python", "-p", "--cache-dir",
     "--proxy", "--timeout", "--retries", "--trusted-host", "--progress-bar", "--log", "--src", "--platform"}
)  # fmt: skip
_FOLDER: Final = re.compile(
    r"(?:file://)?(?P<path>\.{1,2}(?:/[^\[#;\s]*)?|[\w.-]+/[\w./-]*|/[^\[#;\s]*)(?:\[[^\]]*\])?"
)
_OWN_LINE: Final = re.compile(r"(?:-e\s*|--editable[ =]\s*)?(?P<path>\.{1,2}(?:/\S*)?(?:\[[^\]]*\])?)\s*(?:#.*|;.*)?")
_IN_TREE: Final = re.compile(r"^\s*backend-path\s*=", re.MULTILINE)


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
        lines = (_OWN_LINE.fullmatch(each.strip()) for each in (told.text_of(name) or "").splitlines())
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
    elif words[:1] in (["build"], ["sync"]) and "--no-install-project" not in words:
        yield from _set_up(told, ["."])


def _set_up(told: Told, folders: Sequence[Possible]) -> Iterator[Handed]:
    for each in folders:
        match = _FOLDER.fullmatch(each) if isinstance(each, str) else None
        if match is None:
            continue
        folder = match["path"]
        if told.is_file(posixpath.join(folder, "setup.py")):
            yield line(f"cd {shlex.quote(folder)} && python setup.py")
        if _IN_TREE.search(told.text_of(posixpath.join(folder, "pyproject.toml")) or ""):
            yield "the build backend that the project brings along was not followed"


# Verb -> the events of Composer, as it fires them.
_EVENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "install": ("pre-install-cmd", "pre-autoload-dump", "post-autoload-dump", "post-install-cmd"),
    "update": ("pre-update-cmd", "pre-autoload-dump", "post-autoload-dump", "post-update-cmd"),
    "dump-autoload": ("pre-autoload-dump", "post-autoload-dump"),
    "dumpautoload": ("pre-autoload-dump", "post-autoload-dump"),
}
_METHOD: Final = re.compile(r"[\w\\]+::\w+")


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
    names = plain[1:2] if plain[0] in {"run-script", "run"} else _EVENTS.get(plain[0], (plain[0],))
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


_RUNS: Final = re.compile(
    r"^[^#\n]*?(?:\b(?:system|exec|spawn)\b[( ]\s*(?P<quote>[\"'])(?P<called>[^\"'#\n]*)(?P=quote)"
    r"|`(?P<ticked>[^`#\n]*)`|\bsystem\b\s*[( ]|\b(?:IO\.popen|Open3|require_relative)\b|%x[\[({])",
    re.MULTILINE,
)


def bundle(told: Told) -> Iterator[Handed]:
    """``bundle install`` evaluates the Gemfile."""
    if told.words[1:2] and told.words[1] not in {"install", "update", "lock", "exec", "check"}:
        return
    named = told.variable("BUNDLE_GEMFILE")
    for match in _RUNS.finditer(told.text_of(named or "Gemfile") or ""):
        called = match["called"] or match["ticked"]
        yield line(called) if called else "code that the Gemfile runs was not followed"
