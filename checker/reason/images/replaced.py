"""What programs put into a task definition's text as its image: jq's and yq's assignments, sed's substitutions.

Source: jq manual, "Assignment", "String interpolation", "Invoking jq"; GNU sed manual, "The s Command".
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.pipeline.scripts import Command
from checker.model.possible import Possible, joined, open_text, options, shown
from checker.model.values import Hole, Text, Unknown, pieces, text

CHANGERS: Final = frozenset({"jq", "gojq", "yq", "sed", "perl", "envsubst", "gomplate", "awk", "node", "ruby"})
_FILTERS: Final = frozenset({"jq", "gojq", "yq"})
_EDITORS: Final = frozenset({"sed", "gsed", "perl"})

# What stands for a hole while a text is searched: Unicode's private use area, 6,400 letters that no text has.
_FIRST: Final = 0xE000
_STANDS: Final = lazy_re.compile("([\ue000-\uf8ff])")


class Replaced(Struct, frozen=True):
    """An image that is put into a container: the one of this name or at this position, where it says which; ``others``:
    into all but that one."""

    image: Possible
    container: str | int | None = None
    others: bool = False


def marked(value: str | Text) -> tuple[str, Sequence[Hole]] | None:
    """A text with a letter for each hole, and the holes; ``None`` where there are too many of them."""
    plain = [part for part in pieces(value) if isinstance(part, str)]
    holes = [part for part in pieces(value) if isinstance(part, Hole)]
    if len(holes) > 6_400 or any(map(_STANDS.search, plain)):
        return None
    numbers = iter(range(len(holes)))
    return "".join(part if isinstance(part, str) else chr(_FIRST + next(numbers)) for part in pieces(value)), holes


def unmarked(value: str, holes: Sequence[Hole]) -> str | Text:
    """The text with its holes again."""
    return text([holes[ord(part) - _FIRST] if at % 2 else part for at, part in enumerate(_STANDS.split(value))])


def set_by(command: Command) -> Iterator[Replaced]:
    """What a program sets images to; an unknown one where it speaks of images and does not say."""
    if command.program in _FILTERS:
        yield from _assigned(command)
        return
    written = command.text()
    if not re.search(r"image|:latest|IMAGE|__TAG__|\.tag", written) and command.program != "envsubst":
        return
    known = False
    for word in (*command.words[1:], *command.environment.values()):
        for option in options(word) or ():
            if isinstance(option, Text):
                known = True
                edits = list(_substituted(option)) if command.program in _EDITORS else []
                yield from map(Replaced, edits or [_value_of(option)])
            elif isinstance(option, str) and re.search(r"\S:[\w.-]+$", option) and "image" not in option:
                known = True
                yield Replaced(option)
    if not known:
        yield Replaced(Unknown("what it sets the image to"))


def _value_of(option: Text) -> str | Text:
    """The value of a word such as ``--tag=VALUE``."""
    first, *rest = pieces(option)
    name, sign, value = first.partition("=") if isinstance(first, str) else ("", "", "")
    return text([value, *rest]) if sign and re.fullmatch(r"-*\w[\w-]*", name) else option


_EDIT: Final = lazy_re.compile(r"(?:^|[;\s])(?:[^;]*?[\s}/])?s([|/#@,~!%+^])")


def _substituted(option: Text) -> Iterator[str | Text]:
    """The replacements that substitutions make: quotes around the value and what is kept of the text go."""
    found = marked(option)
    if found is None:
        return
    line, holes = found
    for edit in _EDIT.finditer(line):
        sides = re.split(rf"(?<!\\){re.escape(edit[1])}", line[edit.end() :], maxsplit=2)
        if len(sides) > 1 and _STANDS.search(sides[1]):
            put = re.sub(r'\\\d|\\?["\',]|[\s}&]|\$\{?\d\}?', "", re.sub(r'^.*image\\?"?\s*:\s*', "", sides[1]))
            yield unmarked(put, holes)


# -- jq and yq ---------------------------------------------------------------------------------------

_SETS: Final = lazy_re.compile(
    r'(?:\.image|\["image"\])\s*\)?\s*\|?=(?!=)|"?\bimage"?\s*:(?!\s*\.image\b)|"image"\s*\]\s*[;,]'
)
_AT_END: Final = lazy_re.compile(r"\b(?:else|elif|end|then|as|del)\b")
_NOT: Final = lazy_re.compile(r"\s*\|\s*not\b")
_ELSE: Final = lazy_re.compile(r"\belse\b")
_NAMED: Final = lazy_re.compile(r"""\.name\s*([=!]=)\s*(?:\\?"([^"\\]+)\\?"|\$(\w+))""")
_NUMBERED: Final = lazy_re.compile(r"containerDefinitions\s*\.?\[(-?\d+)\]")
_SLICE: Final = lazy_re.compile(r"\[\s*0?\s*:\s*\d+\s*\]")
_VARIABLE: Final = lazy_re.compile(r"\$(?:ENV\.)?(\w+)|\b(?:str)?env\(?\.?(\w+)\)?")


