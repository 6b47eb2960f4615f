"""``checker test-rules``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from checker.cli.options import folder

if TYPE_CHECKING:
    from checker.collect.own_rules import Loaded, OwnRule
    from checker.model.settings import Settings


@click.command("test-rules")
@click.option("--project", type=click.Path(path_type=Path), default=Path(), help="The project's folder.  [here]")
@click.argument("ids", nargs=-1, metavar="[ID…]")
def rule_cases(project: Path, ids: tuple[str, ...]) -> None:
    """Run the cases of the rules that checker.toml names. It runs the project's code: its rules.

    The cases of X1 stand in cases/X1.yaml beside the rule: a list, each with name, template (or templates, by
    environment) and expect. They are compared both ways.
    """
    from checker.collect.config.register import load_register
    from checker.collect.config.settings_file import project_settings
    from checker.collect.own_rules import find, load
    from checker.errors import ExitCode, UsageError, printable
    from checker.run.apart import refuse_endless

    root = folder(project)
    settings = project_settings(root)
    if not settings.rules:
        raise UsageError("checker.toml names no rules", 'Add rules = ["policies/rules"].')
    found = find(root, settings.rules, load_register().findings)
    unknown = sorted(set(ids) - {each.id for each in found})
    if unknown:
        raise UsageError(f"no rule {', '.join(unknown)}", f"There is: {', '.join(each.id for each in found)}.")
    chosen = [each for each in found if not ids or each.id in ids]
    faults = count = 0
    refuse_endless(chosen, settings.rule_seconds)
    for own, loaded in zip(chosen, load(chosen), strict=True):
        for name, wrong in _run(own, loaded, settings):
            count += 1
            faults += bool(wrong)
            for line in wrong:
                click.echo(printable(f"{own.shown}: {name}: {line}"))
    click.echo(f"{len(chosen)} rules, {count} cases, {faults} wrong")
    if faults or not count:
        sys.exit(ExitCode.FAILED)


def _run(own: OwnRule, loaded: Loaded, settings: Settings) -> Iterator[tuple[str, list[str]]]:
    """Each case, and what is wrong with it. A rule without a passing and a failing case proves nothing."""
    from checker.collect.yaml_nodes import construct

    file = own.path.parent / "cases" / f"{own.id}.yaml"
    if not file.is_file():
        yield "cases", [f"there is no cases/{file.name}"]
        return
    shown = f"cases/{file.name}"
    from checker.collect.documents import read_text

    data, _ = construct(read_text(file, shown), shown, 200_000)
    if not isinstance(data, list):
        yield shown, ["it is not a list of cases"]
        return
    seen: set[str] = set()
    for case in data:
        if not isinstance(case, Mapping) or not {"name", "expect"} <= case.keys():
            yield shown, ["a case has name, template or templates, and expect"]
            continue
        said = _verdicts(case, loaded, settings)
        expected = _expected(case["expect"])
        seen |= set(expected.values())
        yield str(case["name"]), _differences(expected, said)
    if not {"pass", "fail"} <= seen:
        yield "cases", ["at least one case must pass and one must fail"]


def _differences(expected: Mapping[tuple[str, str], str], said: Mapping[tuple[str, str], str]) -> list[str]:
    """Both ways: what was expected and not said, and what was said and not expected."""
    return [
        f"{finding} of {name}: expected {expected.get((finding, name), 'nothing')}, "
        f"is {said.get((finding, name), 'nothing')}"
        for finding, name in dict.fromkeys([*expected, *said])
        if expected.get((finding, name)) != said.get((finding, name))
    ]


def _expected(expect: Any) -> dict[tuple[str, str], str]:
    if not isinstance(expect, Mapping):
        return {}
    return {
        (str(finding), str(name)): str(outcome)
        for finding, of in expect.items()
        if isinstance(of, Mapping)
        for name, outcome in of.items()
    }


def _verdicts(case: Mapping[str, Any], loaded: Loaded, settings: Settings) -> dict[tuple[str, str], str]:
    """(finding with its sub-id, subject) -> outcome, not applicable apart where nothing expects it."""
    from checker.collect.documents import Document
    from checker.model.environment_words import kind_of
    from checker.model.resources import Stack
    from checker.run.apart import judged
    from checker.run.judging import judge_stacks

    templates = case.get("templates") or {"production": case.get("template") or {}}
    stacks = [
        Stack(name, name, name, template, Document("case", template, "", {}), region="us-west-2")
        for name, template in templates.items()
        if isinstance(template, dict)
    ]
    kinds = {stack.environment: kind_of(stack.environment) for stack in stacks}
    findings = {loaded.finding.id: loaded.finding}
    wanted = _expected(case["expect"])
    found = {
        (verdict.id, verdict.subject.name): verdict.outcome.value
        for verdict in judged(
            [loaded.rule], lambda rules: judge_stacks(stacks, kinds, rules, findings), settings.rule_seconds
        )
    }
    return {key: each for key, each in found.items() if each != "not_applicable" or key in wanted}
