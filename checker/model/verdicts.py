"""What judging says: a verdict per finding and subject, and the Run that holds them all."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct, field

from checker.model.shown.facts import Facts

if TYPE_CHECKING:
    from checker.model.live.drift import ResourceDrift


class Outcome(StrEnum):
    """The six ways a judgement can end. All of them are counted in the totals; none stands for another."""

    PASS = "pass"  # noqa: S105 - an outcome, not a password
    FAIL = "fail"
    UNKNOWN = "unknown"  # set or there, but it could not be read, resolved or decided
    NOT_APPLICABLE = "not_applicable"  # nothing of the kind exists
    WAIVED = "waived"  # fails, and a live waiver covers it
    ERROR = "error"  # the rule itself crashed: no waiver covers that

    @property
    def gravity(self) -> int:
        """0 for the gravest: of two answers about one thing, that one stands."""
        return _GRAVITY[self]


_GRAVITY: Final = {
    outcome: position
    for position, outcome in enumerate(
        (Outcome.ERROR, Outcome.FAIL, Outcome.UNKNOWN, Outcome.WAIVED, Outcome.PASS, Outcome.NOT_APPLICABLE)
    )
}


class Severity(StrEnum):
    """As the review graded the finding."""

    CRITICAL = "critical"
    WARNING = "warning"
    SUGGESTION = "suggestion"

    @property
    def rank(self) -> int:
        """0 for the gravest."""
        return list(Severity).index(self)


class Surface(StrEnum):
    """Where the facts were read."""

    TEMPLATE = "template"
    ACCOUNT = "account"
    WORKFLOW = "workflow"
    SCRIPT = "script"
    MIGRATION = "migration"
    SETTING = "setting"


class SubjectKind(StrEnum):
    """What a verdict is about."""

    RESOURCE = "resource"
    WORKFLOW_JOB = "workflow_job"
    WORKFLOW_STEP = "workflow_step"
    SCRIPT_LINE = "script_line"
    MIGRATION = "migration"
    ENVIRONMENT = "environment"
    STACK = "stack"
    SETTING = "setting"


class Subject(Struct, frozen=True):
    """The thing judged. ``name`` is how a person says it: a logical id, ``prod-deploy/migrate``, an environment."""

    kind: SubjectKind
    name: str
    type: str | None = None
    stack: str | None = None
    logical_id: str | None = None
    physical_id: str | None = None
    construct_path: str | None = None


class Location(Struct, frozen=True):
    """Where to look: ``file`` (relative to the project where it can be), 1-based ``line``, path in the document."""

    file: str
    line: int | None = None
    path: str | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


class WaiverNote(Struct, frozen=True):
    """The waiver that a verdict met: what reports show of it."""

    finding: str
    reason: str
    owner: str
    approved_on: str
    expires_on: str
    days_left: int


class Verdict(Struct, frozen=True):
    """One judgement. A verdict without a location cannot be built.

    ``sub`` narrows the finding to one requirement of it (``C7[at-rest]``), so that a waiver can be as narrow as the
    finding. ``violation`` says what is violated (or, for a pass, what holds; for an unknown, what could not be told);
    ``fix`` says what to do about it.
    """

    finding: str
    severity: Severity
    outcome: Outcome
    surface: Surface
    environment: str
    subject: Subject
    location: Location
    sub: str | None = None
    violation: str = ""
    fix: str = ""
    expected: str = ""
    actual: str = ""
    waiver: WaiverNote | None = None
    related: tuple[Location, ...] = ()

    @property
    def id(self) -> str:
        """``C7[at-rest]``, or ``C7`` where the finding has one requirement."""
        return self.finding if self.sub is None else f"{self.finding}[{self.sub}]"

    @property
    def identity(self) -> Identity:
        """What makes two verdicts, of two runs perhaps, the same one: all but the outcome and where it stands now."""
        subject = self.subject.construct_path or self.subject.name
        return Identity(self.id, self.environment, self.surface, self.subject.stack or "", subject, self.path)

    @property
    def path(self) -> str:
        """The path in the document that it stands in; empty where it is about the whole subject."""
        return self.location.path or ""


class Identity(NamedTuple):
    """See :attr:`Verdict.identity`. Lines are no part of it: they move."""

    id: str
    environment: str
    surface: Surface
    stack: str
    subject: str
    path: str


class Unread(Struct, frozen=True):
    """Something that should have been read and was not. ``needs`` names the missing permission or input, if known."""

    what: str
    why: str
    needs: str = ""


class WaiverState(StrEnum):
    """The states of a waiver after a run. All are reported; the last two fail the gate."""

    ACTIVE = "active"
    CONDITION_UNVERIFIED = "condition-unverified"  # it excuses, but this run could not see what it holds on
    PASSING = "waived-but-passing"  # what it excuses passes: delete the waiver
    UNMATCHED = "unmatched"  # nothing in this run is what it excuses
    NOT_YET = "not-yet-in-force"  # approved for a later day: it excuses nothing before
    EXPIRED = "expired"
    CONDITION_BROKEN = "condition-broken"

    @property
    def fails_gate(self) -> bool:
        """Whether the waiver itself fails the run, whatever it excused."""
        return self in {WaiverState.EXPIRED, WaiverState.CONDITION_BROKEN}


class WaiverStatus(Struct, frozen=True):
    """One waiver as this run found it."""

    finding: str
    environments: tuple[str, ...]
    resource: str
    reason: str
    owner: str
    expires_on: str
    days_left: int
    state: WaiverState
    detail: str
    location: Location


class ProjectSummary(Struct, frozen=True):
    """What was judged: enough to judge the same thing again."""

    repository: str = ""
    commit: str = ""
    assemblies: Mapping[str, str] = field(default_factory=dict)  # environment -> "sha256:..."


class Finding(Struct, frozen=True):
    """A finding of the register as reports need it: its title states the compliant state."""

    id: str
    title: str
    severity: Severity
    reviewed: bool = True  # one of the 38 findings of the review; the others count apart
    controls: tuple[tuple[str, tuple[str, ...]], ...] = ()  # framework -> its controls that this supports
    graded_apart: tuple[tuple[str, Severity], ...] = ()  # requirements (sub) that are less grave, or graver
    page: str = ""  # the module whose docstring is its page, below the checker's home

    def severity_of(self, sub: str | None) -> Severity:
        """How grave a failure of one of its requirements is."""
        return next((severity for each, severity in self.graded_apart if each == sub), self.severity)


class Coverage(Struct, frozen=True):
    """How far the run looked. What is missing here is said, not left out."""

    judged: tuple[str, ...] = ()  # ids with at least one verdict
    not_judged: tuple[str, ...] = ()  # ids of the register that no rule judges yet on these surfaces
    surfaces: Mapping[str, str] = field(default_factory=dict)  # surface -> what was read there, in words
    unread: tuple[Unread, ...] = ()
    notes: tuple[str, ...] = ()  # what was taken for what


class Run(Struct, frozen=True):
    """The whole answer of one command: every report renders this object and nothing else."""

    command: str
    project: ProjectSummary
    environments: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    coverage: Coverage
    findings: Mapping[str, Finding]
    waivers: tuple[WaiverStatus, ...] = ()
    drift: tuple[ResourceDrift, ...] = ()  # of `checker drift`, which gives no verdicts
    facts: Facts = field(default_factory=Facts)
    excuse_changes: tuple[str, ...] = ()  # what the change at hand does to all that excuses or leaves out

    @property
    def totals(self) -> dict[str, int]:
        """How many verdicts ended in each outcome; every outcome is there, also at zero."""
        counts = {outcome.value: 0 for outcome in Outcome}
        for verdict in self.verdicts:
            counts[verdict.outcome.value] += 1
        return counts
