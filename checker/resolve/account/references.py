"""References between the resources of an account: a live value that is another resource's id, ARN or endpoint.

In a template ``{"Ref": "Cluster"}`` says which resource is meant; an account only has ``arn:aws:ecs:…:cluster/x``. Here
both become the same thing, a hole that names the resource, so that a rule sees one graph. Plain names stay text: a name
says nothing of the type, and whoever looks one up asks for the type that it expects.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, Final, TypeVar

from checker import lazy_re
from checker.model.live.snapshot import LiveResource
from checker.model.values import Attribute, Hole, Resolved, ResourceKey, Unknown, text

# What can be nothing but a reference: an ARN, an id that AWS generates (sg-0abc, vpc-…, eipalloc-…), a host name.
_TOKEN: Final = lazy_re.compile(
    r"arn:aws[\w-]*:[\w-]+:[\w-]*:[\w-]*:[\w+=,.@:/$-]+"
    r"|\b[a-z]{1,16}-(?:[0-9a-f]{17}|[0-9a-f]{8})\b"
    r"|\b[a-z0-9](?:[a-z0-9-]*\.)+(?:com|net|aws|on\.aws|internal|cn)\b"
)
# What cuts an ARN shorter: `arn:…:bucket/*` is the bucket's, `arn:…:log-group:x:*` the group's.
_CUT: Final = lazy_re.compile(r"[:/](?=[^:/]*$)")


_COMPLETES: Final = ("Policy", "Configuration", "Association", "Attachment", "Config")
# Policies compare texts: an ARN in one is a pattern, and stays as it is.
_AS_WRITTEN: Final = frozenset(
    {"AssumeRolePolicyDocument", "KeyPolicy", "PolicyDocument", "RepositoryPolicyText", "ResourcePolicy"}
)
# A load balancer's name in an alias record (Amazon Route 53 Developer Guide, "Values for alias records").
_DUALSTACK: Final = "dualstack."

# The attributes of a type that only reading tells: they are the resource's own, other ids among its properties are not.
ReadOnly = Callable[[str], Collection[str]]
_By = TypeVar("_By")


class References:
    """The ids of all resources of a snapshot, and what each is the reference of. ``read_only``: of a type."""

    def __init__(self, resources: Iterable[tuple[ResourceKey, LiveResource]], read_only: ReadOnly) -> None:
        self._holes: dict[str, Attribute] = {}
        resources = list(resources)
        # What only completes another resource is often called by that one's id: it comes last.
        for key, resource in resources:
            if not resource.type.endswith(_COMPLETES):
                self._add(resource.physical_id, key, "")
        for key, resource in resources:
            for path in read_only(resource.type):
                value = _at(resource, path)
                self._add(value, key, path)
                for name, each in value.items() if isinstance(value, dict) else ():
                    self._add(each, key, f"{path}.{name}")
        for key, resource in resources:
            self._add(resource.physical_id, key, "")

    def _add(self, value: object, key: ResourceKey, attribute: str) -> None:
        if isinstance(value, str) and _TOKEN.fullmatch(value):
            self._holes.setdefault(value, Attribute(key, attribute, value))

    def names(self) -> dict[str, ResourceKey]:
        """Every id, ARN and endpoint -> the resource that it stands for."""
        return {value: hole.target for value, hole in self._holes.items()}

    def resolve(self, value: Any, own: ResourceKey) -> Resolved:
        """``value`` with references in the place of what is another resource's; what is ``own`` stays as it is."""
        if isinstance(value, str):
            return self._text(value, own)
        if isinstance(value, dict):
            return {key: each if key in _AS_WRITTEN else self.resolve(each, own) for key, each in value.items()}
        if isinstance(value, list):
            return [self.resolve(each, own) for each in value]
        return value if isinstance(value, bool | int | float | Unknown | None) else str(value)

    def _text(self, value: str, own: ResourceKey) -> Resolved:
        if "-" not in value and "." not in value and ":" not in value:
            return value
        parts: list[str | Hole] = []
        end = 0
        for match in _TOKEN.finditer(value):
            start = match.start() + (len(_DUALSTACK) if match[0].startswith(_DUALSTACK) else 0)
            found = self._longest(value[start : match.end()], own)
            if found is not None:
                hole, length = found
                parts += [value[end:start], hole]
                end = start + length
        return text([*parts, value[end:]]) if parts else value

    def _longest(self, token: str, own: ResourceKey) -> tuple[Attribute, int] | None:
        """The reference that the token is or begins with, and how much of it that is."""
        while token:
            hole = self._holes.get(token)
            if hole is not None:
                return (hole, len(token)) if hole.target != own else None
            cut = _CUT.search(token) if token.startswith("arn:") else None
            token = token[: cut.start()] if cut else ""
        return None


def named(
    found: Collection[LiveResource], by: Iterable[tuple[_By, LiveResource]], read_only: ReadOnly
) -> Iterator[tuple[LiveResource, _By]]:
    """Which of ``found`` the others name by an id or an ARN, directly or by way of one another, and who does first.

    What a listener presents or a service wears belongs with it, whoever made it.
    """
    known: dict[str, LiveResource] = {}
    for resource in found:
        arns = [path for path in read_only(resource.type) if path in {"Arn", "ARN"}]
        own = [resource.physical_id, *(_at(resource, path) for path in arns)]
        known.update({word: resource for word in own if isinstance(word, str) and _TOKEN.fullmatch(word)})
    if not known:
        return
    seen: set[int] = set()
    waiting = deque(by)
    while waiting:
        who, resource = waiting.popleft()
        for word in _tokens(resource.properties):
            meant = known.get(word)
            if meant is not None and id(meant) not in seen:
                seen.add(id(meant))
                yield meant, who
                waiting.append((who, meant))


def completing(
    found: Iterable[LiveResource], by: Iterable[tuple[_By, LiveResource]]
) -> Iterator[tuple[LiveResource, _By]]:
    """Which of ``found`` complete one of the others, and whose that is.

    A policy, a permission or a subscription names what it is for, not the reverse. It belongs with that, whoever made
    it.
    """
    known: dict[str, _By] = {}
    for who, resource in by:
        if resource.physical_id:
            known.setdefault(resource.physical_id, who)
    for resource in found:
        if not resource.type.endswith((*_COMPLETES, "Permission", "Subscription")):
            continue
        values = [resource.physical_id, *resource.properties.values()]
        words = [word for each in values for word in (each if isinstance(each, list) else [each])]
        word = next((each for each in words if isinstance(each, str) and each in known), None)
        if word is not None:
            yield resource, known[word]


def _tokens(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from _TOKEN.findall(value)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key not in _AS_WRITTEN:
                yield from _tokens(each)
    elif isinstance(value, list):
        for each in value:
            yield from _tokens(each)


def _at(resource: LiveResource, path: str) -> object:
    node: Any = resource.properties
    for step in path.split("."):
        node = node.get(step) if isinstance(node, dict) else None
    return node
