"""Bring all services to one commit, and back if one of them does not take it.

**Forward.** One service after the other in dependency order; each must have completed, its alarms watched to the end of
their bake time, before the next begins. At the first failure everything that was changed goes back, in reverse order,
to the revision that ran before: one version everywhere, the old one. An interruption does not wait for that: it prints
what is there, for whoever interrupts a run is about to end it.

**Back** (`--rollback`). In reverse order, and without what would hold a release up: alarms that are off already, and a
deployment that is stuck, which it takes over. It waits until the old tasks serve, not until alarms have baked: ECS
ignores alarms that are in ALARM already.

**Two at once.** A release and a roll-back have no common lock: a stuck release must not hold up its own roll-back.
Instead a release starts only when nothing is being deployed and all services run one commit, and looks before each
change whether the services are still as it left them. If not, somebody else took over: it stops and touches nothing.
A roll-back ends by looking at all services again, and goes round once more for what a release changed meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from infra import naming
from infra.release import alarms, revisions, running, services
from infra.release.account import Account, calls_reported
from infra.release.console import Clock, Deadline
from infra.release.errors import DeadlineError, FailedError, PartialError, RefusedError, ReleaseError, SupersededError
from infra.release.outputs import StackState
from infra.release.services import Service, revision

if TYPE_CHECKING:
    from infra.environments import EnvironmentConfig

POLL_SECONDS: Final = 10.0
_ROUNDS: Final = 3
"""How often a roll-back goes round, if a release keeps changing services under it."""

Until = Literal["completed", "serving"]


@dataclass(frozen=True, slots=True)
class Place:
    """What a service is set to run."""

    task_definition: str
    desired: int


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
    before: dict[str, Place] = field(default_factory=dict)
    wanted: dict[str, Place] = field(default_factory=dict)
    touched: list[str] = field(default_factory=list)

    # -- what a person asks for ------------------------------------------------------------------------------------

    def release(self) -> None:
        """Forward. `RefusedError` before any change; `PartialError` if it failed and could not be brought back."""
        self._plan()
        self._refuse_unsafe()
        self._pin()
        order = self._due(naming.SERVICES)
        try:
            with calls_reported():
                self._forward(order)
        except (SupersededError, KeyboardInterrupt):
            self._show()
            raise
        except ReleaseError as error:
            self._show()
            self._bring_back(error)
        self._verify()

    def roll_back(self) -> None:
        """Back, in reverse order. Goes on where services disagree, are being deployed, or are in alarm."""
        self._plan()
        for name, fault in alarms.faults(self.account.cloudwatch, self._read(), self.say).items():
            self.say(f"warning: alarm or service {name}: {fault}; rolling back all the same")
        self._pin()
        deadline = Deadline(self.clock, self.forward_seconds)
        for _ in range(_ROUNDS):
            due = self._due(tuple(reversed(naming.SERVICES)))
            if not due:
                break
            self._back_one_by_one(due, self.wanted, deadline)
        self._verify()

    # -- before the first change -----------------------------------------------------------------------------------

    def _plan(self) -> None:
        found = self._read()
        self.before = {name: Place(service.task_definition, service.desired) for name, service in found.items()}
        self._show(found)

    def _refuse_unsafe(self) -> None:
        found = self._read()
        moving = [service.shown() for service in found.values() if service.moving]
        if moving:
            raise RefusedError(
                "a deployment is in progress: " + "; ".join(moving),
                fix="Wait for its end. If it is stuck, roll back: that takes it over.",
            )
        now = running.running(self.account.ecs, found)
        self.say(f"running now: {now.sha or 'nothing: this is the first release'}")
        faults = alarms.faults(self.account.cloudwatch, found, self.say)
        if faults:
            raise RefusedError(
                "nothing would roll a bad deployment back: "
                + "; ".join(f"{name} {fault}" for name, fault in faults.items()),
                fix="Wait until the alarms are OK, or deploy the stack that makes them, then run this again.",
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
        found = self._read()
        due = []
        for name in order:
            service = found[name]
            if self._at(service, self.wanted[name]):
                self.say(f"{name}: runs {revision(service.task_definition)} already")
            else:
                due.append(name)
        return due

    @staticmethod
    def _at(service: Service, place: Place) -> bool:
        """It runs what it should, and nothing is under way."""
        now = Place(service.task_definition, service.desired)
        return now == place and not service.moving and service.primary.rollout != "FAILED"

    # -- forward ---------------------------------------------------------------------------------------------------

    def _forward(self, order: Sequence[str]) -> None:
        deadline = Deadline(self.clock, self.forward_seconds)
        if self.together:
            for name in order:
                self._set(name, self.wanted[name])
            for name in order:
                self._wait(name, self.wanted[name], deadline, until="completed")
            return
        for name in order:
            self._still_ours()
            self._set(name, self.wanted[name])
            self._wait(name, self.wanted[name], deadline, until="completed")

    def _still_ours(self) -> None:
        """Every service is as this roll-out found it or left it."""
        for name, service in self._read().items():
            expected = self.wanted[name] if name in self.touched else self.before[name]
            now = Place(service.task_definition, service.desired)
            if now not in (expected, self.wanted[name]):
                raise SupersededError(
                    f"{name} was set to {revision(now.task_definition)} by somebody else",
                    fix="See who is rolling back or deploying. This release stopped and changed nothing further.",
                )

    def _set(self, name: str, place: Place) -> None:
        self.touched.append(name)
        self.account.ecs.update_service(
            cluster=naming.cluster(self.config.name),
            service=name,
            taskDefinition=place.task_definition,
            desiredCount=place.desired,
        )
        self.say(f"{name}: set to {revision(place.task_definition)} x {place.desired}")

    def _wait(self, name: str, place: Place, deadline: Deadline, *, until: Until) -> None:
        """Until the service has got there. `FailedError` if ECS gave up or went back."""
        last = ""
        while True:
            service = services.read(self.account.ecs, naming.cluster(self.config.name), [name])[name]
            if service.shown() != last:
                last = service.shown()
                self.say(last)
            primary = service.primary
            if primary.task_definition == self.before[name].task_definition != place.task_definition:
                raise FailedError(f"{name}: ECS took the deployment back: {last}")
            if primary.task_definition != place.task_definition:
                raise SupersededError(
                    f"{name} was set to {revision(primary.task_definition)} by somebody else",
                    fix="See who is rolling back or deploying. This run stopped and changed nothing further.",
                )
            if primary.rollout == "FAILED":
                raise FailedError(f"{name}: the deployment failed: {last}")
            if service.serving and (until == "serving" or primary.rollout == "COMPLETED"):
                return
            if not deadline.pause(POLL_SECONDS):
                raise DeadlineError(f"{name} did not get there within {deadline.seconds:.0f} s: {last}")

    # -- when it goes wrong ----------------------------------------------------------------------------------------

    def _bring_back(self, cause: ReleaseError) -> None:
        """All that was touched goes back, in reverse order; then raises what there is to be told."""
        self.say(f"FAILED: {cause}")
        deadline = Deadline(self.clock, self.back_seconds)
        try:
            self._back_one_by_one(tuple(reversed(self.touched)), self.before, deadline)
        except PartialError as error:
            raise PartialError(f"{cause}; and then: {error}", fix=error.fix) from cause
        self._show()
        raise type(cause)(
            f"{cause}; all services are on the version that ran before",
            fix=cause.fix or "Find out why in the service's log and events, then release again.",
        ) from cause

    def _back_one_by_one(self, order: Sequence[str], places: Mapping[str, Place], deadline: Deadline) -> None:
        """Each as far as it will go: one that does not must not keep the others from serving the old version."""
        stuck = []
        for name in order:
            try:
                with calls_reported():
                    if self._at(self._read()[name], places[name]):
                        continue
                    self._set(name, places[name])
                    self._wait(name, places[name], deadline, until="serving")
            except ReleaseError as error:
                self.say(f"STUCK: {name}: {error}")
                stuck.append(f"{name}: {error}")
        if stuck:
            self._show()
            raise PartialError(
                f"not on the version they should run: {'; '.join(stuck)}",
                fix="See the state above. Run the rollback workflow with the last good release.",
            )

    def _verify(self) -> None:
        """Nothing is believed done that was not seen done."""
        found = self._read()
        self._show(found)
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

    # -- looking ---------------------------------------------------------------------------------------------------

    def _read(self) -> Mapping[str, Service]:
        return services.read(self.account.ecs, naming.cluster(self.config.name))

    def _show(self, found: Mapping[str, Service] | None = None) -> None:
        for service in (found or self._read()).values():
            self.say(f"state: {service.shown()}")
