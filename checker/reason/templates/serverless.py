"""How many resources AWS SAM makes of a template, at most.

AWS SAM Developer Guide, "Generated CloudFormation resources for AWS SAM": a function comes with a role, an alias, a
version, a URL, a deployment group and queues for what failed; each of its events with a few more; an API with its
stages, domains and plans. The numbers here are above what any of them can come to.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from checker.model.resources import Resource

TRANSFORM: Final = "transform AWS::Serverless"  # as a stack's unread notes begin that tell of it
_OF_EACH: Final = 25
_OF_EACH_PART: Final = 6
_IMPLICIT_APIS: Final = 10
_PARTS: Final = ("Events", "Auth.Authorizers", "Destination", "Connectors")
# A GraphQL API is a resource for each of its sources, functions and resolvers.
_WITHOUT_BOUND: Final = frozenset({"AWS::Serverless::GraphQLApi"})


def made_at_most(resources: Iterable[Resource]) -> int | None:
    """How many resources stand in a stack once AWS SAM has gone through it, at most; ``None`` where nothing bounds
    that."""
    count = _IMPLICIT_APIS
    for each in resources:
        if each.type in _WITHOUT_BOUND:
            return None
        count += _OF_EACH if each.type.startswith("AWS::Serverless::") else 1
        count += sum(_OF_EACH_PART * _leaves(each.raw_at(part)) for part in _PARTS)
    return count


def _leaves(written: Any) -> int:
    """How many things are written there, counted too high rather than too low."""
    if isinstance(written, dict):
        return sum(max(_leaves(each), 1) if isinstance(each, dict | list) else 1 for each in written.values())
    return sum(max(_leaves(each), 1) for each in written) if isinstance(written, list) else 0
