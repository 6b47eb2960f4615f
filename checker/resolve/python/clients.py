"""boto3's sessions, clients, waiters and paginators: told apart, and their calls put on record.

Sources: Boto3 documentation, "Clients", "Session", "Waiters", "Paginators"; botocore, ``client.py``
(``_make_api_call``).
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from checker.data.aws_calls import service_of
from checker.model.possible import Possible, call_behind
from checker.model.values import Absent, CallPlace
from checker.resolve.python.machine import Call, Machine
from checker.resolve.python.record import api_call
from checker.resolve.python.values import (
    Client,
    Dict,
    Either,
    Extern,
    Method,
    Poller,
    Resource,
    Session,
    Value,
    extern,
    plain,
)

# Methods of every client that call nothing.
_NO_CALLS: Final = frozenset({"can_paginate", "close", "exceptions", "meta", "generate_presigned_url",
                              "generate_presigned_post"})  # fmt: skip


# Where boto3 looks for keys that no code gives it (Boto3 documentation, "Credentials").
_KEY: Final = "AWS_ACCESS_KEY_ID"
_BESIDE: Final = "AWS_SESSION_TOKEN"


# In which order they take what is not given by name (Boto3 documentation, "Session reference").
_KEYS: Final = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
_OF_SESSION: Final = (*_KEYS, "region_name", "botocore_session", "profile_name")
_OF_CLIENT: Final = ("service_name", "region_name", "api_version", "use_ssl", "verify", "endpoint_url", *_KEYS)


def _by_name(call: Call, order: tuple[str, ...]) -> Call:
    """A call with what it gives by place under the names of those places."""
    return replace(call, positional=[], named={**dict(zip(order, call.positional, strict=False)), **call.named})


def session_of(given: Call) -> Session:
    """``boto3.Session(...)``."""
    call = _by_name(given, _OF_SESSION)
    region = call.named.get("region_name", Absent())
    profile = call.named.get("profile_name", Absent())
    return Session(
        region if isinstance(region, Absent) else plain(region, "region", call.file),
        profile if isinstance(profile, Absent) else plain(profile, "profile", call.file),
        _keys_of(call),
        key=_key(call),
    )


def set_up(machine: Machine, call: Call) -> None:
    """``boto3.setup_default_session(...)``: what clients use that are made by no other session (Boto3 documentation,
    "Session")."""
    machine.depends()
    machine.session = session_of(call)


def _put(machine: Machine) -> tuple[CallPlace | None, Possible | Absent]:
    """The call whose answer the keys are which the program has put into its environment, and the key where no session's
    token is beside it."""
    found = machine.put.get(_KEY)
    if found is None:
        return None, Absent()
    machine.depends()
    lives_on = machine.put.get(_BESIDE) in (None, "")
    return answer_in(found), plain(found, _KEY, "") if lives_on else Absent()


def _keys_of(call: Call) -> CallPlace | None:
    """The call whose answer the given access key comes from: of STS, mostly."""
    return answer_in(call.named["aws_access_key_id"]) if "aws_access_key_id" in call.named else None


def _key(call: Call) -> Possible | Absent:
    """The access key that is given, where no session's token is: that of a user, which lives on."""
    if "aws_access_key_id" not in call.named or call.named.get("aws_session_token") is not None:
        return Absent()
    return plain(call.named["aws_access_key_id"], "aws_access_key_id", call.file)


def answer_in(found: Value) -> CallPlace | None:
    """The AWS call that a value comes from, the first where there are several."""
    if isinstance(found, Extern):
        return found.answer
    if isinstance(found, Dict) and found.home is not None and found.rest is not None:
        return found.rest.answer
    if isinstance(found, Either):
        return next((answer for each in found.options if (answer := answer_in(each))), None)
    return call_behind(found)


def from_session(machine: Machine, session: Session, name: str, given: Call) -> Value:
    """What a method of a session gives: its clients."""
    if name not in {"client", "resource", "create_client"}:
        return extern(f"session.{name}()")
    call = _by_name(given, _OF_CLIENT)
    service = call.named.get("service_name")
    if not isinstance(service, str):
        machine.problem(call.spot, "a client of a service that is not known before it runs", "Name the service.")
        return extern("client")
    known = service_of(service)
    if known is None:
        machine.problem(call.spot, f"there is no AWS service {service!r}", "Correct the name.")
        return extern("client")
    region = call.named.get("region_name", session.region)
    if not isinstance(region, Absent):
        region = plain(region, "region", call.file)
    endpoint = call.named.get("endpoint_url", Absent())
    if not isinstance(endpoint, Absent):
        endpoint = plain(endpoint, "endpoint_url", call.file)
    keys = _keys_of(call) or session.keys_of
    key = session.key if isinstance(_key(call), Absent) else _key(call)
    if keys is None and isinstance(key, Absent) and isinstance(session.profile, Absent):
        keys, key = _put(machine)
    client = Client(known, region, session.profile, keys, endpoint, session.awaited, key)
    return Resource(client) if name == "resource" else client


def of_client(machine: Machine, client: Client, name: str, call: Call) -> Value:
    """What a method of a client gives; its call goes on record."""
    if name in {"get_waiter", "get_paginator"} and call.positional:
        kind = name.removeprefix("get_")
        return Poller(client, kind, call.first if isinstance(call.first, str) else "")
    begun = _begun(machine, Method(client, name), call) if client.awaited and name not in _NO_CALLS else None
    if begun is not None:
        return begun
    found: Value = None
    if name == "_make_api_call":
        operation = call.first if call.positional else call.named.get("operation_name")
        given = call.positional[1] if len(call.positional) > 1 else call.named.get("api_params")
        if isinstance(operation, str):
            items = given.items if isinstance(given, Dict) else ()
            arguments = {key: each for key, each in items if isinstance(key, str)}
            known = isinstance(given, Dict) and not given.open
            inner = Call(call.node, [], arguments, call.frame, known and call.complete)
            found = api_call(machine, client, operation, inner)
        else:
            machine.problem(call.spot, "an operation that is not known before it runs", "Name it.")
    elif name not in _NO_CALLS:
        found = api_call(machine, client, name, call)
    if found is not None:
        return found
    return extern(f"{client.service}.{name}()", answer=_answer(client.service, name, call))


def of_poller(machine: Machine, poller: Poller, name: str, call: Call) -> Value:
    """What a method of a waiter or a paginator gives."""
    client = poller.client
    begun = _begun(machine, Method(poller, name), call) if client.awaited and name == "wait" else None
    if begun is not None:
        return begun
    if name in {"wait", "paginate"}:
        api_call(machine, client, poller.name, call, poller.kind)
    answer = _answer(client.service, poller.name, call)
    return extern(f"{client.service}.{poller.name}.{name}()", answer=answer)


def _begun(machine: Machine, method: Method, call: Call) -> Value:
    """A call of a client of aioboto3 that nothing waits for at once: it runs beside the rest (aiobotocore's
    documentation: the methods of a client are coroutines). ``None`` where it is gone through here."""
    if id(call.node) in machine.awaited or not call.frame.module.file:
        return None
    call.frame = call.frame.handled(replace(call.frame.handling, background=True))
    if machine.stage is None:
        return None
    return machine.stage.later(method, call.positional, call.named, call.frame)


def _answer(service: str, operation: str, call: Call) -> CallPlace:
    return CallPlace(service, operation, call.spot.file, call.spot.line, call.frame.reached.via)
