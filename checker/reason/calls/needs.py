"""What a call needs: the IAM actions, and the resources they are checked against.

The facts are those of :mod:`checker.data.aws_calls`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker import lazy_re
from checker.data.aws_calls import prefix_of, table
from checker.model.answers import NO, YES, Open
from checker.model.pipeline.scripts import AwsCall, How
from checker.model.possible import Scalar, as_text
from checker.model.values import (
    ABSENT,
    SECRET_SUFFIX,
    Absent,
    Generated,
    Hole,
    Pseudo,
    Text,
    Unknown,
    Unstated,
    pieces,
    text,
)
from checker.reason.calls.structures import (
    COPIES,
    addresses,
    copied,
    in_s3,
    inside,
    is_recursive,
    own_arns,
    roles_in,
    text_given,
)

_PARTITION: Final = Pseudo("AWS::Partition")
_REGION: Final = Pseudo("AWS::Region")
_ACCOUNT: Final = Pseudo("AWS::AccountId")
_PLACEHOLDER: Final = lazy_re.compile(r"\{([a-z0-9|]+)(?:=([^}]*))?\}")
EVERYTHING: Final = "*"
# The words of a high-level command that name where it reads and where it writes.
_SOURCE, _TARGET = _BOTH = "0", "1"
# Arguments that name what a call is made on by its ARN, whatever kind it is of.
_BY_ARN: Final = ("resourcearn", "resourcearns", "resourcename")
# What the resource is in, which the call may name by an ARN of its own.
_HOMES: Final = ("cluster", "eventbusname")


class Need(Struct, frozen=True):
    """One permission that a call needs.

    ``resources`` are the ARNs that IAM compares with the policy's: ``("*",)`` where the action has no resource-level
    permissions or the call names no resource; a ``Text`` where the account, the region or a part is open; ``None``
    where they cannot be told. ``listed`` is false where the Service Authorization Reference at hand does not know the
    action: its name is then taken from the operation. ``context`` holds condition keys that the call brings.
    ``perhaps``: whether the call needs it at all is not seen; ``why`` says what of it is not.
    """

    action: str
    resources: tuple[str | Text, ...] | None
    listed: bool = True
    context: Mapping[str, str] = field(default_factory=dict)
    why: str = ""
    perhaps: bool = False


# Calls that need no credentials, so no permission either: what counts is the token or the assertion in them (AWS STS
# API Reference, AssumeRoleWithWebIdentity and AssumeRoleWithSAML).
_UNSIGNED: Final = frozenset({"AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"})


@lru_cache(maxsize=16_384)  # several rules ask about each call
def needs(call: AwsCall) -> tuple[Need, ...]:
    """Every permission that the call needs, none where AWS asks for none."""
    return tuple(_needs(call)) if (first := alike(call)) is call else needs(first)


@lru_cache(maxsize=16_384)
def alike(call: AwsCall) -> AwsCall:
    """The first call that asks AWS for the same, wherever it stands: jobs make the same calls over and over, and what
    they need is worked out once."""
    region = call.region if isinstance(call.region, str) else ""
    try:
        first = _first(call.service, call.operation, call.how, call.complete, region, tuple(call.arguments.items()))
    except TypeError:  # an argument that is an object
        return call
    if not first:
        first.append(call)
    return first[0]


@lru_cache(maxsize=16_384)
def _first(*_content: object) -> list[AwsCall]:
    return []


def _needs(call: AwsCall) -> Iterator[Need]:
    service, data = call.service, table()
    if service == "sts" and call.operation in _UNSIGNED:
        return
    if call.how in {How.CLI_CUSTOM, How.SDK_CUSTOM}:
        for operation, words, doubt in _custom(call):
            made = _of_operation(call, operation, words)
            yield from (replace(each, why=doubt, perhaps=True) for each in made) if doubt else made
        for action in data["custom_other"].get(service, {}).get(call.operation, ()):
            yield Need(action, (EVERYTHING,), why=f"`aws {service} {call.operation}` makes this call")
    else:
        yield from _of_operation(call, call.operation)
    for argument, action, arn in data["beside"].get(service, {}).get(call.operation, ()):
        yield from _beside(call, argument, action, arn)
    passed = data["passes"].get(service, {}).get(call.operation)
    if passed is not None:
        yield from _passed_roles(call, passed[0], passed[1:])


def _beside(call: AwsCall, argument: str, action: str, arn: str) -> Iterator[Need]:
    """What an argument needs beside the call's own action, where it is given and does not come to nothing."""
    value = call.argument(argument)
    if isinstance(value, Absent) or value in ((), "", {}):
        return
    custom = call.service == "s3" and call.how is How.CLI_CUSTOM  # what is written gets it
    if custom and in_s3(call.argument(_TARGET)) is NO:
        return
    context = {"ecs:CreateAction": call.operation} if call.service == "ecs" else {}
    template = arn if arn == EVERYTHING or "{" in arn else table()["arns"][prefix_of(call.service)][arn]
    places = (_TARGET,) if custom else _BOTH
    resources = (EVERYTHING,) if arn == EVERYTHING else _named(call, [template], places)
    if isinstance(value, Unknown):
        why = f"whether {argument} holds anything is not seen"
        yield Need(action, resources, context=context, why=why, perhaps=True)
    else:
        yield Need(action, resources, context=context, why=f"{argument} is given")


