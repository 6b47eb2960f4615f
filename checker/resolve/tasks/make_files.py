"""The files that make reads: which an include names, and what they say together.

Source: GNU make manual, "Including Other Makefiles", "Other Special Variables", "Multiple Rules for One Target".
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from checker import lazy_re
from checker.resolve.tasks.make_values import Rule
from checker.resolve.tasks.recipes import Line, TaskLibrary, joined_path

PATTERN: Final = lazy_re.compile(r"[*?\[]")
_OWN_PLACE: Final = lazy_re.compile(r"\$[({](last|first)word \$[({]MAKEFILE_LIST[)}][)}]")
_JOBS: Final = lazy_re.compile(r"(?:^|\s)(?:-?[a-zA-Z]*j\s*(\d*)|--jobs(?:[= ]?(\d+))?)")
_PREFIX: Final = lazy_re.compile(r"\.RECIPEPREFIX[ \t]*(:{0,3}=|\+=|\?=)[ \t]*([^\n]?)[^\n]*")
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


def several_jobs(flags: Sequence[str], rules: Mapping[str, Rule]) -> bool:
    """Whether make runs several recipes at the same time. Source: GNU make manual, "Parallel Execution"."""
    jobs = [match for each in flags for match in _JOBS.finditer(each)]
    return bool(jobs) and (jobs[-1][1] or jobs[-1][2]) != "1" and ".NOTPARALLEL" not in rules


def at_the_same_time(lines: list[Line], parts: Sequence[tuple[str, int, int]], rules: Mapping[str, Rule]) -> None:
    """Mark the lines of targets that make runs beside each other: of ``parts``, each a target with where its lines
    begin and end, those of which neither needs the other."""
    some = [each for each in parts if each[2] > each[1]]
    for name, begin, end in some:
        others = [other for other, *_ in some if other != name]
        if any(not _needs(name, other, rules) and not _needs(other, name, rules) for other in others):
            lines[begin:end] = [replace(each, beside=True) for each in lines[begin:end]]


def _needs(name: str, other: str, rules: Mapping[str, Rule]) -> bool:
    """Whether a target needs another one, or may."""
    due, seen = [name], {name}
    while due:
        rule = rules.get(due.pop())
        needs = rule.needs if rule is not None else []
        if other in needs or any("$" in each or "%" in each for each in needs):
            return True
        due += [each for each in needs if each not in seen]
        seen.update(needs)
    return False


def rule_for(name: str, rules: Mapping[str, Rule]) -> tuple[Rule | None, str]:
    """A target's rule, and what its pattern leaves open."""
    rule = rules.get(name)
    if rule is not None:
        return rule, ""
    for pattern, each in rules.items():
        if "%" in pattern:
            match = re.fullmatch(re.escape(pattern).replace("%", "(.+)"), name)
            if match:
                return each, match[1]
    return None, ""


def recipes_by_tabs(text: str) -> str:
    """A Makefile's text with tabs before the lines of recipes, where it has another sign stand there. Source: GNU make
    manual, "Other Special Variables" (``.RECIPEPREFIX``)."""
    if ".RECIPEPREFIX" not in text:
        return text
    sign, lines = "\t", []
    for line in text.split("\n"):
        if said := _PREFIX.fullmatch(line.strip()):
            # What is added stands behind a blank.
            sign = " " if said[1] == "+=" else said[2] or "\t"
            lines.append("")
        elif line.startswith(sign):
            lines.append("\t" + line[1:])
        else:
            lines.append(line.lstrip("\t"))
    return "\n".join(lines)


def logical(text: str) -> Iterator[tuple[str, int]]:
    """Lines with their continuations, each with the number of its first one."""
    held, first = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        first = first if held else number
        whole = held + line
        if line.endswith("\\"):
            held = whole + "\n" if whole.startswith("\t") else whole[:-1] + " "
            continue
        yield whole, first
        held = ""
    if held:
        yield held, first
