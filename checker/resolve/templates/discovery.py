"""What is what, when nobody says: which stack belongs to which environment, and what that environment is for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from checker.model.environment_words import UNNAMED, environment_of, kind_of, words
from checker.model.environments import EnvironmentKind
from checker.model.resources import Raw, Stack, rebuilt
from checker.model.worlds import World
from checker.resolve.templates.inside import environment_inside
from checker.resolve.templates.intrinsics import mapping
from checker.resolve.templates.scopes import Linker, StackScope

NOTHING_NAMES: Final = "nothing names an environment"
BESIDE: Final = "as the stacks beside it are"

__all__ = ["UNNAMED", "assign", "environment_of", "kind_of", "words"]


class Assigned(Struct, frozen=True):
    """Stacks in their environments, and what each environment is."""

    stacks: list[Stack]
    kinds: dict[str, EnvironmentKind]
    notes: list[str]


def assign(
    stacks: Iterable[Stack],
    stages: Mapping[str, str],
    configured: Mapping[str, str],
    folders: Mapping[str, str] | None = None,
) -> Assigned:
    """Give every stack its environment. ``configured``: stack name -> environment, from ``checker.toml``.
    ``folders``: stack id -> the folder below the project that its template stands in.

    Notes a line per guess: what was taken for what, and why.
    """
    kinds: dict[str, EnvironmentKind] = {}
    assigned: list[Stack] = []
    notes: list[str] = []
    stacks = list(stacks)
    said: dict[str, tuple[str, str]] = {}  # stack id -> environment, and why where it is not said by hand
    for stack in stacks:
        by_hand = stack.environment or configured.get(stack.name) or configured.get(stack.id)
        guess = _guess(stack, stages.get(stack.id, ""), (folders or {}).get(stack.id, ""))
        said[stack.id] = (by_hand, "") if by_hand else guess
    _ask_inside(stacks, said)
    _follow_imports(stacks, said)
    for stack in stacks:
        environment, why = said[stack.id]
        if why:
            notes.append(taken(stack.name, environment, why, stack.what))
        assigned.append(in_environment(stack, environment))
        kinds.setdefault(environment, kind_of(environment))
    return Assigned(assigned, kinds, notes)


def taken(name: str, environment: str, why: str, what: str = "stack") -> str:
    """What is noted of a stack whose environment nobody says."""
    return f"took {_called(name, what)} for environment {environment} ({why})"


def _called(name: str, what: str) -> str:
    """A stack as a note names it: what is called just so is not named twice over."""
    return f"the {what} called {name}" if name.casefold() in ("stack", "stacks") else f"{what} {name}"


def in_environment(stack: Stack, environment: str) -> Stack:
    """The stack, and those nested in it, as one of this environment."""
    return rebuilt(stack, lambda _: {"environment": environment})


def _guess(stack: Stack, stage: str, folder: str) -> tuple[str, str]:
    """The environment of a stack that nobody assigned, and why it is taken for that one."""
    if (by_name := environment_of(stack.name, stage)) is not None:
        return by_name, "by its name"
    if (by_folder := _of_folder(folder)) is not None:
        return by_folder, "by its folder"
    return UNNAMED, NOTHING_NAMES


def _of_folder(folder: str) -> str | None:
    """The environment that a template's folder speaks of: the nearest does, `live/staging` is staging.

    What several share says so itself: of `shared/templates/` the templates are nobody's in particular.
    """
    *above, own = folder.split("/")
    found = environment_of(own)
    if found is not None:
        return found
    named = (environment_of(each) for each in reversed(above))
    return next((each for each in named if each not in (None, "shared")), None)


def _ask_inside(stacks: Sequence[Stack], said: dict[str, tuple[str, str]]) -> None:
    """Stacks that nothing names are of the environment that their resources speak of. Where no stack at all is named,
    and all that speak of one speak of the same, those that say nothing belong beside them."""
    silent = [stack for stack in stacks if said[stack.id] == (UNNAMED, NOTHING_NAMES)]
    found = {stack.id: inside for stack in silent if (inside := environment_inside(stack)) is not None}
    said.update(found)
    spoken = {environment for environment, _ in found.values()}
    if len(spoken) == 1 and len(silent) == len(stacks):
        beside = spoken.pop(), BESIDE
        said.update({stack.id: beside for stack in silent if stack.id not in found})


def _follow_imports(stacks: Sequence[Stack], said: dict[str, tuple[str, str]]) -> None:
    """A stack that nothing names and that stacks of named environments import from is shared by them."""
    if all(environment == UNNAMED for environment, _ in said.values()):
        return
    users = importers(stacks) if any(environment == UNNAMED for environment, _ in said.values()) else {}
    changed = True
    while changed:  # what a shared stack imports from is shared as well
        changed = False
        for stack in stacks:
            names = sorted({said[user][0] for user in users.get(stack.id, ())} - {UNNAMED})
            if said[stack.id][0] == UNNAMED and names:
                said[stack.id] = "shared", f"{' and '.join(names)} {'import' if len(names) > 1 else 'imports'} from it"
                changed = True


def importers(stacks: Sequence[Stack]) -> dict[str, set[str]]:
    """Stack id -> the stacks that import what it exports, or read its outputs by its name (Fn::GetStackOutput)."""
    linker = Linker()
    exports: dict[str, str] = {}
    scopes = [StackScope(stack, linker, World()) for stack in stacks]
    for scope in scopes:
        for output in mapping(scope.stack.template.get("Outputs")).values():
            name = mapping(mapping(output).get("Export")).get("Name")
            resolved = scope.resolve(name) if name is not None else None
            if isinstance(resolved, str):
                exports[resolved] = scope.stack.id
    found: dict[str, set[str]] = {}
    for scope in scopes:
        imported = (exports.get(name) for name in _resolved(scope, "Fn::ImportValue"))
        # A stack of that name stands in each region that has one: whose output it is decides nothing here.
        read = (each.id for name in _resolved(scope, "Fn::GetStackOutput") for each in stacks if each.name == name)
        for owner in (*imported, *read):
            if owner is not None and owner != scope.stack.id:
                found.setdefault(owner, set()).add(scope.stack.id)
    return found


def _resolved(scope: StackScope, function: str) -> Iterator[str]:
    """The names that a template's uses of a function give it, where they are known."""
    for argument in _arguments(scope.stack.template, function):
        named = argument
        if function == "Fn::GetStackOutput":  # {StackName, OutputName}, or the two in a list
            named = argument[0] if isinstance(argument, list) and argument else mapping(argument).get("StackName")
        resolved = scope.resolve(named) if named is not None else None
        if isinstance(resolved, str):
            yield resolved


def _arguments(template: Raw, function: str) -> Iterator[Raw]:
    """What a template gives a function, as it is written."""
    pending = [template]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            if function in node:
                yield node[function]
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)
