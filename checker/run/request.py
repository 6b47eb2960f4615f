"""What to judge, as the command line and the CDK plug-in both ask for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from checker import waivers
from checker.collect import repository
from checker.collect.config.excusing_files import WAIVER_FILES
from checker.collect.config.register import load_register
from checker.collect.config.settings_file import project_settings
from checker.collect.config.waiver_files import file_of
from checker.collect.own_rules import own_ids
from checker.model.settings import Settings

if TYPE_CHECKING:
    from checker.collect.pipeline.earlier_runs import EarlierRuns


def today() -> date:
    """The day in UTC: a waiver ends at one moment, whatever the time zone of the machine that judges."""
    return datetime.now(UTC).date()


class Request(Struct, frozen=True, kw_only=True):
    """What to judge. ``assemblies`` are (environment or empty, path) pairs; none means the project's own."""

    project: Path
    settings: Settings
    assemblies: Sequence[tuple[str, Path]] = ()
    environments: Sequence[str] = ()
    waivers: Sequence[waivers.Waiver] = ()
    own_rules_allowed: bool = False
    today: date = field(default_factory=today)
    say: Callable[[str], None] = lambda _: None
    earlier: EarlierRuns | None = None  # what earlier runs have followed of the project; saved when it is judged
    with_facts: bool = False  # whether a report will show more than verdicts: see checker.model.shown.facts


def request_for(project: Path, **wanted: Any) -> Request:
    """A request with the project's own settings and waivers."""
    settings = replace(project_settings(project), origin=repository.slug(project))
    return Request(project=project, settings=settings, waivers=_waivers(project, settings), **wanted)


def _waivers(project: Path, settings: Settings) -> Sequence[waivers.Waiver]:
    name = file_of(project, WAIVER_FILES)
    if name is None:
        return ()
    requirements = load_register().requirements
    findings = {**requirements, **dict.fromkeys(sorted(own_ids(project, settings, requirements)))}
    return waivers.load_waivers(project / name, name, findings=findings, max_days=settings.max_waiver_days)
