"""The same resources in other stacks, or under other logical ids. What is said of a resource may not change by that.

Each reshape takes all templates and returns new ones; a name with a slash is a nested stack. Verdicts about stacks
themselves (how large, what they hold, what they export) are about the shape, and not compared.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from checker.model.verdicts import Outcome
from tests.matrix.seeded import Key, Matrix, Templates, outcomes

_BELOW: Final = "Below"
# What a service needs in order to run, and what it keeps; rules between groups stay with the groups' clients.
_BASE: Final = re.compile(r"[^/]+/(Network|Data)/")
_DATA: Final = re.compile(r"AWS::(RDS|ElastiCache|S3|SecretsManager)::")
_LEAVES: Final = re.compile(
    r"AWS::(CloudWatch::Alarm|IAM::Policy|WAFv2::WebACLAssociation|EC2::Route|Route53::RecordSet)$"
)


@dataclass
class _Move:
    """Resources on their way from ``source`` to another template. ``link`` writes a reference to what has moved."""

    source: dict[str, Any]
    chosen: frozenset[str]
    link: Callable[[str], Any]
    target: dict[str, Any] = field(default_factory=lambda: {"Resources": {}, "Outputs": {}, "Parameters": {}})
    # What the parent gives to a nested stack; empty where nothing may refer back.
    arguments: dict[str, Any] = field(default_factory=dict)

    def run(self) -> None:
        resources = self.source["Resources"]
        for logical_id in self.chosen:
            moved = self._rewritten(resources.pop(logical_id), inside=True)
            after = moved.pop("DependsOn", [])
            # What stays outside is made before the nested stack or after it; the order among what moves is kept.
            kept = [each for each in (after if isinstance(after, list) else [after]) if each in self.chosen]
            if kept:
                moved["DependsOn"] = kept
            self.target["Resources"][logical_id] = moved
        for section in ("Resources", "Outputs"):
            for name, raw in self.source.get(section, {}).items():
                if isinstance(raw.get("DependsOn"), list):
                    raw["DependsOn"] = [each for each in raw["DependsOn"] if each not in self.chosen]
                self.source[section][name] = self._rewritten(raw, inside=False)

    def _rewritten(self, node: Any, *, inside: bool) -> Any:
        """Every reference across the border replaced: outwards by a parameter, inwards by a link to an output."""
        if isinstance(node, list):
            return [self._rewritten(each, inside=inside) for each in node]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((function, argument),) = node.items()
            assert function != "Fn::Sub" or not isinstance(argument, str) or "${" not in argument.replace("${AWS::", "")
            if function in {"Ref", "Fn::GetAtt"}:
                name = argument if isinstance(argument, str) else argument[0]
                known = name in self.chosen if inside else name not in self.chosen
                return node if known or name.startswith("AWS::") else self._across(node, argument, inside=inside)
        return {key: self._rewritten(child, inside=inside) for key, child in node.items()}

    def _across(self, node: Any, argument: Any, *, inside: bool) -> Any:
        key = re.sub(r"[^A-Za-z0-9]", "", argument if isinstance(argument, str) else "".join(argument))
        if not inside:
            self.target["Outputs"][key] = {"Value": node}
            return self.link(key)
        self.arguments[key] = node
        self.target["Parameters"][key] = {"Type": "String"}
        return {"Ref": key}


def _environments(templates: Templates) -> Iterator[str]:
    yield from (name for name in list(templates) if name != "DocPlatformShared")


def _nest(templates: Templates, name: str, chosen: frozenset[str]) -> None:
    move = _Move(templates[name], chosen, lambda key: {"Fn::GetAtt": [_BELOW, f"Outputs.{key}"]})
    move.run()
    templates[name]["Resources"][_BELOW] = {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"TemplateURL": "https://example.com/below", "Parameters": move.arguments},
    }
    templates[f"{name}/{_BELOW}"] = move.target


def wholly_nested(matrix: Matrix) -> Templates:
    """Each stack as nothing but a nested stack that holds everything."""
    templates = copy.deepcopy(matrix.templates)
    for name in list(templates):
        _nest(templates, name, frozenset(templates[name]["Resources"]))
    return templates


def data_in_nested_stacks(matrix: Matrix) -> Templates:
    """Databases, caches, buckets and secrets in a nested stack, their groups and subnets given by the parent."""
    return _nested_by_type(matrix, _DATA)


def leaves_in_nested_stacks(matrix: Matrix) -> Templates:
    """What only refers to others in a nested stack: alarms, policies, routes, records, associations."""
    return _nested_by_type(matrix, _LEAVES)


def _nested_by_type(matrix: Matrix, kinds: re.Pattern[str]) -> Templates:
    templates = copy.deepcopy(matrix.templates)
    for name in list(templates):
        chosen = {key for key, raw in templates[name]["Resources"].items() if kinds.match(raw["Type"])}
        if chosen:
            _nest(templates, name, frozenset(chosen))
    return templates


def environments_in_two_stacks(matrix: Matrix) -> Templates:
    """Network and data in a stack of their own, which the services' stack reads by weak references."""
    templates = copy.deepcopy(matrix.templates)
    paths = {stack.name: stack.constructs for stack in matrix.assembly.stacks}
    for name in _environments(templates):
        base = {"DocPlatformStack": "DocPlatformStagingBase"}.get(name, f"{name}Base")
        chosen = {
            logical_id
            for logical_id, raw in templates[name]["Resources"].items()
            if logical_id in paths[name]
            and _BASE.match(paths[name][logical_id].path)
            and raw["Type"] != "AWS::EC2::SecurityGroupIngress"
        }

        def link(key: str, base: str = base) -> Any:
            return {"Fn::GetStackOutput": {"StackName": base, "OutputName": key}}

        move = _Move(templates[name], frozenset(chosen), link)
        move.run()
        assert not move.arguments, "the base would refer to the services, and each stack to the other"
        templates[base] = move.target
        _let_read(templates["DocPlatformShared"], base)
    return templates


