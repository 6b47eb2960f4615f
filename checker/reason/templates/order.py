"""In which order CloudFormation makes resources: what depends on what, by reference or by ``DependsOn``.

Source: AWS CloudFormation User Guide, "DependsOn attribute" and the references that imply a dependency.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker import lazy_re
from checker.model.resources import Raw, Resource

_IN_SUB = lazy_re.compile(r"\$\{([A-Za-z0-9]+)(?:\.[^}]*)?\}")


class Order:
    """What is made before what. Each resource is followed once."""

    def __init__(self) -> None:
        self._before: dict[Resource, frozenset[str]] = {}

    def comes_after(self, later: Resource, earlier: Resource) -> bool:
        """Whether ``later`` is made after ``earlier``, directly or through others, because the template says so. Both
        have to be of one stack; of different ones nothing is known."""
        if later.stack is not earlier.stack:
            return False
        if later not in self._before:
            self._before[later] = _before(later)
        return earlier.logical_id in self._before[later]


def _before(later: Resource) -> frozenset[str]:
    resources = later.scope.declared_resources
    pending, seen = [later.logical_id], set()
    while pending:
        for name in named_in(resources.get(pending.pop())):
            if name in resources and name not in seen:
                seen.add(name)
                pending.append(name)
    return frozenset(seen)


def named_in(raw: Raw) -> Iterator[str]:
    """The names of everything that a resource depends on (parameters among them)."""
    if not isinstance(raw, dict):
        return
    after = raw.get("DependsOn")
    for each in after if isinstance(after, list) else [after]:
        if isinstance(each, str):
            yield each
    pending: list[Raw] = [raw.get("Properties")]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending.extend(node)
        if not isinstance(node, dict):
            continue
        reference, attribute, text = node.get("Ref"), node.get("Fn::GetAtt"), node.get("Fn::Sub")
        if isinstance(reference, str):
            yield reference
        if isinstance(attribute, str):
            yield attribute.split(".", 1)[0]
        if isinstance(attribute, list) and attribute and isinstance(attribute[0], str):
            yield attribute[0]
        for each in text if isinstance(text, list) else [text]:
            if isinstance(each, str):
                yield from _IN_SUB.findall(each)
        pending.extend(node.values())
