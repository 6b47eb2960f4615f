"""boto3's resources: objects that know what they are of, and make the calls of a client.

``boto3.resource("s3").Bucket("site").upload_file(...)``. Sources: Boto3 documentation, "Resources" and "Collections";
boto3, ``resources/factory.py`` and ``s3/inject.py`` (methods that the models do not have).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from checker.data.boto_resources import boto_resources
from checker.model.values import CallPlace
from checker.resolve.python.machine import Call, Machine
from checker.resolve.python.record import PARAMETERS, api_call
from checker.resolve.python.values import Collection, Method, Resource, Value, extern

# What of an object's is put into the methods that boto3 adds to the models' own.
_OF_OBJECTS: Final[Mapping[str, Mapping[str, str]]] = {
    "Bucket": {"Bucket": "Name"},
    "Object": {"Bucket": "BucketName", "Key": "Key"},
    "ObjectSummary": {"Bucket": "BucketName", "Key": "Key"},
}
# What asks a collection for its items; with ``limit`` and the like it is asked later, for fewer.
_LISTING: Final = frozenset({"all", "filter", "limit", "page_size", "pages"})


def of_resource(owner: Resource, name: str) -> Value:
    """An attribute of a resource: its client, an identifier, another resource that it leads to, or a method."""
    kind = _kind(owner)
    if name == "meta":
        return owner
    if name == "client":
        return owner.client
    for identifier, held in owner.identifiers:
        if name in {_snake(identifier), *((_snake(owner.kind + identifier),) if owner.kind else ())}:
            return held
    if name in kind.get("many", {}):
        return Collection(owner, name)
    if name in kind.get("references", {}):
        return _made(owner, kind["references"][name], (), {}, name)
    return extern(f"{owner.client.service}.{owner.kind}.{name}") if _is_data(owner, name) else Method(owner, name)


def call_resource(machine: Machine, owner: Resource, name: str, call: Call) -> Value:
    """What a method of a resource gives; the call that it makes goes on record."""
    kind = _kind(owner)
    if name in kind.get("has", {}):
        return _made(owner, kind["has"][name], call.positional, call.named, name)
    if name in kind.get("actions", {}):
        return _asked(machine, owner, kind["actions"][name], call, name)
    if name in {"load", "reload"} and "load" in kind:
        return _asked(machine, owner, kind["load"], call, name)
    if name in kind.get("waiters", {}):
        waiter, params = kind["waiters"][name]
        found = api_call(machine, owner.client, waiter, _with(owner, params, call), "waiter")
        return found if found is not None else extern(call.shown)
    if owner.client.service == "s3" and owner.kind in _OF_OBJECTS and name in PARAMETERS:
        own = _OF_OBJECTS[owner.kind]
        rest = [each for each in PARAMETERS[name] if each not in own]
        named = {**dict(zip(rest, call.positional, strict=False)), **call.named}
        api_call(machine, owner.client, name, _with(owner, own, replace(call, positional=[], named=named)))
        return None
    if owner.kind == "Table" and name == "batch_writer":
        return Resource(owner.client, "BatchWriter", owner.identifiers)
    if owner.kind == "BatchWriter" and name in {"put_item", "delete_item"}:
        written = _with(owner, {"TableName": "Name"}, replace(call, named={}))
        api_call(machine, owner.client, "BatchWriteItem", written)
        return None
    if name not in {"get_available_subresources", "__enter__", "__exit__"}:
        what = f"{owner.client.service}'s {owner.kind or 'service'}"
        machine.problem(call.spot, f"{what} has no method {name!r} in boto3", "Correct the name, or use a client.")
    return extern(call.shown)


def loads(machine: Machine, owner: Resource, name: str, call: Call) -> None:
    """Note the call that reading an attribute makes which is none of the above: boto3 asks AWS for all of them once.

    Those of a collection's items came with the list.
    """
    if owner.listed or not _is_data(owner, name):
        return
    kind = _kind(owner)
    if "load" in kind:
        _asked(machine, owner, kind["load"], call, name)
    else:
        what = f"what reading {name!r} of {owner.client.service}'s {owner.kind} asks AWS for was not followed"
        machine.problem(call.spot, what, "Use a client.")


def _is_data(owner: Resource, name: str) -> bool:
    """Whether an attribute is none that boto3 has of the object's kind, but one of what AWS tells of it."""
    kind = _kind(owner)
    known = ("actions", "waiters", "has", "many", "references")
    own = {"load", "reload", "meta", "client", "batch_writer", "get_available_subresources", *PARAMETERS}
    named = {_snake(each) for each, _ in owner.identifiers} | {
        _snake(owner.kind + each) for each, _ in owner.identifiers
    }
    return bool(owner.identifiers and kind) and name not in {
        *(each for key in known for each in kind.get(key, ())),
        *own,
        *named,
    }


