"""S3, Lambda and IAM: properties of a template that the emulator takes and drops."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

import botocore.session
from botocore.serialize import create_serializer
from ministack.services import iam, lambda_svc, s3
from ministack.services.cloudformation import provisioners

_Made = tuple[str, dict[str, Any]]


def apply() -> None:
    for kind, complete in (
        ("AWS::S3::Bucket", _bucket),
        ("AWS::Lambda::Function", _function),
        ("AWS::IAM::Role", _role),
    ):
        handlers = provisioners._RESOURCE_HANDLERS[kind]
        handlers["create"] = _then(handlers["create"], complete, 1)
        handlers["update"] = _then(handlers["update"], complete, 2)


def _then(
    handler: Callable[..., _Made], complete: Callable[[str, Mapping[str, Any]], None], at: int
) -> Callable[..., _Made]:
    """A handler, and what it leaves out afterwards. ``at`` is where it is given the properties."""

    def both(*given: Any) -> _Made:
        made = handler(*given)
        complete(made[0], given[at])
        return made

    return both


def _role(name: str, properties: Mapping[str, Any]) -> None:
    iam._roles[name]["PermissionsBoundary"] = properties.get("PermissionsBoundary")


def _bucket(name: str, properties: Mapping[str, Any]) -> None:
    encryption = properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", ())
    if encryption:
        rules = [_renamed(rule, _ENCRYPTION) for rule in encryption]
        asked = {"Bucket": name, "ServerSideEncryptionConfiguration": {"Rules": rules}}
        _accepted(s3._put_bucket_encryption(name, _xml("PutBucketEncryption", asked)))
    lifecycle = properties.get("LifecycleConfiguration", {}).get("Rules", ())
    if lifecycle:
        rules = [_lifecycle_rule(rule) for rule in lifecycle]
        asked = {"Bucket": name, "LifecycleConfiguration": {"Rules": rules}}
        _accepted(s3._put_bucket_lifecycle(name, _xml("PutBucketLifecycleConfiguration", asked)))


# A template's name -> the API's, where they differ (Amazon S3 API Reference).
_ENCRYPTION: Final = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
_LIFECYCLE: Final = {"Id": "ID"}
_TRANSITION: Final = {"TransitionInDays": "Days"}


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A template flattens what the API keeps in parts of their own."""
    made = _renamed(rule, _LIFECYCLE)
    made["Filter"] = {"Prefix": made.pop("Prefix", "")}
    expiration = {}
    if "ExpirationInDays" in made:
        expiration["Days"] = int(made.pop("ExpirationInDays"))
    if "ExpiredObjectDeleteMarker" in made:
        expiration["ExpiredObjectDeleteMarker"] = made.pop("ExpiredObjectDeleteMarker")
    if expiration:
        made["Expiration"] = expiration
    if "Transitions" in made:
        made["Transitions"] = [_renamed(each, _TRANSITION) for each in made["Transitions"]]
    return made


def _renamed(value: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(name, name): item for name, item in value.items()}


@cache
def _operation(name: str) -> Any:
    return botocore.session.get_session().get_service_model("s3").operation_model(name)


def _xml(operation: str, asked: Mapping[str, Any]) -> bytes:
    request = create_serializer("rest-xml").serialize_to_request(asked, _operation(operation))
    body: bytes = request["body"]
    return body


def _accepted(answer: tuple[int, Any, Any]) -> None:
    if answer[0] >= 400:
        raise ValueError(f"S3 refused it: {answer[2]!r}")


def _function(name: str, properties: Mapping[str, Any]) -> None:
    config = lambda_svc._functions[name]["config"]
    if "VpcConfig" in properties:
        config["VpcConfig"] = lambda_svc._vpc_config_with_id(properties["VpcConfig"])
    for kept in ("DeadLetterConfig", "KmsKeyArn"):
        if kept in properties:
            config[kept] = properties[kept]
    if "ReservedConcurrentExecutions" in properties:
        reserved = {"ReservedConcurrentExecutions": int(properties["ReservedConcurrentExecutions"])}
        _accepted(lambda_svc._put_function_concurrency(name, reserved))
