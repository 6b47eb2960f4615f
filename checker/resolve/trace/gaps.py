"""Which of the things that were not followed could concern an environment: those with something to act with in hand.

A step before the job's first credentials prepares: it has nothing that AWS would accept, unless it is given keys or
secrets of its own, or a step before it left keys where AWS's programs look for them. (A token may be asked for by any
step of a job that has ``id-token: write``; where a later step takes the role on, the ones before it are taken not to.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker import lazy_re
from checker.model.pipeline.holding import ever_holds, given_keys, given_secrets, takes_token
from checker.model.pipeline.jobs import Credentials, EffectiveJob, EffectiveStep
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Gap, Trace
from checker.model.sources import Problem
from checker.resolve.trace.commands.foreign import unread_services

# Commands of the CDK that read the app alone (AWS CDK Developer Guide, "AWS CDK CLI command reference").
_OFFLINE: Final = frozenset({"synth", "list", "init", "docs", "doctor", "notices", "metadata", "ack", "context"})

# Where a step leaves keys for the steps behind it (AWS CLI User Guide, "Configuration and credential file settings").
_KEPT: Final = lazy_re.compile(
    r"\baws\s+configure\s+(?:import|set)\b[^\n]*(?:csv|aws_access_key_id|aws_secret_access_key)"
    r"|\.aws/credentials|aws_access_key_id\b[^\n]*GITHUB_ENV",
    re.IGNORECASE,
)


class _Step(Struct, frozen=True):
    """What was not followed in a step: scripts of the repository, and programs and actions of somebody else."""

    step: EffectiveStep
    logged_in: bool
    handed: bool  # keys that a step before put where AWS's programs look for them
    own: tuple[Problem, ...]
    foreign: tuple[Problem, ...]


class Gaps(Struct):
    """Gathers what was not followed, step by step, of one job."""

    job: EffectiveJob
    _steps: list[_Step] = field(default_factory=list)
    _own: int = 0
    _foreign: int = 0
    _cut: Problem | None = None
    _handed: bool = False

    def note(
        self, step: EffectiveStep, role: Credentials | None, own: Sequence[Problem], foreign: Sequence[Problem]
    ) -> None:
        """A step has been followed, as ``role``: what the lists have more than before is its."""
        if len(own) > self._own or len(foreign) > self._foreign:
            rest = tuple(foreign[self._foreign :])
            self._steps.append(_Step(step, role is not None, self._handed, tuple(own[self._own :]), rest))
        self._own, self._foreign = len(own), len(foreign)
        if step.run is not None and given_secrets(step) and _KEPT.search(step.run.text):
            self._handed = True

    def cut(self, step: EffectiveStep) -> None:
        """From this step on nothing was followed: what the job does after it is not known, logging in included."""
        what = "from this step on the job was not followed: it does more than can be followed"
        self._cut = Problem(step.spot, what, "Split the job, or leave generated files out in checker.toml.")

    def closed(self, trace: Trace) -> Trace:
        """The trace with its gaps, and without problems of steps that had nothing to act with."""
        calls = not self.job.credentials and any(_reaches_aws(action) for action in trace.actions)
        found: dict[Problem, Gap] = {}
        quiet: set[Problem] = set()
        for each in self._steps:
            if self._holds(each, calls):
                for problem in self._unread(each):
                    found.setdefault(problem, Gap(problem, each.logged_in, each.step))
            elif self.job.credentials:
                quiet.update(each.own)
        for problem in unread_services(self.job.job):
            found.setdefault(problem, Gap(problem, logged_in=False))
        if self._cut is not None and (calls or ever_holds(self.job)):
            found.setdefault(self._cut, Gap(self._cut, logged_in=False))
        for problem in self.job.problems if calls or ever_holds(self.job) else ():
            if problem.unread:
                found.setdefault(problem, Gap(problem, bool(self.job.credentials)))
        problems = [
            replace(problem, unread=False) if problem in quiet and problem not in found else problem
            for problem in (*trace.problems, *((self._cut,) if self._cut is not None else ()))
        ]
        return replace(trace, problems=tuple(dict.fromkeys((*problems, *found))), gaps=tuple(found.values()))

    @staticmethod
    def _unread(each: _Step) -> Iterator[Problem]:
        yield from (problem for problem in each.own if problem.unread)
        yield from each.foreign

    def _holds(self, each: _Step, calls: bool) -> bool:
        if each.logged_in or each.handed or calls or given_secrets(each.step) or given_keys(each.step):
            return True
        return takes_token(self.job) and not self.job.credentials


def _reaches_aws(action: object) -> bool:
    """Whether an action of a trace needs credentials of AWS: what it was given them by was not seen."""
    if isinstance(action, CdkCommand):
        return action.name not in _OFFLINE
    return isinstance(action, AwsCall)
