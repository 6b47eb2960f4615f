"""Stacks share no exports and can be deployed apart.

What the review found
    Splitting the stack with CDK's cross-stack references would make exports: CloudFormation then refuses to change or
    delete the shared stack while an environment imports from it.
What is checked
    Every stack, nested ones too: nothing imports (``Fn::ImportValue``, also deep inside other functions), which is
    one failure for each pair of stacks, with the names that tie them; and CDK's export writer and reader, which lock
    stacks of two regions together in the same way, are not used. An export that none of these stacks imports locks
    nothing yet: one suggestion for each stack that has some. A weak reference (``Fn::GetStackOutput``) locks nothing,
    but what it names must be there.
When it does not apply
    No stack in the environment. Outputs that are not exported and what a parent reads from its nested stacks are fine.
What cannot be decided
    Stacks with parts that cannot be read (macros, templates of nested stacks), references under a condition that is
    open, and weak references to stacks that are not judged.
Fix
    Give the other stack's identifiers as configuration: strings from settings or parameters.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

from msgspec import json

from checker.model.answers import NO, YES, Answer, Open, yes_if
from checker.model.environments import Environment, Project
from checker.model.judgements import Judgement
from checker.model.live.account import Account
from checker.model.overlap import could_be_equal
from checker.model.resources import Raw, Resource, Scope, Stack, StackPlace
from checker.model.rules import Rule
from checker.model.values import Absent, Resolved, Text, Unknown
from checker.model.verdicts import Outcome, Surface
from checker.reason.account.facts import table, texts

_IMPORT = "Fn::ImportValue"
_WEAK = "Fn::GetStackOutput"
_MACRO = "Fn::Transform"  # what it puts there may import too: an included file holds intrinsic functions
_MARKS = (_IMPORT.encode(), _WEAK.encode(), _MACRO.encode())
_ENCODER = json.Encoder()
# AWS CDK, "Stack.crossRegionReferences": the writer cannot be deleted while a reader uses its parameters.
_LINKS = {"Custom::CrossRegionExportWriter": "WriterProps", "Custom::CrossRegionExportReader": "ReaderProps"}
# Macros that add neither exports nor imports (AWS SAM, "Generated CloudFormation resources").
_HARMLESS = ("transform AWS::Serverless",)
_PUT_THERE = "whether what Fn::Transform puts there imports is known only after CloudFormation ran it"
_LEAVE = "Leave Export out: scripts read plain outputs."
_FIX = "Give the identifier to this stack as configuration instead: a string from settings or a parameter."


class _Use(NamedTuple):
    """One use of another stack's value; ``sure`` is false below a condition that cannot be decided."""

    function: str
    argument: Raw
    path: tuple[str | int, ...]
    sure: bool


# The open conditions above a use, outermost first: where each stands, and which branch the use is in.
_Branches: TypeAlias = "tuple[tuple[tuple[str | int, ...], int], ...]"


class _Export(NamedTuple):
    """An exported output; ``exists`` is open below a condition that cannot be decided."""

    stack: Stack
    place: StackPlace
    name: Resolved | Absent
    exists: Answer


class _Import(NamedTuple):
    """One use of an export, in the stack whose it is."""

    place: Resource | StackPlace
    path: str
    name: Resolved | Absent
    sure: bool


def check(environment: Environment) -> Iterator[Judgement]:
    if environment.surface is Surface.ACCOUNT:
        return  # what is deployed is asked who imports it
    unclean: set[str] = set()
    imports: dict[str, list[_Import]] = {}
    for resource in environment.resources():
        for judgement in _resource(resource, environment.project, imports.setdefault(resource.stack.id, [])):
            if judgement.outcome is not Outcome.PASS:
                unclean.add(resource.stack.id)
            yield judgement
    scopes = environment.project.once(_scopes)
    for stack in environment.stacks:
        of_stack = imports.setdefault(stack.id, [])
        judgements = [*_outputs(stack, scopes.get(stack.id), environment.project, of_stack)]
        judgements += _locks(stack, of_stack, environment.project)
        judgements += _unused(stack, environment.project)
        yield from judgements
        clean = stack.id not in unclean and all(
            each.outcome is Outcome.PASS and each.sub is None for each in judgements
        )
        place = StackPlace(stack)
        unread = next((note for note in stack.unread if not note.startswith(_HARMLESS)), None)
        if unread is not None:
            yield place.undecided(None, f"the stack could not be read whole: {unread}", fix=_FIX)
        elif clean:
            yield place.passes(None, "The stack exports nothing and imports nothing.")


