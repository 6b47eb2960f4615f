"""Whether a name would collide with the next environment that is made from the same code."""

from __future__ import annotations

import json
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open
from checker.model.environment_words import UNNAMED, environment_of, kind_of, words
from checker.model.environments import Environment, EnvironmentKind, Project
from checker.model.overlap import is_dynamic
from checker.model.resources import Raw, Resource, Stack
from checker.model.values import Import, Parameter, Reference, ResourceKey, Text
from checker.reason.names.collisions import Candidate, Parent
from checker.reason.names.physical import HOST_NAMES, is_stacks_own, references

# Words that mark an environment in a name where the environment at hand has no name of its own.
_MARKS: Final = frozenset(
    {"production", "prod", "prd", "staging", "stage", "stg", "preprod", "development", "dev", "test", "qa", "uat"}
)
# The environment of a job, as its token's subject has it (GitHub Docs, "OpenID Connect reference").
_ADMITTED: Final = lazy_re.compile(r":environment:([\w.-]+)")
# Words of a parameter's name that say: each environment gets its own value.
_ENVIRONMENT_PARAMETERS: Final = frozenset({"env", "environment", "stage", "tier", "stack"})
# A hash or an id that code makes: of the environment, as far as anybody can tell from its template. One that is short,
# or in more signs than a hash has, changes between letters and digits more often than a word with a number does.
_GENERATED: Final = lazy_re.compile(
    r"(?<![0-9A-Za-z])(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}(?![0-9A-Za-z])"
    r"|(?=[A-F]*\d)(?=\d*[A-F])[0-9A-F]{8}(?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z])(?=[0-9a-f]{6,40}(?![0-9A-Za-z]))\d*(?:[a-f]+\d+){2,}[a-f]*"
    r"|(?<![0-9A-Za-z])(?=[0-9a-f]{6,40}(?![0-9A-Za-z]))(?:\d+[a-f]+){2,}"
    r"|(?<![0-9A-Za-z])(?=[0-9a-z]{8,12}(?![0-9A-Za-z]))\d*(?:[a-z]+\d+){2,}[a-z]*"
    # Shorter ones, and those of any length and of both cases (an id of nanoid's, a ULID): more often still.
    r"|(?<![0-9A-Za-z])(?=[0-9a-z]{6,7}(?![0-9A-Za-z]))(?:(?:[a-z]+\d+){3}|(?:\d+[a-z]+){3})"
    r"|(?<![0-9A-Za-z])(?=[0-9A-Za-z]{8,12}(?![0-9A-Za-z]))\d*(?:[A-Za-z]+\d+){3}"
    r"|(?<![0-9A-Za-z])(?=[0-9A-Za-z]{13,40}(?![0-9A-Za-z]))\d*(?:[A-Za-z]+\d+){4}"
    # What CDK's PhysicalName.GENERATE_IF_NEEDED ends in, glued to the word before: a hash of account and region too.
    r"|(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{12}(?![0-9A-Za-z])"
)
# What CDK's Names.uniqueId ends in, in lower case where the service asks for that: AWS CDK API Reference, "Names".
_UNIQUE: Final = lazy_re.compile(r"(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8}$")
_SIGNS: Final = lazy_re.compile(r"[\W_]+")
# An id that a service gave to the parent (vpc-0a1b2c3d, Z123ABC, a1b2c3d4e5): which environment's, nothing says.
_ISSUED_ID: Final = lazy_re.compile(
    r"^[a-z]+-[0-9a-f]{8,}$|^Z[0-9A-Z]+$|^(?=.*\d)[0-9a-z]{10,}$|^[a-z]{2}-[a-z]+-\d_\w+$|resolve:"
)


def carries_environment(candidate: Candidate, environment: Environment) -> Answer:
    """Whether the next environment made from the same code would get another name than this one."""
    if candidate.name.naming.kind == HOST_NAMES:
        return YES  # of a public domain: an environment without a host name of its own serves nobody
    resource, project = candidate.resource, environment.project
    scopes = candidate.parents[: len(candidate.name.naming.within)]
    if any(_parent_carries(each, environment) for each in scopes):
        return YES
    if isinstance(candidate.text, Text):
        for hole in candidate.text.holes:
            owner = project.resource(hole.target) if isinstance(hole, Reference) else None
            shared = owner is not None and _is_shared(owner, project)
            if isinstance(hole, Parameter) or (is_stacks_own(hole) and not shared):
                return YES
    literal = str(candidate.text or "")
    if any(_marks(word, environment) for word in words(literal)):
        return YES
    chosen = _chosen_outside(resource.raw_at(candidate.name.path), resource.stack)
    if chosen is not NO:
        return chosen
    if candidate.text is None or None in scopes or any(_is_imported(each) for each in scopes):
        return Open(f"{candidate.name.path}, or what it is a name in, is decided at deployment")
    if is_dynamic(literal) or candidate.open:
        return Open(f"{literal} is read from elsewhere at deployment")
    if looks_generated(literal) or _is_of_path(literal, resource.stack):
        return Open(f"{literal} holds what looks like a generated hash, which may be of the environment")
    return NO


def admits_several(stack: Stack) -> bool:
    """Whether of a stack's roles one admits the jobs of production alone, and another those of staging alone: it is
    made once for both, whatever it is called. One role that admits both tells of no such order."""
    resources = stack.template.get("Resources")
    each = resources.values() if isinstance(resources, dict) else ()
    roles = [one.get("Properties") for one in each if isinstance(one, dict) and one.get("Type") == "AWS::IAM::Role"]
    trusts = [one.get("AssumeRolePolicyDocument") for one in roles if isinstance(one, dict)]
    admitted = [{kind_of(name) for name in _ADMITTED.findall(json.dumps(trust, default=str))} for trust in trusts]
    return {EnvironmentKind.PRODUCTION} in admitted and {EnvironmentKind.STAGING} in admitted


