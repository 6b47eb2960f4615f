"""What the operators of an expansion make of a value: ``${name%pattern}``, ``${name/old/new}``, ``${name:1:2}``.

Source: Bash Reference Manual, "Shell Parameter Expansion", "Pattern Matching".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import Final, TypeAlias

from checker import lazy_re
from checker.model.pipeline.shell import Literal, Part, Variable
from checker.model.possible import Possible, Scalar, joined, mapped, open_text
from checker.model.values import Answered, Text, Unknown, text
from checker.resolve.shell.state import State, Stored

# What an operator makes of a text; ``None`` where only the run tells.
Change: TypeAlias = "Callable[[str], str | None]"
# Signs, each with whether it stands for itself.
_Signs: TypeAlias = "list[tuple[str, bool]]"
_MAX_STARS: Final = 2  # more of them take long against a long text
_MAX_LENGTH: Final = 5_000
_SLASH: Final = Literal("/", quoted=False)
_CASES: Final[dict[str, Change]] = {
    ",,": str.lower,
    "^^": str.upper,
    "L": str.lower,
    "U": str.upper,
    ",": lambda value: value[:1].lower() + value[1:],
    "^": lambda value: value[:1].upper() + value[1:],
    "u": lambda value: value[:1].upper() + value[1:],
}
_WITH_ARGUMENT: Final = frozenset({"#", "##", "%", "%%", "/", "//", ":"})
# What GitHub gives to every run, and never empty: GitHub documentation, "Contexts reference", "Variables reference".
_GIVEN: Final = lazy_re.compile(
    r"(?i)\$\{(?:\{ github\.|GITHUB_)(?:sha|ref|ref_name|run_id|run_number|run_attempt|actor|repository)(?: \})?\}"
)
_PART: Final = lazy_re.compile(r"\s*(-?\d{1,9})\s*(?::\s*(-?\d{1,9})\s*)?")
_BRACES: Final = lazy_re.compile(r"^(.*?)\{([^{}]*(?:,|\.\.)[^{}]*)\}(.*)$", re.DOTALL)


def may_be_empty(value: Scalar) -> bool:
    """Whether an open value may be nothing, so that a default takes its place."""
    hole = value.only_hole if isinstance(value, Text) else None
    return hole is not None and _GIVEN.fullmatch(hole.shown) is None


def changing(part: Variable, value_of: Callable[[Part], Possible]) -> Change:
    """The change that an operator is. ``value_of``: what a part of its argument comes to."""
    parts = part.argument.parts if part.argument is not None else ()
    cut = parts.index(_SLASH) if part.operator in {"/", "//"} and _SLASH in parts else len(parts)
    old, new = (_signs(each, value_of) for each in (parts[:cut], parts[cut + 1 :]))
    if old is None or new is None:
        return _untold
    argument = "".join(sign for sign, _ in old)
    match part.operator:
        case "#" | "##":
            return partial(_without_begin, old, longest=part.operator == "##")
        case "%" | "%%":
            return partial(_without_end, old, longest=part.operator == "%%")
        case "/" | "//":
            return partial(_replaced, old, new, everywhere=part.operator == "//")
        case ":":
            return partial(_between, _PART.fullmatch(argument))
        case "@":
            return _CASES.get(argument, _untold)
    return _untold if argument else _CASES.get(part.operator, _untold)


def _untold(value: str) -> None:  # noqa: ARG001 - whatever it is
    return None


def _signs(parts: Sequence[Part], value_of: Callable[[Part], Possible]) -> _Signs | None:
    found: _Signs = []
    told = True
    for each in parts:
        value = value_of(each)  # of each: what a substitution runs is followed all the same
        quoted = not isinstance(each, Literal | Variable) or each.quoted
        told = told and isinstance(value, str)
        found += [(sign, quoted) for sign in value] if isinstance(value, str) else []
    return found if told else None


def of_elements(value: tuple[Possible, ...], part: Variable, change: Change, state: State) -> Stored:
    """An operator on all elements: ``${a[@]:1:2}`` takes some of them, others change each."""
    if part.operator == "@":
        return value
    if any(isinstance(each, Unknown) for each in value):
        return Unknown(f"${{{part.name}[@]{part.operator}...}}")
    if part.operator == ":":
        given = change.args[0] if isinstance(change, partial) else None
        if given is None or (given[2] is not None and int(given[2]) < 0):
            return Unknown(f"${{{part.name}[@]:...}}")
        # Arguments are counted from 1, behind the script's own name (Bash Reference Manual, "Parameter Expansion").
        each = (state.zero, *value) if part.name in {"@", "*"} else value
        start = int(given[1]) + (len(each) if int(given[1]) < 0 else 0)
        if start < 0:
            return ()
        return each[start : start + int(given[2])] if given[2] is not None else each[start:]
    return tuple(mapped(each, lambda scalar: transformed(scalar, change, part, state)) for each in value)


def in_one(values: tuple[Possible, ...], part: Variable, state: State) -> Possible:
    """``"$*"``, ``"${a[*]}"``: one word, with the first sign of ``IFS`` between."""
    between = state.variables.get("IFS", " ")
    if not isinstance(between, str):
        return derived(part, state)
    found = [each for value in values for each in (between[:1], value)][1:]
    return joined(found) if found else ""


_BLANKS: Final = " \t\n"


def fields_by(written: str, signs: object) -> list[str]:
    """A text's fields by ``IFS``: blanks among its signs go together, any other ends a field (Bash Reference Manual,
    "Word Splitting"). One that is not known is taken for the usual one."""
    signs = signs if isinstance(signs, str) else _BLANKS
    blanks = "".join(sign for sign in _BLANKS if sign in signs)
    others = re.escape("".join(sign for sign in signs if sign not in _BLANKS))
    around = f"[{blanks}]*" if blanks else ""
    ends = [f"{around}[{others}]{around}"] if others else []
    ends += [f"[{blanks}]+"] if blanks else []
    return re.split("|".join(ends), written) if ends else [written]


def braces(value: str, most: int) -> list[Possible]:
    """The words that ``a{b,c}`` and ``{1..3}`` become, ``most`` of them."""
    match = _BRACES.match(value)
    if match is None:
        return [value]
    before, inside, after = match.groups()
    span = re.fullmatch(r"(-?\d+)\.\.(-?\d+)", inside)
    if span:
        low, high = int(span[1]), int(span[2])
        numbers = range(low, high + 1) if low <= high else range(low, high - 1, -1)
        middles = [str(number) for number in numbers[:most]]
    elif "," in inside:
        middles = inside.split(",")
    else:
        return [value]
    made = (each for middle in middles for each in braces(f"{before}{middle}{after}", most))
    return list(islice(made, most))


def derived(part: Variable, state: State, value: Scalar = None) -> Text:
    """What is made of a variable; it comes from where the variable does."""
    operator = part.operator if part.operator != "length" else ""
    if operator == "@" and part.argument is not None:  # which of the changes tells whether a shell reads it as a text
        operator += "".join(each.text for each in part.argument.parts if isinstance(each, Literal))[:1]
    shown_as = f"${{{part.name}{operator}...}}"
    for hole in value.holes if isinstance(value, Text) else ():
        if isinstance(hole, Answered):
            return open_text(shown_as, number=hole.number, call=hole.call)
    return open_text(shown_as, state.script.file)


def transformed(value: Scalar, change: Change, part: Variable, state: State) -> Possible:
    made: Possible = change(value) if isinstance(value, str) and len(value) <= _MAX_LENGTH else None
    made = _of_open(value, change) if isinstance(value, Text) else made
    return derived(part, state, value) if made is None else made


def _of_open(value: Text, change: Change) -> Possible:
    """What is left of a text before, or behind, the first sign that stands in its known beginning: ``${pair%%=*}``,
    ``${pair#*=}``; ``None`` of any other change."""
    head = value.parts[0]
    if not isinstance(change, partial) or not isinstance(head, str):
        return None
    begins, longest = change.func is _without_begin, change.keywords.get("longest")
    if (begins and longest) or (change.func is _without_end and not longest) or not change.args:
        return None
    star, signs = (change.args[0][:1], change.args[0][1:]) if begins else (change.args[0][-1:], change.args[0][:-1])
    sought = "".join(sign for sign, _ in signs)
    known = star == [("*", False)] and all(quoted or sign not in "*?[+@!(" for sign, quoted in signs)
    if change.func not in (_without_begin, _without_end) or not known or not sought or sought not in head:
        return None
    before, _, behind = head.partition(sought)
    return text([behind, *value.parts[1:]]) if begins else before


# --- changes --------------------------------------------------------------------------------------------------------


def _between(given: re.Match[str] | None, value: str) -> str | None:
    """``${name:start:length}``: a negative start counts from the end, as a negative length does."""
    if given is None:
        return None
    start = int(given[1])
    if start < 0:
        start += len(value)
        if start < 0:
            return ""
    if given[2] is None:
        return value[start:]
    length = int(given[2])
    end = start + length if length >= 0 else len(value) + length
    return value[start:end] if end >= start else None


def _without_begin(pattern: _Signs, value: str, *, longest: bool) -> str | None:
    asked = _expression(pattern)
    if asked is None:
        return None
    lengths = range(len(value), -1, -1) if longest else range(len(value) + 1)
    return next((value[cut:] for cut in lengths if asked.fullmatch(value, 0, cut)), value)


def _without_end(pattern: _Signs, value: str, *, longest: bool) -> str | None:
    asked = _expression(pattern)
    if asked is None:
        return None
    starts = range(len(value) + 1) if longest else range(len(value), -1, -1)
    return next((value[:cut] for cut in starts if asked.fullmatch(value, cut)), value)


def _replaced(old: _Signs, new: _Signs, value: str, *, everywhere: bool) -> str | None:
    """``${name/old/new}``. A pattern that begins with ``#`` is one of the beginning, with ``%`` one of the end."""
    if ("&", False) in new:  # what was matched, or itself: that hangs on the version of bash
        return None
    text = "".join(sign for sign, _ in new)
    anchor = old[0][0] if old and not everywhere and old[0] in {("#", False), ("%", False)} else ""
    pattern = old[1:] if anchor else old
    if not pattern:
        return {"#": text + value, "%": value + text}.get(anchor, value)
    asked = _expression(pattern)
    if asked is None:
        return None
    if anchor == "#":
        ends = (end for end in range(len(value), -1, -1) if asked.fullmatch(value, 0, end))
        return next((text + value[end:] for end in ends), value)
    if anchor:
        starts = (start for start in range(len(value) + 1) if asked.fullmatch(value, start))
        return next((value[:start] + text for start in starts), value)
    if everywhere and ("*", False) in pattern:
        return None  # what is left of a match may match again
    return asked.sub(lambda _: text, value, count=0 if everywhere else 1) if value else None


def _expression(pattern: _Signs) -> re.Pattern[str] | None:
    """A pattern of the shell as a regular expression."""
    made: list[str] = []
    at = 0
    while at < len(pattern):
        sign, quoted = pattern[at]
        if not quoted and sign in "?*+@!" and pattern[at + 1 : at + 2] == [("(", False)]:
            return None  # a group, where bash is told to look for them
        if quoted or sign not in "*?[":
            made.append(re.escape(sign))
        elif sign != "[":
            made.append(".*" if sign == "*" else ".")
        else:
            found = _one_of(pattern, at)
            if found is None:
                return None
            inside, at = found
            made.append(inside)
        at += 1
    return re.compile("".join(made), re.DOTALL) if made.count(".*") <= _MAX_STARS else None


def _one_of(pattern: _Signs, opening: int) -> tuple[str, int] | None:
    """``[a-z]`` or ``[^a-z]``, with the place where it closes."""
    at = opening + 1
    negated = pattern[at : at + 1] in ([("!", False)], [("^", False)])
    at += negated
    inside: list[str] = []
    while at < len(pattern) and (pattern[at] != ("]", False) or not inside):
        sign, quoted = pattern[at]
        if sign == "[" and not quoted:
            return None  # a class with a name, or a sign that each version takes otherwise
        inside.append("-" if sign == "-" and not quoted else re.escape(sign))
        at += 1
    if at >= len(pattern):
        return None
    written = "".join(inside)
    try:
        re.compile(f"[{written}]")
    except re.error:
        return None
    return f"[{'^' if negated else ''}{written}]", at
