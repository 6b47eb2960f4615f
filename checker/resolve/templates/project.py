"""From stacks as they were read to the project that rules see: conditions decided, loops expanded, references linked.

What the templates leave open is not guessed. Each consistent set of answers is a :class:`World`; the judge runs the
rules in every world and only what holds in all of them is a pass. Most projects have one world.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from checker.model.answers import NO, YES, Answer, Open, every
from checker.model.environments import Environment, EnvironmentKind, Project
from checker.model.resources import Raw, Resource, Stack
from checker.model.settings import Settings
from checker.model.values import ResourceKey, Text
from checker.model.worlds import Budget, World
from checker.model.written.altered import AlteredResource, Changes
from checker.resolve.templates.intrinsics import expand_for_each, mapping
from checker.resolve.templates.scopes import Linker, StackScope


def build_project(
    stacks: Sequence[Stack],
    kinds: Mapping[str, EnvironmentKind],
    world: World,
    settings: Settings = Settings(),  # noqa: B008 - frozen
    budget: Budget | None = None,
    *,
    find_names: Callable[[Project], Mapping[str | Text, tuple[Resource, ...]]],
    find_changes: Callable[[Project], Mapping[ResourceKey, Changes]] = lambda _: {},
) -> Project:
    """The project in one world. ``stacks`` are the root stacks, in order; ``kinds`` says what each environment is.

    ``find_names`` tells which resources each physical name and ARN stands for; called at the first look-up.
    ``find_changes`` tells what some resources make of others, once all of them are there.
    """
    linker = Linker()
    if budget is not None:
        linker.budget = budget
    nested = list(with_nested(stacks))
    scopes = [StackScope(stack, linker, world) for stack in nested]
    by_environment: dict[str, tuple[list[Stack], list[Resource]]] = {name: ([], []) for name in kinds}
    for scope in scopes:
        own_stacks, resources = by_environment.setdefault(scope.stack.environment, ([], []))
        own_stacks.append(scope.stack)
        resources.extend(declared(scope))
    unknown = {each.stack.id: loops for each in scopes if (loops := unknown_loops(each))}

    def built(changes: Mapping[ResourceKey, Changes]) -> Project:
        environments = []
        for name, (own_stacks, written) in by_environment.items():
            resources = [AlteredResource(each, changes[each.key]) if each.key in changes else each for each in written]
            loops = {each.id: unknown[each.id] for each in own_stacks if each.id in unknown}
            kind = kinds.get(name, EnvironmentKind.OTHER)
            environments.append(Environment(name, kind, own_stacks, resources, unknown_loops=loops))
        return Project(environments, find_names, settings)

    project = built({})
    changes = find_changes(project)
    return built(changes) if changes else project


def with_nested(stacks: Iterable[Stack]) -> Iterator[Stack]:
    """The stacks and, after each, the nested stacks below it."""
    pending = list(stacks)[::-1]
    while pending:
        stack = pending.pop()
        yield stack
        pending.extend(reversed(list(stack.nested.values())))


def declared(scope: StackScope) -> Iterator[Resource]:
    """The resources of a stack as its scope sees them: loops expanded, and those left out whose condition is false."""
    stack = scope.stack
    written = scope.declared_resources
    stack_exists = _exists(scope)
    if stack_exists is NO or (stack_exists is not YES and scope.world.sparse):
        return
    expanded, _ = _without_loops(scope, written)
    if len(expanded) != len(written) or expanded.keys() != written.keys():
        scope.declared_resources = expanded
    for logical_id, raw in expanded.items():
        if not isinstance(raw, dict):
            continue
        condition = raw.get("Condition")
        exists: Answer = YES
        if condition is not None:
            exists = scope.condition(condition) if isinstance(condition, str) else _NO_NAME
        if exists is YES or (exists is not NO and not scope.world.sparse):
            yield Resource(stack, logical_id, raw, scope, certain=exists is YES and stack_exists is YES)


def unknown_loops(scope: StackScope) -> Sequence[str]:
    """The loops among a stack's resources whose collection is not known, so that nothing of theirs is judged."""
    written = mapping(scope.stack.template.get("Resources"))
    if not any(name.startswith("Fn::ForEach") for name in written):
        return ()
    return _without_loops(scope, written)[1]


def _without_loops(scope: StackScope, written: Mapping[str, Raw], depth: int = 0) -> tuple[dict[str, Raw], list[str]]:
    """Resources with each loop, and loops inside it, replaced by what it makes; and the loops that are not known."""
    expanded: dict[str, Raw] = {}
    unknown: list[str] = []
    for logical_id, raw in written.items():
        if not logical_id.startswith("Fn::ForEach"):
            expanded[logical_id] = raw
            continue
        several = expand_for_each(scope, raw) if depth < _MAX_LOOPS else None
        if several is None:
            unknown.append(logical_id)
            continue
        inner, inside = _without_loops(scope, several, depth + 1)
        expanded.update(inner)
        unknown.extend(inside)
    return expanded, unknown


# How deep loops may be nested (AWS::LanguageExtensions, Fn::ForEach: five levels).
_MAX_LOOPS: Final = 5
# What a resource exists under is a condition's name.
_NO_NAME: Final = Open("a condition without a name")


def _exists(scope: StackScope) -> Answer:
    """Whether a nested stack is there at all: its own resource may be conditional, at any level above it."""
    return every(_conditions_of(scope))


def _conditions_of(scope: StackScope) -> Iterator[Answer]:
    """Whether a stack, and each one that it is nested in, is there as far as the one above says."""
    parent = scope.stack.parent
    while parent is not None:
        above = scope.linker.scopes[parent.id]
        raw = above.declared_resources.get(scope.stack.id.rsplit("/", 1)[-1])
        condition = raw.get("Condition") if isinstance(raw, dict) else None
        if isinstance(condition, str):
            yield above.condition(condition)
        scope, parent = above, parent.parent
