"""AWS Lambda: functions, who may invoke them, what invokes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from checker.collect.account.account import Account, Answer
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
            account.ask("lambda", "GetPolicy", of=each, FunctionName=each.id),
            account.ask("lambda", "GetFunctionEventInvokeConfig", of=each, FunctionName=each.id),
        )
        for each in functions
    ]
    for function, concurrency, permissions, invoking in asked:
        yield function.add(concurrency, maybe("ReservedConcurrentExecutions"))
        yield from _permissions(account, function, permissions)
        if invoking.complete and not invoking.outcome.absent:
            properties = {"FunctionName": function.id, "Qualifier": "$LATEST"}
            draft = Draft("AWS::Lambda::EventInvokeConfig", (f"{function.id}|$LATEST",), properties=properties)
            yield draft.read(invoking.value, _INVOKING)
    yield from (EVENT_SOURCE.draft(each) for each in mappings.items)


def _permissions(account: Account, function: Draft, answer: Answer) -> Iterator[Draft]:
    """Each statement of a function's policy is a permission of a template."""
    if not answer.value.get("Policy"):
        return
    try:
        statements = policy(answer.value["Policy"]).get("Statement", [])
        for each in statements if isinstance(statements, list) else [statements]:
            yield _permission(function, each)
    except (AttributeError, KeyError, TypeError, ValueError):
        account.unread("AWS::Lambda::Permission", f"{answer.operation}: a policy is not in the service's form")


def _permission(function: Draft, statement: Mapping[str, Any]) -> Draft:
    principal = statement["Principal"]
    if isinstance(principal, Mapping):
        principal = next(principal[each] for each in _SERVICES if each in principal)
    properties: dict[str, Any] = {
        "FunctionName": function.id, "Action": statement["Action"], "Principal": principal
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
    return Draft("AWS::Lambda::Permission", (str(statement.get("Sid", "")) or function.id,), properties=properties)
