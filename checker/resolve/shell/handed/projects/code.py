"""Code of the project that a tool runs on its way: settings that are Python, hooks of a build, a Makefile of SAM's.

It is followed where it reaches out of its process; settings as most are do not.

Sources: Alembic documentation, "Tutorial" (``env.py``); Sphinx documentation, "Configuration" (``conf.py``); MkDocs
documentation, "hooks"; PyInstaller manual, "Using Spec Files"; Locust documentation, "Running Locust"; AWS SAM
Developer Guide, "Building Lambda functions with custom runtimes" (``BuildMethod: makefile``).
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator
from typing import Final

from checker import lazy_re
from checker.model.possible import Possible
from checker.resolve.shell.handed.kinds import Handed, Told, given, line

_REACHES: Final = lazy_re.compile(
    r"\b(?:boto3|botocore|subprocess|os\.(?:system|popen|exec\w*|spawn\w*)|requests|httpx|urllib|exec|eval|import_module)\b"
)
_LOCATION: Final = lazy_re.compile(r"^[ \t]*+script_location[ \t]*=[ \t]*(?:%\(here\)s/)?(\S+)", re.MULTILINE)
_HOOKS: Final = lazy_re.compile(r"^hooks:[ \t]*(?P<one>[^\n]*)\n(?P<more>(?:[ \t]*-[ \t]*[^\n]+\n)*)", re.MULTILINE)
_RESOURCE: Final = lazy_re.compile(
    r"^(?P<in> {1,8})(?P<name>\w+):[ \t]*\n(?P<body>(?:(?P=in) +[^\n]*\n|[ \t]*\n)+)", re.MULTILINE
)
_BY_MAKE: Final = lazy_re.compile(r"\bBuildMethod:\s*['\"]?makefile\b")
_CODE: Final = lazy_re.compile(r"\b(?:CodeUri|ContentUri):\s*['\"]?([\w./-]+)")
_LOOKS: Final = frozenset({"--help", "--version", "-h", "history", "heads", "branches", "init", "list_templates"})


def python_code(told: Told) -> Iterator[Handed]:
    """The files of Python that a tool runs, as their interpreter would."""
    if _LOOKS.intersection(map(str, told.words[1:])):
        return
    for name in _files(told):
        text = told.text_of(name) or ""
        if isinstance(name, str) and _REACHES.search(text):
            yield ["python", name] if name.endswith(".py") else ["python", "-c", text]


def _files(told: Told) -> Iterator[Possible]:
    words = told.words[1:]
    plain = [word for word in words if isinstance(word, str) and not word.startswith("-")]
    if told.name == "alembic":
        text = told.text_of(next(given(words, ("-c", "--config")), "alembic.ini")) or ""
        found = _LOCATION.search(text)
        yield posixpath.join(found[1] if found is not None else "alembic", "env.py")
    elif told.name == "sphinx-build":
        yield posixpath.join(str(next(given(words, ("-c",)), plain[0] if plain else ".")), "conf.py")
    elif told.name == "mkdocs":
        text = told.text_of(next(given(words, ("-f", "--config-file")), "mkdocs.yml")) or ""
        for match in _HOOKS.finditer(f"{text}\n"):
            yield from re.findall(r"[\w./-]+\.py", match["one"] + match["more"])
    elif told.name == "locust":
        yield next(given(words, ("-f", "--locustfile")), "locustfile.py")
    else:
        yield from (word for word in plain if word.endswith((".spec", ".py")))


TOOLS: Final = frozenset({"alembic", "sphinx-build", "mkdocs", "locust", "pyinstaller"})


def sam(told: Told) -> Iterator[Handed]:
    """``sam build`` runs ``make build-NAME`` for functions and layers that are to be built so."""
    words = told.words[1:]
    if words[:1] != ["build"]:
        return
    named = next(given(words, ("-t", "--template", "--template-file")), None)
    names: tuple[Possible, ...] = (named,) if named is not None else ("template.yaml", "template.yml")
    text = next((found for name in names if (found := told.text_of(name)) is not None), "")
    for match in _RESOURCE.finditer(f"{text}\n"):
        if _BY_MAKE.search(match["body"]):
            code = _CODE.search(match["body"])
            yield line(f"cd {shlex.quote(code[1] if code else '.')} && make build-{match['name']}")
