"""Small templates and snapshots, compared as the command compares them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from checker.collect.config.drift_file import parse_decisions
from checker.collect.snapshots import parse
from checker.collect.templates.assembly import read_assembly
from checker.drift.decisions import Decisions
from checker.drift.judge import Drift, drift_of
from checker.model.live.snapshot import Snapshot
from checker.model.resources import Stack
from checker.resolve.templates.discovery import in_environment

TODAY = date(2026, 11, 26)
RECORDED = Path(__file__).parents[2].parent / "shared" / "recorded" / "models"


def stack_of(folder: Path, template: Mapping[str, Any], name: str = "Shop", environment: str = "production") -> Stack:
    file = folder / f"{name}.json"
    file.write_text(json.dumps(template), encoding="utf-8")
    (stack,) = read_assembly(file, folder).stacks
    return in_environment(stack, environment)


def snapshot_of(data: Mapping[str, Any]) -> Snapshot:
    account = {"schema": "checker-snapshot/1", "account": "111111111111", "region": "us-east-1"}
    return parse(json.dumps({**account, **data}))


def compare(
    folder: Path, template: Mapping[str, Any], snapshot: Mapping[str, Any], decisions: str = "", name: str = "Shop"
) -> Drift:
    stack = stack_of(folder, template, name)
    return drift_of([stack], snapshot_of(snapshot), Decisions(parse_decisions(decisions), TODAY))
