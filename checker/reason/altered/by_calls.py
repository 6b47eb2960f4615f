"""What custom resources make of other resources by AWS calls of their own: what they set holds, not what stands there.

An ``AwsCustomResource`` that switches a repository's scanning off does so after CloudFormation made the repository.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct, field

from checker import lazy_re
from checker.model.environments import Environment, Project
from checker.model.overlap import could_be_equal, is_dynamic
from checker.model.resources import Resource
from checker.model.values import ABSENT, Absent, Known, Reference, Resolved, ResourceKey, Text, Unknown, Value, pieces
from checker.model.written.altered import Changes
from checker.reason.altered.effects import EFFECTS, Effect, Outcome
from checker.reason.names.arns import arn_of, name_of
from checker.reason.names.custom_resources import called, custom_resources, decoded, has_open_names, is_custom
from checker.reason.templates.sdk_calls import SdkCall, sdk_calls


class _Set(Struct):
    """What calls have made of one property so far, which of its members they set, and who made the last of them."""

    owner: Resource
    value: Outcome
    members: dict[str, Resolved] = field(default_factory=dict)


_Found = dict[ResourceKey, tuple[Resource, dict[str, _Set]]]


def altered_by_calls(project: Project) -> Mapping[ResourceKey, Changes]:
    """The resources that calls of custom resources change, each with the properties that are something else then."""
    found: _Found = {}
    for environment in project.environments:
        if not any(map(is_custom, environment.types)):
            continue
        hidden: dict[tuple[str, str], Resource] = {}
        for owner in custom_resources(environment):
            for when in _MADE:
                for each in _hidden(owner, when):
                    hidden.setdefault(each, owner)
        _hide(environment, hidden, found)
        for call in sdk_calls(environment):
            effect = EFFECTS.get((call.service, call.action))
            if effect is not None and call.when in _MADE:
                # What is made first when a stack is updated may not have been made yet.
                at_once = call.when == "Create" or not isinstance(call.owner.get("Create"), Absent)
                for target, sure in _targets(environment, call, effect):
                    if effect.besides and _says_nothing(environment, target, effect):
                        continue
                    _apply(found.setdefault(target.key, (target, {}))[1], target, call, effect, sure=sure and at_once)
    changes = {
        key: {name: (each.owner, each.value) for name, each in sets.items() if not _is_so(target.get(name), each.value)}
        for key, (target, sets) in found.items()
    }
    return {key: each for key, each in changes.items() if each}


# When CloudFormation makes the call; what is called when a stack is deleted changes nothing of one that is there.
_MADE: Final = ("Create", "Update")
# AWS CDK, ``AwsCustomResource``: nothing but a call. Of other types, what has the form of a call is taken for one.
_CDK_S: Final = "Custom::AWS"


def _hidden(owner: Resource, when: str) -> list[tuple[str, str]]:
    """Which call a custom resource may make, by service and action, of whose call not all is known that tells it."""
    value, cdk_s = owner.get(when), owner.type == _CDK_S
    if isinstance(value, Absent):
        return []
    call = decoded(value.value, with_open_values=True) if isinstance(value, Known) else None
    if call is None:
        text = value.value if isinstance(value, Known) else None
        if not cdk_s and isinstance(value, Known) and not (isinstance(text, Text) and _may_be_a_call(text)):
            return []
        return _by_action(text if isinstance(text, str | Text) else "")
    if not cdk_s and not call.keys() & {"service", "action"}:
        return []
    service, action = called(call)
    parameters = call.get("parameters")
    readable = (parameters is None or isinstance(parameters, dict)) and not has_open_names(call)
    if service and action and readable:
        return []
    known = (service, action.lower())
    return [names for names in EFFECTS if all(a in ("", b) for a, b in zip(known, names, strict=True))]


def _may_be_a_call(text: Text) -> bool:
    first, last = text.parts[0], text.parts[-1]
    begins = not isinstance(first, str) or first.lstrip().startswith("{")
    return begins and (not isinstance(last, str) or last.rstrip().endswith("}"))


def _by_action(value: str | Text) -> list[tuple[str, str]]:
    """By what stands in a text that is no JSON as it is: the call's name may stand there all the same."""
    written = "\0".join(part if isinstance(part, str) else "" for part in pieces(value))
    named = {each.lower() for each in _ACTION.findall(written)}
    all_named = named and len(_ACTION.findall(written)) == written.count('"action"')
    return [names for names in EFFECTS if not all_named or names[1] in named]


_ACTION: Final = lazy_re.compile(r'"action"\s{0,9}:\s{0,9}"(\w+?)(?:Command)?"')


