"""The account's side: which stack, which physical id and which live resource stand for something that is declared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec.structs import replace

from checker import lazy_re
from checker.data.type_facts import facts_of
from checker.drift.meaning.scalars import is_arn, names_of
from checker.drift.meaning.undeclared import tags_of
from checker.model.live.snapshot import LiveResource, Snapshot, SnapshotStack, StackResource
from checker.model.resources import Raw, Stack
from checker.reason.account.stack_states import between_templates
from checker.reason.names.naming import naming_of

_STACK_ARN: Final = lazy_re.compile(r"arn:[\w-]+:cloudformation:[^:]*:[^:]*:stack/([^/]+)(?:/.*)?")
_UUID: Final = lazy_re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What a reader says that it asked for where it reads types of any kind, and those that it never reads.
_OTHER_TYPES: Final = "other types"
_NOT_READ: Final = ("AWS::CloudFormation::", "AWS::CDK::")
# A stack in one of these is as good as not there.
_GONE: Final = ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS")
# A resource in one of these is not of its stack any longer: it is gone, or was kept (AWS CloudFormation API Reference,
# StackResourceSummary).
LEFT: Final = ("DELETE_COMPLETE", "DELETE_SKIPPED")


class Account:
    """A snapshot, indexed. Nothing is guessed: where two live resources could be meant, none is."""

    def __init__(self, snapshot: Snapshot) -> None:
        snapshot = self.snapshot = replace(snapshot, resources=tuple(map(_placed, snapshot.resources)))
        self.stacks = {each.name: each for each in snapshot.stacks if each.status not in _GONE}
        named = snapshot.facts.get("asked_stacks")
        # The root stacks that were looked for, where not all of the account were.
        self.asked_stacks = frozenset(map(str, named)) if isinstance(named, list) else None
        self._listed = {
            (stack.name, each.logical_id): each
            for stack in self.stacks.values()
            for each in stack.resources
            if not each.status.startswith(LEFT)
        }
        self._by_place: dict[tuple[str | None, str], LiveResource] = {}
        self._by_physical: dict[tuple[str, str], LiveResource | None] = {}
        self._by_logical: dict[tuple[str, str], LiveResource | None] = {}
        for each in snapshot.resources:
            if each.logical_id is not None:
                self._by_place.setdefault((each.stack, each.logical_id), each)
                _once(self._by_logical, (each.type, each.logical_id), each)
            for word in _identifiers(each):
                _once(self._by_physical, (each.type, word), each)
        self._holders: dict[str, dict[str, set[str]]] = {}  # type -> name -> stacks that have one of it
        self.by_type: dict[str, list[LiveResource]] = {}
        for each in snapshot.resources:
            self.by_type.setdefault(each.type, []).append(each)

    def stack_of(self, stack: Stack) -> SnapshotStack | None:
        """The deployed stack of a template: by name, a nested one through its parent's resource."""
        if stack.parent is None:
            return self.stacks.get(stack.name)
        parent = self.stack_of(stack.parent)
        listed = self._listed.get((parent.name, stack.id.rsplit("/", 1)[-1])) if parent else None
        return self.stack_by_arn(listed.physical_id) if listed else None

    def between_templates(self, stack: Stack) -> str:
        """Why it cannot be told what the resources of a stack should be like: its status, or that of one around it.

        A nested stack that has come to its end is still taken back with the one that it is in.
        """
        deployed, around = self.stack_of(stack), stack.parent
        own = between_templates(deployed.status) if deployed is not None else ""
        return own or (self.between_templates(around) if around is not None else "")

    def stack_by_arn(self, arn: str | None) -> SnapshotStack | None:
        match = _STACK_ARN.fullmatch(arn or "")
        return self.stacks.get(match[1]) if match else None

    def listed(self, stack: SnapshotStack | None, logical_id: str) -> StackResource | None:
        """The resource as CloudFormation lists it."""
        return self._listed.get((stack.name, logical_id)) if stack else None

    def live(
        self, stack: SnapshotStack | None, kind: str, logical_id: str, names: Iterable[str], *, called: str = ""
    ) -> LiveResource | None:
        """The live resource behind a logical id: by the id itself, by what CloudFormation lists, then by name.

        What another stack has is not this one's, whatever it is called. ``called``: the name of the stack, which may
        not be deployed.
        """
        own = stack.name if stack is not None else called
        found = self._by_place.get((own, logical_id))
        if found is not None and found.type == kind:
            return found
        if stack is not None:
            listed = self._listed.get((stack.name, logical_id))
            if listed is not None and listed.physical_id:
                by_id = self.live_called(kind, listed.physical_id)
                if by_id is not None:
                    return by_id
        by_logical = self._by_logical.get((kind, logical_id))
        if by_logical is not None and self._may_be_of(by_logical, stack, own):
            return by_logical
        for name in names:
            by_name = self.live_called(kind, name)
            if (
                by_name is not None
                and by_name.logical_id in {None, logical_id}
                and self._may_be_of(by_name, stack, own)
            ):
                return by_name
        return None

    def _may_be_of(self, live: LiveResource, stack: SnapshotStack | None, own: str) -> bool:
        if live.stack in {None, own}:
            return True
        # Who writes a snapshot by hand may call stacks otherwise, and list none.
        return stack is None and not self.knows_stacks and "asked" not in self.snapshot.facts

    def held_by(self, kind: str, names: Iterable[str], own: str) -> str:
        """Another stack that has a resource of a type with one of these names; empty where none is known to."""
        naming = naming_of(kind)
        if naming is None or naming.within or naming.beside or not naming.certain:
            return ""  # the same name may be another's in another place
        if kind not in self._holders:
            holders: dict[str, set[str]] = {}
            for each in self.by_type.get(kind, ()):
                for name in (each.properties.get(path) for path in naming.paths):
                    if isinstance(name, str) and each.stack is not None:
                        holders.setdefault(name, set()).add(each.stack)
            self._holders[kind] = holders
        found = set().union(*(self._holders[kind].get(name, ()) for name in names)) - {own}
        return min(found, default="")

    def left_by(self, live: LiveResource) -> str:
        """The stack that a resource was made by and that has it no longer; empty where none is known to.

        CloudFormation's tags stay on what a DeletionPolicy keeps. Where the stack itself is gone its tag says where it
        was: what is of no region may be another region's.
        """
        asked = self.snapshot.facts.get("asked")
        if live.stack is None or live.logical_id is None or not isinstance(asked, list) or "stacks" not in asked:
            return ""  # whoever writes it by hand says what is whose
        if not self.knows_stacks or self.asked_stacks is not None:
            return ""
        stack = self.stacks.get(live.stack)
        if stack is not None:
            known = stack.resources and not between_templates(stack.status)
            return live.stack if known and (live.stack, live.logical_id) not in self._listed else ""
        tags = tags_of(live.properties.get(facts_of(live.type).tags)) or {}
        made_in = tags.get("aws:cloudformation:stack-id", "").split(":")
        return live.stack if len(made_in) > 5 and made_in[3] == self.snapshot.region else ""

    def live_called(self, kind: str, word: str) -> LiveResource | None:
        """The one live resource of a type with this physical id, ARN or name."""
        found = self._by_physical.get((kind, word))
        if found is None and is_arn(word):
            return next(filter(None, (self._by_physical.get((kind, each)) for each in names_of(word))), None)
        return found

    def only_one(self, kind: str) -> LiveResource | None:
        """The one live resource of a type, where nothing says whose it is. For accounts without CloudFormation."""
        several = self.by_type.get(kind, ())
        if self.stacks or len(several) != 1 or several[0].stack is not None or several[0].logical_id is not None:
            return None
        return several[0]

    def alias(self, name: str) -> str | None:
        """The key behind a KMS alias (``alias/x``), where the snapshot has it."""
        for each in self.by_type.get("AWS::KMS::Alias", ()):
            if each.physical_id == name or each.properties.get("AliasName") == name:
                target = each.properties.get("TargetKeyId")
                return target if isinstance(target, str) else None
        return None

    def unplaced(self, *, listed: bool = False) -> str:
        """Why it is not known which resource is whose; empty where it is known.

        What is not called by its physical id is given to a stack by what its template says of it. ``listed``: of those
        that are, which only the list of a stack's resources tells.
        """
        whose = {"stacks", "stacks/resources"} | (set() if listed else {"stacks/template"})
        return next((each.why for each in self.snapshot.unread if each.what in whose), "")

    def unreadable(self, kind: str, physical_id: str | None) -> tuple[str, str] | None:
        """Why resources of a type, or one of them, could not be read, and what permission is missing."""
        for each in self.snapshot.unread:
            words = set(re.split(r"[\s,;()\[\]]+", each.what))
            if kind in words or (physical_id is not None and physical_id in words):
                return each.why, each.needs
        return None if self._was_asked(kind) else ("it was not asked for when the account was read", "")

    def _was_asked(self, kind: str) -> bool:
        """Whether a reader that says what it asked for looked for a type. An audit needs fewer of them than drift."""
        asked = self.snapshot.facts.get("asked")
        if not isinstance(asked, list) or not kind.startswith("AWS::") or kind in asked:
            return True
        return _OTHER_TYPES in asked and not kind.startswith(_NOT_READ)

    @property
    def knows_stacks(self) -> bool:
        """Whether a stack that is not among the account's is not deployed. Who writes by hand may leave stacks out."""
        asked = self.snapshot.facts.get("asked")
        lost = any(each.what == "stacks" for each in self.snapshot.unread)
        return bool(self.snapshot.stacks) or (isinstance(asked, list) and "stacks" in asked and not lost)

    def leaves_out(self, stack: str) -> bool:
        """Whether a root stack was not looked for: only some were."""
        asked = self.asked_stacks
        return asked is not None and stack not in asked and stack not in self.stacks


