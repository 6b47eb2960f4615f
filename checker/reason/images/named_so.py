"""Images by what their property is called, where a type has a place for one that nobody wrote down."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from checker import lazy_re
from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import Known, Resolved, Text
from checker.reason.workloads.elsewhere import RUNNERS

_NAMED_SO: Final = frozenset(
    {"Image", "ImageUri", "ImageIdentifier", "ContainerUri", "BaseImage", "ContainerImage", "TrainingImage"}
)
IN_ECR: Final = lazy_re.compile(r"\.dkr[.-]ecr|^public\.ecr\.aws/")


def named_so(
    environment: Environment, places: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[Resource, str, str | Text]]:
    """Images of ECR that such a service is told elsewhere than at the places that are known of its types."""
    kinds = sorted(kind for kind in environment.types if kind.startswith(RUNNERS))
    for owner in environment.resources(*kinds) if kinds else ():
        every = owner.get("")
        for path, written in _named(every.value) if isinstance(every, Known) else ():
            steps = re.sub(r"(?<=\.)\d+(?=\.)", "*", path)
            if steps not in places.get(owner.type, ()) and IN_ECR.search(str(written)):
                yield owner, path, written


def _named(properties: Resolved) -> Iterator[tuple[str, str | Text]]:
    """Each property that is called like an image and is a text, with its path."""
    pending = [(properties, "")]
    while pending:
        node, here = pending.pop()
        for key, inner in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
            below = f"{here}.{key}" if here else str(key)
            if key in _NAMED_SO and isinstance(inner, str | Text):
                yield below, inner
            elif isinstance(inner, dict | list):
                pending.append((inner, below))
