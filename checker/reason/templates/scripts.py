"""What a script that stands in a template assigns: a function's own code, what an instance does at its first start.

It is read line by line and by words, not run: ``export NAME=value``, ``NAME=value command``, ``-e NAME=value``. Open
parts stay in what is assigned, so that it shows where a parameter is written out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from checker.model.secrets.values import is_secret_name, looks_secret, plain_secret
from checker.model.values import Expression, Hole, Parameter, Text, pieces, text

_FIRST_MARK: Final = 0xF0000  # private use: stands for hole 0, the next one for hole 1, ...
_MOST_HOLES: Final = 0xFFFD
_VALUE: Final = r"(?P<quote>['\"]?)(?P<value>[^'\"\s$`{}()]+)(?P=quote)"
_LINE: Final = re.compile(
    rf"^[ \t]*(?:(?:export|const|let|var)[ \t]+)?(?P<name>[A-Za-z_]\w*)[ \t]*=[ \t]*{_VALUE}[ \t]*;?[ \t]*$",
    re.MULTILINE,
)
# Before a command, as its option, in what is written to a file. What it assigns is only looked at, so that the one in
# `Environment=NAME=value` is found too; and no further than a secret is long, for in `a=a=a=…` there is one at each.
_WORD: Final = re.compile(
    rf"(?:^|(?<=[\s'\"=;&|]))-{{0,2}}(?P<name>[A-Za-z_][\w-]*)=(?={_VALUE.replace('+)', '{1,512})')}(?:[\s'\";&|>]|$))",
    re.MULTILINE,
)
_RESOLVED: Final = re.compile(r"\{\{resolve:[^{}]{1,1024}\}\}")


def assignments(script: str | Text, *, program: bool) -> Iterator[tuple[str, str | Text]]:
    """Names and what they are given, with an empty name where a secret is written out under none.

    ``program``: it is one, in which a word without quotes is another name; to a shell it is text.
    """
    marked, holes = marked_text(script)
    seen: set[int] = set()
    for found in _LINE.finditer(marked):
        if found["quote"] or not program:
            value = restored(found["value"], holes)
            if is_secret_name(found["name"]) or not _cannot_be_evaluated(value):
                seen.add(found.start("name"))
                yield found["name"], value
    for found in () if program else _WORD.finditer(marked):
        value = restored(found["value"], holes)
        secret = is_secret_name(found["name"]) or (isinstance(value, str) and looks_secret(found["name"], value))
        if secret and found.start("name") not in seen:
            yield found["name"], value
    for reference in _RESOLVED.finditer(marked):
        if plain_secret(reference[0]) is not None:
            yield "", restored(reference[0], holes)
    # A script that is given as a whole may write out anything, or nothing: it says nothing of the parameter.
    for hole in dict.fromkeys(holes) if marked.strip() != chr(_FIRST_MARK) else ():
        if isinstance(hole, Parameter):
            yield "", text([hole])


def marked_text(script: str | Text) -> tuple[str, list[Hole]]:
    """The script as one string with a mark for each open part, and what the marks stand for."""
    holes: list[Hole] = []
    written: list[str] = []
    for part in pieces(script):
        if isinstance(part, str):
            written.append("".join(" " if ord(each) >= _FIRST_MARK else each for each in part))
        elif len(holes) < _MOST_HOLES:
            written.append(chr(_FIRST_MARK + len(holes)))
            holes.append(part)
    return "".join(written), holes


def restored(marked: str, holes: list[Hole]) -> str | Text:
    return text([holes[ord(each) - _FIRST_MARK] if ord(each) >= _FIRST_MARK else each for each in marked])


def _cannot_be_evaluated(value: str | Text) -> bool:
    return isinstance(value, Text) and any(isinstance(hole, Expression) for hole in value.holes)