def _scopes(project: Project) -> dict[str, Scope]:
    return {resource.stack.id: resource.scope for resource in project.resources()}


def _exports(project: Project) -> list[_Export]:
    scopes = project.once(_scopes)
    found = []
    for stack in project.stacks:
        scope = scopes.get(stack.id)
        for path, output in _declared(stack.template.get("Outputs")):
            export = output.get("Export")
            exists = _answer(scope, output.get("Condition"))
            if export is not None and exists is not NO:
                written = export.get("Name") if isinstance(export, dict) else export
                name = scope.resolve(written) if scope is not None else written
                found.append(_Export(stack, StackPlace(stack, ("Outputs", *path)), name, exists))
    return found


def _imported(project: Project) -> list[Resolved | Absent]:
    """Every name that a stack at hand imports."""
    names: list[Resolved | Absent] = []
    scopes = project.once(_scopes)
    for resource in project.resources():
        if _mentions(resource.raw):
            names += [resource.scope.resolve(use.argument) for use in _uses(resource.raw, resource.scope)
                      if use.function == _IMPORT]  # fmt: skip
    for stack in project.stacks:
        scope = scopes.get(stack.id)
        for _, output in _declared(stack.template.get("Outputs")):
            if scope is not None and _mentions(output):
                names += [scope.resolve(use.argument) for use in _uses(output, scope) if use.function == _IMPORT]
    return names


def _locks(stack: Stack, imports: list[_Import], project: Project) -> list[Judgement]:
    """One judgement for each other stack that this one imports from, with the names that tie the two."""
    exports = project.once(_exports)
    by_owner: dict[str, list[_Import]] = {}
    exported: dict[str, list[StackPlace]] = {}
    for each in imports:
        owner = next((export for export in exports if export.name == each.name), None)
        name = owner.stack.name if owner is not None else ""
        by_owner.setdefault(name, []).append(each)
        exported.setdefault(name, []).extend([owner.place] if owner is not None else [])
    found = []
    for owner_name, uses in by_owner.items():
        sure = [use for use in uses if use.sure]
        first = (sure or uses)[0]
        others = tuple(
            dict.fromkeys((*exported[owner_name], *(use.place for use in uses if use.place is not first.place)))
        )
        if not sure:
            why = "whether it imports depends on a condition that is open"
            found.append(first.place.undecided(None, why, path=first.path, fix=_FIX))
            continue
        names = list(dict.fromkeys(_shown(use.name) for use in sure))
        listed = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        where = f"{owner_name} exports" if owner_name else "another stack exports"
        violation = f"{stack.name} imports what {where} ({listed}): that stack cannot change it or be deleted."
        found.append(first.place.fails(None, violation, fix=_FIX, path=first.path, related=others[:10]))
    return found


def _shown(name: Resolved | Absent) -> str:
    return str(name) if isinstance(name, str | Text) else "a name that is not known"


def _unused(stack: Stack, project: Project) -> list[Judgement]:
    """Exports of a stack that none of these stacks imports: they lock nothing yet."""
    imported = project.once(_imported)
    declared = [export for export in project.once(_exports) if export.stack is stack]
    own = [export for export in declared if not any(_may_be(export.name, each) for each in imported)]
    if declared and not own:
        return [StackPlace(stack).passes("export", "What it exports is imported, which is judged where it is.")]
    if not own:
        return []
    if all(isinstance(export.exists, Open) for export in own):
        return [own[0].place.undecided("export", "whether it exports depends on a condition that is open", fix=_LEAVE)]
    names = [str(export.place.root[-1]) for export in own]
    listed = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    violation = f"It exports {listed}, which none of these stacks imports: whoever comes to import it locks this stack."
    others = tuple(export.place for export in own[1:10])
    return [StackPlace(stack).fails("export", violation, fix=_LEAVE, path="Outputs", related=others)]