def _custom(call: AwsCall) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """The operations of a custom command, with the words that name what each is made on, and why it may not be made.

    Source: AWS CLI Command Reference, ``s3 cp``, ``mv``, ``sync`` and ``ls``: a copy of many objects lists where they
    come from, ``sync`` both sides, ``ls`` without an address the buckets; ``mv`` deletes what it has read.
    """
    operations: list[str] = table()["custom"].get(call.service, {}).get(call.operation, [])
    if call.service == "s3" and call.operation == "ls" and call.complete and isinstance(call.argument(_SOURCE), Absent):
        operations = ["ListBuckets"]
    if call.service != "s3" or call.operation not in {"cp", "mv", "sync"}:
        left_out = _LEFT_OUT.get(call.operation, {}) if call.service == "cloudformation" else {}
        skipped = {each for name, each in left_out.items() if not isinstance(call.argument(name), Absent)}
        more = ["DeleteObject", "ListObjectsV2"] if call.operation == "rb" and call.argument("force") is True else []
        yield from ((each, _BOTH, "") for each in (*operations, *more) if each not in skipped)
        return
    reading, writing = in_s3(call.argument(_SOURCE)), in_s3(call.argument(_TARGET))
    # One of the two is in a bucket, else the command is refused.
    reading, writing = YES if writing is NO else reading, YES if reading is NO else writing
    from_bucket, to_bucket = (_SOURCE,) * (reading is not NO), (_TARGET,) * (writing is not NO)
    sync = call.operation == "sync"
    found = [
        ("GetObject", from_bucket),
        ("PutObject", to_bucket),
        ("ListObjectsV2", (*(from_bucket if sync or is_recursive(call) else ()), *(to_bucket if sync else ()))),
        ("DeleteObject", from_bucket if call.operation == "mv" else ()),
        ("DeleteObject", to_bucket if not isinstance(call.argument("delete"), Absent) else ()),
    ]
    doubts = {side: each.why for side, each in ((_SOURCE, reading), (_TARGET, writing)) if isinstance(each, Open)}
    for operation, words in found:
        sure = tuple(each for each in words if each not in doubts)
        yield from [(operation, sure, "")] if sure else []
        yield from ((operation, (each,), doubts[each]) for each in words if each in doubts)


# What an option keeps a custom command from doing.
_LEFT_OUT: Final[Mapping[str, Mapping[str, str]]] = {"deploy": {"noexecutechangeset": "ExecuteChangeSet"}}


def _of_operation(call: AwsCall, operation: str, words: tuple[str, ...] = _BOTH) -> Iterator[Need]:
    entry = table()["services"].get(call.service)
    prefix = prefix_of(call.service)
    if entry is None:
        yield Need(f"{call.service}:{operation}", None, listed=False, why="no such service is known")
        return
    path = table()["paths"].get(call.service, {}).get(operation)
    for action in entry.get("actions", {}).get(operation, [operation]):
        listed = operation not in entry.get("unlisted", ()) or operation in entry.get("actions", {})
        source = copied(call) if action == "GetObject" and COPIES & {operation, call.operation} else ()
        resources = source if source != () else _resources(call, prefix, action, words)
        if path is not None:  # of Amazon API Gateway
            resources = _by_path(call, path)
        yield Need(f"{prefix}:{action}", resources, listed, _context(call, action, words))


