"""What the next deploy would do: the deployed template against the code, as CloudFormation compares them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from checker.data.type_facts import TypeFacts, covers
from checker.drift.meaning.compare import is_open, plain
from checker.drift.meaning.scalars import is_masked
from checker.model.live.drift import NextDeploy
from checker.model.resources import Raw
from checker.model.values import Resolved, Unknown, plain_text
from checker.reason.templates import stateful as reason

# Beside what keeps an application's data: keys to data, messages and records under way, logs, backups.
STATEFUL: Final = reason.STATEFUL | {
    "AWS::Backup::BackupVault",
    "AWS::KMS::Key",
    "AWS::Kinesis::Stream",
    "AWS::Logs::LogGroup",
    "AWS::MemoryDB::Cluster",
    "AWS::SQS::Queue",
}
_KEEPS: Final = frozenset({"Retain", "RetainExceptOnCreate", "Snapshot"})


class CodeChange(Struct, frozen=True):
    """One property that the code says otherwise than the deployed template. ``None`` stands for "not there"."""

    path: str
    pattern: str
    expected: Raw
    deployed: Raw


def code_changes(expected: Mapping[str, Resolved], deployed: Mapping[str, Resolved]) -> list[CodeChange]:
    """What differs between the code and the deployed template, once both are resolved with the same values."""
    return list(_changes("", "", dict(expected), dict(deployed)))


def policy_changes(expected: Mapping[str, Raw], deployed: Mapping[str, Raw]) -> Iterator[str]:
    """What of "is it kept" the code says otherwise: CloudFormation updates that as well.

    Source: CloudFormation API Reference, ResourceChange, ``Scope``.
    """
    for name in ("DeletionPolicy", "UpdateReplacePolicy"):
        if expected.get(name) != deployed.get(name):
            yield f"{name}: code {_said(expected.get(name))}, deployed {_said(deployed.get(name))}"


def _said(value: Raw) -> str:
    return "none" if value is None else str(value)


def next_deploy(changes: list[CodeChange], facts: TypeFacts) -> tuple[NextDeploy, str]:
    """What CloudFormation would do to a resource with these changes, and the property that decides."""
    if not changes:
        return NextDeploy.NONE, ""
    for each in changes:
        if covers(facts.create_only, each.pattern) or _above(facts.create_only, each.pattern):
            return NextDeploy.REPLACE, f"{each.path} can only be set when the resource is created"
    for each in changes:
        if covers(facts.create_only_sometimes, each.pattern):
            return NextDeploy.REPLACE, f"{each.path} can in some cases only be set when the resource is created"
    return NextDeploy.UPDATE, ""


def is_kept(raw: Mapping[str, Raw], attribute: str) -> bool:
    """Whether a policy keeps what a deletion or replacement would take away."""
    return raw.get(attribute) in _KEEPS


def _above(paths: frozenset[str], pattern: str) -> bool:
    """Whether something below a changed property is among the paths."""
    return any(path.startswith(f"{pattern}.") for path in paths)


def _changes(path: str, pattern: str, expected: Resolved, deployed: Resolved) -> Iterator[CodeChange]:
    if isinstance(expected, dict) and isinstance(deployed, dict):
        for key in {**expected, **deployed}:
            here, there = f"{path}.{key}".lstrip("."), f"{pattern}.{key}".lstrip(".")
            if key in expected and key in deployed:
                yield from _changes(here, there, expected[key], deployed[key])
            else:
                yield CodeChange(here, there, plain(expected.get(key)), plain(deployed.get(key)))
    elif not _equal(expected, deployed):
        yield CodeChange(path, pattern, plain(expected), plain(deployed))


def _equal(expected: Resolved, deployed: Resolved) -> bool:
    """As CloudFormation compares: scalars are strings, order counts. GetTemplate has ``?`` for what is not ASCII."""
    if isinstance(expected, Unknown) or isinstance(deployed, Unknown):
        return str(expected) == str(deployed)
    if isinstance(expected, list) and isinstance(deployed, list):
        return len(expected) == len(deployed) and all(map(_equal, expected, deployed))
    if isinstance(expected, dict) and isinstance(deployed, dict):
        return expected.keys() == deployed.keys() and all(_equal(expected[key], deployed[key]) for key in expected)
    if is_open(expected) and is_open(deployed):
        return str(expected) == str(deployed) or is_masked(str(deployed))
    one, other = plain_text(plain(expected)), plain_text(plain(deployed))
    if one == other or is_masked(other):
        return True  # what was not kept cannot be told to differ
    if not (isinstance(one, str) and isinstance(other, str)) or one.isascii():
        return False
    return "".join(each if each.isascii() else "?" for each in one) == other