def _may_be(exported: Resolved | Absent, imported: Resolved | Absent) -> bool:
    """Whether an export may be the one that somebody imports: then it is judged at the importer."""
    if isinstance(exported, str | Text) and isinstance(imported, str | Text):
        return could_be_equal(exported, imported)
    return isinstance(exported, Unknown) or isinstance(imported, Unknown)


def _resource(resource: Resource, project: Project, imports: list[_Import]) -> Iterator[Judgement]:
    link = _LINKS.get(resource.type)
    if link is None and "Custom" in resource.type:
        link = next((key for key in _LINKS.values() if isinstance(resource.raw_at(key), dict)), None)
    if link is not None:
        yield resource.fails(
            None,
            "A custom resource ties this stack to one in another region: neither can be deleted or changed alone.",
            fix=_FIX,
            path=link,
        )
    if not _mentions(resource.raw):
        return
    for use in _uses(resource.raw, resource.scope):
        steps = use.path[1:] if use.path[:1] == ("Properties",) else use.path
        path = ".".join(map(str, steps))
        if use.function == _WEAK:
            yield _weak(use, resource, path, resource.scope, project)
        elif use.function == _MACRO:
            yield resource.undecided(None, _PUT_THERE, path=path, fix=_FIX)
        else:
            # Up to the first condition: in another world the same property imports in the other branch.
            path = path.partition(".Fn::If")[0]
            imports.append(_Import(resource, path, resource.scope.resolve(use.argument), use.sure and resource.certain))


def _outputs(stack: Stack, scope: Scope | None, project: Project, imports: list[_Import]) -> Iterator[Judgement]:
    for name, output in _declared(stack.template.get("Outputs")):
        place = StackPlace(stack, ("Outputs", *name))
        exists = _answer(scope, output.get("Condition"))
        if exists is NO or scope is None or not _mentions(output):
            continue
        for use in _uses(output, scope):
            if use.function == _WEAK:
                yield _weak(use, place, "Value", scope, project)
            elif use.function == _MACRO:
                yield place.undecided(None, _PUT_THERE, fix=_FIX)
            else:
                imports.append(_Import(place, "Value", scope.resolve(use.argument), use.sure and exists is YES))


def _declared(outputs: Raw) -> Iterator[tuple[tuple[str, ...], dict[str, Raw]]]:
    """The outputs with their paths, those that a loop makes included."""
    pending: list[tuple[tuple[str, ...], Raw]] = [((), outputs)]
    while pending:
        path, node = pending.pop()
        for name, output in reversed(node.items()) if isinstance(node, dict) else ():
            if name.startswith("Fn::ForEach") and isinstance(output, list) and output:
                pending.append(((*path, name), output[-1]))
            elif isinstance(output, dict):
                yield (*path, name), output


def _weak(use: _Use, place: Resource | StackPlace, path: str, scope: Scope, project: Project) -> Judgement:
    argument = use.argument
    if isinstance(argument, dict):
        argument = [argument.get("StackName"), argument.get("OutputName")]
    elif isinstance(argument, str):
        argument = argument.split(".", 1)
    named = [scope.resolve(each) for each in argument] if isinstance(argument, list) else []
    stack, output = named if len(named) == 2 else (None, None)
    if not isinstance(stack, str) or not isinstance(output, str):
        return place.undecided(None, "the stack or output of a weak reference is not known", path=path, fix=_FIX)
    owner = next((each for each in project.stacks if stack in {each.name, each.id}), None)
    if owner is None:
        why = f"the stack {stack}, whose output {output} is read at deployment, is not among what is judged"
        return place.undecided(None, why, path=path, fix=_FIX)
    declared = owner.template.get("Outputs")
    found = declared.get(output) if isinstance(declared, dict) else None
    if found is None:
        violation = f"It reads output {output} of {stack}, which has none: the deployment fails."
        return place.fails(None, violation, fix=f"Add the output to {stack}, or correct its name.", path=path)
    if isinstance(found, dict) and found.get("Condition") is not None:
        return place.undecided(None, f"output {output} of {stack} is there under a condition", path=path, fix=_FIX)
    return place.passes(None, f"It reads {stack}'s output {output} at deployment and locks nothing.", path=path)


