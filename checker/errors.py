"""Errors that people cause and can mend. Each has an exit code and a one-line hint.

::

    CheckerError          exit 2
    ├── UsageError        an option or argument that cannot be acted on
    ├── ConfigError       checker.toml, the register or the waivers: with file and line
    ├── InputError        something to judge could not be read: with file and line where known
    └── OutputError       a report could not be written
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from checker import lazy_re

# What a terminal acts on, and what turns the direction of a text or stands in it unseen (Unicode Standard Annex #9,
# "Directional Formatting Characters"; general categories Cc and Cf); halves of characters, which no encoding can write.
_CONTROL: Final = lazy_re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)

PACKAGE: Final = "doc-platform-checker"
VERSION: Final = "0.1.0"  # that of pyproject.toml: what is rendered says it, and reads nothing to know it
HOME: Final = "git+https://github.com/kcjonson/doc-platform"


def printable(value: str, limit: int = 2000) -> str:
    """Text from scanned input, safe to print: no terminal escapes, no direction overrides, no endless lines."""
    cleaned = visible(value)
    return cleaned if len(cleaned) <= limit else cleaned[: limit - 1] + "…"


def visible(value: str) -> str:
    """A text in which nothing acts on who shows it, whatever its length; its lines stay lines."""
    if value.isprintable():  # by far the most
        return value
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", value.replace("\r\n", "\n").replace("\t", " "))


# A module that tells that an extra is installed.
_TELLING: Final = {
    "account": "boto3",
    "cluster": "distributed",
    "evidence": "in_toto_attestation",
    "github": "gidgethub",
    "lab": "ministack",
    "ocsf": "py_ocsf_models",
    "oscal": "trestle",
    "pipeline": "tree_sitter_bash",
    "scanners": "cfnlint",
}


def install_with(extra: str) -> str:
    """What to do where a package of an extra is missing: one command, as the README has it.

    It names the extras that are there, too: an installation takes the place of the one before.
    """
    from importlib.util import find_spec

    there = (name for name, module in _TELLING.items() if find_spec(module) is not None)
    extra = ",".join(sorted({extra, *there}))
    return f'Install it: uv tool install "{PACKAGE}[{extra}] @ {HOME}" (or pipx install --force, likewise).'


class ExitCode(IntEnum):
    """What the process says to the pipeline. The one table; the README quotes it."""

    CLEAN = 0
    FAILED = 1  # a failure that nothing waives
    USAGE = 2  # usage, configuration or rule error
    INCOMPLETE = 3  # something could not be read or decided, and nothing failed


class CheckerError(Exception):
    """``message`` says what is wrong and where, ``hint`` what to do; both on one line each."""

    exit_code: ExitCode = ExitCode.USAGE

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = printable(message)
        self.hint = printable(hint)
        super().__init__(self.message)


class UsageError(CheckerError):
    """An option or argument that cannot be acted on."""


class ConfigError(CheckerError):
    """A fault in checker.toml, the register or the waivers."""


class InputError(CheckerError):
    """Something to judge could not be read."""


class OutputError(CheckerError):
    """A report could not be written."""
