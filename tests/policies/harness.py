"""Runs rules on cases (:mod:`tests.policies.case`), and says what they said in the form that a case expects it in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from checker.collect.config.register import load_register
from checker.collect.github.facts import from_facts
from checker.model.environments import EnvironmentKind
from checker.model.live.repository_settings import RepositorySettings
from checker.model.resources import Stack
from checker.model.settings import Settings
from checker.model.verdicts import Verdict
from checker.policies.rules import load
from checker.resolve.templates.discovery import UNNAMED, kind_of
from checker.run.judging import judge_stacks
from checker.run.pipeline import pipeline_of
from checker.waivers import apply, parse_waivers
from tests.policies.case import CASES, Case, cases

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


def all_cases() -> Iterator[tuple[str, Case]]:
    for path in case_files():
        for case in cases(path):
            yield path.stem, case


def stacks_of(case: Case) -> tuple[list[Stack], dict[str, EnvironmentKind]]:
    stacks: list[Stack] = []
    for environment, documents in case.input.stacks().items():
        for index, document in enumerate(documents):
            name = environment if index == 0 else f"{environment}-{index}"
            stacks.append(Stack(name, name, _named(environment), document.data, document, region="us-west-2"))
    return stacks, {_named(name): _kind(name, case) for name in case.input.environments}


def _kind(environment: str, case: Case) -> EnvironmentKind:
    """What the case's settings say that it is, or its name."""
    return EnvironmentKind(case.input.settings.get("environment_kinds", {}).get(environment) or kind_of(environment))


def _named(environment: str) -> str:
    """A lone template is the stack ``default``, whose environment nothing names."""
    return UNNAMED if environment == "default" else environment


def verdicts_of(finding: str, case: Case) -> list[Verdict]:
    stacks, kinds = stacks_of(case)
    settings = Settings(**case.input.settings)
    findings = load_register().findings
    with repository_of(case) as root:
        pipeline = pipeline_of(root, settings, tuple(kinds)) if root else None
        verdicts = judge_stacks(
            stacks,
            kinds,
            load([finding]),
            findings,
            settings=settings,
            pipeline=pipeline,
            repository_settings=github_of(case),
        )
    waivers = [{**_WAIVER, **each} for each in case.waivers]
    for each in waivers:
        each["environments"] = [_named(name) for name in each["environments"]]
    text = yaml.safe_dump({"waivers": waivers})
    return apply(verdicts, parse_waivers(text, "waivers.yaml", findings=load_register().requirements), TODAY)[0]


def github_of(case: Case) -> RepositorySettings | None:
    """What the case says of GitHub; ``None`` where it says nothing."""
    if case.input.github is None:
        return None
    return from_facts({"repository": "kcjonson/doc-platform", **case.input.github}, case.where)


@contextmanager
def repository_of(case: Case) -> Iterator[Path | None]:
    """The case's repository as a folder, ``None`` where it has none."""
    files = case.input.repository_files()
    if files is None:
        yield None
        return
    with TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in files.items():
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
        name, environment = (
            "default" if each == UNNAMED else each for each in (verdict.subject.name, verdict.environment)
        )
        if len(logical_ids[verdict.subject.name]) > 1:
            name = f"{environment}/{name}"
        answers = by_subject.setdefault(verdict.id, {})
        before = answers.get(name)
        outcome = verdict.outcome.value
        # Several places of one subject under one sub-id: the gravest is what counts.
        order = ["error", "fail", "unknown", "waived", "pass", "not_applicable"]
        answers[name] = outcome if before is None else min(before, outcome, key=order.index)
    return by_subject
