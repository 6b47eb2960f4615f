"""Every state of a resource and of a property, and every way in which two spellings are one, as data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.drift.support import compare

HERE = Path(__file__).parent / "cases"
CASES = [
    pytest.param(case, id=f"{file.stem}: {case['name']}")
    for file in sorted(HERE.glob("*.yaml"))
    for case in yaml.safe_load(file.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("case", CASES)
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    """``expect``: logical or physical id -> what is said; resources in sync without a word need not be named."""
    template, snapshot = _sides(case)
    found = compare(tmp_path, template, snapshot, case.get("decisions", "")).resources
    said = {}
    for each in found:
        properties = {drift.path: drift.state.value for drift in each.properties}
        entry: dict[str, Any] = {"state": each.state.value, "deploy": each.next_deploy.value, **properties}
        if each.fails:
            entry["fails"] = True
        if entry != {"state": "in_sync", "deploy": "none"}:
            said[each.logical_id or each.physical_id] = entry
    expected = {name: {"deploy": "none", **entry} for name, entry in case["expect"].items()}
    assert said == expected
    if "why" in case:
        assert any(case["why"] in text for each in found for text in (each.why, *(p.note for p in each.properties)))


def _sides(case: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A case is a template and a snapshot, or in short one resource: ``type``, ``code`` and ``live``."""
    if "template" in case:
        return case["template"], case["snapshot"]
    template = {"Resources": {"It": {"Type": case["type"], "Properties": case["code"]}, **case.get("beside", {})}}
    live = {"type": case["type"], "physical_id": case.get("id", "it-1234"), "logical_id": "It", **case.get("read", {})}
    return template, {"resources": [{**live, "properties": case["live"]}, *case.get("more", ())]}
