"""The browser that is on this machine, if one is: what prints the HTML report, and what the tests look at it with."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from checker import lazy_re
from checker.errors import UsageError

VARIABLE: Final = "CHECKER_BROWSER"
_DATE: Final = lazy_re.compile(rb"(/(?:CreationDate|ModDate) \()D:\d{14}[+-]\d\d'\d\d'\)")
# What Chromium and its kin are called on a PATH.
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")


def printed(page: str, environ: Mapping[str, str], *, seconds: float = 120) -> bytes:
    """The page as PDF, printed by the browser that is here. The same page gives the same bytes.

    Raises :class:`UsageError` where there is no browser, or where it does not print.
    """
    browser = browser_of(environ)
    with tempfile.TemporaryDirectory(prefix="checker-pdf-") as folder:
        source, target = Path(folder, "page.html"), Path(folder, "page.pdf")
        source.write_text(page, encoding="utf-8")
        arguments = [
            *("--headless", "--disable-gpu", "--no-pdf-header-footer", f"--user-data-dir={folder}/profile"),
            *(["--no-sandbox"] if os.geteuid() == 0 else []),  # Chromium refuses to run as root with it
        ]
        try:
            # The page is our own: its policy lets nothing in it be fetched.
            subprocess.run(  # noqa: S603
                [browser, *arguments, f"--print-to-pdf={target}", source.as_uri()],
                capture_output=True,
                check=False,
                timeout=seconds,
            )
            return _undated(target.read_bytes())
        except subprocess.TimeoutExpired:
            raise UsageError(
                f"{browser} did not print within {seconds:g} s", "Print the HTML report by hand."
            ) from None
        except OSError:
            raise UsageError(f"{browser} printed nothing", "Print the HTML report by hand.") from None


def browser_of(environ: Mapping[str, str]) -> str:
    """The browser that prints. Raises :class:`UsageError` where none is here."""
    browser = find_browser(environ)
    if browser is None:
        raise UsageError("no browser is here to print the PDF with", f"Install Chromium, or name one in {VARIABLE}.")
    return browser


def _undated(pdf: bytes) -> bytes:
    """Without the day it was printed on, which would make each print another; lengths stay, offsets are by byte."""
    return _DATE.sub(lambda match: match[1] + b"D:19700101000000+00'00'" + b")", pdf)


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
