"""The stacks to judge: the named assemblies, or what a project has of its own, each in its environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from checker.collect.config.settings_file import missing_folders
from checker.collect.templates.assembly import Assembly, read_assembly
from checker.collect.templates.own import EXCLUDE, Own, read_own, unread_of
from checker.collect.templates.stack_sets import with_stack_sets
from checker.errors import InputError
from checker.model.environments import EnvironmentKind
from checker.model.resources import Stack, rebuilt
from checker.model.settings import Settings
from checker.model.verdicts import Unread
from checker.resolve.templates.discovery import assign, in_environment
from checker.resolve.templates.inside import at_home
from checker.resolve.templates.loosened import loosened
from checker.resolve.templates.placing import check_names, placed
from checker.run.narrowed import not_asked_for
from checker.run.request import Request

_SHOWN = 8  # of what was seen where nothing can be judged


class AtHand(Struct, frozen=True):
    """The stacks to judge, with the assemblies they came from, what their environments are, and what was noted."""

    assemblies: list[Assembly]
    stacks: list[Stack]
    kinds: dict[str, EnvironmentKind]
    there: tuple[str, ...]  # all environments, those that nobody asks for among them
    notes: tuple[str, ...]
    unread: tuple[Unread, ...]
    left_out: tuple[Path, ...] = ()
    exclusions: frozenset[str] | None = None  # those that left something out; None where none was asked

    def nothing(self, project: Path) -> InputError:
        """What to say where nothing at all can be judged."""
        seen = [f"{each.what} ({each.why})" for each in self.unread[:_SHOWN]]
        if (rest := len(self.unread) - _SHOWN) > 0:
            seen.append(f"{rest} more that could not be read")
        seen += [f"{path.as_posix()} is left out" for path in self.left_out[:3]]
        seen += [f"checker.toml leaves out {pattern}" for pattern in sorted(self.exclusions or ())[:3]]
        seen = seen or ["no template, assembly, workflow, deploy script or migration"]
        hint = next((each.needs for each in self.unread if each.needs and each.needs != EXCLUDE), "")
        if hint:
            hint = hint if hint.endswith(".") else f"It needs {hint}."
        elif any(each.needs == EXCLUDE for each in self.unread):
            hint = "Judged are CDK, CloudFormation, SAM, ECS task definitions, GitHub workflows and SQL migrations."
        else:
            hint = "Run `cdk synth` first, or name an assembly or a template with --assembly."
        return InputError(f"{project}: nothing to judge: {'; '.join(seen)}", hint)


def at_hand(request: Request) -> AtHand:
    """What is judged: the named assemblies, or the project's own. Raises nothing where there is none."""
    own = _read(request)
    assemblies = own.assemblies
    stacks = [stack for assembly in assemblies for stack in assembly.stacks]
    stages = {key: stage for assembly in assemblies for key, stage in assembly.stages.items()}
    if not request.assemblies:
        _once_per_environment(assemblies, request.settings)
        stacks = [stack for assembly in assemblies for stack in assembly.stacks]
    assigned = assign(stacks, stages, request.settings.stacks, own.folders)
    stacks, kinds = [each for stack in assigned.stacks for each in with_stack_sets(stack)], assigned.kinds
    names = check_names(request.settings, stacks, kinds, complete=not (request.assemblies or own.unread))
    for name, kind in request.settings.environment_kinds.items():
        if name in kinds:
            kinds[name] = EnvironmentKind(kind)
    there = tuple(kinds)
    stacks = _chosen(stacks, kinds, request.environments)
    kinds = {name: kind for name, kind in kinds.items() if any(stack.environment == name for stack in stacks)}
    stacks, located = at_home([placed(stack, request.settings) for stack in stacks])
    of_assemblies = (note for assembly in assemblies for note in assembly.notes)
    passed_over = [unread_of(error) for assembly in assemblies for error in assembly.problems]
    return AtHand(
        assemblies,
        stacks,
        kinds,
        there,
        (
            *loosened(request.settings),
            *names.notes,
            *own.notes,
            *assigned.notes,
            *located,
            *of_assemblies,
        ),
        (*names.faults, *missing_folders(request.project, request.settings), *own.unread, *passed_over),
        tuple(own.left_out),
        None if request.assemblies else frozenset(own.left_out_by),
    )


def _read(request: Request) -> Own:
    base = request.project
    if not request.assemblies:
        own = read_own(base, request.settings, request.say)
    else:
        own = Own()
        for environment, path in request.assemblies:
            assembly = read_assembly(path, base)
            if environment:
                assembly.stacks = [in_environment(stack, environment) for stack in assembly.stacks]
            own.assemblies.append(assembly)
    _make_ids_unique(own.assemblies)
    return own


def _make_ids_unique(assemblies: Iterable[Assembly]) -> None:
    """Two assemblies may hold stacks of one id (an app synthesized twice): their resources must not be mixed up."""
    seen: dict[str, int] = {}
    for assembly in assemblies:
        for position, stack in enumerate(assembly.stacks):
            count = seen[stack.id] = seen.get(stack.id, 0) + 1
            if count > 1:
                new = f"{stack.id}#{count}"
                assembly.stacks[position] = _with_id(stack, new)
                if stack.id in assembly.stages:
                    assembly.stages[new] = assembly.stages.pop(stack.id)


def _with_id(stack: Stack, new: str) -> Stack:
    return rebuilt(stack, lambda each: {"id": new + each.id.removeprefix(stack.id)})


def _once_per_environment(assemblies: Iterable[Assembly], settings: Settings) -> None:
    """A stack that several environments list is one template, deployed once in each."""
    for assembly in assemblies:
        stacks: list[Stack] = []
        for stack in assembly.stacks:
            owners = [name for name, each in settings.environments.items() if stack.name in each.stacks]
            if len(owners) < 2:
                stacks.append(stack)
            else:
                stacks.extend(in_environment(stack, name) for name in owners)
        assembly.stacks = stacks
    _make_ids_unique(assemblies)


def _chosen(stacks: list[Stack], kinds: Mapping[str, EnvironmentKind], wanted: Sequence[str]) -> list[Stack]:
    """The stacks of the wanted environments, and what they share. All where none is named."""
    others = not_asked_for(kinds, wanted)
    return [stack for stack in stacks if stack.environment not in others]
