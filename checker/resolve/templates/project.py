"""From stacks as they were read to the project that rules see: conditions decided, loops expanded, references linked.

What the templates leave open is not guessed. Each consistent set of answers is a :class:`World`; the judge runs the
rules in every world and only what holds in all of them is a pass. Most projects have one world.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from checker.model.environments import Environment, EnvironmentKind, Project
from checker.model.resources import Raw, Resource, Stack
from checker.model.settings import Settings
from checker.model.values import Absent, Hole, HoleKind, Resolved, Text, Unknown, plain_text
from checker.model.worlds import Budget, World
from checker.resolve.templates.intrinsics import expand_for_each
from checker.resolve.templates.scopes import Linker, StackScope, equality_key

# Above this many worlds the remaining open conditions stay undecided: what depends on them is unknown.
MAX_WORLDS: Final = 16


def build_project(
    stacks: Sequence[Stack],
    kinds: Mapping[str, EnvironmentKind],
    world: World,
    settings: Settings = Settings(),  # noqa: B008 - frozen
    budget: Budget | None = None,
    *,
    find_names: Callable[[Project], Mapping[str | Text, tuple[Resource, ...]]],
) -> Project:
    """The project in one world. ``stacks`` are the root stacks, in order; ``kinds`` says what each environment is.

    ``find_names`` tells which resources each physical name and ARN stands for; called at the first look-up.
    """
    linker = Linker()
    if budget is not None:
        linker.budget = budget
    every = list(with_nested(stacks))
    scopes = [StackScope(stack, linker, world) for stack in every]
    by_environment: dict[str, tuple[list[Stack], list[Resource]]] = {name: ([], []) for name in kinds}
    for scope in scopes:
        own_stacks, resources = by_environment.setdefault(scope.stack.environment, ([], []))
        own_stacks.append(scope.stack)
        resources.extend(declared(scope))
    environments = [
        Environment(name, kinds.get(name, EnvironmentKind.OTHER), own_stacks, resources)
        for name, (own_stacks, resources) in by_environment.items()
    ]
    return Project(environments, find_names, settings)


def with_nested(stacks: Iterable[Stack]) -> Iterator[Stack]:
    """The stacks and, after each, the nested stacks below it."""
    pending = list(stacks)[::-1]
    while pending:
        stack = pending.pop()
        yield stack
        pending.extend(reversed(stack.nested.values()))


def declared(scope: StackScope) -> Iterator[Resource]:
    """The resources of a stack as its scope sees them: loops expanded, and those left out whose condition is false."""
    stack = scope.stack
    written = stack.template.get("Resources")
    if not isinstance(written, dict):
        return
    stack_exists = _exists(scope)
    if stack_exists is False or (stack_exists is None and scope.world.sparse):
        return
    expanded: dict[str, Raw] = {}
    for logical_id, raw in written.items():
        if logical_id.startswith("Fn::ForEach"):
            several = expand_for_each(scope, raw)
            if several is None:
                note = f"{logical_id}: its collection is not known"
                if note not in stack.unread:
                    stack.unread.append(note)
            expanded.update(several or {})
        else:
            expanded[logical_id] = raw
    if len(expanded) != len(written) or expanded.keys() != written.keys():
        scope.declared_resources = expanded
    for logical_id, raw in expanded.items():
        if not isinstance(raw, dict):
            continue
        condition = raw.get("Condition")
        exists: bool | None = True
        if condition is not None:
            exists = scope.condition(condition) if isinstance(condition, str) else None
        if exists is not False and not (exists is None and scope.world.sparse):
            yield Resource(stack, logical_id, raw, scope, certain=exists is True and stack_exists is True)


def _exists(scope: StackScope) -> bool | None:
    """Whether a nested stack is there at all: its own resource may be conditional, at any level above it."""
    answer: bool | None = True
    parent = scope.stack.parent
    while parent is not None:
        above = scope.linker.scopes[parent.id]
        raw = above.declared_resources.get(scope.stack.id.rsplit("/", 1)[-1])
        condition = raw.get("Condition") if isinstance(raw, dict) else None
        if isinstance(condition, str):
            there = above.condition(condition)
            if there is False:
                return False
            answer = answer and there
        scope, parent = above, parent.parent
    return answer


def worlds(stacks: Sequence[Stack]) -> list[World]:
    """Every consistent set of answers to what the stacks' conditions leave open; one empty world where nothing is.

    A parameter without a default takes each of its allowed values, or each value that a condition compares it with and
    "some other". Equalities over anything else are answered both ways. What is too much for that stays open, and each
    world is looked at twice: with what exists only under such a condition, and without.
    """
    linker = Linker()
    scopes = [StackScope(stack, linker, World()) for stack in with_nested(stacks)]
    open_parameters: dict[Hole, dict[str | None, None]] = {}
    open_conditions: dict[str, None] = {}
    for scope in scopes:
        for left, right in _equalities(scope):
            hole, literal = _parameter_against_literal(left, right)
            if hole is not None:
                open_parameters.setdefault(hole, {})[literal] = None
            elif scope.equal(left, right) is None:
                open_conditions[equality_key(scope.stack.id, left, right)] = None
    for hole, options in open_parameters.items():
        allowed = _allowed_values(linker, hole)
        if allowed:
            options.clear()
            options.update(dict.fromkeys(allowed))
        else:
            options[None] = None
    choices: list[list[tuple[Hole | str, str | bool | None]]] = []
    count = 1
    undecided = False
    for hole, options in open_parameters.items():
        if count * len(options) <= MAX_WORLDS:
            count *= len(options)
            choices.append([(hole, option) for option in options])
        else:
            undecided = True
    for key in open_conditions:
        if count * 2 <= MAX_WORLDS:
            count *= 2
            choices.append([(key, True), (key, False)])
        else:
            undecided = True
    return [
        _world(answers, sparse)
        for sparse in ((False, True) if undecided else (False,))
        for answers in itertools.product(*choices)
    ]


def _world(answers: Iterable[tuple[Hole | str, str | bool | None]], sparse: bool) -> World:
    parameters: dict[Hole, str | None] = {}
    conditions: dict[str, bool] = {}
    for key, answer in answers:
        if isinstance(key, Hole):
            parameters[key] = answer if isinstance(answer, str) else None
        else:
            conditions[key] = bool(answer)
    return World(parameters, conditions, sparse)


def _equalities(scope: StackScope) -> Iterator[tuple[Resolved | Absent, Resolved | Absent]]:
    """The operands of every ``Fn::Equals`` below ``Conditions`` that are not both plain values."""
    pending: list[Raw] = [scope.stack.template.get("Conditions")]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            operands = node.get("Fn::Equals")
            if isinstance(operands, list) and len(operands) == 2:
                left, right = scope.resolve(operands[0]), scope.resolve(operands[1])
                if isinstance(left, Text | Unknown) or isinstance(right, Text | Unknown):
                    yield left, right
                continue
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)


def _parameter_against_literal(left: Resolved | Absent, right: Resolved | Absent) -> tuple[Hole | None, str]:
    for one, literal in ((left, right), (right, left)):
        other = plain_text(literal)
        if isinstance(one, Text) and isinstance(other, str):
            hole = one.only_hole
            if hole is not None and hole.kind is HoleKind.PARAMETER:
                return hole, other
    return None, ""


def _allowed_values(linker: Linker, hole: Hole) -> list[str]:
    scope = linker.scopes.get(hole.attribute)
    declared = scope.parameters.get(hole.shown[2:-1]) if scope else None
    allowed = declared.get("AllowedValues") if isinstance(declared, dict) else None
    return [str(plain_text(value)) for value in allowed] if isinstance(allowed, list) else []