def _by_path(call: AwsCall, path: str) -> tuple[str | Text, ...] | None:
    """What a call of Amazon API Gateway is made on: nothing can be said where an argument of its path is missing, where
    tags are given, which are a resource of their own, and of a domain's name that is private, which has an account."""
    others = (call.argument(name) for name in ("tags", "domainNameId"))
    found = (
        _named(call, [f"apigateway:{{region}}::{path}"]) if all(isinstance(each, Absent) for each in others) else None
    )
    return found if found != (EVERYTHING,) else None


def _context(call: AwsCall, action: str, words: tuple[str, ...]) -> dict[str, str]:
    """The condition keys that the call brings: of a list of objects, the beginning of the keys that it asks for."""
    if call.service != "s3" or action != "ListBucket":
        return {}
    if call.how is not How.CLI_CUSTOM:
        asked = call.text("prefix")
    else:
        keys = addresses(call, "prefix", words)
        asked = keys[0] if keys is not None and len(keys) == 1 and isinstance(keys[0], str) else ABSENT
    return {"s3:prefix": asked} if isinstance(asked, str) and asked else {}


def _resources(
    call: AwsCall, prefix: str, action: str, words: tuple[str, ...] = _BOTH
) -> tuple[str | Text, ...] | None:
    data = table()
    if action in data["star"].get(prefix, ()):
        return (EVERYTHING,)
    kinds = data["types"].get(prefix, {}).get(action)
    if prefix == "s3":
        kinds = ["object"] if action.endswith(("Object", "ObjectTagging", "ObjectAcl")) else ["bucket"]
    if any(not isinstance(call.argument(name), Absent) for name in _BY_ARN) and prefix != "s3":
        return own_arns(call, prefix, *_BY_ARN) or None
    if not kinds:
        return own_arns(call, prefix) or None
    found = _named(call, [data["arns"][prefix][kind] for kind in kinds], words)
    if found != (EVERYTHING,):
        return found
    # Otherwise the call names it in a way that the table does not have.
    return own_arns(call, prefix) or (found if prefix == "s3" or action in data["wide"].get(prefix, ()) else None)


def _named(call: AwsCall, templates: Iterable[str], words: tuple[str, ...] = _BOTH) -> tuple[str | Text, ...] | None:
    """The resources that a call names, by the ARNs that they may have."""
    found: list[str | Text] = []
    for template in templates:
        arns = _arns(call, template, words)
        if arns is None:
            return None
        found.extend(arns)
        if arns:
            break  # the first type that the call names: the others are alternatives
    return tuple(dict.fromkeys(found)) or (EVERYTHING,)


# What the service adds to a name: a stack's id, a revision's number, the end of a secret's ARN. No part of another ARN.
_MADE: Final = Generated("*")


def _arns(call: AwsCall, template: str, words: tuple[str, ...]) -> list[str | Text] | None:
    """The ARNs of one resource type that the call names; empty where it names none, ``None`` where it is open."""
    places, tail = _places_of(template)
    rows: list[list[str | Hole]] = [["arn:", _PARTITION, ":"]]
    whole: list[str | Text] = []
    for literal, name, default in places:
        fixed = _everywhere(call, name)
        if fixed is not None:
            rows = [[*row, literal, *fixed] for row in rows]
            continue
        values = _values(call, name.split("|"), words)
        if values is None:
            return None
        if not values:
            if default is None:
                return whole
            values = (default or text([Unstated(name)]),)
        grown: list[list[str | Hole]] = []
        for value in values:
            shown = as_text(value)
            first = pieces(shown)[0]
            if isinstance(first, str) and first.startswith("arn:") and not name.startswith(_HOMES):
                whole.append(shown)
            else:
                grown.extend([*row, literal, *_short(shown)] for row in rows)
        rows = grown
    ending: list[str | Hole] = [tail[:-1], _MADE] if tail.endswith("*") else [tail]
    return whole + [text([*row, *ending]) for row in rows]


@lru_cache(maxsize=1 << 12)  # the table's own
def _places_of(template: str) -> tuple[tuple[tuple[str, str, str | None], ...], str]:
    """The places of an ARN that a call fills in: what stands before each, its name and its default; and the rest."""
    found: list[tuple[str, str, str | None]] = []
    position = 0
    for match in _PLACEHOLDER.finditer(template):
        found.append((template[position : match.start()], match[1], match[2]))
        position = match.end()
    return tuple(found), template[position:]


