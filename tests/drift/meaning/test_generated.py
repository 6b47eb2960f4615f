"""Types of which no real resource was recorded: the same on both sides is no drift, and every changed value is."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from checker.data.type_facts import facts_of
from checker.drift.meaning.compare import compare_properties
from checker.drift.meaning.differences import Kind
from checker.drift.meaning.scalars import is_neutral
from tests.drift import recorded
from tests.drift.meaning.generated import properties_of
from tools.resource_types import schemas

IN_ACCOUNT = {Kind.CHANGED, Kind.ADDED}
RECORDED = {recorded.type_of(file) for file in recorded.files()}
# A few of the types, others whenever a schema is added or dropped; the largest have thousands of values.
EVERY = 12
MOST = 60
TYPES = {each["typeName"]: each for each in list(schemas())[::EVERY] if each["typeName"] not in RECORDED}


def told(kind: str, declared: Mapping[str, Any], live: Mapping[str, Any]) -> set[str]:
    found = compare_properties(declared, live, facts_of(kind))
    return {each.path.partition("[")[0] for each in found if each.kind in IN_ACCOUNT}


@pytest.mark.parametrize("kind", TYPES)
def test_a_resource_of_the_schema(kind: str) -> None:
    schema = TYPES[kind]
    declared = properties_of(schema)
    assert told(kind, declared, copy.deepcopy(declared)) == set()
    missed = []
    leaves = list(recorded.leaves(declared))
    for steps, value in leaves[:: len(leaves) // MOST + 1]:
        other = recorded.other_value(value, recorded.schema_at(kind, steps))
        if other is not None:
            found = told(kind, declared, recorded.changed(declared, steps, other))
            if found != {recorded.path_of(steps)}:
                missed.append((steps, value, other, found))
    for name, value in declared.items():
        # A read leaves out what is empty, and what is as it is when nothing is said.
        if not is_neutral(value) and value != facts_of(kind).defaults.get(name):
            found = told(kind, declared, {key: each for key, each in declared.items() if key != name})
            if found != {name}:
                missed.append(((name,), value, None, found))
    assert missed == []
