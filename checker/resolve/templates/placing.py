"""What ``checker.toml`` says of stacks: where they are deployed, with which values; and names that fit nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from msgspec import Struct

from checker.model.environment_words import environment_of
from checker.model.resources import Raw, Stack, rebuilt
from checker.model.settings import Settings
from checker.model.verdicts import Unread

_FILE = "checker.toml:1"
_ACCOUNT, _REGION, _NAME = "AWS::AccountId", "AWS::Region", "AWS::StackName"
# Pseudo parameters that can be said like parameters; the others follow from these.
_PSEUDO = (_ACCOUNT, _REGION, _NAME)


def placed(stack: Stack, settings: Settings) -> Stack:
    """A stack with its parameters, account and region: its own words first, then its environment's, then all's.

    An account or region that the assembly fixes stays: that is where CDK deploys it.
    """
    of = settings.environments.get(stack.environment)
    own = settings.parameters.get(stack.name, {})
    declared = _declared(stack)
    shared = {name: value for name, value in (of.parameters if of else {}).items() if name in declared}
    given = {**shared, **own}
    account = str(own.get(_ACCOUNT, "")) or (of.account if of else "") or settings.account
    region = str(own.get(_REGION, "")) or (of.region if of else "") or settings.region

    def change(each: Stack) -> dict[str, Any]:
        changes: dict[str, Any] = {"account": each.account or account, "region": each.region or region}
        if each is stack:
            said_name = str(own.get(_NAME, ""))
            changes |= {"name": said_name or stack.name, "named": stack.named or bool(said_name)}
            said = {name: value for name, value in given.items() if name not in _PSEUDO}
            changes["parameters"] = {**each.parameters, **said}
        return changes

    return rebuilt(stack, change)


class Names(Struct, frozen=True):
    """Names in ``checker.toml`` that fit nothing: faults, and notes where not everything is at hand."""

    faults: tuple[Unread, ...]
    notes: tuple[str, ...]


def check_names(settings: Settings, stacks: Sequence[Stack], kinds: Collection[str], *, complete: bool) -> Names:
    """Find names in ``checker.toml`` that fit nothing: what is misspelt would change nothing, in silence.

    Whether a stack or an environment exists can be told where all of them are at hand (``complete``).
    """
    found = [
        *_parameters(settings, stacks),
        *_refused(settings, stacks),
        *(_stacks_and_environments(settings, stacks, kinds) if stacks else ()),
    ]
    certain = [each for each in found if complete or each.certain]
    rest = [each for each in found if each not in certain]
    return Names(
        tuple(Unread(f"{each.where}: {each.key}", each.wrong, _nearest(each.name, each.known)) for each in certain),
        tuple(f"{each.where}: {each.key}: {each.wrong} among what is judged here" for each in rest),
    )


class _Unfit(Struct, frozen=True):
    """A name that fits nothing. ``certain`` where what it should fit is at hand in any case."""

    where: str
    key: str
    name: str
    wrong: str
    known: tuple[str, ...]
    certain: bool = False


def _parameters(settings: Settings, stacks: Sequence[Stack]) -> Iterator[_Unfit]:
    for stack in {each.name: each for each in stacks}.values():
        known = (*_declared(stack), *_PSEUDO)
        for name in settings.parameters.get(stack.name, {}):
            if name not in known:
                where = _where(settings, "parameters", name, stack.name)
                wrong = f"there is no parameter {name} in the template"
                yield _Unfit(where, f"parameters.{stack.name}", name, wrong, known, certain=True)
    everywhere = tuple(dict.fromkeys(name for stack in stacks for name in _declared(stack)))
    for environment, each in settings.environments.items():
        for name in each.parameters if stacks else ():
            if name not in everywhere:
                where = _where(settings, "environments", name, environment)
                wrong = f"there is no parameter {name} in any template"
                yield _Unfit(where, f"environments.{environment}.parameters", name, wrong, everywhere)


def _refused(settings: Settings, stacks: Sequence[Stack]) -> Iterator[_Unfit]:
    """Values that CloudFormation refuses for a parameter: no stack is ever deployed with what is judged then."""
    for stack in {each.name: each for each in stacks}.values():
        of = settings.environments.get(stack.environment)
        tables = (
            ("parameters", stack.name, f"parameters.{stack.name}", settings.parameters.get(stack.name, {})),
            (
                "environments",
                stack.environment,
                f"environments.{stack.environment}.parameters",
                of.parameters if of else {},
            ),
        )
        for section, inner, key, values in tables:
            for name, value in values.items():
                allowed = _allowed(stack, name)
                if allowed and not {*_each(value, stack, name)} <= {*allowed}:
                    wrong = f"the template does not allow {_spelled(value)} for {name}"
                    where = _where(settings, section, name, inner)
                    yield _Unfit(where, key, _spelled(value), wrong, allowed, certain=True)


def _allowed(stack: Stack, name: str) -> tuple[str, ...]:
    """The only values that a parameter takes; empty for any."""
    declared = _declaration(stack, name)
    listed = declared.get("AllowedValues")
    of_store = str(declared.get("Type", "")).startswith("AWS::SSM::Parameter::")
    return tuple(map(_spelled, listed)) if isinstance(listed, list) and not of_store else ()


def _declaration(stack: Stack, name: str) -> dict[str, Raw]:
    found = _declared(stack).get(name)
    return found if isinstance(found, dict) else {}


def _each(value: Raw, stack: Stack, name: str) -> list[str]:
    several = str(_declaration(stack, name).get("Type", "")).startswith(("List<", "CommaDelimitedList"))
    if isinstance(value, list):
        return [_spelled(each) for each in value]
    return [each.strip() for each in _spelled(value).split(",")] if several else [_spelled(value)]


def _spelled(value: Raw) -> str:
    """A value as CloudFormation has it, which takes texts alone."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _stacks_and_environments(settings: Settings, stacks: Sequence[Stack], kinds: Collection[str]) -> Iterator[_Unfit]:
    names = tuple(dict.fromkeys(name for stack in stacks for name in (stack.name, stack.id)))
    listed = {stack: ("environments", name) for name, each in settings.environments.items() for stack in each.stacks}
    said = {stack: ("stacks", stack) for stack in settings.stacks} | listed
    for stack, (key, inner) in (*said.items(), *((stack, ("parameters", stack)) for stack in settings.parameters)):
        if stack not in names:
            yield _Unfit(_where(settings, key, inner), key, stack, f"there is no stack {stack}", names)
    environments = tuple(
        dict.fromkeys(
            [
                *kinds,
                *settings.stacks.values(),
                *settings.github_environments,
                *(name for name, each in settings.environments.items() if each.stacks),
            ]
        )
    )
    for key, tables in (("environment_kinds", settings.environment_kinds), ("environments", settings.environments)):
        for name in tables:
            # A word that names an environment may be one that workflows alone know.
            repeated = key == "environment_kinds" and name in settings.environments
            if name not in environments and not repeated and environment_of(name) is None:
                wrong = f"there is no environment {name}"
                yield _Unfit(_where(settings, key, name), key, name, wrong, environments)


def _where(settings: Settings, key: str, *names: str) -> str:
    """The place of the first of these names below a key of ``checker.toml``."""
    return next(
        (place for name in names if (place := settings.places.get(f"{key}.{name}"))), settings.places.get(key, _FILE)
    )


def _declared(stack: Stack) -> dict[str, Raw]:
    parameters: Raw = stack.template.get("Parameters")
    return parameters if isinstance(parameters, dict) else {}


def _nearest(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    return near[0] if near else f"one of {', '.join(names[:12])}" if names else ""
