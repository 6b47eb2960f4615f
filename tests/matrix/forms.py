"""Security groups and policies in their other forms: rules and policies inside what they complete, or beside it."""

from __future__ import annotations

import copy
from typing import Any

from tests.matrix.seeded import Templates


def security_group_rules_as_resources(templates: Templates) -> Templates:
    """Every inline security-group rule as a resource of its own."""
    result = copy.deepcopy(templates)
    for template in result.values():
        added: dict[str, Any] = {}
        for logical_id, raw in template["Resources"].items():
            if raw["Type"] != "AWS::EC2::SecurityGroup":
                continue
            for direction in ("Ingress", "Egress"):
                rules = raw["Properties"].get(f"SecurityGroup{direction}") or []
                if direction == "Egress" and rules:
                    # Without any inline rule the group would keep the default one: CDK's own idiom stays inline.
                    kept = {"CidrIp": "255.255.255.255/32", "IpProtocol": "icmp", "FromPort": 252, "ToPort": 86}
                    raw["Properties"]["SecurityGroupEgress"] = [kept]
                    rules = [rule for rule in rules if rule.get("CidrIp") != "255.255.255.255/32"]
                elif rules:
                    del raw["Properties"]["SecurityGroupIngress"]
                for index, rule in enumerate(rules):
                    properties = {"GroupId": {"Fn::GetAtt": [logical_id, "GroupId"]}, **rule}
                    kind = f"AWS::EC2::SecurityGroup{direction}"
                    added[f"{logical_id}{direction}{index}"] = {"Type": kind, "Properties": properties}
        template["Resources"].update(added)
    return result


def policies_as_managed_policies(templates: Templates) -> Templates:
    """Every ``AWS::IAM::Policy`` as a managed policy."""
    result = copy.deepcopy(templates)
    for template in result.values():
        for raw in template["Resources"].values():
            if raw["Type"] == "AWS::IAM::Policy":
                raw["Type"] = "AWS::IAM::ManagedPolicy"
                raw["Properties"].pop("PolicyName", None)
    return result


def policies_inline(templates: Templates) -> Templates:
    """Every ``AWS::IAM::Policy`` of one role as an inline policy of that role."""
    result = copy.deepcopy(templates)
    for template in result.values():
        resources = template["Resources"]
        for logical_id in [key for key, raw in resources.items() if raw["Type"] == "AWS::IAM::Policy"]:
            properties = resources[logical_id]["Properties"]
            roles = [role.get("Ref") for role in properties.get("Roles", []) if isinstance(role, dict)]
            if len(roles) != 1 or roles[0] not in resources:
                continue
            inline = {"PolicyName": properties["PolicyName"], "PolicyDocument": properties["PolicyDocument"]}
            resources[roles[0]]["Properties"].setdefault("Policies", []).append(inline)
            del resources[logical_id]
            for raw in resources.values():
                if logical_id in raw.get("DependsOn", []):
                    kept = [each for each in raw["DependsOn"] if each != logical_id]
                    raw["DependsOn"] = [*kept, roles[0]]
    return result


def policies_in_other_words(templates: Templates) -> Templates:
    """Policy documents with actions in other letters, scalars for lists of one, and lists for scalars."""

    def turned(value: Any) -> Any:
        if isinstance(value, list):
            return value[0] if len(value) == 1 else value
        return [value]

    def change(node: Any) -> Any:
        if isinstance(node, list):
            return [change(child) for child in node]
        if not isinstance(node, dict):
            return node
        changed = {key: change(child) for key, child in node.items()}
        if changed.get("Effect") in {"Allow", "Deny"}:
            for key in ("Action", "Resource"):
                if key in changed:
                    changed[key] = turned(changed[key])
            for key in ("Action", "NotAction"):
                actions = changed.get(key)
                if actions is not None:
                    changed[key] = [each.upper() for each in actions] if isinstance(actions, list) else actions.lower()
        if "Version" in changed and "Statement" in changed:
            changed["Statement"] = turned(changed["Statement"])
        return changed

    return {name: {**template, "Resources": change(template["Resources"])} for name, template in templates.items()}


def ingress_rules_inline(templates: Templates) -> Templates:
    """Every ingress rule that is a resource inside the group that it belongs to."""
    result = copy.deepcopy(templates)
    for template in result.values():
        resources = template["Resources"]
        for logical_id in [key for key, raw in resources.items() if raw["Type"] == "AWS::EC2::SecurityGroupIngress"]:
            rule = resources.pop(logical_id)["Properties"]
            group = resources[rule.pop("GroupId")["Fn::GetAtt"][0]]["Properties"]
            group.setdefault("SecurityGroupIngress", []).append(rule)
    return result
