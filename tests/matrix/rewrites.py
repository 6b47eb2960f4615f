"""The same stacks, written differently. None of these may change a verdict: behaviour is judged, not spelling.

Each rewrite takes all templates and returns new ones that CloudFormation would deploy to the same resources.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import yaml

from tests.matrix import forms
from tests.matrix.seeded import Templates

# Below these keys a string is a name of CloudFormation's own, not a value that an intrinsic may stand for.
_FIXED: Final = frozenset(
    {"Type", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Metadata", "Version"}
)


def _values(node: Any, change: Callable[[Any], Any]) -> Any:
    """Every scalar value below ``node`` changed; intrinsics' own arguments are left alone."""
    if isinstance(node, dict):
        if len(node) == 1 and next(iter(node)).startswith(("Ref", "Fn::")):
            return node
        return {key: child if key in _FIXED else _values(child, change) for key, child in node.items()}
    if isinstance(node, list):
        return [_values(child, change) for child in node]
    return change(node)


def _each(templates: Templates, change: Callable[[Any], Any]) -> Templates:
    result = copy.deepcopy(templates)
    for template in result.values():
        for raw in template["Resources"].values():
            if "Properties" in raw and not raw["Type"].startswith("Custom::"):
                raw["Properties"] = _values(raw["Properties"], change)
    return result


def strings_by_join(templates: Templates) -> Templates:
    """Every string as a ``Fn::Join`` of its halves."""

    def halves(value: Any) -> Any:
        if not isinstance(value, str) or len(value) < 2 or "{{resolve" in value:
            return value
        middle = len(value) // 2
        return {"Fn::Join": ["", [value[:middle], value[middle:]]]}

    return _each(templates, halves)


def strings_by_sub(templates: Templates) -> Templates:
    """Every string through ``Fn::Sub`` with a variable."""

    def substituted(value: Any) -> Any:
        if not isinstance(value, str) or not value or "${" in value or "{{resolve" in value:
            return value
        return {"Fn::Sub": ["${Head}" + value[1:], {"Head": value[0]}]}

    return _each(templates, substituted)


def join_by_sub(templates: Templates) -> Templates:
    """Every ``Fn::Join`` with an empty delimiter as the ``Fn::Sub`` that does the same."""

    def convert(node: Any) -> Any:
        if isinstance(node, list):
            return [convert(child) for child in node]
        if not isinstance(node, dict):
            return node
        argument = node.get("Fn::Join")
        if len(node) == 1 and isinstance(argument, list) and argument[0] == "" and isinstance(argument[1], list):
            pieces, variables = [], {}
            for index, item in enumerate(argument[1]):
                if isinstance(item, str):
                    pieces.append(item.replace("${", "${!"))
                else:
                    variables[f"Part{index}"] = convert(item)
                    pieces.append(f"${{Part{index}}}")
            return {"Fn::Sub": ["".join(pieces), variables]}
        return {key: convert(child) for key, child in node.items()}

    result = copy.deepcopy(templates)
    for template in result.values():
        template["Resources"] = convert(template["Resources"])
    return result


def scalars_as_strings(templates: Templates) -> Templates:
    """Booleans and numbers as strings: CloudFormation takes either."""

    def plain(value: Any) -> Any:
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value) if isinstance(value, int | float) else value

    return _each(templates, plain)


def scalars_by_parameter(templates: Templates) -> Templates:
    """Every boolean and number from a parameter with that default."""
    result = copy.deepcopy(templates)
    for template in result.values():
        parameters = template.setdefault("Parameters", {})

        def refer(value: Any, parameters: dict[str, Any] = parameters) -> Any:
            if not isinstance(value, bool | int | float):
                return value
            shown = json.dumps(value)
            name = "Value" + "".join(char if char.isalnum() else "x" for char in shown)
            parameters[name] = {"Type": "String", "Default": shown}
            return {"Ref": name}

        for raw in template["Resources"].values():
            if "Properties" in raw:
                raw["Properties"] = _values(raw["Properties"], refer)
    return result


def values_behind_if(templates: Templates) -> Templates:
    """Every scalar behind ``Fn::If``, with a condition that holds."""
    result = _each(templates, lambda value: {"Fn::If": ["Always", value, {"Ref": "AWS::NoValue"}]})
    for template in result.values():
        template.setdefault("Conditions", {})["Always"] = {"Fn::Not": [{"Fn::Equals": ["a", "b"]}]}
    return result


def values_from_open_condition(templates: Templates) -> Templates:
    """Every scalar behind a condition that nobody can decide, with the same value either way."""
    result = _each(templates, lambda value: {"Fn::If": ["Undecided", value, value]})
    for template in result.values():
        template.setdefault("Parameters", {})["Choice"] = {"Type": "String"}
        template.setdefault("Conditions", {})["Undecided"] = {"Fn::Equals": [{"Ref": "Choice"}, "yes"]}
    return result


def properties_from_mapping(templates: Templates) -> Templates:
    """Every string from a mapping."""
    result = copy.deepcopy(templates)
    for template in result.values():
        table: dict[str, str] = {}

        def look_up(value: Any, table: dict[str, str] = table) -> Any:
            if not isinstance(value, str) or not value or "{{resolve" in value:
                return value
            key = f"K{len(table)}"
            table[key] = value
            return {"Fn::FindInMap": ["Strings", "All", key]}

        for raw in template["Resources"].values():
            if "Properties" in raw:
                raw["Properties"] = _values(raw["Properties"], look_up)
        template.setdefault("Mappings", {})["Strings"] = {"All": table}
    return result


