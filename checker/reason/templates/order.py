"""In which order CloudFormation makes resources: what depends on what, by reference or by ``DependsOn``.

Source: AWS CloudFormation User Guide, "DependsOn attribute" and the references that imply a dependency.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from checker import lazy_re
from checker.model.resources import Raw, Resource, Stack

_IN_SUB = lazy_re.compile(r"\$\{([A-Za-z0-9]+)(?:\.[^}]*)?\}")


class Order:
    """What is made before what. Each resource is followed once, and read once."""

    def __init__(self) -> None:
        self._before: dict[tuple[str, str], frozenset[str]] = {}
        # By stack, by whether of all declared resources or of those that are made in this world, and by resource.
        self._named: dict[tuple[str, bool, str], frozenset[str]] = {}

    def comes_after(self, later: Resource, earlier: Resource) -> bool:
        """Whether ``later`` is made after ``earlier``, directly or through others, because the template says so: with
        all of a nested stack, where one of them stands in one. Of stacks that are deployed apart nothing is known."""
        above = dict(_upwards(later))
        for stack, name in _upwards(earlier):
            if stack not in above:
                continue
            place = (stack.id, above[stack])
            if place not in self._before:
                is_own = stack is later.stack
                declared = later.scope.declared_resources if is_own else stack.template.get("Resources")
                resources = declared if isinstance(declared, Mapping) else {}
                self._before[place] = self._made_before((stack.id, is_own), above[stack], resources)
            return name in self._before[place]
        return False

    def _made_before(self, of: tuple[str, bool], name: str, resources: Mapping[str, Raw]) -> frozenset[str]:
        pending, seen = [name], set[str]()
        while pending:
            one = pending.pop()
            if (*of, one) not in self._named:
                self._named[*of, one] = frozenset(named_in(resources.get(one))) & resources.keys()
            new = self._named[*of, one] - seen
            seen |= new
            pending.extend(new)
        return frozenset(seen)


def root_of(resource: Resource) -> Stack:
    """The stack that is deployed, with which all that is nested in it is made."""
    return [stack for stack, _ in _upwards(resource)][-1]


def _upwards(resource: Resource) -> Iterator[tuple[Stack, str]]:
    """The stacks that a resource stands in, from within, and what each has: the resource, or a stack around it."""
    stack: Stack | None = resource.stack
    name = resource.logical_id
    while stack is not None:
        yield stack, name
        name, stack = stack.id.rpartition("/")[2], stack.parent


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
