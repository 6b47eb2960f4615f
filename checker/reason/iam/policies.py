"""Policy documents as statements: what they say, before anyone asks what follows from it.

Grammar: AWS IAM User Guide, "Grammar of the IAM JSON policy language" and "IAM JSON policy elements: Condition
operators". A document may be JSON text or an object, every list in it may be a single value, and every value may be
open. What cannot be read is kept as unread, never dropped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from typing import Final

from msgspec import Struct

from checker.model.environments import Project
from checker.model.overlap import Pattern
from checker.model.resources import Resource, Stack
from checker.model.values import Hole, Known, Pseudo, Resolved, Text, Unknown, as_list, pieces, text
from checker.reason.names.arns import expand, stack_arn
from checker.reason.text.patterns import exact, folded, glob, has_wild

# Marks where a hole stood while a document that is JSON text is parsed.
_MARK: Final = "\ue000"
_OPERATORS_WITH_WILDCARDS: Final = ("stringlike", "stringnotlike", "arnlike", "arnnotlike", "arnequals", "arnnotequals")
_MAX_STATEMENTS: Final = 2000


class Condition(Struct, frozen=True):
    """One operator on one key. ``operator`` is in lower case without qualifier and ``IfExists``.

    ``patterns`` are the values as the operator reads them; ``None`` stands for one that is not known.
    """

    operator: str
    key: str  # in lower case: keys are not case-sensitive
    patterns: tuple[Pattern | None, ...]
    qualifier: str = ""  # "forallvalues" or "foranyvalue"
    if_exists: bool = False

    @property
    def negated(self) -> bool:
        return "not" in self.operator

    @property
    def base(self) -> str:
        """The operator that this one negates, or itself."""
        return self.operator.replace("not", "", 1)


class Statement(Struct, frozen=True, dict=True):
    """One statement. ``None`` in a tuple of patterns stands for an entry that is not known.

    Exactly one of ``actions`` and ``not_actions`` is set, and likewise for resources (trust policies have neither).
    ``certain`` is false where something that cannot be decided says whether the statement is there at all.
    """

    allows: bool
    actions: tuple[Pattern | None, ...] | None
    not_actions: tuple[Pattern | None, ...] | None
    resources: tuple[Pattern | None, ...] | None
    not_resources: tuple[Pattern | None, ...] | None
    conditions: tuple[Condition, ...]
    principals: tuple[tuple[str, str | Text | None], ...] | None
    not_principals: bool
    source: Resource
    path: str
    certain: bool = True
    # The resources that are named in full, to be looked up where there are many.
    named: frozenset[Pattern] = frozenset()

    @cached_property
    def services(self) -> frozenset[str] | None:
        """The services whose actions it speaks of, in lower case; ``None`` where that is not written in full."""
        if self.actions is None:
            return None
        found = {_service(each) if each is not None else None for each in self.actions}
        return None if None in found else frozenset(each for each in found if each is not None)


def _service(action: Pattern) -> str | None:
    colon = action.index(":") if ":" in action else 0
    head = [each for each in action[:colon] if isinstance(each, str)]
    return "".join(head).lower() if head and len(head) == colon else None


class Document(Struct, frozen=True):
    """The statements of one document, and why parts of it could not be read."""

    statements: tuple[Statement, ...] = ()
    unread: tuple[str, ...] = ()


def _own_stack(node: Resolved, stack: Stack) -> Resolved:
    """``AWS::StackId`` is the ARN of the stack that the document stands in."""
    if isinstance(node, Text):
        parts: list[str | Hole] = []
        for part in node.parts:
            own = isinstance(part, Pseudo) and part.name == "AWS::StackId"
            parts.extend(stack_arn(stack).parts if own else (part,))
        return text(parts)
    if isinstance(node, list):
        return [_own_stack(each, stack) for each in node]
    if isinstance(node, dict):
        return {key: _own_stack(each, stack) for key, each in node.items()}
    return node


def read_document(
    document: Resolved, source: Resource, path: str, project: Project, *, certain: bool = True
) -> Document:
    """``document`` as statements. ``source`` and ``path`` say where it stands."""
    if isinstance(document, str | Text):
        document = _parsed(document)
    if isinstance(document, Unknown):
        return Document(unread=(f"{path} of {source.logical_id}: {document.why}",))
    if not isinstance(document, dict):
        return Document(unread=(f"{path} of {source.logical_id} is no policy document",))
    document = {**document, "Statement": _own_stack(document.get("Statement"), source.stack)}
    statements: list[Statement] = []
    unread: list[str] = []
    for index, entry in enumerate(as_list(document.get("Statement"))[:_MAX_STATEMENTS]):
        here = f"{path}.Statement.{index}"
        if isinstance(entry, dict) and entry.get("Effect") in ("Allow", "Deny"):
            statements.append(_statement(entry, source, here, project, certain=certain and source.certain))
        else:
            why = entry.why if isinstance(entry, Unknown) else "a statement without a readable Effect"
            unread.append(f"{here} of {source.logical_id}: {why}")
    return Document(tuple(statements), tuple(unread))


def principal_of(statement: Statement) -> Resolved:
    """What a statement names as its principal, as written there: a reference in it leads to a resource."""
    path, _, index = statement.path.rpartition(".Statement.")
    value = statement.source.get(path)
    document = value.value if isinstance(value, Known) else None
    if isinstance(document, str | Text):
        document = _parsed(document)
    entries = as_list(document.get("Statement")) if isinstance(document, dict) else []
    entry = entries[int(index)] if index.isdecimal() and int(index) < len(entries) else None
    return entry.get("Principal") if isinstance(entry, dict) else None


def _parsed(document: str | Text) -> Resolved:
    """JSON text as data, with its holes put back."""
    holes: list[Hole] = []
    written: list[str] = []
    for part in pieces(document):
        if isinstance(part, Hole):
            written.append(f"{_MARK}{len(holes)}{_MARK}")
            holes.append(part)
        else:
            written.append(part.replace(_MARK, ""))
    try:
        parsed: Resolved = json.loads("".join(written))
    except (ValueError, RecursionError):
        open_ = "is not known before deployment, or " if holes else ""
        return Unknown(f"{str(document)[:60]} {open_}is no JSON")
    return _with_holes(parsed, holes) if holes else parsed


def _with_holes(node: Resolved, holes: list[Hole]) -> Resolved:
    if isinstance(node, str):
        parts: list[str | Hole] = []
        for index, part in enumerate(node.split(_MARK)):
            parts.append(holes[int(part)] if index % 2 else part)
        return text(parts)
    if isinstance(node, list):
        return [_with_holes(each, holes) for each in node]
    if isinstance(node, dict):
        return {key: _with_holes(value, holes) for key, value in node.items()}
    return node


def _statement(
    entry: dict[str, Resolved], source: Resource, path: str, project: Project, *, certain: bool
) -> Statement:
    resources = _patterns(entry, "Resource", project)
    return Statement(
        allows=entry["Effect"] == "Allow",
        actions=_patterns(entry, "Action", project, fold=True),
        not_actions=_patterns(entry, "NotAction", project, fold=True),
        resources=resources,
        not_resources=_patterns(entry, "NotResource", project),
        conditions=tuple(_conditions(entry.get("Condition"), project)),
        principals=tuple(_principals(entry["Principal"], project)) if "Principal" in entry else None,
        not_principals="NotPrincipal" in entry,
        source=source,
        path=path,
        certain=certain,
        named=frozenset(each for each in resources or () if each is not None and not has_wild(each)),
    )


def _patterns(
    entry: dict[str, Resolved], name: str, project: Project, *, fold: bool = False
) -> tuple[Pattern | None, ...] | None:
    if name not in entry:
        return None
    found: list[Pattern | None] = []
    for value in as_list(entry[name]):
        if isinstance(value, str | Text):
            pattern = glob(expand(value, project))
            found.append(folded(pattern) if fold else pattern)
        else:
            found.append(None)
    return tuple(found)


def _principals(value: Resolved, project: Project) -> Iterator[tuple[str, str | Text | None]]:
    if not isinstance(value, dict):
        yield "*", value if value == "*" else None
        return
    for kind, names in value.items():
        for name in as_list(names):
            yield kind, expand(name, project) if isinstance(name, str | Text) else None


def _conditions(block: Resolved, project: Project) -> Iterator[Condition]:
    if block is None:
        return
    if not isinstance(block, dict):
        yield Condition("", "", (None,))
        return
    for written, keys in block.items():
        operator = written.lower()
        qualifier, colon, rest = operator.partition(":")
        if colon:
            operator = rest
        if_exists = operator.endswith("ifexists")
        operator = operator.removesuffix("ifexists")
        if not isinstance(keys, dict):
            yield Condition("", "", (None,))
            continue
        for key, values in keys.items():
            yield Condition(
                operator,
                key.lower(),
                tuple(_value(operator, value, project) for value in as_list(values)),
                qualifier if colon else "",
                if_exists,
            )


def _value(operator: str, value: Resolved, project: Project) -> Pattern | None:
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, int | float):
        value = str(value)
    if not isinstance(value, str | Text):
        return None
    value = expand(value, project)
    pattern = glob(value) if operator in _OPERATORS_WITH_WILDCARDS else exact(value)
    ignore = operator.endswith("ignorecase") or operator in ("bool", "null")
    return folded(pattern) if ignore else pattern