def _everywhere(call: AwsCall, name: str) -> list[str | Hole] | None:
    """What stands in a place that is filled in alike for all calls; ``None`` for one that the call's arguments fill."""
    match name:
        case "region":
            return [_region(call)]
        case "account":
            return [_ACCOUNT]
        case "owner":  # of a domain, who may be another account
            owners = call.texts("domainOwner")
            return [_ACCOUNT] if owners == () else [*pieces(as_text(owners[0]))] if owners else [Unstated("its owner")]
        case "revision":
            return [] if _has_revision(call) else [":", _MADE]
        case "qualifier":
            # AWS Lambda Developer Guide, "Resources and conditions for Lambda actions": a version or an alias that is
            # asked for is a resource of its own.
            asked = call.texts("qualifier") if call.operation == "Invoke" else ()
            return [":", *pieces(as_text(asked[0]))] if asked else []
        case "suffix":
            return ["-", Generated("*", length=SECRET_SUFFIX)]
    return None


def _region(call: AwsCall) -> str | Hole:
    return call.region if isinstance(call.region, str) and call.region else _REGION


def _has_revision(call: AwsCall) -> bool:
    named = [each for name in ("taskDefinition", "taskDefinitions", "jobDefinition") for each in call.texts(name) or ()]
    return any(isinstance(value, str) and ":" in value for value in named)


def _short(value: str | Text) -> list[str | Hole]:
    """A name as it stands in an ARN: of a cluster's or a bus's own ARN, or of a queue's URL, what comes last."""
    if isinstance(value, str) and value.startswith(("arn:", "https://")):
        return [value.rpartition("/")[2]]
    if isinstance(value, str) and value.startswith("s3://"):
        return [value.removeprefix("s3://")]
    return list(pieces(value))


def _values(call: AwsCall, names: list[str], words: tuple[str, ...]) -> tuple[Scalar, ...] | None:
    if call.service == "s3" and call.how is How.CLI_CUSTOM:
        return addresses(call, names[0], words)
    for name in names:
        found = call.texts(name)
        if name == "eventbusname" and call.operation == "PutEvents":
            found = inside(call, "entries", name)
        if found is None or (call.service == "ssm" and any(str(each).startswith("AWS") for each in found)):
            return None  # AWS's own documents are of no account
        if name == "eventbusname":
            found = tuple(each for each in found if each != "default")  # the ARNs of its rules do not name it
        if name == "keyid" and any(str(each).startswith("alias/") for each in found):
            return None  # what counts is the key that it stands for
        if found:
            return found
    return () if call.complete else None


def _passed_roles(call: AwsCall, to: str, names: tuple[str, ...]) -> Iterator[Need]:
    context = {"iam:PassedToService": to}
    for name in names:
        if not name:
            definition = call.text("taskDefinition")
            shown = "" if isinstance(definition, Absent) else f" {definition}"
            why = f"the roles of the task definition{shown} are passed to {to}"
            yield Need("iam:PassRole", None, context=context, why=why)
            continue
        argument, _, key = name.partition(".")
        values = inside(call, argument, key) if key else call.texts(name)
        if key and values is None:
            why = f"whether --{argument} names a role is not seen"
            yield Need("iam:PassRole", None, context=context, why=why, perhaps=True)
            continue
        if values == () and not call.complete:
            values = None
        told = text_given(call)
        if told is not None and not values:
            roles_told = roles_in(told, name)
            if roles_told is None:
                yield Need("iam:PassRole", None, context=context, why=f"{name} is passed to {to}")
            elif roles_told:
                named = tuple(map(_role_arn, roles_told))
                yield Need("iam:PassRole", named, context=context, why=f"{name} is passed to {to}")
        elif values is None or isinstance(call.argument("cliinputjson"), str | Text):
            yield Need("iam:PassRole", None, context=context, why=f"{name} is passed to {to}")
        elif values:
            roles = tuple(_role_arn(as_text(value)) for value in values)
            yield Need("iam:PassRole", roles, context=context, why=f"{name} is passed to {to}")


def either_way(asked: str | Text | None, account: str) -> Sequence[str | Text | None]:
    """A resource as a call names it, and as a template does that is bound to no account."""
    before, number, after = asked.partition(f":{account}:") if isinstance(asked, str) and account else ("", "", "")
    return [asked, text([f"{before}:", _ACCOUNT, f":{after}"])] if number else [asked]


def _role_arn(value: str | Text) -> str | Text:
    first = pieces(value)[0]
    if not isinstance(first, str) or first.startswith("arn:"):
        return value
    return text(["arn:", _PARTITION, ":iam::", _ACCOUNT, ":role/", *pieces(value)])
