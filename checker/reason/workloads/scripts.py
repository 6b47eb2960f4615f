"""What a script that stands in a template assigns: a function's own code, what an instance does at its first start.

It is read line by line and by words, not run: ``export NAME=value``, ``NAME=value command``, ``-e NAME=value``. Open
parts stay in what is assigned, so that it shows where a parameter is written out. And where a secret is given as
options, configuration files and programs give one: ``--password value``, ``password: value``, ``password='value'``.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from typing import Final

from checker import lazy_re
from checker.model.secrets.commands import secret_words, spans_of_arguments
from checker.model.secrets.formats import format_of_secret
from checker.model.secrets.values import is_secret_name, looks_secret, plain_secret
from checker.model.values import Expression, Hole, Known, Parameter, Resolved, Text, Value, pieces, text

_FIRST_MARK: Final = 0xF0000  # private use: stands for hole 0, the next one for hole 1, ...
_MOST_HOLES: Final = 0xFFFD
_VALUE: Final = r"(?P<quote>['\"]?)(?P<value>[^'\"\s$`{}()]+)(?P=quote)"
_LINE: Final = lazy_re.compile(
    rf"^[ \t]*(?:(?:export|const|let|var)[ \t]+)?(?P<name>[A-Za-z_]\w*)[ \t]*=[ \t]*{_VALUE}[ \t]*;?[ \t]*$",
    re.MULTILINE,
)
# Before a command, as its option, in what is written to a file. What it assigns is only looked at, so that the one in
# `Environment=NAME=value` is found too; and no further than a secret is long, for in `a=a=a=…` there is one at each.
_SHORT_VALUE: Final = _VALUE.replace("+)", "{1,512})")
_WORD: Final = lazy_re.compile(
    rf"(?:^|(?<=[\s'\"=;&|]))-{{0,2}}(?P<name>[A-Za-z_][\w.-]*)=(?={_SHORT_VALUE}(?:[\s'\";&|>]|$))", re.MULTILINE
)
_LITERAL: Final = r"[^'\"\s$`{}()<>]{2,512}"
_OPTION: Final = lazy_re.compile(
    rf"(?:^|(?<=[\s'\"]))--?(?P<name>[A-Za-z][\w-]{{1,63}})[ \t]+(?P<quote>['\"]?)(?P<value>(?!-){_LITERAL})(?P=quote)",
    re.MULTILINE,
)
# In a list or a table of a program, as an argument of a call, in JSON: the value stands in quotes.
_EQUALS: Final = lazy_re.compile(r"-{0,2}([A-Za-z][\w.-]*)=(\S+)")
_QUOTED: Final = lazy_re.compile(
    rf"""(?<![\w.-])(?P<name>[A-Za-z_][\w.-]{{1,63}})["']?[ \t]{{0,9}}[:=][ \t]{{0,9}}"""
    rf"""(?P<quote>["'])(?P<value>{_LITERAL})(?P=quote)"""
)
_KEYED: Final = lazy_re.compile(
    rf"^[ \t]*(?:-[ \t]+)?(?P<name>[A-Za-z_][\w.-]{{1,63}}):[ \t]+(?P<quote>)(?P<value>{_LITERAL})[ \t]*$", re.MULTILINE
)
# A header that a command sends.
_HEADER: Final = lazy_re.compile(rf"""['"](?P<name>[A-Za-z][\w-]{{1,63}}):[ ]?(?P<value>{_LITERAL})['"]""")
# Nothing but letters: a type, a field's name, a word of a message. No program is given such a password.
_WORDS: Final = lazy_re.compile(r"[A-Za-z]+(?:[_.-][A-Za-z]+)*")
_LONGEST: Final = 65_536
_RESOLVED: Final = lazy_re.compile(r"\{\{resolve:[^{}]{1,1024}\}\}")


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
    yield from secrets_in(marked)
    # A key by its form is a secret whatever it is given to; in a program it may be put together around a quote.
    for line in () if program else marked[:_LONGEST].splitlines():
        if format_of_secret("".join("*" if ord(each) >= _FIRST_MARK else each for each in line)) is not None:
            yield "", restored(line, holes)
    for reference in _RESOLVED.finditer(marked):
        if plain_secret(reference[0]) is not None:
            yield "", restored(reference[0], holes)
    # A script that is given as a whole may write out anything, or nothing: it says nothing of the parameter.
    for hole in dict.fromkeys(holes) if marked.strip() != chr(_FIRST_MARK) else ():
        if isinstance(hole, Parameter):
            yield "", text([hole])


