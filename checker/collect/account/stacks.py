"""AWS CloudFormation: the stacks, what is in them, what was deployed, and who imports from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from checker.collect.account.asking.account import Account
from checker.collect.account.asking.answers import Answer
from checker.collect.account.secrets import template_without_secrets
from checker.collect.account.shapes import NamelessError, tags_of
from checker.model.live.snapshot import MISREAD, SnapshotStack, StackResource
from checker.model.secrets.values import NOT_KEPT, keeps_no_secret

_NESTED: Final = "AWS::CloudFormation::Stack"
# A nested stack deeper than CloudFormation's own limit would be a loop.
_DEEPEST: Final = 10


def read_stacks(account: Account, names: tuple[str, ...] | None) -> tuple[SnapshotStack, ...]:
    """The named stacks (all of the account where none is named) and those nested in them.

    The account's scope is settled as soon as their resources are listed; templates and importers follow.
    """
    stacks: list[SnapshotStack] = []
    templates: list[Answer] = []
    drifts: list[Answer] = []
    exports: dict[str, str] = {}
    known = False
    try:
        if names is None:
            listed = account.ask("cloudformation", "DescribeStacks")
            wanted = {str(each["StackName"]): listed for each in listed.items if each.get("StackName")}
            # A stack that is nested in another comes with it.
            roots = {
                str(each["StackName"]) for each in listed.items if each.get("StackName") and not each.get("RootId")
            }
            known = listed.complete
        else:
            wanted = {name: account.ask("cloudformation", "DescribeStacks", StackName=name) for name in names}
            roots = set(wanted)
            known = True
        level = [(name, wanted[name]) for name in wanted if name in roots]
        for _ in range(_DEEPEST):
            asked = [
                (
                    name,
                    described,
                    account.ask("cloudformation", "ListStackResources", StackName=name),
                    account.ask("cloudformation", "GetTemplate", StackName=name),
                )
                for name, described in level
            ]
            level = []
            for name, described, resources, template in asked:
                known = known and resources.complete
                if described.outcome.absent or resources.outcome.absent:
                    account.add_facts("missing_stacks", [name])
                    continue
                stack = _stack(name, described, resources)
                stacks.append(stack)
                exports.update((each, stack.name) for each in _exports(name, described))
                templates.append(template)
                drifts.append(account.ask("cloudformation", "DescribeStackResourceDrifts", StackName=name))
                level += [
                    (each.physical_id, account.ask("cloudformation", "DescribeStacks", StackName=each.physical_id))
                    for each in stack.resources
                    if each.type == _NESTED and each.physical_id
                ]
            if not level:
                break
    finally:
        account.scope.settle(stacks, known=known)
    _importers(account, exports)
    for stack, drift in zip(stacks, drifts, strict=True):
        try:
            account.add_facts("drift_detection", [_drift(stack.name, each) for each in drift.items])
        except (AttributeError, TypeError):
            account.unread("facts/drift_detection", f"{drift.operation}: {MISREAD}")
    return tuple(
        replace(stack, template=_template(account, stack, answer))
        for stack, answer in zip(stacks, templates, strict=True)
    )


def _drift(stack: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """What CloudFormation's drift detection says of one resource, without the values."""
    return {
        "stack": stack,
        "logical_id": told.get("LogicalResourceId"),
        "status": told.get("StackResourceDriftStatus"),
        "paths": [each.get("PropertyPath") for each in told.get("PropertyDifferences") or ()],
    }


def _stack(name: str, described: Answer, resources: Answer) -> SnapshotStack:
    found = _found(name, described)
    if described.complete and not found:
        raise NamelessError
    return SnapshotStack(
        name=str(found.get("StackName") or name.rpartition("stack/")[2].partition("/")[0]),
        status=str(found.get("StackStatus", "")),
        id=found.get("StackId"),
        parameters=_pairs(found.get("Parameters"), "ParameterKey", "ResolvedValue", "ParameterValue"),
        outputs=_pairs(found.get("Outputs"), "OutputKey", "OutputValue"),
        tags=tags_of(found.get("Tags")),
        resources=tuple(
            StackResource(
                logical_id=str(each.get("LogicalResourceId")),
                type=str(each.get("ResourceType")),
                physical_id=_word(each.get("PhysicalResourceId")),
                status=str(each.get("ResourceStatus", "")),
            )
            for each in resources.items
        ),
    )


def _word(value: Any) -> str | None:
    """A text, or none. Raises for anything else: it is no answer of the service."""
    if value is not None and not isinstance(value, str):
        raise TypeError
    return value or None


def _pairs(entries: Any, key: str, *values: str) -> dict[str, str]:
    """The named pairs of an answer, without what may be a secret."""
    found = {}
    for each in entries or ():
        value = next((each[name] for name in values if each.get(name) is not None), None)
        if each.get(key) and value is not None:
            name, text = str(each[key]), str(value)
            found[name] = text if keeps_no_secret(name, text) else NOT_KEPT
    return found


def _template(account: Account, stack: SnapshotStack, answer: Answer) -> Mapping[str, Any] | None:
    """The deployed template; ``None`` where it was not read. One in YAML comes as text.

    Each has resources (CloudFormation User Guide, "Template sections"): one that has none came in part.
    """
    body = answer.value.get("TemplateBody")
    if isinstance(body, str):
        from checker.collect.documents import parse_json, parse_yaml
        from checker.errors import InputError

        try:
            body = (parse_json if body.lstrip()[:1] == "{" else parse_yaml)(body, f"the template of {stack.name}").data
        except InputError as error:
            account.unread("stacks/template", f"{answer.operation}: {error.message}")
            return None
    if not isinstance(body, Mapping):
        return None
    if not (isinstance(body.get("Resources"), Mapping) and body["Resources"]):
        account.unread("stacks/template", f"{answer.operation}: the template of {stack.name} came without resources")
        return None
    template: Mapping[str, Any] = template_without_secrets(_plain(body))
    return template


def _plain(value: Any) -> Any:
    """Plain objects and lists: botocore parses templates into ordered ones."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _found(name: str, described: Answer) -> Mapping[str, Any]:
    """The stack of this name, or of this ARN, in an answer that may tell of several."""
    return next((each for each in described.items if name in {each.get("StackName"), each.get("StackId")}), {})


def _exports(name: str, described: Answer) -> list[str]:
    outputs = _found(name, described).get("Outputs") or ()
    return [str(each["ExportName"]) for each in outputs if each.get("ExportName")]


def _importers(account: Account, exports: Mapping[str, str]) -> None:
    """Who imports what the stacks export: nobody can change such an export while it is imported."""
    asked = {name: account.ask("cloudformation", "ListImports", ExportName=name) for name in exports}
    for name, answer in asked.items():
        if answer.complete:
            account.add_facts("importers", {name: {"stack": exports[name], "imported_by": sorted(answer.items)}})
