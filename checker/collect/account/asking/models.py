"""botocore's descriptions of the services, kept to what is asked: Amazon EC2's alone has 700 operations.

Building a client walks over every operation and shape of its service, and keeps them. Cut down, the clients of an
account take half the memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from checker.collect.account.operations import OPERATIONS

if TYPE_CHECKING:
    import botocore.session

# Services of which botocore itself asks more: to take a role, to find the region of a bucket.
_WHOLE: Final = frozenset({"sts", "s3"})


def keep_to_what_is_asked(session: botocore.session.Session) -> None:
    """Have the session load descriptions without the operations that nobody asks for."""
    loader: Any = session.get_component("data_loader")
    load = loader.load_service_model
    wanted: dict[str, set[str]] = {}
    for service, name in OPERATIONS:
        wanted.setdefault(service, set()).add(name)

    def load_service_model(service_name: str, type_name: str, api_version: str | None = None) -> Any:
        model = load(service_name, type_name, api_version)
        if type_name == "service-2" and service_name in wanted and service_name not in _WHOLE:
            cut(model, wanted[service_name])
        return model

    loader.load_service_model = load_service_model


def cut(model: dict[str, Any], operations: Iterable[str]) -> None:
    """Take out of a description what these operations do not need: in place, so that nothing keeps it."""
    model["operations"] = {name: model["operations"][name] for name in operations if name in model["operations"]}
    shapes = model["shapes"]
    reached = set(_named(model["operations"]))
    open_ends = list(reached)
    while open_ends:
        for name in _named(shapes.get(open_ends.pop(), {})):
            if name not in reached:
                reached.add(name)
                open_ends.append(name)
    model["shapes"] = {name: shape for name, shape in shapes.items() if name in reached}


def _named(node: Any) -> Iterator[str]:
    """The shapes that a part of a description names."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "shape" and isinstance(value, str):
                yield value
            else:
                yield from _named(value)
    elif isinstance(node, list):
        for each in node:
            yield from _named(each)
