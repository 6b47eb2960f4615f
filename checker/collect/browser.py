"""The browser that is on this machine, if one is: what prints the HTML report, and what the tests look at it with."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from checker.errors import UsageError

VARIABLE: Final = "CHECKER_BROWSER"
# What Chromium and its kin are called on a PATH.
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")


def find_browser(environ: Mapping[str, str]) -> str | None:
    """The path of a Chromium: what ``CHECKER_BROWSER`` names, else the first of the usual names on the PATH.

    Raises :class:`UsageError` where the variable names one that is not there: then somebody counts on it.
    """
    named = environ.get(VARIABLE, "")
    if named:
        found = shutil.which(named, path=environ.get("PATH"))
        if found is None:
            raise UsageError(f"{VARIABLE} is {named}, and there is no such program", "Name a Chromium or Chrome.")
        return str(Path(found))
    return next((found for name in _NAMES if (found := shutil.which(name, path=environ.get("PATH")))), None)
