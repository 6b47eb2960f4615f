"""Recorded models as templates and snapshots: what real resources read as after a deployment.

They stand beside the checkout (``../shared/recorded``) and are not part of it.
"""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from cfnlint.data import schemas

from checker.data.type_facts import covers, facts_of
from tests.drift.support import RECORDED

Model = Mapping[str, Any]
Steps = tuple[str | int, ...]

WHERE = RECORDED
STATES = {"changed_in_account": "changed", "added_in_account": "added"}


def files() -> list[str]:
    return sorted(path.stem for path in WHERE.glob("*.json"))


def models(file: str) -> list[Model]:
    found: list[Model] = json.loads((WHERE / f"{file}.json").read_text(encoding="utf-8"))
    return found


def type_of(file: str) -> str:
    return file.replace("-", "::", 2)


def template_of(kind: str, model: Model) -> dict[str, Any]:
    """The model's resource, and those beside it that the recorder saw explain something of it."""
    this = {"Ref": model["logical_id"]}
    resources: dict[str, Any] = {model["logical_id"]: {"Type": kind, "Properties": model["declared"]}}
    context = model["context"]
    for index, name in enumerate(model.get("sibling_policy_names", ())):
        resources[f"Policy{index}"] = _resource("AWS::IAM::Policy", PolicyName=name, Roles=[this])
    for rules in context.get("siblingSgRules", {}).values():
        for way in ("ingress", "egress"):
            for index, rule in enumerate(rules[way]):
                resource = _resource(f"AWS::EC2::SecurityGroup{way.capitalize()}", GroupId=this, **rule)
                resources[f"Rule{way}{index}"] = resource
    for groups in context.get("ecsBgGovernedListenerRules", {}).values():
        shifted = {"AlternateTargetGroupArn": groups[1], "ProductionListenerRule": this}
        balancers = [{"TargetGroupArn": groups[0], "AdvancedConfiguration": shifted}]
        resources["Service"] = _resource("AWS::ECS::Service", LoadBalancers=balancers)
    return {"Resources": resources}


def _resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def snapshot_of(kind: str, model: Model, stack: str) -> dict[str, Any]:
    """The read model as the one live resource. Tags of the stack are the stack's."""
    tags = model["context"].get("stackTags") or {}
    listed = {"logical_id": model["logical_id"], "physical_id": model["physical_id"], "type": kind}
    live = {"type": kind, "physical_id": model["physical_id"], "logical_id": model["logical_id"], "stack": stack}
    return {
        "account": model["context"]["accountId"],
        "region": model["context"]["region"],
        "stacks": [{"name": stack, "tags": tags, "template": None, "resources": [listed]}] if tags else [],
        "resources": [{**live, "stack": stack if tags else None, "properties": model["live"]}],
    }


@dataclass(frozen=True, slots=True)
class Mutation:
    """One value changed to another legal one: in the account (``live``) or in the code (``declared``)."""

    side: str
    steps: Steps
    model: Model

    @property
    def pattern(self) -> str:
        return ".".join("*" if isinstance(step, int) else step for step in self.steps)

    @property
    def path(self) -> str:
        return path_of(self.steps)


def path_of(steps: Steps) -> str:
    """The property as CloudFormation names it: items of a list have no path of their own."""
    named = itertools.takewhile(lambda step: isinstance(step, str), steps)
    return ".".join(map(str, named))


def mutations(kind: str, model: Model) -> Iterator[Mutation]:
    """Every value that a read returns of a declared property, changed on either side, one at a time.

    Left out is what cannot be told by anybody: values that the recorder did not know, properties that no read returns
    or that no template sets, and the tags that AWS keeps for itself.
    """
    facts = facts_of(kind)
    for side, other_side in (("live", "declared"), ("declared", "live")):
        for steps, value in leaves(model[side], ()):
            mutation = Mutation(side, steps, model)
            if steps[0] not in model[other_side] or "__unresolved__" in (value, at(model["declared"], steps)):
                continue
            if covers(facts.write_only, mutation.pattern) or covers(facts.read_only, mutation.pattern):
                continue
            if any(str(each).startswith("aws:") for each in (*steps, at(model[side], (*steps[:-1], "Key")))):
                continue
            other = other_value(value, schema_at(kind, steps))
            if other is not None:
                yield replace(mutation, model={**model, side: changed(model[side], steps, other)})


def at(value: Any, steps: Steps) -> Any:
    """What stands at the end of a path; ``None`` where nothing does."""
    for step in steps:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def changed(properties: Any, steps: Steps, value: Any) -> Any:
    copied = copy.deepcopy(properties)
    at(copied, steps[:-1])[steps[-1]] = value
    return copied


def leaves(value: Any, steps: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from leaves(each, (*steps, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from leaves(each, (*steps, index))
    else:
        yield steps, value


def other_value(value: Any, schema: Mapping[str, Any]) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if not isinstance(value, str):
        return None
    if value.lower() in {"true", "false"}:
        return "false" if value.lower() == "true" else "true"
    if value in schema.get("enum", ()):
        return next((each for each in schema["enum"] if str(each).lower() != value.lower()), None)
    return str(int(value) + 1) if re.fullmatch(r"\d+", value) else f"{value}x"


def schema_at(kind: str, steps: Steps) -> Mapping[str, Any]:
    schema = _schema(kind)
    node: Mapping[str, Any] = schema
    for step in steps:
        node = followed(schema, node)
        below = node.get("items", {}) if isinstance(step, int) else node.get("properties", {}).get(step, {})
        node = followed(schema, below if isinstance(below, dict) else {})
    return node


def followed(schema: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    name = str(node.get("$ref", "")).removeprefix("#/definitions/")
    found: Mapping[str, Any] = schema.get("definitions", {}).get(name, node) if name else node
    return found


@cache
def _schema(kind: str) -> Mapping[str, Any]:
    from importlib.resources import files as resources

    folder = resources(schemas)
    providers = json.loads((folder / "providers" / "us-east-1.json").read_text(encoding="utf-8"))
    found: Mapping[str, Any] = json.loads(
        (folder / "resources" / f"{providers[kind]}.json").read_text(encoding="utf-8")
    )
    return found