def resources_reversed(templates: Templates) -> Templates:
    """Resources in reverse order, and each object's keys too."""

    def turned(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: turned(child) for key, child in reversed(list(node.items()))}
        return [turned(child) for child in node] if isinstance(node, list) else node

    return {name: turned(template) for name, template in templates.items()}


def through_yaml(templates: Templates) -> Templates:
    """Written as YAML and read again with the reader that templates in YAML go through."""
    from checker.collect.documents import parse_yaml

    return {name: parse_yaml(yaml.safe_dump(t, sort_keys=False), f"{name}.yaml").data for name, t in templates.items()}


def _everywhere(templates: Templates, change: Callable[[dict[str, Any]], Any]) -> Templates:
    """Every object with a single key, from the leaves up, given to ``change``."""

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(child) for child in node]
        if not isinstance(node, dict):
            return node
        walked = {key: walk(child) for key, child in node.items()}
        return change(walked) if len(walked) == 1 else walked

    return {
        name: {**template, **{part: walk(template.get(part, {})) for part in ("Resources", "Outputs")}}
        for name, template in templates.items()
    }


def references_by_sub(templates: Templates) -> Templates:
    """Every ``Ref`` and ``Fn::GetAtt`` as a ``Fn::Sub`` of nothing else."""

    def change(node: dict[str, Any]) -> Any:
        ((function, argument),) = node.items()
        if function == "Ref" and argument != "AWS::NoValue":
            return {"Fn::Sub": f"${{{argument}}}"}
        if function == "Fn::GetAtt" and isinstance(argument, list):
            return {"Fn::Sub": f"${{{'.'.join(argument)}}}"}
        return node

    return _everywhere(templates, change)


def attributes_as_one_string(templates: Templates) -> Templates:
    """``Fn::GetAtt`` with one string, as YAML's short form gives it."""

    def change(node: dict[str, Any]) -> Any:
        argument = node.get("Fn::GetAtt")
        return {"Fn::GetAtt": ".".join(argument)} if isinstance(argument, list) else node

    return _everywhere(templates, change)


def resources_in_loops(templates: Templates) -> Templates:
    """Every resource as a loop of one round."""
    result = copy.deepcopy(templates)
    for template in result.values():
        template["Transform"] = "AWS::LanguageExtensions"
        template["Resources"] = {
            f"Fn::ForEach::Loop{index}": [f"Name{index}", [logical_id], {f"${{Name{index}}}": raw}]
            for index, (logical_id, raw) in enumerate(template["Resources"].items())
        }
    return result


def resources_under_conditions(templates: Templates) -> Templates:
    """Every resource under a condition that holds, beside a stranger under one that does not."""
    result = copy.deepcopy(templates)
    for template in result.values():
        template.setdefault("Conditions", {}).update(
            {"Holds": {"Fn::Or": [{"Fn::Equals": ["a", "b"]}, {"Fn::Equals": ["a", "a"]}]},
             "Fails": {"Fn::Not": [{"Condition": "Holds"}]}}
        )  # fmt: skip
        for raw in template["Resources"].values():
            raw.setdefault("Condition", "Holds")
        template["Resources"]["Stranger"] = {
            "Type": "AWS::ElastiCache::CacheCluster",
            "Condition": "Fails",
            "Properties": {"Engine": "redis", "ClusterName": "cache"},
        }
    return result


def nothing_where_nothing_was(templates: Templates) -> Templates:
    """Properties set to ``AWS::NoValue`` and empty attributes where nothing was set before."""
    result = copy.deepcopy(templates)
    for template in result.values():
        for raw in template["Resources"].values():
            properties = raw.setdefault("Properties", {})
            for name in ("KmsKeyId", "Scheme", "SslPolicy", "Name", "PolicyName", "Tags", "Description"):
                properties.setdefault(name, {"Ref": "AWS::NoValue"})
    return result


def texts_from_objects(templates: Templates) -> Templates:
    """JSON in a string through ``Fn::ToJsonString``."""

    def change(value: Any) -> Any:
        if isinstance(value, str) and value.startswith('{"rules"'):
            return {"Fn::ToJsonString": json.loads(value)}
        return value

    return _each(templates, change)


def account_and_region_by_reference(templates: Templates) -> Templates:
    """The account and the region of a string taken from the pseudo parameters."""
    own = {"111111111111": "AWS::AccountId", "us-west-2": "AWS::Region"}

    def change(value: Any) -> Any:
        if not isinstance(value, str) or "${" in value or not any(each in value for each in own):
            return value
        for literal, name in own.items():
            value = value.replace(literal, f"${{{name}}}")
        return {"Fn::Sub": value}

    return _each(templates, change)


REWRITES: Final[Mapping[str, Callable[[Templates], Templates]]] = {
    rewrite.__name__.replace("_", " "): rewrite
    for rewrite in (
        strings_by_join,
        strings_by_sub,
        join_by_sub,
        scalars_as_strings,
        scalars_by_parameter,
        values_behind_if,
        values_from_open_condition,
        properties_from_mapping,
        resources_reversed,
        through_yaml,
        forms.security_group_rules_as_resources,
        forms.policies_as_managed_policies,
        forms.policies_inline,
        references_by_sub,
        attributes_as_one_string,
        resources_in_loops,
        resources_under_conditions,
        nothing_where_nothing_was,
        forms.policies_in_other_words,
        texts_from_objects,
        forms.ingress_rules_inline,
        account_and_region_by_reference,
    )
}

# Those that take a broken template as they take a whole one. The others move what some defects have put elsewhere.
DISGUISES: Final[Mapping[str, Callable[[Templates], Templates]]] = {
    name: rewrite
    for name, rewrite in REWRITES.items()
    if rewrite not in {forms.security_group_rules_as_resources, forms.policies_inline, forms.ingress_rules_inline}
}