def of_collection(machine: Machine, owner: Collection, name: str, call: Call) -> Value:
    """What a method of a collection gives: itself, asked for; or what is done to all of its items at once."""
    request = _kind(owner.of)["many"][owner.name]
    if name in _LISTING:
        if not owner.listed:
            api_call(machine, owner.of.client, request[0], _with(owner.of, request[1], call))
        item = replace(_made(owner.of, request[2], (), {}, name, call), listed=True)
        return replace(owner, listed=True, items=(item,))
    batch = boto_resources()[owner.of.client.service].get(request[2][0], {}).get("batch", {})
    if name not in batch:
        return extern(call.shown)
    item = _made(owner.of, request[2], (), {}, name, call)
    if not owner.listed:
        api_call(machine, owner.of.client, request[0], _with(owner.of, request[1], replace(call, named={})))
    api_call(machine, owner.of.client, batch[name][0], _with(item, batch[name][1], call))
    return extern(call.shown)


def _kind(owner: Resource) -> Mapping[str, Any]:
    return boto_resources().get(owner.client.service, {}).get(owner.kind, {})


def _asked(machine: Machine, owner: Resource, request: list[Any], call: Call, name: str) -> Value:
    operation, params, *made = request
    found = api_call(machine, owner.client, operation, _with(owner, params, call))
    if made and not isinstance(found, tuple):
        return _made(owner, made[0], (), call.named, name, call)
    place = CallPlace(owner.client.service, name, call.spot.file, call.spot.line)
    return found if found is not None else extern(f"{owner.client.service}.{name}()", answer=place)


def _with(owner: Resource, params: Mapping[str, str], call: Call) -> Call:
    """The call of the client's, with what the object knows put in."""
    held = dict(owner.identifiers)
    return replace(call, positional=[], named={**{to: held.get(each) for to, each in params.items()}, **call.named})


def _made(
    owner: Resource,
    made: list[Any],
    given: Iterable[Value],
    named: Mapping[str, Value],
    shown: str,
    call: Call | None = None,
) -> Resource:
    """Another resource: its identifiers are the owner's, the request's, or given; what comes back is open."""
    kind, sources = made
    held, left = dict(owner.identifiers), list(given)
    place = CallPlace(owner.client.service, shown, call.spot.file, call.spot.line) if call is not None else None
    identifiers: list[tuple[str, Value]] = []
    for name in boto_resources()[owner.client.service][kind].get("ids", ()):
        source = sources.get(name, "?")
        if source.startswith("="):
            found = named.get(source[1:], held.get(source[1:]))
        elif source == "?":
            found = named[name] if name in named else left.pop(0) if left else extern(f"{shown}.{name}", answer=place)
        else:
            found = held.get(source)
        identifiers.append((name, found if found is not None else extern(f"{shown}.{name}", answer=place)))
    return Resource(owner.client, kind, tuple(identifiers))


def _snake(name: str) -> str:
    """``BucketName`` -> ``bucket_name``."""
    return "".join(f"_{each.lower()}" if each.isupper() and at else each.lower() for at, each in enumerate(name))
