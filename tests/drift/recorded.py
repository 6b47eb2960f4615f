"""Recorded models as templates and snapshots: what real resources read as after a deployment.

They stand beside the checkout (``../shared/recorded``) and are not part of it.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from cfnlint.data import schemas

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


def mutations(kind: str, model: Model) -> Iterator[tuple[Steps, Model]]:
    """The model with one declared value changed to another legal one, for every value that the read shows."""
    for steps, value in _leaves(model["declared"], ()):
        if value == "__unresolved__" or steps[0] not in model["live"]:
            continue
        other = _other(value, _schema_at(kind, steps))
        if other is not None:
            declared = copy.deepcopy(model["declared"])
            node = declared
            for step in steps[:-1]:
                node = node[step]
            node[steps[-1]] = other
            yield steps, {**model, "declared": declared}


def _leaves(value: Any, steps: Steps) -> Iterator[tuple[Steps, Any]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _leaves(each, (*steps, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _leaves(each, (*steps, index))
    else:
        yield steps, value


def _other(value: Any, schema: Mapping[str, Any]) -> Any:
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


def _schema_at(kind: str, steps: Steps) -> Mapping[str, Any]:
    schema = _schema(kind)
    node: Mapping[str, Any] = schema
    for step in steps:
        node = _followed(schema, node)
        below = node.get("items", {}) if isinstance(step, int) else node.get("properties", {}).get(step, {})
        node = _followed(schema, below if isinstance(below, dict) else {})
    return node


def _followed(schema: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
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
