"""Renderers: each turns one Run into text. No clock, no network, no environment in here: the same run, the same bytes.

:data:`FORMATS` is the one table of them; a module is imported when its format is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

from checker import lazy_re
from checker.errors import UsageError
from checker.model.verdicts import Run
from checker.reports.safe import safe_to_show

# Format -> the module of this package that renders it.
FORMATS: Final[Mapping[str, str]] = {
    "console": "console",
    "json": "json_document",
    "sarif": "sarif",
    "markdown": "markdown",
    "html": "html",
    "junit": "junit",
    "csv": "table",
    "oscal": "oscal",
    "ocsf": "ocsf",
}
# Formats that only count what passes.
_WITHOUT_PASSES: Final = frozenset({"console", "markdown"})
# Formats that show drift, which has no verdicts.
OF_DRIFT: Final = ("console", "json", "markdown", "html")
# Their lines begin with a bracket, a quote or a number: none is taken for a command.
_JSON: Final = frozenset({"json", "sarif", "oscal", "ocsf"})
# What GitHub's runner would carry out, at the start of a line of a step's output.
# Source: GitHub documentation, "Workflow commands for GitHub Actions".
_COMMAND: Final = lazy_re.compile(r"^([ \t]*(?:\x1b\[[\d;]*m)*)(::|##\[)", re.MULTILINE)
# Half characters, which JSON can smuggle in ("\ud800") and no encoding can write.
_HALF: Final = lazy_re.compile("[\ud800-\udfff]")


def render(run: Run, format: str, **options: Any) -> str:  # noqa: A002 - the word people use for it
    """The run as text that ends with a line break.

    ``options`` are those of the format's own ``render``: ``color``, ``width`` and ``quiet`` of the console, ``limit``
    of markdown, ``since`` (:class:`checker.reports.changes.Changes`) of html and markdown, ``history`` of html. Raises
    :class:`KeyError` for a format that is not in :data:`FORMATS`.
    """
    run = safe_to_show(run, passing=format not in _WITHOUT_PASSES)
    if run.command == "drift" and format not in {"json", "html"}:
        text = _drift(run, format, options)
    else:
        text = import_module(f"checker.reports.{FORMATS[format]}").render(run, **options)
    return _HALF.sub("\N{REPLACEMENT CHARACTER}", text if format in _JSON else _no_command(text))


def _no_command(text: str) -> str:
    """The text without lines that a runner takes for a command: a file may be called ``::error::``."""
    return _COMMAND.sub(r"\1\\\2", text)


def _drift(run: Run, format: str, options: Mapping[str, Any]) -> str:  # noqa: A002
    """Drift has no verdicts: a format made of verdicts would show an empty run, which looks clean."""
    if format not in OF_DRIFT:
        raise UsageError(f"drift cannot be shown as {format}", "There is console, json, markdown and html.")
    text: str = getattr(import_module("checker.reports.drift"), format)(run, **options)
    return text