def secrets_in(written: str) -> Iterator[tuple[str, str]]:
    """Names under which a text gives a secret as a literal, in other forms than a shell's assignments; and it."""
    for form in (_OPTION, _QUOTED, _KEYED, _HEADER):
        for found in form.finditer(written[:_LONGEST]):
            name, value = found["name"], found["value"]
            plain = all(ord(each) < _FIRST_MARK for each in value) and not _WORDS.fullmatch(value)
            if plain and looks_secret(name, value):
                yield name, value
    for start, end in spans_of_arguments(written[:_LONGEST]):
        if all(ord(each) < _FIRST_MARK for each in written[start:end]):
            yield "password", written[start:end]


# AWS CodeBuild User Guide, "Build specification reference": what stands below these keys names secrets.
_NAMED_SECRETS: Final = lazy_re.compile(
    r"^([ \t]*)(?:parameter-store|secrets-manager):[ \t]*\n(?:\1[ \t]+\S[^\n]*(?:\n|\Z))*", re.MULTILINE
)


def without_references(specification: str | Text) -> str | Text:
    """A build specification without the variables whose values are names of secrets in a store."""
    marked, holes = marked_text(specification)
    return restored(_NAMED_SECRETS.sub("", marked[:_LONGEST]), holes)


def secret_inside(written: str) -> str:
    """The name under which a longer text gives a secret as a literal; empty where it gives none."""
    if not re.search(r"\s", written.strip()):
        return ""
    for found in _WORD.finditer(written[:_LONGEST]):
        if looks_secret(found["name"], found["value"]):
            return found["name"]
    return next((name for name, _ in secrets_in(written)), "")


def arguments(place: str, words: Sequence[Resolved]) -> Iterator[tuple[str, Resolved, int]]:
    """What the words of a command line tell, each with its place: ``--name=value`` and ``--name value`` where that is
    a secret tell what a variable of that name would, and so does a word that is one by its place (``redis-cli -a``);
    any other word is of the command itself."""
    before = ""
    by_place = {each for each in secret_words(words) if not re.search(r"\s", str(words[each]))}
    for position, word in enumerate(words):
        match = _EQUALS.fullmatch(word) if isinstance(word, str) else None
        if match:
            yield match[1], match[2], position
        elif isinstance(word, str) and before.startswith("-") and looks_secret(before.lstrip("-"), word):
            yield before.lstrip("-"), word, position
        elif position in by_place:
            yield "password", word, position
        else:
            yield place, word, position
        before = word if isinstance(word, str) else ""


def init_script(metadata: Value) -> str | Text:
    """What ``cfn-init`` runs and writes, as one script (AWS CloudFormation User Guide, "AWS::CloudFormation::Init")."""
    parts: list[str | Hole] = []
    whole = metadata.value if isinstance(metadata, Known) and isinstance(metadata.value, dict) else {}
    written = whole.get("AWS::CloudFormation::Init")
    for config in written.values() if isinstance(written, dict) else ():
        for section, key in (("files", "content"), ("commands", "command")):
            entries = config.get(section) if isinstance(config, dict) else None
            for entry in entries.values() if isinstance(entries, dict) else ():
                said = entry.get(key) if isinstance(entry, dict) else None
                for word in said if isinstance(said, list) else [said]:
                    parts += [*pieces(word), " "] if isinstance(word, str | Text) else []
                given = entry.get("env") if isinstance(entry, dict) else None
                for name, value in given.items() if isinstance(given, dict) else ():
                    parts += ["\n", name, "=", *pieces(value)] if isinstance(value, str | Text) else []
                parts.append("\n")
    return text(parts)


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


def plain_script(script: str) -> str | None:
    """User data as it is written, or what it says where it is given in Base64; ``None`` where that is no text.

    Source: Amazon EC2 API Reference, RunInstances (``UserData`` is Base64; in a template somebody may have encoded it
    beforehand); cloud-init documentation, "User data formats" (it may be packed by gzip).
    """
    if re.search(r"\s", script.strip()) or len(script) < _SHORTEST:
        return script
    try:
        packed = base64.b64decode(script, validate=True)
    except ValueError:
        return script
    try:
        return packed.decode()
    except ValueError:
        return None


_SHORTEST: Final = 8