def _assigned(command: Command) -> Iterator[Replaced]:
    """Each assignment to an image in a filter. A filter that assigns none changes no image."""
    given = _arguments(command)
    if any(word in {"-f", "--from-file"} for word in command.words):
        yield Replaced(Unknown("what it sets the image to: its filter stands in a file"))
        return
    for word in command.words[1:]:
        for option in options(word) or ():
            found = marked(option) if isinstance(option, str | Text) else None
            if found is None or not _SETS.search(found[0]):
                continue
            line, holes = found
            for place in _SETS.finditer(line):
                container, others = _container(line, place.start(), given)
                image = _evaluated(_right_side(line[place.end() :]), holes, given)
                if image is not None:
                    yield Replaced(image, container, others)


def _arguments(command: Command) -> Mapping[str, Possible]:
    """The variables of a filter: ``--arg NAME VALUE``, and the environment's."""
    words = command.words
    named = {
        shown(words[index + 1]): words[index + 2]
        for index, word in enumerate(words[:-2])
        if word in {"--arg", "--argjson"}
    }
    return {**command.environment, **named}


def _right_side(line: str) -> str:
    """What is assigned: up to where the assignment ends, outside of texts and brackets."""
    depth, quoted, index = 0, False, 0
    while index < len(line):
        letter = line[index]
        if quoted:
            if letter == "\\" and line[index + 1 : index + 2] == "(":
                end = _closing(line, index + 2)
                index = end
            elif letter == '"':
                quoted = False
        elif letter == '"':
            quoted = True
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
            if depth < 0:
                return line[:index]
        elif depth == 0 and (letter in "|,;" or (letter.isalpha() and _AT_END.match(line, index))):
            return line[:index]
        index += 1
    return line


def _closing(line: str, start: int) -> int:
    """Where the bracket ends that was opened before ``start``."""
    depth = 1
    for index in range(start, len(line)):
        depth += {"(": 1, ")": -1}.get(line[index], 0)
        if depth == 0:
            return index
    return len(line)


def _evaluated(side: str, holes: Sequence[Hole], given: Mapping[str, Possible]) -> Possible | None:
    """The text that an expression makes, of its literals and variables in order; ``None`` where it has neither."""
    parts: list[Possible] = []
    index = 0
    while index < len(side):
        if side[index] == '"' or side.startswith('\\"', index):
            index += 1 if side[index] == '"' else 2
            end, inside = _text_at(side, index, holes, given)
            parts.extend(inside)
            index = end
            continue
        found = _VARIABLE.match(side, index)
        if found is not None:
            sliced = _SLICE.match(side, found.end())
            parts.append(_variable(found[1] or found[2], given, cut=sliced is not None))
            index = found.end()
            continue
        if _STANDS.match(side[index]):
            parts.append(unmarked(side[index], holes))
        index += 1
    return joined(parts) if parts else None


def _text_at(side: str, index: int, holes: Sequence[Hole], given: Mapping[str, Possible]) -> tuple[int, list[Possible]]:
    """The parts of a text that begins here, and where it ends."""
    parts: list[Possible] = []
    start = index
    while index < len(side) and side[index] != '"':
        if side[index] == "\\" and side[index + 1 : index + 2] == "(":
            end = _closing(side, index + 2)
            inner = side[index + 2 : end]
            parts.append(unmarked(side[start:index], holes))
            named = _VARIABLE.search(inner)
            if named is not None:
                parts.append(_variable(named[1] or named[2], given, cut=_SLICE.search(inner) is not None))
            else:
                parts.append(open_text(f"jq's {inner.strip()}"))
            index = start = end + 1
        elif side.startswith('\\"', index):
            break
        else:
            index += 1
    parts.append(unmarked(side[start:index], holes))
    return index + (2 if side.startswith('\\"', index) else 1), parts


