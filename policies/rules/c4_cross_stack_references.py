"""Stacks share no exports and can be deployed apart.

What the review found
    Splitting the stack with CDK's cross-stack references would make exports: CloudFormation then refuses to change or
    delete the shared stack while an environment imports from it.
What is checked
    Every stack, nested ones too: no output is exported, nothing imports (``Fn::ImportValue``, also deep inside other
    functions), and CDK's export writer and reader, which lock stacks of two regions together in the same way, are not
    used. A weak reference (``Fn::GetStackOutput``) locks nothing, but what it names must be there.
When it does not apply
    No stack in the environment. Outputs that are not exported and what a parent reads from its nested stacks are fine.
What cannot be decided
    Stacks with parts that are not at hand (macros, templates of nested stacks), references under a condition that is
    open, and weak references to stacks that are not at hand.
Fix
    Give the other stack's identifiers as configuration: strings from settings or parameters.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from checker.model.environments import Environment, Project
from checker.model.judgements import Judgement
from checker.model.resources import Raw, Resource, Scope, Stack, StackPlace
from checker.model.rules import Rule
from checker.model.values import Unknown
from checker.model.verdicts import Outcome

_IMPORT = "Fn::ImportValue"
_WEAK = "Fn::GetStackOutput"
# AWS CDK, "Stack.crossRegionReferences": the writer cannot be deleted while a reader uses its parameters.
_LINKS = {"Custom::CrossRegionExportWriter": "WriterProps", "Custom::CrossRegionExportReader": "ReaderProps"}
# Macros that add neither exports nor imports (AWS SAM, "Generated CloudFormation resources").
_HARMLESS = ("transform AWS::Serverless",)
_FIX = "Give the identifier to this stack as configuration instead: a string from settings or a parameter."


class _Use(NamedTuple):
    """One use of another stack's value; ``sure`` is false below a condition that cannot be decided."""

    function: str
    argument: Raw
    path: tuple[str | int, ...]
    sure: bool


def check(environment: Environment) -> Iterator[Judgement]:
    scopes: dict[str, Scope] = {}
    unclean: set[str] = set()
    for resource in environment.resources():
        scopes[resource.stack.id] = resource.scope
        for judgement in _resource(resource, environment.project):
            if judgement.outcome is not Outcome.PASS:
                unclean.add(resource.stack.id)
            yield judgement
    for stack in environment.stacks:
        clean = stack.id not in unclean
        for judgement in _outputs(stack, scopes.get(stack.id), environment.project):
            clean = clean and judgement.outcome is Outcome.PASS
            yield judgement
        place = StackPlace(stack)
        unread = next((note for note in stack.unread if not note.startswith(_HARMLESS)), None)
        if unread is not None:
            yield place.undecided(None, f"the stack is not wholly at hand: {unread}", fix=_FIX)
        elif clean:
            yield place.passes(None, "The stack exports nothing and imports nothing.")


def _resource(resource: Resource, project: Project) -> Iterator[Judgement]:
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
        yield _judge(use, resource, ".".join(map(str, steps)), resource.scope, project)


def _outputs(stack: Stack, scope: Scope | None, project: Project) -> Iterator[Judgement]:
    for name, output in _declared(stack.template.get("Outputs")):
        place = StackPlace(stack, ("Outputs", *name))
        exists = _answer(scope, output.get("Condition"))
        if exists is False:
            continue
        if output.get("Export") is not None:
            violation = "The output is exported: whoever imports it locks this stack."
            if exists is None:
                yield place.undecided(None, f"the export exists under condition {output['Condition']}", fix=_FIX)
            else:
                yield place.fails(None, violation, fix="Leave Export out: scripts read plain outputs.", path="Export")
        if scope is not None and _mentions(output):
            for use in _uses(output, scope):
                yield _judge(use._replace(sure=use.sure and exists is True), place, "Value", scope, project)


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


def _judge(use: _Use, place: Resource | StackPlace, path: str, scope: Scope, project: Project) -> Judgement:
    if use.function == _WEAK:
        return _weak(use, place, path, scope, project)
    if not use.sure:
        return place.undecided(None, "whether it imports depends on a condition that is open", path=path, fix=_FIX)
    name = scope.resolve(use.argument)
    named = "another stack's export" if isinstance(name, Unknown) else str(name)
    violation = f"It imports {named}: the stack that exports it cannot change it or be deleted."
    return place.fails(None, violation, fix=_FIX, path=path)


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
        why = f"the stack {stack}, whose output {output} is read at deployment, is not at hand"
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
    """Whether there is anything to look for below ``node``: most resources have nothing, so this is the fast look."""
    pending = [node]
    for each in pending:
        if isinstance(each, dict):
            if _IMPORT in each or _WEAK in each:
                return True
            pending.extend([child for child in each.values() if isinstance(child, dict | list)])
        else:
            pending.extend([child for child in each if isinstance(child, dict | list)])
    return False


def _uses(root: Raw, scope: Scope) -> Iterator[_Use]:
    """Every use below ``root``, but for branches that a decided condition leaves out."""
    pending: list[tuple[Raw, tuple[str | int, ...], bool]] = [(root, (), True)]
    while pending:
        node, path, sure = pending.pop()
        if isinstance(node, list):
            pending.extend((child, (*path, index), sure) for index, child in enumerate(node))
        elif isinstance(node, dict):
            branches = node.get("Fn::If")
            if len(node) == 1 and isinstance(branches, list) and len(branches) == 3:
                answer = _answer(scope, branches[0])
                chosen = (1, 2) if answer is None else (1,) if answer else (2,)
                pending.extend((branches[n], (*path, "Fn::If", n), sure and answer is not None) for n in chosen)
                continue
            for key, child in node.items():
                if key in {_IMPORT, _WEAK}:
                    yield _Use(key, child, path, sure)
                else:
                    pending.append((child, (*path, key), sure))


def _answer(scope: Scope | None, condition: Raw) -> bool | None:
    """A condition's answer; a thing without a condition is there."""
    if condition is None:
        return True
    answer = scope.resolve({"Condition": condition}) if scope is not None else None
    return answer if isinstance(answer, bool) else None


RULE = Rule(
    id="C4",
    looked_for="stack",
    check=check,
)