def _placed(live: LiveResource) -> LiveResource:
    """A live resource with the stack and logical id of its tags, where the snapshot does not say them.

    Source: CloudFormation User Guide, "Resource tag": ``aws:cloudformation:stack-name`` and ``:logical-id``.
    """
    if live.logical_id is not None or live.stack is not None:
        return live
    tags = tags_of(live.properties.get(facts_of(live.type).tags)) or {}
    logical_id = tags.get("aws:cloudformation:logical-id")
    return replace(live, stack=tags.get("aws:cloudformation:stack-name"), logical_id=logical_id) if logical_id else live


def words_of(live: LiveResource | None, physical_id: str | None) -> frozenset[str]:
    """The words by which a resource is known in the account: ids, ARNs, names. Short ones say too little."""
    words = {physical_id or ""}
    if live is not None:
        words.update(_identifiers(live))
        read_only = facts_of(live.type).read_only
        words.update(value for key, value in live.properties.items() if key in read_only and isinstance(value, str))
        naming = naming_of(live.type)
        words.update(str(live.properties.get(path) or "") for path in (naming.paths if naming else ()))
    for word in tuple(words):
        if is_arn(word):
            words |= names_of(word)
        elif "|" in word:
            words.update(_UUID.findall(word))  # the id among the parts that Cloud Control joins
        elif "://" in word:
            words.add(word.rpartition("/")[2])  # a queue's URL ends in its name
    return frozenset(word for word in words if len(word) > 3)


