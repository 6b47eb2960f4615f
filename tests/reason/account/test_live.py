"""What only a live account tells, case by case: what runs, what is being deployed, what the registry holds.

A case of ``live.yaml`` has ``finding``, ``expect`` (``sub`` -> subject -> outcome: all that the finding says under
these sub-ids), and parts of a snapshot: ``resources`` (type -> physical id -> properties), ``by_hand`` (such that no
stack made), ``facts``, ``stack`` and ``taken_at``. ``@name`` in any text stands for one of the file's ``names``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from checker.audit import audit
from checker.collect.snapshots import parse
from checker.model.settings import Settings
from checker.run.request import Request

DATA = yaml.safe_load((Path(__file__).parent / "live.yaml").read_text(encoding="utf-8"))


def named(text: str, names: Mapping[str, str]) -> str:
    for name, stands_for in names.items():
        text = text.replace(f"@{name}", stands_for)
    return text


@pytest.mark.parametrize("case", DATA["cases"], ids=lambda case: f"{case['finding']}: {case['name']}")
def test_live(case: dict[str, Any], tmp_path: Path) -> None:
    document = {
        "schema": "checker-snapshot/1",
        "account": "111111111111",
        "region": "eu-west-1",
        "taken_at": case.get("taken_at", "2026-11-26T10:00:00Z"),
        "stacks": [
            {"name": "shop-production", "template": {"Resources": {}}, "resources": [], **case.get("stack", {})}
        ],
        "resources": [
            {"type": kind, "physical_id": physical_id, "stack": stack, "properties": properties}
            for stack, key in (("shop-production", "resources"), (None, "by_hand"))
            for kind, each in case.get(key, {}).items()
            for physical_id, properties in each.items()
        ],
        "facts": case.get("facts", {}),
        "unread": case.get("unread", []),
    }
    text = named(json.dumps(document), DATA["names"])
    run = audit(Request(project=tmp_path, settings=Settings()), parse(text))
    expected = yaml.safe_load(named(yaml.safe_dump(case["expect"]), DATA["names"]))
    found: dict[str, dict[str, str]] = {sub: {} for sub in expected}
    for each in run.verdicts:
        if each.finding == case["finding"] and each.sub is not None and each.sub in expected:
            found[each.sub][each.subject.name] = each.outcome.value
    assert found == expected
