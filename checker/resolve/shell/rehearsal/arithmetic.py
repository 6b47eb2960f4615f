"""Arithmetic of the shell over whole numbers: what ``$(( ))``, ``(( ))`` and ``let`` are, and what they set.

Source: Bash Reference Manual, "Shell Arithmetic", "Bash Conditional Expressions" (between ``[[`` and ``]]`` both sides
of ``-eq`` are expressions; ``test`` ends with 2 where one of them is no number, as bash and dash do).
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from checker import lazy_re
from checker.model.answers import Answer, yes_if
from checker.model.possible import Possible
from checker.resolve.shell.state import UNTOLD, State
from checker.resolve.shell.variables.scopes import NOUNSET, meant

_STEP: Final = lazy_re.compile(r"^(?:(\+\+|--)\s*([A-Za-z_]\w*)|([A-Za-z_]\w*)\s*(\+\+|--))$")
_SETS: Final = lazy_re.compile(r"^([A-Za-z_]\w*)\s*([-+*/%]?)=(?!=)\s*(.+)$", re.DOTALL)
_NAME: Final = lazy_re.compile(r"\$?\{?(#?[A-Za-z_?]\w*)(?:\[[@*]\])?\}?|\$\{?(\d|#)\}?")
# A number that is no decimal one: with zeros in front it is octal.
_NO_DECIMAL: Final = lazy_re.compile(r"-?0\d")
# Turned, and then compared: Python compares first.
_TURNED: Final = lazy_re.compile(r"!(?!=)[^()&|]*[<>=]")
_WHOLE: Final = lazy_re.compile(r"\s*[-+]?\d+\s*")
_CHANGES: Final = lazy_re.compile(r"\+\+|--|(?<![=!<>])=(?!=)|<<=|>>=|,")
_CHOSEN: Final = lazy_re.compile(r"([^?:]+)(?<!\$)\?([^?:]+):([^?:]+)")  # one thing or another
_OF_NUMBERS: Final = lazy_re.compile(r"\$\(\(([\d\s+*/%()-]+)\)\)")
_MAX_LENGTH: Final = 200
# What the AWS CLI and jq print where there is nothing: nobody calls a variable so, and one that is not set is 0.
_NOTHING: Final = frozenset({"None", "null"})
_ON_NUMBERS: Final = frozenset({"-eq", "-ne", "-lt", "-le", "-gt", "-ge"})
_BINARY_SIGNS: Final = frozenset({*_ON_NUMBERS, "=", "==", "!="})
_FALSE: Final[tuple[Possible, ...]] = ("-n", "")
_LARGEST: Final = 2**63


def _truncated(left: int, right: int) -> int:
    """A quotient without its fraction, as C divides."""
    return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)


_Two = Callable[[int, int], int]
_BINARY: Final[Mapping[type[ast.operator], _Two]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: _truncated,
    ast.Mod: lambda left, right: left - right * _truncated(left, right),
}
COMPARED: Final[Mapping[type[ast.cmpop], Callable[[int, int], bool]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def calculated(source: str, state: State) -> int | None:
    """The value of an expression, with what it sets put into ``state``; ``None`` where that cannot be told."""
    text = source.strip().strip("\"'").strip()
    if len(text) > _MAX_LENGTH:
        return None
    if (step := _STEP.match(text)) is not None:
        name, sign = step[2] or step[3], step[1] or step[4]
        before = _number(name, state)
        after = None if before is None else before + (1 if sign == "++" else -1)
        _put(name, after, state)
        return after if step[1] else before
    if (sets := _SETS.match(text)) is not None:
        name, sign, rest = sets.groups()
        value = _value(f"({name}){sign}({rest})" if sign else rest, state)
        _put(name, value, state)
        return value
    return _value(text, state)


def sum_of_numbers(source: str, state: State) -> str:
    """What ``$((2 * 3600))`` is; empty where a name stands in it, which may hold another number in a loop's next round,
    or it is too long, or none."""
    written = _OF_NUMBERS.fullmatch(source) if len(source) <= _MAX_LENGTH else None
    value = _value(written[1], state) if written is not None else None
    return "" if value is None else str(value)


def holds(source: str, state: State) -> Answer:
    """Whether ``(( ))`` succeeds: its value is not 0, so ``((n++))`` fails where ``n`` is 0 before. What it sets is
    not kept."""
    return holds_last([source] if source else [], state)


def holds_last(sources: Sequence[str], state: State) -> Answer:
    """Likewise of ``let``: the value of its last expression is not 0."""
    return let(sources, state.fork())


def let(sources: Sequence[str], state: State) -> Answer:
    """Whether ``let`` succeeds, with what it sets put into ``state``."""
    number: int | None = None
    for each in sources:
        number = calculated(each, state)
    return UNTOLD if number is None else yes_if(number != 0)


def with_numbers(words: Sequence[Possible], state: State, *, double: bool = False) -> list[Possible]:
    """The words of a test, with what it compares as numbers worked out: an expression between ``[[`` and ``]]``; words
    that do not hold where ``[`` ends with an error, whatever else it asks."""
    found = list(words)
    if not double and len(found) == 2 and found[0] in _BINARY_SIGNS:
        return [*_FALSE]  # `[ $empty != 0 ]`: one side is not there
    for index in range(1, len(found) - 1):
        if found[index] not in _ON_NUMBERS:
            continue
        for at in (index - 1, index + 1):
            said = found[at]
            number = as_number(said, state) if double and isinstance(said, str) else None
            if number is not None:
                found[at] = str(number)
            elif not double and isinstance(said, str) and not _WHOLE.fullmatch(said):
                return [*_FALSE]
    return found


def as_number(said: str, state: State) -> int | None:
    """What a word comes to as an expression that sets nothing; nothing is 0."""
    return None if _CHANGES.search(said) or len(said) > _MAX_LENGTH else _value(said, state) if said.strip() else 0


def _put(name: str, value: int | None, state: State) -> None:
    if value is None:
        state.variables.pop(name, None)
    else:
        state.set(name, str(value))


def _number(name: str, state: State) -> int | None:
    if name == "#" or name.isdigit():
        given = state.positional
        if given is None or name in {"0", "#"}:
            return None if given is None or name == "0" else len(given)
        return _whole(given[int(name) - 1] if int(name) <= len(given) else "")
    held = state.variables.get(meant(name.removeprefix("#"), state.variables))
    if name.startswith("#"):
        return len(held) if isinstance(held, tuple) else None
    named = name if held is None else held
    if isinstance(named, str) and named in _NOTHING and named not in state.variables:
        return None if NOUNSET in state.variables else 0
    return _whole(held)


def _whole(held: object) -> int | None:
    if held == "":
        return 0
    plain = isinstance(held, str) and re.fullmatch(r"-?\d{1,18}", held) and not _NO_DECIMAL.match(held)
    return int(held) if isinstance(held, str) and plain else None


def _value(text: str, state: State) -> int | None:
    chosen = _CHOSEN.fullmatch(text)
    if chosen is not None:
        asked = _value(chosen[1], state)
        return None if asked is None else _value(chosen[2] if asked else chosen[3], state)
    unknown = False

    def put(match: re.Match[str]) -> str:
        nonlocal unknown
        number = _number(match[1] or match[2], state)
        # `(( $empty != 0 ))` is an error: there is nothing in its place.
        unknown = unknown or number is None or (match[0][0] == "$" and state.variables.get(match[1] or "") == "")
        return str(number)

    if _TURNED.search(text):
        return None
    plain = _NAME.sub(put, text)
    plain = plain.replace("&&", " and ").replace("||", " or ").replace("/", "//")
    plain = re.sub(r"!(?!=)", " not ", plain)
    if unknown:
        return None
    try:
        found = _evaluated(ast.parse(plain.strip(), mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError, RecursionError, MemoryError):
        return None
    return found if abs(found) < _LARGEST else None


def _evaluated(node: ast.expr) -> int:
    match node:
        case ast.Constant(value=int() as number):
            return number
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _BINARY:
            return _BINARY[type(sign)](_evaluated(left), _evaluated(right))
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return int(not _evaluated(inner))
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_evaluated(inner)
        case ast.BoolOp(op=sign, values=values):
            answers = [bool(_evaluated(value)) for value in values]
            return int(all(answers) if isinstance(sign, ast.And) else any(answers))
        case ast.Compare(left=left, ops=[sign], comparators=[right]):
            return int(COMPARED[type(sign)](_evaluated(left), _evaluated(right)))
    raise ValueError
