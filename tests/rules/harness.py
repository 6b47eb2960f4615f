"""Runs rules on templates written as data, and says what they said in a form that data can be compared with.

A case file is ``tests/rules/cases/ID.yaml``: a list of cases, each with

``name``
    What is special about it, as a phrase.
``kind``
    ``plain`` (default), ``hostile`` (looks right and is wrong) or ``innocent`` (looks wrong and is right).
``template``
    One template as YAML text; or ``environments``: environment name -> template text (or a list of them). The
    environment's kind follows from its name, as in discovery.
``files``
    Path -> text: the repository around it, with its workflows, scripts and migrations. With files, a template may be
    missing. Files that several cases share stand once, as a YAML anchor or in ``tests/rules/repositories/NAME`` which
    ``repository: NAME`` puts below the case's own files.
``settings``
    Optional: fields of :class:`checker.model.settings.Settings`.
``waivers``
    Optional: entries as in ``policies/waivers.yaml``; only ``finding`` is needed, the rest is filled in when missing
    (every environment, every resource, dates that hold). They are applied as of 2026-12-01.
``expect``
    ``ID`` or ``ID[sub]`` -> subject name -> outcome. Compared both ways: every verdict is expected, every expectation
    is met. A subject is a logical id (``Stack/LogicalId`` where two environments share it), or an environment's name.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from checker.collect.config.register import load_register
from checker.collect.documents import parse_yaml
from checker.judge import judge
from checker.model.environments import EnvironmentKind
from checker.model.resources import Stack
from checker.model.settings import Settings
from checker.model.verdicts import Verdict
from checker.resolve.templates.discovery import kind_of
from checker.run import pipeline_of
from checker.waivers import apply, parse_waivers
from policies.rules import load

CASES = Path(__file__).parent / "cases"
REPOSITORIES = Path(__file__).parent / "repositories"
TODAY = date(2026, 12, 1)
_WAIVER = {
    "environments": ["*"],
    "resource": "*",
    "reason": "excused in this case",
    "owner": "platform-team",
    "approved-on": "2026-11-20",
    "expires-on": "2027-05-20",
}


def case_files() -> list[Path]:
    return sorted(CASES.glob("*.yaml"))


@cache
def cases(path: Path) -> list[dict[str, Any]]:
    loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(loaded, list), path
    return loaded


def all_cases() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in case_files():
        for case in cases(path):
            yield path.stem, case


def stacks_of(case: Mapping[str, Any]) -> tuple[list[Stack], dict[str, EnvironmentKind]]:
    environments = case.get("environments") or ({"default": case["template"]} if "template" in case else {})
    stacks: list[Stack] = []
    for environment, templates in environments.items():
        for index, text in enumerate(templates if isinstance(templates, list) else [templates]):
            document = parse_yaml(text, f"{environment}-{index}.yaml")
            name = environment if index == 0 else f"{environment}-{index}"
            stacks.append(Stack(name, name, environment, document.data, document, region="us-west-2"))
    return stacks, {name: kind_of(name) for name in environments}


def verdicts_of(finding: str, case: Mapping[str, Any]) -> list[Verdict]:
    stacks, kinds = stacks_of(case)
    settings = Settings(**case.get("settings", {}))
    findings = load_register().findings
    with repository_of(case) as root:
        pipeline = pipeline_of(root, settings, tuple(kinds)) if root else None
        verdicts = judge(stacks, kinds, load([finding]), findings, settings=settings, pipeline=pipeline)
    text = yaml.safe_dump({"waivers": [{**_WAIVER, **waiver} for waiver in case.get("waivers", ())]})
    return apply(verdicts, parse_waivers(text, "waivers.yaml", findings=findings), TODAY)[0]


@contextmanager
def repository_of(case: Mapping[str, Any]) -> Iterator[Path | None]:
    """The case's repository as a folder, ``None`` where it has none."""
    if "files" not in case and "repository" not in case:
        yield None
        return
    with TemporaryDirectory() as folder:
        root = Path(folder)
        if "repository" in case:
            shutil.copytree(REPOSITORIES / case["repository"], root, dirs_exist_ok=True)
        for name, text in case.get("files", {}).items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        yield root


def said(verdicts: list[Verdict]) -> dict[str, dict[str, str]]:
    """Verdicts in the form of a case's ``expect``."""
    by_subject: dict[str, dict[str, str]] = {}
    logical_ids: dict[str, set[str]] = {}
    for verdict in verdicts:
        logical_ids.setdefault(verdict.subject.name, set()).add(verdict.environment)
    for verdict in verdicts:
        name = verdict.subject.name
        if len(logical_ids[name]) > 1:
            name = f"{verdict.environment}/{name}"
        answers = by_subject.setdefault(verdict.id, {})
        before = answers.get(name)
        outcome = verdict.outcome.value
        # Several places of one subject under one sub-id: the gravest is what counts.
        order = ["error", "fail", "unknown", "waived", "pass", "not_applicable"]
        answers[name] = outcome if before is None else min(before, outcome, key=order.index)
    return by_subject
