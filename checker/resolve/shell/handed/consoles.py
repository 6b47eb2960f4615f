"""Consoles of frameworks: ``php artisan X`` where the file is the one that Laravel makes, ``rails X``, ``rake X``.

Sources: Laravel documentation, "Artisan Console"; Rails Guides, "The Rails Command Line". They load the application and
hand over; which of the commands change nothing is told by their names, as of any other program.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from checker import lazy_re
from checker.data.harmless import inert
from checker.model.pipeline.jobs import WORKSPACE
from checker.model.possible import Possible, Scalar, mapped
from checker.model.values import Text
from checker.resolve.shell.handed.kinds import Handed, Told

_PHP: Final = lazy_re.compile(r"php(?:\d(?:\.\d)?)?")
# Comments, and what loads the framework and its parts.
_STOCK: Final = lazy_re.compile(
    r"/\*.*?\*/|(?://|#)[^\n]*|^\s*use\s+[\w\\]+;|\brequire(?:_once)?\s+__DIR__\s*\.\s*'/(?:vendor/autoload|bootstrap/\w+)\.php'"
    r"|\bIlluminate[\w\\]+|\bSymfony[\w\\]+",
    re.DOTALL | re.MULTILINE,
)


def artisan(told: Told) -> list[Possible] | None:
    """``artisan X`` for ``php artisan X``; ``None`` for any other file."""
    rest = list(told.words[1:])
    if not _PHP.fullmatch(told.name):
        rest = list(told.words)
    while rest and isinstance(rest[0], str) and rest[0].startswith("-") and rest[0] != "-r":
        rest = rest[2 if rest[0] == "-d" else 1 :]
    file = rest[0] if rest else ""
    if not isinstance(file, str) or file.rpartition("/")[2] != "artisan":
        return None
    text = told.text_of(file)
    stock = text is not None and inert(_STOCK.sub("", text), javascript=False)
    return ["artisan", *rest[1:]] if stock else None


# What loads Rails' own tasks into rake.
_OF_RAILS: Final = lazy_re.compile(r"\bload_tasks\b")


# A program of `bin/` as Rails makes it: comments, what it loads, and the call that hands over.
_BINSTUB: Final = lazy_re.compile(
    r"#[^\n]*|^APP_PATH = File\.expand_path\([^()\n]*\)$"
    r"|^(?:require|require_relative|load)\b[ (]*['\"][\w./-]+['\"]\)?$"
    r"|^Rake\.application\.run$|^load Gem\.bin_path\([^()\n]*\)$|\s+",
    re.MULTILINE,
)


def ruby_console(told: Told) -> list[Possible] | None:
    """``rails X`` for ``bin/rails X``, and for ``rake X`` in a project of Rails (Rails Guides, "The Rails Command
    Line"); ``None`` where a file of that name does anything else."""
    folder, _, name = told.name.rpartition("/")
    if folder:
        text = told.text_of(told.name)
        if text is None or _BINSTUB.sub("", text):
            return None
    if name == "rails":
        return ["rails", *told.words[1:]] if folder else None
    rakefile = next((text for name in ("Rakefile", "rakefile") if (text := told.text_of(name)) is not None), None)
    if rakefile is None or not _OF_RAILS.search(rakefile):
        return None
    # What a task is given stands in brackets behind its name (rake documentation, "Tasks with Arguments").
    return ["rails", *(mapped(word, _task) for word in told.words[1:])]


def _task(word: Scalar) -> Possible:
    first = word.parts[0] if isinstance(word, Text) else word
    return first.partition("[")[0] if isinstance(first, str) and "[" in first else word


def rails(told: Told) -> Iterator[Handed]:
    """Tasks of the project itself, also those that add to one of Rails' own (rake documentation, ``enhance``)."""
    plain = (str(word) for word in told.words[1:] if not str(word).startswith("-") and "=" not in str(word))
    task = next(plain, "")
    last = re.escape(task.rpartition(":")[2])
    own = re.compile(rf"\b(?:task|multitask|file)\b[^\n]*\b{last}\b|\b{last}\b[^\n]*\benhance\b")
    if task and any(own.search(told.text_of(f"{WORKSPACE}/{file}") or "") for file in told.rake_files()):
        yield f"what the project's own tasks for `{task}` run was not followed"
