"""An account that answers from a script, and CloudFormation's own schemas to hold properties against."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema
import jsonschema.validators
from botocore import xform_name
from botocore.exceptions import ClientError

from checker.collect.account.asking.account import Account
from checker.collect.account.needs import EVERYTHING, Needs
from checker.collect.account.operations import OPERATIONS, Operation
from checker.collect.account.reading import DESCRIBERS, _described, _live
from checker.collect.account.scope import Scope
from checker.collect.account.shapes import Draft
from checker.collect.account.target import Limits
from checker.model.live.snapshot import LiveResource

Body = Mapping[str, Any]
# The recorded values are not the accounts' own any more, and the registry writes its patterns for another language.
_extend: Any = jsonschema.validators.extend
_Validator = _extend(jsonschema.Draft7Validator, {"pattern": None})
Script = Mapping[tuple[str, str], "Body | Exception | Callable[[Mapping[str, Any]], Body | Exception]"]

BY_METHOD = {(each.service, xform_name(each.name)): each for each in OPERATIONS.values()}

# A property that no template has: whether a subscription still waits for its subscriber.
_LIVE_ALONE = {"PendingConfirmation"}


def error(code: str, message: str = "", status: int = 400) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "Operation")


class ScriptedClients:
    """Answers in boto3's place. What the script leaves out has an empty list, or does not exist."""

    def __init__(self, script: Script, limits: Limits | None = None) -> None:
        self.script = script
        self.limits = limits or Limits(concurrency=4, per_service=4)
        self.ends = time.monotonic() + self.limits.deadline
        self.asked: list[tuple[Operation, Mapping[str, Any]]] = []

    def get(self, service: str) -> Any:
        return _Client(self, service)

    def new_question(self) -> None:
        pass


class _Client:
    def __init__(self, clients: ScriptedClients, service: str) -> None:
        self._clients, self._service = clients, service

    def can_paginate(self, method: str) -> bool:
        return False

    def __getattr__(self, method: str) -> Callable[..., Body]:
        operation = BY_METHOD[self._service, method]

        def call(**parameters: Any) -> Body:
            self._clients.asked.append((operation, parameters))
            answer = self._clients.script.get((operation.service, operation.name))
            if callable(answer):
                answer = answer(parameters)
            if answer is None:
                if operation.items:
                    return {operation.items: []}
                raise error((operation.absent or ("NothingScripted",))[0], status=404)
            if isinstance(answer, Exception):
                raise answer
            return copy.deepcopy(answer)

        return call


def account_of(script: Script, needs: Needs = EVERYTHING, scope: Scope | None = None) -> Account:
    account = Account(ScriptedClients(script), needs)  # type: ignore[arg-type]
    account.scope = scope or Scope()
    if scope is None:
        account.scope.settle((), known=False)
    return account


def describe(account: Account, service: str) -> list[LiveResource]:
    """What the describers of a service make, as a snapshot keeps it."""
    try:
        drafts: list[Draft] = [
            draft
            for describer, services in DESCRIBERS.items()
            if service in services
            for draft in _described(account, describer)
        ]
    finally:
        account.close()
    return [_live(draft, (None, None, None)) for draft in drafts]


@cache
def _schemas() -> Mapping[str, Any]:
    """CloudFormation's registry schemas, by type, as cfn-lint carries them."""
    found = {}
    for entry in (files("cfnlint") / "data" / "schemas" / "resources").iterdir():
        if entry.name.endswith(".json"):
            schema = json.loads(entry.read_text(encoding="utf-8"))
            found[schema["typeName"]] = schema
    return found


@cache
def _validator(kind: str) -> Any:
    schema = _schemas().get(kind)
    if schema is None:
        return None
    # What a template must say beside a property is no matter of what an account shows: some of it is never told.
    kept = {key: schema[key] for key in ("definitions", "properties", "additionalProperties") if key in schema}
    return _Validator(kept)


def faults(resource: LiveResource) -> Iterator[str]:
    """Where a resource's properties do not fit the schema of its type."""
    validator = _validator(resource.type)
    if validator is None:
        return
    for fault in validator.iter_errors(_read(resource)):
        yield f"{resource.type}/{'/'.join(map(str, fault.absolute_path))}: {fault.message[:200]}"


def _read(resource: LiveResource) -> dict[str, Any]:
    """The properties that were read whole."""
    unread = {path.partition(".")[0] for path in resource.unread}
    return {name: value for name, value in resource.properties.items() if name not in unread | _LIVE_ALONE}
