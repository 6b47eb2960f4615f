"""What the templates leave open, as worlds: every consistent set of answers, and none that no deployment can have.

An account is one account and a parameter has one value, so equalities with one open operand exclude one another. A key
that ``Fn::FindInMap`` looks up is one of the map's, or the deployment fails.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from checker.model.answers import Certain
from checker.model.environment_words import kind_of
from checker.model.environments import EnvironmentKind
from checker.model.resources import Raw, Stack
from checker.model.values import Absent, Parameter, Pseudo, Resolved, Text, Unknown, plain_text
from checker.model.worlds import World
from checker.resolve.templates.intrinsics import mapping
from checker.resolve.templates.project import unknown_loops, with_nested
from checker.resolve.templates.scopes import Linker, StackScope, equality_key

# Above this many worlds the remaining open conditions stay undecided: what depends on them is unknown.
MAX_WORLDS: Final = 16
# What no condition asks for is chosen only where that makes few worlds: each is judged by itself.
_MOST_UNASKED: Final = 6

# What a hole may be -> in order; ``None`` is "some value that nothing names".
_Open: TypeAlias = Parameter | Pseudo
_Options: TypeAlias = dict[_Open, dict[str | None, None]]


def worlds(stacks: Sequence[Stack]) -> list[World]:
    """Every consistent set of answers to what the stacks' conditions leave open; one empty world where nothing is.

    A parameter without a default, an account and a region take each value that a condition compares them with and "some
    other"; with allowed values, or as the key of a mapping, each of those. Equalities over anything else are answered
    both ways. What is too much for that stays open, and each world is looked at twice: with what exists only under such
    a condition, and without.
    """
    every = list(with_nested(stacks))
    linker = Linker()
    scopes = [StackScope(stack, linker, World()) for stack in every]
    asked = _asked(scopes, linker)
    choices, undecided = _bounded(asked, 1, MAX_WORLDS)
    unasked = {hole: options for hole, options in _unasked(scopes, linker).items() if hole not in asked}
    count = _product(choices)
    rows = {hole: options for hole, options in _rows(scopes, linker).items() if hole not in asked}
    more, _ = _bounded({**unasked, **rows}, count, max(_MOST_UNASKED, count))
    chosen = [dict(answers) for answers in itertools.product(*choices, *more)]
    found: list[tuple[dict[_Open, str | None], dict[str, bool]]] = []
    for taken in chosen:
        parameters = {hole: value for hole, value in taken.items() if hole not in rows}
        answers, left_open = _equalities_answered(every, parameters, MAX_WORLDS // len(chosen))
        undecided = undecided or left_open
        found += [(taken, each) for each in answers]
    return [
        World(
            {hole: value for hole, value in taken.items() if hole not in rows},
            conditions,
            sparse,
            {hole: value for hole, value in taken.items() if hole in rows},
        )
        for sparse in ((False, True) if undecided else (False,))
        for taken, conditions in found
    ]


def loops_not_followed(stacks: Sequence[Stack]) -> Iterator[tuple[Stack, str]]:
    """Loops among resources that are not known in some world, each once, with the stack they stand in."""
    looping = [stack for stack in with_nested(stacks) if any(map(_is_loop, mapping(stack.template.get("Resources"))))]
    if not looping:
        return
    seen: set[tuple[Stack, str]] = set()
    for world in worlds(stacks):
        linker = Linker()
        scopes = {stack: StackScope(stack, linker, world) for stack in with_nested(stacks)}
        for stack in looping:
            for loop in unknown_loops(scopes[stack]):
                if (stack, loop) not in seen:
                    seen.add((stack, loop))
                    yield stack, loop


def _is_loop(logical_id: str) -> bool:
    return logical_id.startswith("Fn::ForEach")


def _bounded(options: _Options, count: int, most: int) -> tuple[list[list[tuple[_Open, str | None]]], bool]:
    """The choices that keep the number of worlds below ``most``, and whether any had to be left open."""
    choices, left = [], False
    for hole, values in options.items():
        if count * len(values) <= most:
            count *= len(values)
            choices.append([(hole, value) for value in values])
        else:
            left = True
    return choices, left


def _product(choices: Sequence[Sequence[object]]) -> int:
    count = 1
    for each in choices:
        count *= len(each)
    return count


def _asked(scopes: Sequence[StackScope], linker: Linker) -> _Options:
    """What conditions compare with a literal, or look up in a mapping."""
    found: _Options = {}
    for scope in scopes:
        conditions = scope.stack.template.get("Conditions")
        for left, right in _equalities(scope):
            hole, literal = _hole_against_literal(left, right)
            if hole is not None:
                found.setdefault(hole, {})[literal] = None
        for hole, keys, _ in _looked_up(scope, conditions):
            found.setdefault(hole, {}).update(dict.fromkeys(keys))
    looked_up = {hole for scope in scopes for hole, _, total in _looked_up(scope, scope.stack.template) if total}
    for hole, options in found.items():
        if allowed := _allowed_values(linker, hole):
            options.clear()
            options.update(dict.fromkeys(allowed))
        elif hole not in looked_up:
            options[None] = None
    return found


def _unasked(scopes: Sequence[StackScope], linker: Linker) -> _Options:
    """What resources look up in a mapping, and parameters with allowed values (but for the environment's own name,
    which is one in each template that is judged)."""
    found: _Options = {}
    for scope in scopes:
        for hole, keys, total in _looked_up(scope, scope.declared_resources):
            found.setdefault(hole, {}).update(dict.fromkeys(keys))
            if not total:
                found[hole][None] = None
        for name in scope.parameters:
            value = scope.parameter(name)
            own = value.only_hole if isinstance(value, Text) else None
            if isinstance(own, Parameter | Pseudo) and (allowed := _allowed_values(linker, own)):
                found[own] = dict.fromkeys(allowed)
    return {hole: options for hole, options in found.items() if not _name_environments(options)}


def _rows(scopes: Sequence[StackScope], linker: Linker) -> _Options:
    """What resources look up in a mapping whose keys are environments: which row of it is read.

    That is no value for the parameter: one that says which environment this is names it in every template.
    """
    found: _Options = {}
    total: set[_Open] = set()
    for scope in scopes:
        for hole, keys, must in _looked_up(scope, scope.declared_resources):
            found.setdefault(hole, {}).update(dict.fromkeys(keys))
            total |= {hole} if must else set()
    for hole, options in found.items():
        allowed = _allowed_values(linker, hole)
        kept = [key for key in options if key in allowed or not allowed]
        other = hole not in total and (not allowed or len(kept) < len(allowed))
        options.clear()
        options.update(dict.fromkeys([*kept, None] if other else kept))
    return {hole: options for hole, options in found.items() if options and _name_environments(options)}


def _name_environments(options: Iterable[str | None]) -> bool:
    return any(value is not None and kind_of(value) is not EnvironmentKind.OTHER for value in options)


def _equalities_answered(
    stacks: Sequence[Stack], parameters: dict[_Open, str | None], most: int
) -> tuple[list[dict[str, bool]], bool]:
    """The answers to what is still open once the parameters are chosen, and whether something stays open."""
    linker = Linker()
    # Per open operand, the equalities with a literal: at most one of them is true.
    groups: dict[str, dict[str, dict[str, None]]] = {}
    for scope in [StackScope(stack, linker, World(parameters)) for stack in stacks]:
        for left, right in _equalities(scope):
            if isinstance(scope.equal(left, right), Certain):
                continue
            key = equality_key(scope.stack.id, left, right)
            operand, literal = (right, left) if isinstance(plain_text(left), str) else (left, right)
            plain = plain_text(literal)
            group = f"{scope.stack.id}: {operand!r}" if isinstance(plain, str) else key
            groups.setdefault(group, {}).setdefault(str(plain), {})[key] = None
    choices, count, left_open = [], 1, False
    for literals in groups.values():
        if count * (len(literals) + 1) > most:
            left_open = True
            continue
        count *= len(literals) + 1
        choices.append(
            [{key: value == true for value, keys in literals.items() for key in keys} for true in (*literals, None)]
        )
    answers = []
    for several in itertools.product(*choices):
        merged: dict[str, bool] = {}
        for each in several:
            merged.update(each)
        answers.append(merged)
    return answers, left_open


def _equalities(scope: StackScope) -> Iterator[tuple[Resolved | Absent, Resolved | Absent]]:
    """The operands of every ``Fn::Equals`` below ``Conditions`` that are not both plain values."""
    for operands in _calls(scope.stack.template.get("Conditions"), "Fn::Equals"):
        if isinstance(operands, list) and len(operands) == 2:
            left, right = scope.resolve(operands[0]), scope.resolve(operands[1])
            if isinstance(left, Text | Unknown) or isinstance(right, Text | Unknown):
                yield left, right


def _looked_up(scope: StackScope, below: Raw) -> Iterator[tuple[_Open, list[str], bool]]:
    """Open keys of ``Fn::FindInMap``: the hole, the map's keys for it, and whether it must be one of them."""
    for arguments in _calls(below, "Fn::FindInMap") if scope.mappings else ():
        if not isinstance(arguments, list) or len(arguments) < 3 or not isinstance(arguments[0], str):
            continue
        rows = mapping(scope.mappings.get(arguments[0]))
        columns = dict.fromkeys(key for row in rows.values() for key in mapping(row))
        for argument, keys in ((arguments[1], list(rows)), (arguments[2], list(columns))):
            value = scope.resolve(argument) if isinstance(argument, dict) else argument
            hole = value.only_hole if isinstance(value, Text) else None
            if isinstance(hole, Parameter | Pseudo) and keys:
                yield hole, keys, len(arguments) == 3


def _calls(node: Raw, function: str) -> Iterator[Raw]:
    """The argument of each call of an intrinsic function, at any depth."""
    pending: list[Raw] = [node]
    while pending:
        each = pending.pop()
        if isinstance(each, dict):
            if function in each:
                yield each[function]
            pending.extend(each.values())
        elif isinstance(each, list):
            pending.extend(each)


def _hole_against_literal(left: Resolved | Absent, right: Resolved | Absent) -> tuple[_Open | None, str]:
    for one, literal in ((left, right), (right, left)):
        other = plain_text(literal)
        if isinstance(one, Text) and isinstance(other, str):
            hole = one.only_hole
            if isinstance(hole, Parameter | Pseudo):
                return hole, other
    return None, ""


def _allowed_values(linker: Linker, hole: _Open) -> list[str]:
    if not isinstance(hole, Parameter):
        return []
    scope = linker.scopes.get(hole.stack)
    declared = scope.parameters.get(hole.name) if scope else None
    allowed = declared.get("AllowedValues") if isinstance(declared, dict) else None
    return [str(plain_text(value)) for value in allowed] if isinstance(allowed, list) else []