def looks_generated(literal: str) -> bool:
    """Whether a name has a part in it that code makes, of whatever it tells apart."""
    return _GENERATED.search(literal) is not None


def _is_of_path(literal: str, stack: Stack) -> bool:
    """Whether a name is the stack's in one word, a construct's path and the hash of both."""
    word, own = (_SIGNS.sub("", text).lower() for text in (literal, stack.name))
    return bool(own) and word.startswith(own) and len(word) > len(own) and bool(_UNIQUE.search(word))


def untold(candidate: Candidate, other: Candidate) -> str:
    """The parameter whose value would tell whether two deployments of one template name one thing alike, where neither
    is told it; ``AWS::StackName`` for a name made of that, which two stacks of a place never share. Else empty."""
    one, two = candidate.resource, other.resource
    same = one.stack.source.file == two.stack.source.file and one.logical_id == two.logical_id
    if not same or one.stack.name != two.stack.name or one.environment_name == two.environment_name:
        return ""
    found = set(references(one.raw_at(candidate.name.path)))
    if found & {"AWS::StackName", "AWS::StackId"}:
        return "AWS::StackName"
    declared = one.stack.template.get("Parameters")
    parameters = found & set(declared if isinstance(declared, dict) else ())
    return min(parameters - set(one.stack.parameters) - set(two.stack.parameters), default="")


def _parent_carries(parent: Parent, environment: Environment) -> bool:
    """Whether the parent is the environment's own. One that is named by plain words is the next one's too."""
    if not isinstance(parent, str) and not _is_imported(parent):
        return isinstance(parent, ResourceKey | Text)
    name = str(parent).rpartition("/")[2]
    return bool(_ISSUED_ID.search(name)) or any(_marks(word, environment) for word in words(name))


def _is_imported(parent: Parent) -> bool:
    """Whether the parent is an export by a name that stands in the template: the next environment's may be the same."""
    hole = parent.only_hole if isinstance(parent, Text) else None
    return isinstance(hole, Import) and "AWS::" not in hole.shown


def _is_shared(resource: Resource, project: Project) -> bool:
    found = project.environment(resource.environment_name)
    return found is not None and found.kind is EnvironmentKind.SHARED


def _marks(word: str, environment: Environment) -> bool:
    if environment.kind is EnvironmentKind.OTHER:
        return word in _MARKS or (environment.name != UNNAMED and word in words(environment.name))
    return (environment_of(word) or word) == (environment_of(environment.name) or environment.name)


def _chosen_outside(expression: Raw, stack: Stack) -> Answer:
    """Whether an expression takes its value from what each deployment chooses: a parameter, the stack's name."""
    undecided: Answer = NO
    declared = stack.template.get("Parameters")
    parameters = declared if isinstance(declared, dict) else {}
    for name in references(_taken(expression, stack)):
        if name in {"AWS::StackName", "AWS::StackId"}:
            return YES
        if name in parameters:
            default = isinstance(parameters[name], dict) and "Default" in parameters[name]
            if name in stack.parameters or _ENVIRONMENT_PARAMETERS.intersection(words(name)):
                return YES
            above = _argument(stack, name)
            if above is not None and stack.parent is not None:
                chosen = _chosen_outside(above, stack.parent)
                if chosen is not NO:
                    return chosen
                continue
            if not default:
                return YES
            undecided = Open(f"it is taken from parameter {name}, whose default names no environment")
        elif name in (stack.template.get("Conditions") or {}):
            undecided = Open(f"it depends on condition {name}, and names no environment")
    return undecided


def _taken(expression: Raw, stack: Stack) -> Raw:
    """An expression without what its constant conditions never choose."""
    if isinstance(expression, list):
        return [_taken(each, stack) for each in expression]
    if not isinstance(expression, dict):
        return expression
    choice = expression.get("Fn::If")
    if isinstance(choice, list) and len(choice) == 3 and isinstance(choice[0], str):
        holds = _constant(stack.template.get("Conditions"), choice[0], 0)
        if holds is not None:
            return _taken(choice[1] if holds else choice[2], stack)
    return {key: _taken(each, stack) for key, each in expression.items()}


_DEEPEST: Final = 20


def _constant(conditions: Raw, test: Raw, depth: int) -> bool | None:
    """What a condition, by its name or as it is written, comes to in every deployment; ``None`` where they choose."""
    if depth > _DEEPEST or not isinstance(conditions, dict):
        return None
    if isinstance(test, str):
        return _constant(conditions, conditions.get(test), depth + 1)
    key, value = next(iter(test.items())) if isinstance(test, dict) and len(test) == 1 else ("", None)
    if key == "Condition":
        return _constant(conditions, value, depth + 1)
    if not isinstance(value, list):
        return None
    if key == "Fn::Equals":
        plain = len(value) == 2 and all(isinstance(each, str) for each in value)
        return str(value[0]) == str(value[1]) if plain else None
    answers = [_constant(conditions, each, depth + 1) for each in value]
    if key == "Fn::Not":
        return None if answers in ([None], []) else not answers[0]
    if key not in {"Fn::And", "Fn::Or"}:
        return None
    decisive = key == "Fn::Or"
    return decisive if decisive in answers else None if None in answers else not decisive


def _argument(stack: Stack, name: str) -> Raw:
    """What the parent stack passes for a parameter of a nested one, unresolved."""
    resources = stack.parent.template.get("Resources") if stack.parent else None
    nested = resources.get(stack.id.rpartition("/")[2]) if isinstance(resources, dict) else None
    for step in ("Properties", "Parameters", name):
        nested = nested.get(step) if isinstance(nested, dict) else None
    return nested