def _variable(name: str, given: Mapping[str, Possible], *, cut: bool) -> Possible:
    value = given.get(name, open_text(f"${name}"))
    return open_text(f"{shown(value)}[:n]".replace("[:n]", "[0:7]")) if cut else value


# A filter that only picks and leaves out: of paths, `del` and `pick` of paths, objects of fields, one behind another.
_PATH: Final = r"\.(?:\.?\w+|\.?\"[\w-]+\"|\[-?\d*\]|\[\"[\w-]+\"\]|\?)*+"
_PATHS: Final = rf"{_PATH}\s*(?:,\s*{_PATH}\s*)*+"
_FIELD: Final = rf"(?:\w+|\"[\w-]+\")\s*(?::\s*{_PATH}\s*)?"
_PICK: Final = rf"(?:{_PATH}|(?:del|pick)\(\s*{_PATHS}\)|\{{\s*{_FIELD}(?:,\s*{_FIELD})*+\}})"
_PICKS: Final = lazy_re.compile(rf"\s*{_PICK}\s*(?:\|\s*{_PICK}\s*)*+")
# Options that take words, and how many (jq manual, "Invoking jq"; yq's own help).
_TAKING: Final = {
    "--arg": 2, "--argjson": 2, "--indent": 1, "-L": 1, "-I": 1, "-o": 1, "-p": 1, "--output-format": 1,
    "--input-format": 1,
}  # fmt: skip
# Options that take the filter from a file, or the document from elsewhere.
_ELSEWHERE: Final = lazy_re.compile(
    r"-[A-Za-z]*[fns][A-Za-z]*|--(?:from-file|null-input|slurp|slurpfile|rawfile)(?:=.*)?", re.DOTALL
)


def keeps_all(command: Command) -> bool:
    """Whether a filter surely only picks and leaves out, so that images stay as they are: ``jq '.taskDefinition |
    del(.revision)'`` (jq manual, "Basic filters", "del")."""
    if command.program not in _FILTERS:
        return False
    words = list(command.words[1:])
    filters: list[Possible] = []
    while words:
        word = words.pop(0)
        if not isinstance(word, str):
            filters.append(word)
        elif _ELSEWHERE.fullmatch(word):
            return False
        elif word.startswith("-"):
            del words[: _TAKING.get(word, 0)]
        elif not (command.program == "yq" and not filters and word in {"e", "eval"}):
            filters.append(word)
    asked = filters[0] if filters else None
    return isinstance(asked, str) and _PICKS.fullmatch(asked) is not None


def _container(line: str, end: int, given: Mapping[str, Possible]) -> tuple[str | int | None, bool]:
    """Which container an assignment at ``end`` is about, where the filter names one just before; and whether it is
    about all the others: behind ``!=``, ``| not``, or the ``else`` of the question."""
    before = line[:end]
    named = list(_NAMED.finditer(before))
    if named:
        name = given.get(named[-1][3]) if named[-1][3] else named[-1][2]
        between = before[named[-1].end() :]
        turned = (named[-1][1] == "!=") ^ bool(_NOT.match(between)) ^ bool(_ELSE.search(between))
        known = isinstance(name, str) and not _STANDS.search(name)
        return (name, turned) if known and isinstance(name, str) else (None, False)
    numbered = list(_NUMBERED.finditer(before))
    return (int(numbered[-1][1]) if numbered else None), False


# A word that names a file, by its ending; a filter of jq's begins with a full stop, and has signs that no path has.
_FILE: Final = lazy_re.compile(r"(?:file://)?((?!\.\w)[\w@%+:,./${}<>-]*[\w}>]\.[A-Za-z]\w*)")


def of_file(changers: Sequence[Command], file: str, before: Sequence[Command]) -> list[Command]:
    """The programs whose output a file may be: those that name it, or one that it was made of, and those that name
    no file at all."""
    known = {_plain_path(file)}
    for command in reversed(before):  # `jq ... > a.json`, `mv a.json b.json`
        named = _files(command)
        if not known.isdisjoint(named):
            known |= named
    return [each for each in changers if not (named := _files(each)) or not known.isdisjoint(named)]


def _files(command: Command) -> set[str]:
    words = [*command.words, *(each.target for each in command.writes if not each.operator.startswith("<<"))]
    return {_plain_path(found[1]) for word in words if (found := _FILE.fullmatch(shown(word))) is not None}


def _plain_path(file: str) -> str:
    return posixpath.normpath(file)
