"""The gate inside CDK's own synthesis: a policy validation plug-in, so that `cdk synth` and `cdk deploy` refuse too.

Source: AWS CDK, ``Validations`` and ``IPolicyValidationPlugin``: the report's ``success`` decides, not a violation's
severity. What this gate cannot hold is written in docs/gate.md: the pipeline therefore also runs ``checker gate`` on
the very assembly that it deploys.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import aws_cdk as cdk
import jsii

from checker.errors import CheckerError, ExitCode
from checker.model.verdicts import Outcome, Run, Verdict
from checker.reports import render
from checker.run.ending import exit_code
from checker.run.judging import gate
from checker.run.request import request_for

if TYPE_CHECKING:
    from aws_cdk import IPolicyValidationContext

OFF = "off"


def attach(app: cdk.App, project: Path) -> Gate:
    """Make synthesis of ``app`` judge itself; the gate's ``code`` after ``synth()`` is for the app to exit with.

    The app's own exit code counts because CDK lets a violation through that code acknowledges
    (``Validations.acknowledge``) or that ``--ignore-errors`` waves on: a waiver is the one way to excuse a finding.
    ``--context gate=off`` leaves the gate out, and says so.
    """
    gate = Gate(project)
    if app.node.try_get_context("gate") == OFF:
        sys.stderr.write("GATE OFF: this assembly is not judged. Never deploy it without `checker gate`.\n")
    else:
        cdk.Validations.of(app).add_plugins(gate)
    return gate


@jsii.implements(cdk.IPolicyValidationPlugin)
class Gate:
    """Judges the assembly that was just written, and reports what fails to CDK."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self.code = ExitCode.CLEAN

    @property
    def name(self) -> str:
        return "checker"

    @property
    def version(self) -> str | None:
        return None

    @property
    def rule_ids(self) -> list[str] | None:
        from checker.collect.config.register import load_register

        return list(load_register().entries)

    def validate(self, context: IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        try:
            run = self._judge([Path(path) for path in context.template_paths])
        except CheckerError as error:
            self.code = error.exit_code
            sys.stderr.write(f"error: {error.message}\n  fix: {error.hint}\n")
            return _refusal(error.message, error.hint)
        code = self.code = exit_code(run)
        if code is not ExitCode.CLEAN:
            sys.stderr.write(render(run, "console", color=sys.stderr.isatty()))
        violations = _violations(run)
        if code is ExitCode.CLEAN or violations:
            return cdk.PolicyValidationPluginReport(success=code is ExitCode.CLEAN, violations=violations)
        return _refusal("The gate did not pass; the summary above says why.", "Fix what it names, or waive it.")

    def _judge(self, templates: list[Path]) -> Run:
        folder = next((path.parent for path in templates if (path.parent / "manifest.json").exists()), None)
        # Inside a stage the templates lie one folder deeper; the outermost folder is the whole assembly.
        while folder is not None and (folder.parent / "manifest.json").exists():
            folder = folder.parent
        assemblies = [("", folder)] if folder is not None else [("", path) for path in templates]
        return gate(request_for(self._project, assemblies=assemblies), with_pipeline=False)


def _refusal(message: str, hint: str) -> cdk.PolicyValidationPluginReport:
    violation = cdk.PolicyViolation(rule_name="checker", description=message, fix=hint or None, violating_resources=[])
    return cdk.PolicyValidationPluginReport(success=False, violations=[violation])


def _violations(run: Run) -> list[cdk.PolicyViolation]:
    """What fails, one violation per finding and message, with the resources that it is about."""
    grouped: dict[tuple[str, str, str, str], list[Verdict]] = defaultdict(list)
    for verdict in run.verdicts:
        if verdict.outcome in {Outcome.FAIL, Outcome.ERROR, Outcome.UNKNOWN}:
            grouped[verdict.id, verdict.violation, verdict.fix, verdict.severity.value].append(verdict)
    violations = [
        cdk.PolicyViolation(
            rule_name=rule,
            description=description,
            fix=fix or None,
            severity=severity,
            violating_resources=[
                cdk.PolicyViolatingResource(
                    locations=[str(each.location)],
                    resource_logical_id=each.subject.logical_id or each.subject.name,
                    template_path=each.location.file,
                )
                for each in verdicts
            ],
        )
        for (rule, description, fix, severity), verdicts in grouped.items()
    ]
    violations += [
        cdk.PolicyViolation(
            rule_name=status.finding,
            description=f"waiver {status.state.value}: {status.detail}",
            violating_resources=[],
        )
        for status in run.waivers
        if status.state.fails_gate
    ]
    return violations
