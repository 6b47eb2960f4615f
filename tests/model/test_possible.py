"""Values that are not known before the run."""

from __future__ import annotations

from checker.model.possible import Nested, OneOf, leaves
from checker.model.values import Unknown


def test_leaves_of_lists_and_structures() -> None:
    either, unread = OneOf(("a", "b")), Unknown("nobody knows")
    nested: Nested = {"first": ("x", (either, None)), "second": {"third": unread, "none": ()}}
    assert list(leaves(nested)) == ["x", either, None, unread]
    assert list(leaves("alone")) == ["alone"]