# -- walking raw expressions: without recursion, so that depth is no danger ------------------------------


def _mentions(node: Raw) -> bool:
    """Whether there may be anything to look for below ``node``: most resources have nothing, so this is the fast look,
    at what they are written out as."""
    try:
        written = _ENCODER.encode(node)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return True
    return any(each in written for each in _MARKS)


def _uses(root: Raw, scope: Scope) -> Iterator[_Use]:
    """Every use below ``root``, but for branches that a decided condition leaves out.

    What both branches of one open condition use is used for sure.
    """
    found: list[tuple[_Use, _Branches]] = []
    pending: list[tuple[Raw, tuple[str | int, ...], _Branches]] = [(root, (), ())]
    while pending:
        node, path, inside = pending.pop()
        if isinstance(node, list):
            pending.extend((child, (*path, index), inside) for index, child in enumerate(node))
        elif isinstance(node, dict):
            branches = node.get("Fn::If")
            if len(node) == 1 and isinstance(branches, list) and len(branches) == 3:
                answer = _answer(scope, branches[0])
                if isinstance(answer, Open):
                    pending.extend((branches[n], (*path, "Fn::If", n), (*inside, (path, n))) for n in (1, 2))
                else:
                    chosen = 1 if answer is YES else 2
                    pending.append((branches[chosen], (*path, "Fn::If", chosen), inside))
                continue
            for key, child in node.items():
                if key in {_IMPORT, _WEAK, _MACRO}:
                    found.append((_Use(key, child, path, sure=not inside), inside))
                if key not in {_IMPORT, _WEAK}:
                    pending.append((child, (*path, key), inside))
    found = [*_without_told(found)]
    taken: dict[tuple[str, str, tuple[str | int, ...]], set[int]] = {}
    for use, inside in found:
        if len(inside) == 1:
            taken.setdefault((use.function, repr(use.argument), inside[0][0]), set()).add(inside[0][1])
    for use, inside in found:
        either = len(inside) == 1 and taken[use.function, repr(use.argument), inside[0][0]] == {1, 2}
        yield use._replace(sure=True) if either else use


def _without_told(found: list[tuple[_Use, _Branches]]) -> Iterator[tuple[_Use, _Branches]]:
    """Without the macros that are handed an import: none evaluates it, so that it stands in what they put there (AWS
    CloudFormation User Guide, "Create a CloudFormation macro definition": ``params``)."""
    within = {use.path[:end] for use, _ in found if use.function == _IMPORT for end in range(1, len(use.path) + 1)}
    for use, inside in found:
        if use.function != _MACRO or (*use.path, _MACRO) not in within:
            yield use, inside


def _answer(scope: Scope | None, condition: Raw) -> Answer:
    """A condition's answer; a thing without a condition is there."""
    if condition is None:
        return YES
    answer = scope.resolve({"Condition": condition}) if scope is not None else None
    return yes_if(answer) if isinstance(answer, bool) else Open(f"whether the condition {condition} holds")


def check_account(account: Account, project: Project) -> Iterator[Judgement]:
    """Live: no other stack imports what a stack exports."""
    importers = table(account, "importers")
    for environment in project.environments:
        for stack in environment.stacks:
            place = StackPlace(stack, surface=Surface.ACCOUNT)
            if isinstance(importers, Unknown):
                yield place.undecided("importers", f"who imports from it: {importers.why}", fix=_FIX_IMPORTERS)
                continue
            locked: dict[str, list[str]] = {}
            for name, each in importers.items():
                if isinstance(each, dict) and each.get("stack") == stack.name:
                    for importer in texts(each.get("imported_by")):
                        locked.setdefault(importer, []).append(name)
            for importer, names in locked.items():
                why = f"Stack {importer} imports {', '.join(sorted(names))} from it: neither can change alone."
                yield place.fails("importers", why, fix=_FIX_IMPORTERS)
            if not locked:
                yield place.passes("importers", "No stack imports what it exports.")


_FIX_IMPORTERS: Final = "Pass the value as configuration (a name, an ARN) and remove the export."


RULE = Rule(
    id="C4",
    looked_for="stack",
    check=check,
    check_account=check_account,
)