def _let_read(shared: dict[str, Any], stack: str) -> None:
    """The pipeline reads a stack more."""
    for raw in shared["Resources"].values():
        document = raw.get("Properties", {}).get("PolicyDocument", {})
        for statement in document.get("Statement", ()):
            if statement.get("Sid") == "ReadStackOutputs":
                statement["Resource"].append(
                    {"Fn::Sub": "arn:aws:cloudformation:us-west-2:${AWS::AccountId}:stack/" + stack + "/*"}
                )


def other_logical_ids(matrix: Matrix) -> Templates:
    """Every logical id spelled backwards: no rule may read anything into it."""
    templates = {}
    for name, template in matrix.templates.items():
        text = json.dumps(template)
        for logical_id in sorted(template["Resources"], key=len, reverse=True):
            text = re.sub(rf'"{logical_id}"', f'"{logical_id[::-1]}"', text)
        templates[name] = json.loads(text)
    return templates


def _restored(key: Key, ids: Mapping[str, str]) -> Key:
    """The key of a verdict with reversed logical ids turned round again."""
    environment, finding, subject = key
    for turned, logical_id in ids.items():
        finding = finding.replace(turned, logical_id)
    return environment, finding, ids.get(subject, subject)


def changes(matrix: Matrix, reshape: Callable[[Matrix], Templates]) -> dict[Key, tuple[Outcome | None, Outcome | None]]:
    """The verdicts that differ: before and after. A further pass is no difference."""
    templates = reshape(matrix)
    after = outcomes(matrix.judged(templates))
    if reshape is other_logical_ids:
        ids = {each[::-1]: each for template in matrix.templates.values() for each in template["Resources"]}
        after = {_restored(key, ids): outcome for key, outcome in after.items()}
    stacks = tuple(templates)
    found = {}
    for key in {*matrix.baseline, *after}:
        said, says = matrix.baseline.get(key), after.get(key)
        about_a_stack = key[2].split("/")[0] in stacks
        if said is not says and not about_a_stack and not (said is None and says is Outcome.PASS):
            found[key] = (said, says)
    return found


RESHAPES: Final[Mapping[str, Callable[[Matrix], Templates]]] = {
    reshape.__name__.replace("_", " "): reshape
    for reshape in (
        wholly_nested,
        data_in_nested_stacks,
        leaves_in_nested_stacks,
        environments_in_two_stacks,
        other_logical_ids,
    )
}
