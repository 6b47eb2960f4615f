"""What real resources read as: no drift where there is none, all of it where there is, and every change seen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from checker.data.type_facts import covers, facts_of
from checker.model.live.drift import IN_ACCOUNT, ResourceDrift
from tests.drift import recorded
from tests.drift.support import compare

FILES = recorded.files()
# Where the recorder and this comparison differ, by logical id, and who is right.
DIFFERENT: Mapping[str, str] = {}
# Values that may be written otherwise and mean the same.
SAME_ALL_THE_SAME: Mapping[str, str] = {
    "PublicKeyMaterial": "the comment of a public key: EC2 keeps the key's name instead",
    "EngineVersion": "Memcached shows the first two parts of a version",
    "KmsMasterKeyId": "which key an alias of AWS stands for is not in the model",
    "LoadBalancerAttributes": "another key: the one that is no longer declared is at its default",
    "TargetGroupAttributes": "another key: the one that is no longer declared is at its default",
}


@pytest.fixture(autouse=True)
def _beside_the_checkout() -> None:
    if not FILES:
        pytest.skip(f"no recorded models: {recorded.WHERE} is not there")


def entry_of(folder: Path, kind: str, model: recorded.Model) -> ResourceDrift:
    found = compare(folder, recorded.template_of(kind, model), recorded.snapshot_of(kind, model, "Shop"))
    (entry,) = [each for each in found.resources if each.logical_id == model["logical_id"]]
    return entry


def told(entry: ResourceDrift) -> dict[str, set[str]]:
    said: dict[str, set[str]] = {}
    for each in entry.properties:
        said.setdefault(recorded.STATES.get(each.state.value, each.state.value), set()).add(each.path)
    return said


@pytest.mark.parametrize("file", FILES or ["none of the recorded models"])
def test_drift_is_what_the_recorder_saw(file: str, tmp_path: Path) -> None:
    kind = recorded.type_of(file)
    for model in recorded.models(file):
        if model["logical_id"] in DIFFERENT:
            continue
        expected = {state: set(paths) for state, paths in model["drift"].items()}
        assert (model["logical_id"], expected) == (model["logical_id"], told(entry_of(tmp_path, kind, model)))


@pytest.mark.parametrize("file", FILES or ["none of the recorded models"])
def test_every_changed_value_is_seen(file: str, tmp_path: Path) -> None:
    """One declared value changed: that property is reported, and nothing that was not before."""
    kind = recorded.type_of(file)
    write_only = facts_of(kind).write_only
    missed: list[Any] = []
    for model in recorded.models(file):
        before = told(entry_of(tmp_path, kind, model))
        known = before.get("changed", set()) | before.get("added", set())
        for steps, mutated in recorded.mutations(kind, model):
            pattern = ".".join("*" if isinstance(step, int) else step for step in steps)
            property_ = str(steps[0])
            if covers(write_only, pattern) or any(path.partition(".")[0] == property_ for path in known):
                continue
            changed = {
                each.path.partition(".")[0].partition("[")[0]
                for each in entry_of(tmp_path, kind, mutated).properties
                if each.state in IN_ACCOUNT and each.path not in known
            }
            if changed != {property_} and not (not changed and property_ in SAME_ALL_THE_SAME):
                missed.append((model["logical_id"], pattern, changed))
    assert missed == []