def attribute(live: LiveResource, path: str) -> Raw:
    """A ``GetAtt`` attribute as a read shows it; ``None`` where it does not."""
    node: Raw = live.properties
    if isinstance(node, Mapping) and path in node:
        return node[path]
    for step in path.split("."):
        if not isinstance(node, Mapping) or step not in node:
            node = None
            break
        node = node[step]
    if node is None and path.endswith("Arn") and is_arn(live.physical_id):
        return live.physical_id
    if node is not None:
        return node
    identifier = facts_of(live.type).identifier
    short = live.type.rsplit("::", 1)[-1].lower()
    names_it = path.endswith("Id") and short.endswith(path.removesuffix("Id").lower())
    if (path,) == identifier or (names_it and len(identifier) == 1):
        return live.physical_id
    return None


def _identifiers(live: LiveResource) -> Iterator[str]:
    if live.physical_id:
        yield live.physical_id
    for path in facts_of(live.type).identifier:
        value = live.properties.get(path)
        if isinstance(value, str) and value:
            yield value


def _once(index: dict[tuple[str, str], LiveResource | None], key: tuple[str, str], value: LiveResource) -> None:
    """Keep what is there once; a second one makes the key ambiguous."""
    if key in index and index[key] is not value:
        index[key] = None
    else:
        index[key] = value
