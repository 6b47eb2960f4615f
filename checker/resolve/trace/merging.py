"""What a command does of which only the run knows which one it is: ``make deploy-$ENVIRONMENT``, each option followed.

One of them runs. Where all do the same at the same lines, with other names only, it is one row of actions whose values
are sets, as everywhere; where they differ, all of them stand in the trace, since any can be chosen.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from msgspec.structs import replace

from checker.model.pipeline.scripts import Argument, AwsCall, CdkCommand, Command
from checker.model.possible import OneOf, Possible, one_of
from checker.model.values import Unknown

Action: TypeAlias = "Command | AwsCall | CdkCommand"
MAX_OPTIONS: Final = 16


def each_option(words: Sequence[Possible]) -> Iterator[tuple[Possible, ...]]:
    """The words with one option for each word that is one of several; nothing where there are too many ways, or one."""
    sides = [each.options if isinstance(each, OneOf) else (each,) for each in words]
    ways = 1
    for side in sides:
        ways *= len(side)
    if 1 < ways <= MAX_OPTIONS:
        yield from itertools.product(*sides)


def merged(runs: Sequence[Sequence[Action]]) -> list[Action]:
    """The actions of one of several runs: value by value where they have the same shape, one after the other if not."""
    shapes = [[_shape(action) for action in run] for run in runs]
    if any(shape != shapes[0] for shape in shapes):
        return [action for run in runs for action in run]
    return [_together(actions) for actions in zip(*runs, strict=True)]


def _shape(action: Action) -> tuple[object, ...]:
    where = (type(action), action.spot, action.handling)
    if isinstance(action, AwsCall):
        return (
            *where,
            action.service,
            action.operation,
            action.waiter,
            action.complete,
            action.folder,
            sorted(action.arguments),
        )
    if isinstance(action, CdkCommand):
        return (*where, action.name, len(action.stacks), sorted(action.context), sorted(action.options))
    return (*where, action.program, len(action.words), sorted(action.environment), action.folder, action.entered)


def _together(actions: Sequence[Action]) -> Action:
    first = actions[0]
    if isinstance(first, AwsCall):
        given = [each.arguments for each in actions if isinstance(each, AwsCall)]
        return replace(first, arguments={name: _argument([each[name] for each in given]) for name in first.arguments})
    if isinstance(first, CdkCommand):
        commands = [each for each in actions if isinstance(each, CdkCommand)]
        return replace(
            first,
            stacks=tuple(one_of(each) for each in zip(*(command.stacks for command in commands), strict=True)),
            context={name: one_of(command.context[name] for command in commands) for name in first.context},
            options={name: one_of(command.options[name] for command in commands) for name in first.options},
        )
    words = [each.words for each in actions if isinstance(each, Command)]
    return replace(first, words=tuple(one_of(each) for each in zip(*words, strict=True)))


def _argument(values: Sequence[Argument]) -> Argument:
    first = values[0]
    if all(each == first for each in values):
        return first
    if isinstance(first, Mapping) and all(isinstance(v, Mapping) and v.keys() == first.keys() for v in values):
        return {name: _argument([each[name] for each in values if isinstance(each, Mapping)]) for name in first}
    if isinstance(first, tuple) and all(isinstance(each, tuple) and len(each) == len(first) for each in values):
        return tuple(_argument(each) for each in zip(*(v for v in values if isinstance(v, tuple)), strict=True))
    plain = [each for each in values if not isinstance(each, tuple | Mapping)]
    return one_of(plain) if len(plain) == len(values) else Unknown("it depends on what is chosen")
