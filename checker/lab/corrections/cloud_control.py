"""AWS Cloud Control reads: the emulator keeps a store of its own, in which nothing is that a stack made.

Read here from the services themselves, for types that have no simpler read; any other type is one that Cloud Control
does not support, which is not "not there". Shapes: the types' schemas in CloudFormation's registry.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from ministack.services import cloudcontrol, lambda_svc, waf

Model = dict[str, Any]


def apply() -> None:
    known = cloudcontrol.handle_request

    async def handle(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        if headers.get("x-amz-target", "").rpartition(".")[2] != "GetResource":
            return await known(method, path, headers, body, query)
        return _resource(json.loads(body or b"{}"))

    cloudcontrol.handle_request = handle


def _resource(asked: Mapping[str, Any]) -> Any:
    kind, name = str(asked.get("TypeName")), str(asked.get("Identifier"))
    if kind not in _READERS:
        return cloudcontrol.error_response_json(
            "UnsupportedActionException", f"Resource type {kind} does not support READ action", 400
        )
    model = _READERS[kind](name)
    if model is None:
        return cloudcontrol.error_response_json("ResourceNotFoundException", f"{kind} {name} was not found.", 400)
    description = {"Identifier": name, "Properties": json.dumps(model)}
    return cloudcontrol.json_response({"TypeName": kind, "ResourceDescription": description})


def _function(name: str) -> Any:
    return lambda_svc._functions.get(name) or {}


def _version(arn: str) -> Model | None:
    name, number = arn.split(":")[-2:]
    version = _function(name).get("versions", {}).get(number)
    if version is None:
        return None
    model = {"FunctionArn": arn, "FunctionName": name, "Version": number}
    description = version.get("config", {}).get("Description")
    return {**model, "Description": description} if description else model


def _alias(arn: str) -> Model | None:
    function, name = arn.split(":")[-2:]
    alias = _function(function).get("aliases", {}).get(name)
    if alias is None:
        return None
    model = {"AliasArn": arn, "FunctionName": function, "Name": name, "FunctionVersion": alias["FunctionVersion"]}
    return {**model, "Description": alias["Description"]} if alias.get("Description") else model


def _event_invoke_config(name: str) -> Model | None:
    # A template's physical id has `:`, the registry's identifier `|`.
    function, _, qualifier = name.replace("|", ":").partition(":")
    found = _function(function)
    configs = found.get("event_invoke_configs") or {}
    config = configs.get(qualifier) or (found.get("event_invoke_config") if qualifier == "$LATEST" else None)
    if config is None:
        return None
    kept = ("MaximumEventAgeInSeconds", "MaximumRetryAttempts")
    return {"FunctionName": function, "Qualifier": qualifier, **{key: config[key] for key in kept if key in config}}


def _ip_set(name: str) -> Model | None:
    _, identifier, scope = name.split("|")
    found = waf._resource_from_scope(waf._ip_sets, identifier, scope)
    if found is None:
        return None
    kept = {key: found[key] for key in ("Name", "Id", "Scope", "IPAddressVersion", "Addresses")}
    description = {"Description": found["Description"]} if found.get("Description") else {}
    return {**kept, **description, "Arn": found["ARN"]}


_READERS: Final[Mapping[str, Callable[[str], Model | None]]] = {
    "AWS::Lambda::Version": _version,
    "AWS::Lambda::Alias": _alias,
    "AWS::Lambda::EventInvokeConfig": _event_invoke_config,
    "AWS::WAFv2::IPSet": _ip_set,
}
