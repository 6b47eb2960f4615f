"""The files that make reads: which an include names, and what they say together.

Source: GNU make manual, "Including Other Makefiles", "Other Special Variables", "Multiple Rules for One Target".
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from typing import Final

from msgspec.structs import replace

from checker import lazy_re
from checker.resolve.tasks.make_values import Rule
from checker.resolve.tasks.recipes import TaskLibrary, joined_path

PATTERN: Final = lazy_re.compile(r"[*?\[]")
_OWN_PLACE: Final = lazy_re.compile(r"\$[({](last|first)word \$[({]MAKEFILE_LIST[)}][)}]")
_LATE: Final = lazy_re.compile(r"[ \t]*[\w.-]+[ \t]*\??=(?!=)")


def own_places(text: str, file: str, first: str, folder: str) -> str:
    """A file's text with the names that it asks for of itself, or of the first one (``MAKEFILE_LIST``), where they are
    put in as it is read."""
    if "MAKEFILE_LIST" not in text:
        return text
    names = {"last": posixpath.relpath(file, folder or "."), "first": posixpath.relpath(first, folder or ".")}
    return "\n".join(
        line if line.startswith("\t") or _LATE.match(line) else _OWN_PLACE.sub(lambda match: names[match[1]], line)
        for line in text.split("\n")
    )


def files_of(pattern: str, folder: str, library: TaskLibrary) -> list[str]:
    """The files that a name with wildcards stands for, as names in the folder; a plain name stands for itself. Source:
    GNU make manual, "Using Wildcard Characters in File Names"."""
    if not PATTERN.search(pattern):
        return [pattern]
    at = posixpath.normpath(joined_path(folder, pattern))
    wanted = re.compile(fnmatch.translate(at).replace(".*", "[^/]*"))
    found = [each for each in library.makefiles() if wanted.match(each)]
    return [posixpath.relpath(each, folder or ".") for each in found]


def together(one: Rule | None, other: Rule) -> Rule:
    """Two files' rules of one target: it needs what both say, and one of them tells how it is made."""
    if one is None:
        return other
    needs = [*one.needs, *(each for each in other.needs if each not in one.needs)]
    return replace(one if one.recipe or not other.recipe else other, needs=needs)
