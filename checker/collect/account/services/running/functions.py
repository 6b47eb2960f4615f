"""AWS Lambda: functions, who may invoke them, what invokes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from checker.collect.account.asking.account import Account
from checker.collect.account.asking.answers import Answer
from checker.collect.account.shapes import Draft, fields, maybe, picked, policy, said, shape


def _vpc(value: Mapping[str, Any]) -> dict[str, Any] | None:
    """A function outside of a VPC has an answer full of empty lists."""
    found = picked(value, "SubnetIds SecurityGroupIds Ipv6AllowedForDualStack")
    return found if found.get("SubnetIds") else None


FUNCTION: Final = shape(
    "AWS::Lambda::Function", "FunctionName FunctionArn", said("FunctionName"), said("Role"),
    *fields("Timeout MemorySize"), *fields("Runtime Handler PackageType", maybe),
    maybe("Description", read=lambda value: value or None), maybe("KmsKeyArn", "KMSKeyArn"),
    maybe("Environment", read=lambda value: picked(value, "Variables") if value.get("Variables") else None),
    maybe("VpcConfig", read=_vpc), maybe("DeadLetterConfig", read=lambda value: picked(value, "TargetArn") or None),
    maybe("TracingConfig", read=lambda value: picked(value, "Mode")),
    maybe("Layers", read=lambda value: [each["Arn"] for each in value] or None),
    maybe("Architectures", read=lambda value: list(value) or None),
    maybe("EphemeralStorage", read=lambda value: picked(value, "Size")),
    maybe("LoggingConfig", read=lambda value: picked(
        value, "LogFormat LogGroup ApplicationLogLevel SystemLogLevel")),
    maybe("SnapStart", read=lambda value: picked(value, "ApplyOn")),
    maybe("FileSystemConfigs", read=lambda value: [picked(each, "Arn LocalMountPath") for each in value] or None),
)  # fmt: skip


def _weights(value: Mapping[str, Any]) -> dict[str, Any] | None:
    """The versions that get a part of an alias's calls, and how large a part."""
    weights = value.get("AdditionalVersionWeights") or {}
    listed = [{"FunctionVersion": version, "FunctionWeight": weight} for version, weight in sorted(weights.items())]
    return {"AdditionalVersionWeights": listed} if listed else None


ALIAS: Final = shape(
    "AWS::Lambda::Alias", "AliasArn", said("Name"), said("FunctionVersion"),
    maybe("Description", read=lambda value: value or None), maybe("RoutingConfig", read=_weights),
)  # fmt: skip
VERSION: Final = shape(
    "AWS::Lambda::Version", "FunctionArn", maybe("Description", read=lambda value: value or None),
    *fields("CodeSha256 Version", maybe),
)  # fmt: skip
EVENT_SOURCE: Final = shape(
    "AWS::Lambda::EventSourceMapping", "UUID", said("FunctionName", "FunctionArn"),
    *fields("EventSourceArn BatchSize MaximumBatchingWindowInSeconds StartingPosition", maybe),
    maybe("Enabled", "State", lambda state: state in {"Enabled", "Enabling", "Creating", "Updating"}),
)  # fmt: skip
_INVOKING: Final = (
    maybe("MaximumRetryAttempts"), maybe("MaximumEventAgeInSeconds"),
    maybe("DestinationConfig", read=lambda value: {
        key: {"Destination": each["Destination"]} for key, each in value.items() if each and each.get("Destination")
    } or None),
)  # fmt: skip
_SERVICES: Final = ("Service", "AWS", "Federated")


def describe(account: Account) -> Iterator[Draft | None]:
    listed = account.ask("lambda", "ListFunctions")
    mappings = account.ask("lambda", "ListEventSourceMappings")
    functions = [each for each in map(FUNCTION.draft, listed.items) if each is not None]
    asked = [
        (
            each,
            account.ask("lambda", "GetFunctionConcurrency", of=each, FunctionName=each.id),
            [(name, _policy_of(account, each, name)) for name in ("", *_aliases(account, each))],
            account.ask("lambda", "ListFunctionEventInvokeConfigs", of=each, FunctionName=each.id),
            account.ask("lambda", "ListAliases", of=each, FunctionName=each.id),
            account.ask("lambda", "ListVersionsByFunction", of=each, FunctionName=each.id),
        )
        for each in functions
    ]
    for function, concurrency, permissions, invoking, aliases, versions in asked:
        yield function.add(concurrency, maybe("ReservedConcurrentExecutions"))
        for qualifier, answer in permissions:
            name = f"{function.ids[-1]}:{qualifier}" if qualifier else function.id
            yield from _permissions(account, name, answer)
        for each in invoking.items:
            qualifier = str(each.get("FunctionArn", "")).rpartition(":")[2]
            properties = {"FunctionName": function.id, "Qualifier": qualifier}
            draft = Draft("AWS::Lambda::EventInvokeConfig", (f"{function.id}|{qualifier}",), properties=properties)
            yield draft.read(each, _INVOKING)
        for kind, items in ((ALIAS, aliases.items), (VERSION, versions.items)):
            for each in items:
                draft_of_part = None if each.get("Version") == "$LATEST" else kind.draft(each)
                if draft_of_part is not None:
                    draft_of_part.set("FunctionName", function.id)
                    yield draft_of_part
    yield from (EVENT_SOURCE.draft(each) for each in mappings.items)


def _aliases(account: Account, function: Draft) -> list[str]:
    """The aliases of the stacks, each of which has a policy of its own."""
    prefix = f"{function.ids[-1]}:"
    return [each.removeprefix(prefix) for each in account.scope.ids("AWS::Lambda::Alias") if each.startswith(prefix)]


def _policy_of(account: Account, function: Draft, qualifier: str) -> Answer:
    more = {"Qualifier": qualifier} if qualifier else {}
    return account.ask("lambda", "GetPolicy", of=function, FunctionName=function.id, **more)


def _permissions(account: Account, function: str, answer: Answer) -> Iterator[Draft]:
    """Each statement of a function's policy is a permission of a template."""
    if not answer.value.get("Policy"):
        return
    try:
        statements = policy(answer.value["Policy"]).get("Statement", [])
        for each in statements if isinstance(statements, list) else [statements]:
            yield _permission(function, each)
    except (AttributeError, KeyError, TypeError, ValueError):
        account.unread("AWS::Lambda::Permission", f"{answer.operation}: a policy is not in the service's form")


def _permission(function: str, statement: Mapping[str, Any]) -> Draft:
    principal = statement["Principal"]
    if isinstance(principal, Mapping):
        principal = next(principal[each] for each in _SERVICES if each in principal)
    properties: dict[str, Any] = {
        "FunctionName": function, "Action": statement["Action"], "Principal": principal
    }  # fmt: skip
    for condition in (statement.get("Condition") or {}).values():
        for key, name in (
            ("AWS:SourceArn", "SourceArn"), ("AWS:SourceAccount", "SourceAccount"),
            ("aws:PrincipalOrgID", "PrincipalOrgID"), ("lambda:FunctionUrlAuthType", "FunctionUrlAuthType"),
            ("lambda:EventSourceToken", "EventSourceToken"),
        ):  # fmt: skip
            found = next((value for word, value in condition.items() if word.lower() == key.lower()), None)
            if found is not None:
                properties[name] = found
    return Draft("AWS::Lambda::Permission", (str(statement.get("Sid", "")) or function,), properties=properties)