def _hide(environment: Environment, hidden: Mapping[tuple[str, str], Resource], found: _Found) -> None:
    """A call that is not known may be any of them, on anything."""
    for names, owner in hidden.items():
        said = Unknown(f"{owner.logical_id} makes a call of its own, and which one is not known")
        effect = EFFECTS[names]
        for target in environment.resources(effect.kind):
            sets = found.setdefault(target.key, (target, {}))[1]
            sets.update({name: _Set(owner, said) for name in effect.sets})


def _targets(environment: Environment, call: SdkCall, effect: Effect) -> Iterator[tuple[Resource, bool]]:
    """The resources that the call names: one for sure, or each that it may be where its name is not known."""
    named = call.parameters.get(effect.named)
    found = [each for each in environment.project.all_referred(named) if each.type == effect.kind]
    own = [each for each in found if each.environment_name == environment.name]
    if found:
        yield from ((each, True) for each in own or found)
    elif isinstance(named, str) and not is_dynamic(named):
        yield from (
            (each, False)
            for each in environment.resources(effect.kind)
            if _may_be_called(environment, each, effect, named)
        )
    elif named is None:
        # It names nothing, and fails, unless what is not known of it holds the name.
        if any(isinstance(each, Unknown) for each in call.parameters.values()):
            yield from ((each, False) for each in environment.resources(effect.kind))
    elif not _is_another(named, environment.project):
        yield from ((each, False) for each in environment.resources(effect.kind))


def _may_be_called(environment: Environment, target: Resource, effect: Effect, written: str) -> bool:
    """Whether a name or an ARN that is written out may be that of a resource whose own is not known."""
    owner: Resource | None = target
    if effect.named.endswith("arn"):
        # A listener's ARN and a load balancer's hold the load balancer's name, before ids that are made up for them.
        owner = target if effect.name == "Name" else environment.referred(target.get(effect.name))
        written = next(iter(written.split("/")[2:3]), "")
    if not effect.name or owner is None:
        return bool(effect.name)
    own = owner.get("Name" if effect.named.endswith("arn") else effect.name)
    if isinstance(own, Known):
        return not isinstance(own.value, str | Text) or could_be_equal(written, own.value, fold=True)
    # What CloudFormation makes up for a resource tells nobody its name before it is there.
    return isinstance(own, Unknown) or (
        arn_of(owner) is not None and could_be_equal(written, name_of(owner), fold=True)
    )


def _is_another(named: Resolved, project: Project) -> bool:
    """Whether it is told by a resource that is none of the type: the default group of a network."""
    holes = list(named.holes) if isinstance(named, Text) else []
    known = [project.resource(hole.target) for hole in holes if isinstance(hole, Reference)]
    told = [each for each in known if each is not None and not _may_answer_any(each.type)]
    return bool(holes) and len(told) == len(holes)


def _may_answer_any(kind: str) -> bool:
    return is_custom(kind) or kind.startswith(("AWS::CloudFormation::", "AWS::SSM::Parameter", "AWS::ServiceCatalog::"))


def _says_nothing(environment: Environment, target: Resource, effect: Effect) -> bool:
    own = [target.get(name) for name in effect.sets]
    said = any(isinstance(each, Unknown) or (isinstance(each, Known) and each.value != []) for each in own)
    return not said and not any(True for _ in environment.children(target, effect.besides))


def _apply(sets: dict[str, _Set], target: Resource, call: SdkCall, effect: Effect, *, sure: bool) -> None:
    """In which order several calls are made is not asked: what one of them may undo of another is not known."""
    said = f"{call.owner.logical_id} may set it by a call of its own ({call.service}:{call.action})"
    for name, setting in effect.sets.items():
        earlier = sets.get(name)
        if earlier is not None and isinstance(earlier.value, Unknown):
            continue
        before = target.get(name) if earlier is None else _as_value(earlier.value)
        after = setting(call.parameters, before)
        if after is None:
            continue
        members = effect.keyed(call.parameters) if effect.keyed is not None else {}
        before_it = earlier.members if earlier is not None else {}
        if earlier is not None and (
            any(before_it.get(each, value) != value for each, value in members.items())
            if effect.adds
            else earlier.value != after
        ):
            who = " and ".join(dict.fromkeys((earlier.owner.logical_id, call.owner.logical_id)))
            after = Unknown(f"several calls set it to several things, and which is the last is not known: {who}")
        elif not (sure and call.owner.certain) or isinstance(before, Unknown):
            after = after if _is_so(before, after) else Unknown(said)
        sets[name] = _Set(call.owner, after, {**before_it, **members})


def _as_value(outcome: Outcome) -> Value:
    return outcome if isinstance(outcome, Absent | Unknown) else Known(outcome)


def _is_so(now: Value, outcome: Outcome) -> bool:
    """Whether the property is already what calls make of it."""
    return now is ABSENT if isinstance(outcome, Absent) else isinstance(now, Known) and now.value == outcome
