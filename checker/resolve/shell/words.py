"""Expansion of shell words: variables with their operators, arrays, field splitting; and what ``[ ... ]`` decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Certain, Open, alike, either, every, negated, yes_if
from checker.model.pipeline.jobs import WORKSPACE
from checker.model.pipeline.shell import Literal, Opaque, Part, Script, Substitution, Variable, Word
from checker.model.possible import (
    OneOf,
    Possible,
    Scalar,
    as_text,
    joined,
    mapped,
    one_of,
    open_text,
    options,
    shown,
)
from checker.model.values import Hole, Text, Unknown, as_count, pieces, text
from checker.resolve.shell.dialects.patterns import matches
from checker.resolve.shell.lists.keyed import Keyed, element, referred
from checker.resolve.shell.lists.several import Several, one_of_lists
from checker.resolve.shell.rehearsal.arithmetic import sum_of_numbers
from checker.resolve.shell.state import State, Stored
from checker.resolve.shell.syntax_facts import assigned_in
from checker.resolve.shell.variables.operators import (
    braces,
    changing,
    derived,
    fields_by,
    in_one,
    may_be_empty,
    of_elements,
    transformed,
)
from checker.resolve.shell.variables.scopes import Reference, meant
from checker.resolve.shell.variables.search_path import ELSEWHERE

# How a Substitution becomes a value: given by who follows the script.
Capture = Callable[[Substitution], Possible]

_MARK: Final = lazy_re.compile(r"(__gha\d+__)")
_BLANKS: Final = " \t\n"
# A question whose answer ends in an ARN: `--query taskDefinition.taskDefinitionArn`.
_ASKS_ARN: Final = lazy_re.compile(r"\$\(aws [^|&;]*--query[= ]['\"]?[^\s|&;]*[aA]rn['\"]?(?: [^|&;]*)?\)")
_DEFAULTS: Final = frozenset({":-", "-", ":=", "=", ":?", "?", ":+", "+"})
_MAX_FIELDS: Final = 6_000  # more than the rounds of a loop that are gone through


def expand(word: Word, state: State, capture: Capture) -> list[Possible]:
    """The fields that a word becomes."""
    fields: list[list[Possible]] = []
    begun = False  # whether the last field may still grow

    def put(value: Possible) -> None:
        nonlocal begun
        if not begun:
            fields.append([])
            begun = True
        fields[-1].append(value)

    for part in word.parts:
        pieces_of_part, quoted = _part(part, state, capture)
        for index, value in enumerate(pieces_of_part):
            if index:
                begun = False
            if quoted:
                put(value)
                continue
            split = _split(value, state.variables.get("IFS", _BLANKS))
            for each, starts_new in split:
                if starts_new:
                    begun = False
                if each != "":
                    put(each)
        if quoted and not pieces_of_part and len(word.parts) == 1:
            return []
    found = [_whole(field) for field in fields[:_MAX_FIELDS]]
    first = word.parts[0] if len(word.parts) == 1 and not state.dialect else None  # bash alone knows braces
    if isinstance(first, Literal) and not first.quoted:
        return [each for value in found for each in (braces(value, _MAX_FIELDS) if isinstance(value, str) else [value])]
    return found


def _whole(field: list[Possible]) -> Possible:
    """One field out of its pieces. A list of which nobody knows the elements is no part of another word."""
    found = joined(field)
    return Unknown(found.why) if isinstance(found, Several) and len(field) > 1 else found


# What GitHub gives that has no blank in it: https://docs.github.com/en/actions/reference/contexts-reference#github-context
# and, for the variables, https://docs.github.com/en/actions/reference/variables-reference#default-environment-variables
_NO_BLANK: Final = lazy_re.compile(
    r"(?i)\$\{(?:\{ github\.|GITHUB_)(?:sha|ref|ref_name|head_ref|run_id|run_number|run_attempt|actor|repository"
    r"|repository_owner)(?::[\d:]+| \})?\}|\$\{\{ github\.event\.release\.tag_name \}\}"
)


def is_one_word(value: Possible, word: Word) -> bool:
    """Whether a value that a word of a list became is surely one: an open one may hold blanks, unless it is quoted."""
    if isinstance(value, str):
        return True
    if not isinstance(value, Text):
        return False
    quoted = all(
        isinstance(part, Literal) or (isinstance(part, Variable) and part.quoted and not _is_untold_list(part, value))
        for part in word.parts
    )
    return quoted or all(_NO_BLANK.fullmatch(hole.shown) for hole in value.holes)


def _is_untold_list(part: Variable, value: Text) -> bool:
    """Whether a value stands for an array of which nobody knows how long it is (``mapfile -t names < <(...)``)."""
    hole = value.only_hole
    return part.index == "@" and hole is not None and hole.shown in {f"${{{part.name}}}", f"${{{part.name}[@]}}"}


def single(word: Word, state: State, capture: Capture) -> Possible:
    """The one value of a word where no splitting happens: an assignment, a redirection, a test."""
    values: list[Possible] = []
    for part in word.parts:
        found, _ = _part(part, state, capture)
        for index, value in enumerate(found):
            values.extend(([" "] if index else []) + [value])
    return joined(values) if values else ""


def _part(part: Part, state: State, capture: Capture) -> tuple[list[Possible], bool]:
    """The values of a part (several for an array) and whether it is kept from being split."""
    match part:
        case Literal():
            if "__gha" not in part.text:
                return [part.text], True  # literal text is not split: the grammar did that
            split = [piece for piece in _MARK.split(part.text) if piece]
            return [joined(state.marks.get(piece, piece) for piece in split)], part.quoted
        case Substitution():
            return [capture(part)], part.quoted
        case Opaque():
            for each in part.asked:
                capture(each)
            number = sum_of_numbers(part.source, state)
            return [number or open_text(part.source, str(state.script.file))], True
        case Variable():
            for each in part.asked:
                capture(each)
            value = variable(part, state, capture)
            if isinstance(value, tuple) and part.quoted and "*" in {part.name, part.index}:
                return [in_one(value, part, state)], True
            return (list(value) if isinstance(value, tuple) else [value]), part.quoted


def _split(value: Possible, signs: object = _BLANKS) -> list[tuple[Possible, bool]]:
    """Unquoted: fields at blanks, or at the signs of ``IFS``. Each with whether one stands before it."""
    if isinstance(value, OneOf):
        parts = [_split(option, signs) for option in value.options]
        if all(len(part) == 1 for part in parts):
            return [(value, False)]
        several = one_of_lists((tuple(each for each, _ in part) for part in parts), "a text that is split")
        return [(several, False)] if isinstance(several, Unknown) else [(value, False)]
    if isinstance(value, Unknown) or value is None:
        return [] if value is None else [(value, False)]
    found: list[list[str | Hole]] = [[]]
    starts: list[bool] = [False]
    for piece in pieces(as_text(value)):
        if isinstance(piece, Hole):
            found[-1].append(piece)
            continue
        for index, each in enumerate(fields_by(piece, signs)):
            if index:
                found.append([])
                starts.append(True)
            if each:
                found[-1].append(each)
    return [(text(each), new) for each, new in zip(found, starts, strict=True) if each]


def variable(part: Variable, state: State, capture: Capture) -> Stored:
    """The value of ``$name`` with its operator."""
    if part.indirect:
        own = state.variables.get(part.name)
        if isinstance(own, Reference) and not part.index:
            return own.target
        held = (
            state.variables.get(meant(part.name, state.variables)) if part.index in {"@", "*"} else _stored(part, state)
        )
        return referred(part, held, lambda other: variable(other, state, capture))
    value = _stored(part, state)
    operator = part.operator
    if operator == "length":
        array = state.variables.get(meant(part.name, state.variables))
        if isinstance(array, Keyed) and part.index in {"@", "*"}:
            return str(len(array.items))
        if isinstance(value, tuple):
            return str(len(value))
        return str(len(value)) if isinstance(value, str) else derived(part, state)
    if isinstance(value, Several) and operator and operator not in _DEFAULTS:
        return Unknown(value.why)
    if operator in _DEFAULTS:
        return _with_default(part, value, state, capture)
    if not operator:
        nothing = "" if _is_not_set(part.name, state) else open_text(f"${{{part.name}}}")
        return nothing if value is None else value
    change = changing(part, lambda each: single(Word((each,)), state, capture))
    if value is None:  # a part of what nobody knows is not the whole
        return derived(part, state)
    if isinstance(value, tuple):
        return of_elements(value, part, change, state)
    return mapped(value, lambda scalar: transformed(scalar, change, part, state))


def _is_not_set(name: str, state: State) -> bool:
    """Whether a variable that the script sets itself is not set yet, on the way that is gone through. A name that it
    never sets may be given to it by what nobody has looked at, such as the image of a container."""
    known = state.single and state.sealed and "-n" not in state.guessed and not state.may_be_set_outside(name)
    return known and name in _set_by(state.script)


@lru_cache(maxsize=256)
def _set_by(script: Script) -> frozenset[str]:
    return frozenset(assigned_in(script.body))


def _stored(part: Variable, state: State) -> Stored | None:
    """What the name holds; ``None`` where nothing set it."""
    name = meant(part.name, state.variables)
    if name in {"@", "*"}:
        if state.positional is None:
            return Unknown("the arguments are not known")
        return state.positional
    if name == "#":
        return open_text("$#", state.script.file) if state.positional is None else str(len(state.positional))
    if name == "0":
        return state.zero
    if name.isdigit():
        if state.positional is None:
            return open_text(f"${{{name}}}", state.script.file)
        number = as_count(name)
        return state.positional[number - 1] if number and number <= len(state.positional) else None
    if name in {"?", "$", "!", "-", "_"}:
        known = state.variables.get(name)
        return open_text(f"${name}", state.script.file) if known is None else known
    value = state.variables.get(name)
    if name == "PWD" and value is None and state.folder != "":
        return f"{WORKSPACE}/{state.folder}" if state.folder is not None else open_text(ELSEWHERE)
    if name == "BASH_SOURCE" and value is None:
        return state.zero if state.script.lines or not state.script.file else f"{WORKSPACE}/{state.script.file}"
    if isinstance(value, Several):
        if part.index in {"@", "*"}:
            return value
        index = as_count(part.index) if part.index else 0
        if index is None or any(len(way) <= index for way in value.ways):
            return Unknown(f"${{{name}[{part.index or 0}]}}")
        return one_of(way[index] for way in value.ways)
    if isinstance(value, Keyed | tuple):
        if part.index in {"@", "*"}:
            return value.values if isinstance(value, Keyed) else value
        return element(value, part.index or "0", state.variables.get, name)
    return (
        Unknown(f"${{{name}[{part.index}]}}") if value is not None and part.index not in {"", "@", "*", "0"} else value
    )


def _with_default(part: Variable, value: Stored | None, state: State, capture: Capture) -> Stored:
    argument: Possible = single(part.argument, state, capture) if part.argument is not None else ""
    kind, tests_empty = part.operator[-1], part.operator.startswith(":")
    opened = open_text(f"${{{part.name}}}")
    if isinstance(value, tuple):
        filled = bool(value)
        if kind == "+":
            return argument if filled else ""
        return value if filled or kind == "?" else argument
    if value is None:
        outside = state.may_be_set_outside(part.name) and not part.name.isdigit()
        state.guessed.update([] if outside or part.name.isdigit() else [part.name])
        if kind == "+":
            return one_of([argument, ""]) if outside else ""
        if kind == "?":
            return opened
        result = one_of([opened, argument]) if outside else argument
    else:
        result = mapped(value, lambda scalar: _chosen(scalar, kind, tests_empty, argument))
    if kind == "=":
        state.set(part.name, result)
    return result


def _chosen(value: Scalar, kind: str, tests_empty: bool, argument: Possible) -> Possible:
    empty = value in ("", None) and tests_empty
    is_doubtful = tests_empty and may_be_empty(value)
    if kind == "+":
        return one_of([argument, ""]) if is_doubtful else ("" if empty else argument)
    if kind == "?":
        return value
    if empty:
        return argument
    # An open value that the script gives a default for can be empty.
    return one_of([value, argument]) if is_doubtful else value


# --- tests ----------------------------------------------------------------------------------------------------------


def decide(words: Sequence[Possible]) -> Answer:
    """What ``[ words ]`` answers."""
    listed = list(words)
    if "(" in listed:
        return _grouped(listed)
    for operator, together in (("||", either), ("-o", either), ("&&", every), ("-a", every)):
        if operator in listed:
            at = listed.index(operator)
            return together((decide(listed[:at]), decide(listed[at + 1 :])))
    if listed and listed[0] == "!":
        return negated(decide(listed[1:]))
    if len(listed) == 1:
        return _filled(listed[0])
    if len(listed) == 2 and listed[0] in {"-z", "-n"}:
        filled = _filled(listed[1])
        return filled if listed[0] == "-n" else negated(filled)
    if len(listed) == 3 and listed[1] in {"=", "==", "!="}:
        equal = _equal(listed[0], listed[2])
        return equal if listed[1] != "!=" else negated(equal)
    if len(listed) == 3 and isinstance(listed[0], str) and isinstance(listed[2], str):
        return _numbers(listed[0], shown(listed[1]), listed[2])
    return _UNDECIDED


def _grouped(words: list[Possible]) -> Answer:
    """What a test with parentheses answers, as far as these can be no texts that are compared."""
    opening = max(index for index, word in enumerate(words) if word == "(")
    closing = words.index(")", opening) if ")" in words[opening:] else 0
    before, behind = words[:opening], words[closing + 1 :]
    if not closing or before[-1:] not in _BEFORE_GROUP or behind[:1] not in _BEHIND_GROUP:
        return _UNDECIDED
    inner = decide(words[opening + 1 : closing])
    # In its place something that answers the same.
    same_answer = ["-n" if inner is YES else "-z", "true"] if isinstance(inner, Certain) else ["-n", open_text("?")]
    return decide([*before, *same_answer, *behind])


_BEFORE_GROUP: Final[tuple[list[Possible], ...]] = ([], ["("], ["!"], ["&&"], ["||"], ["-a"], ["-o"])
_BEHIND_GROUP: Final[tuple[list[Possible], ...]] = ([], [")"], ["&&"], ["||"], ["-a"], ["-o"])
# Made once: scripts test by the thousand.
_UNDECIDED: Final = Open("what a test answers, which only the run knows")


def _filled(value: Possible) -> Answer:
    return alike(
        (
            _UNDECIDED if isinstance(option, Text) and option.only_hole else yes_if(bool(shown(option)))
            for option in options(value) or ()
        ),
        _UNDECIDED.why,
    )


def _equal(left: Possible, right: Possible) -> Answer:
    one, other = options(left) or (), options(right) or ()
    return alike(
        (
            NO if (first == "" and _is_arn(second)) or (second == "" and _is_arn(first)) else matches(first, second)
            for first in one
            for second in other
        ),
        _UNDECIDED.why,
    )


def _is_arn(value: Scalar) -> bool:
    """Whether it is an ARN that a call of AWS answered: something, even where the answer has none (AWS CLI User Guide,
    "Setting the output format", text: ``None``)."""
    hole = value.only_hole if isinstance(value, Text) else None
    return hole is not None and _ASKS_ARN.fullmatch(hole.shown) is not None


def _numbers(left: str, operator: str, right: str) -> Answer:
    try:
        one, other = int(left), int(right)
    except ValueError:
        return _UNDECIDED
    answers = {"-eq": one == other, "-ne": one != other, "-lt": one < other, "-le": one <= other}
    answers |= {"-gt": one > other, "-ge": one >= other}
    return yes_if(answers[operator]) if operator in answers else _UNDECIDED
