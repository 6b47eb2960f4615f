"""Bring all services to one commit, and back if one of them does not take it.

**Forward.** One service after the other in dependency order; each must have completed, its alarms watched to the end of
their bake time, before the next begins; last, the sync function. At the first failure everything that was changed goes
back, in reverse order, to the revision that ran before: one version everywhere, the old one. The revisions that failed
are deregistered, so that the newest of a family is never one of them. An interruption does not wait for that: it prints
what is there, for whoever interrupts a run is about to end it.

**Back** (`--rollback`). In reverse order, and without what would hold a release up: alarms that are off already, and a
deployment that is stuck, which it takes over. It waits until the old tasks serve, not until alarms have baked: ECS
ignores alarms that are in ALARM already. CloudFormation does not hold it up either: the stack's services name their
family, whose newest revision is then the one that was gone back to.

**Two at once.** A release and a roll-back have no common lock: a stuck release must not hold up its own roll-back.
Instead a release starts only when nothing is being deployed and all services run the commit that ran when it began, and
looks before each change whether the services are still as it left them. If not, somebody else took over: it stops and
touches nothing. A roll-back ends by looking at all services again, and goes round once more for what a release changed
meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from infra import naming
from infra.release import alarms, revisions, running, services, sync
from infra.release.account import Account, calls_reported
from infra.release.console import Clock, Deadline
from infra.release.errors import PartialError, RefusedError, ReleaseError, SupersededError
from infra.release.fleet import Fleet, at
from infra.release.outputs import StackState
from infra.release.places import Place, place_of
from infra.release.services import revision

if TYPE_CHECKING:
    from infra.environments import EnvironmentConfig

_ROUNDS: Final = 3
"""How often a roll-back goes round, if a release keeps changing services under it."""


@dataclass(slots=True, kw_only=True)
class Roll:
    """One roll-out of an environment. `together` updates all services before it waits for any."""

    account: Account
    clock: Clock
    say: Callable[[str], None]
    config: EnvironmentConfig
    stack: StackState
    sha: str
    forward_seconds: float
    back_seconds: float
    together: bool = False
    began_with: str | None = None
    """The commit that ran when the release began, empty if none did; None where that is not asked."""
    despite: str = ""
    """Why it may go on without alarms that would roll it back."""
    fleet: Fleet = field(init=False)
    before: dict[str, Place] = field(default_factory=dict)
    wanted: dict[str, Place] = field(default_factory=dict)
    touched: list[str] = field(default_factory=list)
    version_before: str = ""

    def __post_init__(self) -> None:
        self.fleet = Fleet(account=self.account, environment=self.config.name, clock=self.clock, say=self.say)

    # -- what a person asks for ------------------------------------------------------------------------------------

    def release(self) -> None:
        """Forward. `RefusedError` before any change; `PartialError` if it failed and could not be brought back."""
        self._plan()
        self._refuse_unsafe()
        self._pin()
        version = sync.publish(self.account.lambda_, self.config.name, self.sha)
        order = self._due(naming.SERVICES)
        try:
            with calls_reported():
                self._forward(order)
                sync.point(self.account.lambda_, self.config.name, version, self.say)
        except (SupersededError, KeyboardInterrupt):
            self.fleet.show()
            raise
        except ReleaseError as error:
            self.fleet.show()
            self._bring_back(error)
        self._verify()

    def roll_back(self) -> None:
        """Back, in reverse order. Goes on where services disagree, are being deployed, or are in alarm."""
        self._plan()
        for fault in alarms.faults(self.account.cloudwatch, self.fleet.read(), self.say):
            self.say(f"warning: {fault}; rolling back all the same")
        self._pin()
        version = sync.version_of(self.account.lambda_, self.config.name, self.sha)
        if version:
            sync.point(self.account.lambda_, self.config.name, version, self.say)
        else:
            self.say(f"warning: no version of github-sync was released with {self.sha}: it stays as it is")
        deadline = Deadline(self.clock, self.forward_seconds)
        for _ in range(_ROUNDS):
            due = self._due(tuple(reversed(naming.SERVICES)))
            if not due:
                break
            self.fleet.back_one_by_one(due, self.wanted, deadline)
        self._verify()

    # -- before the first change -----------------------------------------------------------------------------------

    def _plan(self) -> None:
        found = self.fleet.read()
        self.before = {name: place_of(service) for name, service in found.items()}
        self.version_before = sync.live(self.account.lambda_, self.config.name)
        self.fleet.tell(found)
        self.say(f"state: github-sync: version {self.version_before} is live")

    def _refuse_unsafe(self) -> None:
        found = self.fleet.read()
        moving = [service.shown() for service in found.values() if service.moving]
        if moving:
            raise RefusedError(
                "a deployment is in progress: " + "; ".join(moving),
                fix="Wait for its end. If it is stuck, roll back: that takes it over.",
            )
        now = running.running(self.account.ecs, found)
        self.say(f"running now: {now.sha or 'nothing: this is the first release'}")
        running.refuse_another(now, self.began_with, self.sha)
        tags = services.running(self.account.ecs, found)
        faults = alarms.refusing(
            alarms.faults(self.account.cloudwatch, found, self.say),
            [name for name, tag in tags.items() if tag != self.sha],
            self.despite,
            self.say,
        )
        if faults:
            raise RefusedError(
                "nothing would roll a bad deployment back: " + "; ".join(str(fault) for fault in faults),
                fix="Wait until the alarms are OK, or release with the reason why not: despite_alarms in the workflow.",
            )

    def _pin(self) -> None:
        """A revision per service, before any service changes: what cannot be registered stops the release here."""
        for name in naming.SERVICES:
            pinned = revisions.pin(
                self.account.ecs,
                base=self.stack[f"{name.capitalize()}TaskDefinitionArn"],
                family=naming.task_family(self.config.name, name),
                task=name,
                sha=self.sha,
            )
            # A bootstrapped environment runs nothing; its first release starts it.
            self.wanted[name] = Place(pinned, self.before[name].desired or self.config.tasks.desired_count)
            self.say(f"{name}: {revision(self.before[name].task_definition)} -> {revision(pinned)}")

    def _due(self, order: Sequence[str]) -> Sequence[str]:
        """Those that do not run what is wanted yet, or are still getting there."""
        found = self.fleet.read()
        due = []
        for name in order:
            service = found[name]
            if at(service, self.wanted[name]):
                self.say(f"{name}: runs {revision(service.task_definition)} already")
            else:
                due.append(name)
        return due

    # -- forward ---------------------------------------------------------------------------------------------------

    def _forward(self, order: Sequence[str]) -> None:
        deadline = Deadline(self.clock, self.forward_seconds)
        if self.together:
            for name in order:
                self._set(name)
            for name in order:
                self.fleet.wait(name, deadline, until="completed")
            return
        for name in order:
            self._still_ours()
            self._set(name)
            self.fleet.wait(name, deadline, until="completed")

    def _still_ours(self) -> None:
        """Every service is as this roll-out found it or left it."""
        for name, service in self.fleet.read().items():
            expected = self.wanted[name] if name in self.touched else self.before[name]
            now = place_of(service)
            if not (now.same(expected) or now.same(self.wanted[name])):
                raise SupersededError(
                    f"{name} was set to {revision(now.task_definition)} by somebody else",
                    fix="See who is rolling back or deploying. This release stopped and changed nothing further.",
                )

    def _set(self, name: str) -> None:
        self.touched.append(name)
        self.fleet.set(name, self.wanted[name])

    # -- when it goes wrong ----------------------------------------------------------------------------------------

    def _bring_back(self, cause: ReleaseError) -> None:
        """All that was touched goes back, in reverse order; then raises what there is to be told."""
        self.say(f"FAILED: {cause}")
        deadline = Deadline(self.clock, self.back_seconds)
        try:
            with calls_reported():
                sync.point(self.account.lambda_, self.config.name, self.version_before, self.say)
                self.fleet.back_one_by_one(tuple(reversed(self.touched)), self.before, deadline)
                self._drop()
        except ReleaseError as error:
            raise PartialError(f"{cause}; and then: {error}", fix=error.fix) from cause
        self.fleet.show()
        raise type(cause)(
            f"{cause}; all services are on the version that ran before",
            fix=cause.fix or "Find out why in the service's log and events, then release again.",
        ) from cause

    def _drop(self) -> None:
        """What failed is no longer the newest revision of its family; nor is what was registered and never tried."""
        for name, place in self.wanted.items():
            if not place.same(self.before[name]):
                revisions.drop(self.account.ecs, place.task_definition)
                self.say(f"{name}: {revision(place.task_definition)} deregistered")

    def _verify(self) -> None:
        """Nothing is believed done that was not seen done."""
        found = self.fleet.read()
        self.fleet.tell(found)
        astray = [
            name
            for name, service in found.items()
            if service.primary.task_definition != self.wanted[name].task_definition
        ]
        if astray:
            raise PartialError(
                f"{', '.join(astray)} do not run commit {self.sha}: somebody else changed them meanwhile",
                fix="See that no other run is deploying, then run this again.",
            )
        self.say(f"all services run {self.sha}")
