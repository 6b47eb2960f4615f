"""Runs over several accounts and regions as one: every environment is named with the place that it is in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from checker.collect import repository
from checker.collect.config.register import load_register
from checker.model.shown.facts import Facts, TokenRow
from checker.model.verdicts import Coverage, ProjectSummary, Run, Surface, Unread

if TYPE_CHECKING:
    from checker.run.request import Request


def together(command: str, runs: Sequence[tuple[str, Run]], lost: Sequence[Unread], request: Request) -> Run:
    """One run of ``runs``, each with its place, and of what was ``lost``, each an account or a stack."""
    register = load_register()
    judged = {finding for _, run in runs for finding in run.coverage.judged}
    accounts = len(runs) + sum(1 for each in lost if each.what.startswith("account "))
    coverage = Coverage(
        judged=tuple(finding for finding in register.entries if finding in judged),
        not_judged=tuple(finding for finding in register.entries if finding not in judged) if judged else (),
        surfaces={Surface.ACCOUNT.value: f"{len(runs)} of {accounts} accounts and regions"},
        unread=(*lost, *(replace(each, what=f"{at}: {each.what}") for at, run in runs for each in run.coverage.unread)),
        notes=tuple(dict.fromkeys(f"{at}: {note}" for at, run in runs for note in run.coverage.notes)),
    )
    summary = ProjectSummary(
        repository=request.settings.repository or repository.slug(request.project),
        commit=repository.commit(request.project),
        assemblies={name: digest for _, run in runs for name, digest in run.project.assemblies.items()},
    )
    waived = {(status.finding, status.location): status for _, run in runs for status in run.waivers}
    return Run(
        command,
        summary,
        tuple(_at(name, place) for place, run in runs for name in run.environments),
        tuple(
            replace(verdict, environment=_at(verdict.environment, place))
            for place, run in runs
            for verdict in run.verdicts
        ),
        coverage,
        register.findings if command == "audit" else {},
        tuple(waived.values()),
        drift=tuple(
            replace(each, environment=_at(each.environment, place)) for place, run in runs for each in run.drift
        ),
        facts=_facts(runs),
    )


def _facts(runs: Sequence[tuple[str, Run]]) -> Facts:
    """What reports show beside the verdicts. A job's token is one row, whichever accounts' roles let it in."""
    every = [run.facts for _, run in runs]
    tokens: dict[tuple[str, ...], TokenRow] = {}
    for place, run in runs:
        for row in run.facts.tokens:
            key = (row.workflow, row.job, row.event, row.subject, row.asked)
            before = tokens.get(key, replace(row, admitted=(), perhaps=()))
            tokens[key] = replace(
                before,
                admitted=(*before.admitted, *(_at(role, place) for role in row.admitted)),
                perhaps=(*before.perhaps, *(_at(role, place) for role in row.perhaps)),
            )
    return Facts(
        tuple(_at(role, place) for place, run in runs for role in run.facts.roles),
        tuple(tokens.values()),
        tuple(
            replace(each, repositories=tuple(_at(name, place) for name in each.repositories))
            for place, run in runs
            for each in run.facts.retention
        ),
        tuple(dict.fromkeys(each for facts in every for each in facts.excerpts)),
        next((facts.frameworks for facts in every if facts.frameworks), ()),
        {finding: page for facts in every for finding, page in facts.pages.items()},
    )


def _at(environment: str, place: str) -> str:
    return f"{environment}@{place}" if environment else place
