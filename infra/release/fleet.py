"""The services of an environment, read and set by one run.

ECS answers what it has heard so far: a read soon after a change may show what was there before it (Amazon ECS API
Reference, eventual consistency). So a change is followed by the id of the deployment that UpdateService answered. A
read that still shows a deployment which this run has replaced is an old one, and is asked for again; a deployment that
this run has never seen is newer than its own, and somebody else's or ECS's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from infra import naming
from infra.release import services
from infra.release.account import Account, calls_reported
from infra.release.console import Clock, Deadline
from infra.release.errors import CallError, DeadlineError, FailedError, PartialError, ReleaseError, SupersededError
from infra.release.places import Place, place_of
from infra.release.services import Service, revision

POLL_SECONDS: Final = 10.0
_CONSISTENT_SECONDS: Final = 120.0
"""How long reads may lag behind a change before something else must be wrong."""

Until = Literal["completed", "serving"]


@dataclass(slots=True, kw_only=True)
class Fleet:
    account: Account
    environment: str
    clock: Clock
    say: Callable[[str], None]
    ours: dict[str, str] = field(default_factory=dict)
    """By service, the deployment that this run made last."""
    replaced: dict[str, set[str]] = field(default_factory=dict)
    """By service, the deployments that this run has replaced."""
    left: dict[str, str] = field(default_factory=dict)
    """By service, the task definition that ran before this run's last change."""

    @property
    def cluster(self) -> str:
        return naming.cluster(self.environment)

    def read(self, names: Sequence[str] = naming.SERVICES) -> Mapping[str, Service]:
        """The services, none of them older than this run's own last change of it."""
        deadline = Deadline(self.clock, _CONSISTENT_SECONDS)
        while True:
            found = services.read(self.account.ecs, self.cluster, names)
            old = [name for name in names if found[name].primary.id in self.replaced.get(name, ())]
            if not old:
                return found
            if not deadline.pause(POLL_SECONDS):
                raise CallError(f"ECS still shows {', '.join(old)} as before the last change", fix="Look again.")

    def show(self) -> None:
        self.tell(services.read(self.account.ecs, self.cluster))

    def tell(self, found: Mapping[str, Service]) -> None:
        for service in found.values():
            self.say(f"state: {service.shown()}")

    def set(self, name: str, place: Place) -> None:
        before = self.read([name])[name]
        self.left[name] = before.task_definition
        answer = self.account.ecs.update_service(
            cluster=self.cluster,
            service=name,
            taskDefinition=place.task_definition,
            desiredCount=place.desired,
        )
        made = services.seen(answer["service"])
        self.ours[name] = made.primary.id
        # What was read before counts too: an answer need not list it any more.
        old = {before.primary.id, *(each.id for each in made.deployments if not each.primary)}
        self.replaced.setdefault(name, set()).update(old - {made.primary.id})
        self.say(f"{name}: set to {revision(place.task_definition)} x {place.desired}, {made.primary.id}")

    def wait(self, name: str, deadline: Deadline, *, until: Until) -> None:
        """Until the deployment of the last `set` is there. `FailedError` if ECS gave up on it or went back."""
        last = ""
        while True:
            service = self.read([name])[name]
            if service.shown() != last:
                last = service.shown()
                self.say(last)
            primary = service.primary
            if primary.id != self.ours[name]:
                self._explain(service)
            if primary.rollout == "FAILED":
                raise FailedError(f"{name}: the deployment failed: {last}")
            if service.serving and (until == "serving" or primary.rollout == "COMPLETED"):
                return
            if not deadline.pause(POLL_SECONDS):
                raise DeadlineError(f"{name} did not get there within {deadline.seconds:.0f} s: {last}")

    def _explain(self, service: Service) -> None:
        """A newer deployment than ours is there: ECS's own way back, or somebody else's."""
        primary, own = service.primary, service.deployment(self.ours[service.name])
        if primary.task_definition == self.left[service.name] or (own is not None and own.rollout == "FAILED"):
            raise FailedError(f"{service.name}: ECS took the deployment back: {service.shown()}")
        raise SupersededError(
            f"{service.name} was set to {revision(primary.task_definition)} by somebody else",
            fix="See who is rolling back or deploying. This run stopped and changed nothing further.",
        )

    def back_one_by_one(self, order: Sequence[str], places: Mapping[str, Place], deadline: Deadline) -> None:
        """Each as far as it will go: one that does not must not keep the others from serving the old version."""
        stuck = []
        for name in order:
            try:
                with calls_reported():
                    if at(self.read([name])[name], places[name]):
                        continue
                    self.set(name, places[name])
                    self.wait(name, deadline, until="serving")
            except ReleaseError as error:
                self.say(f"STUCK: {name}: {error}")
                stuck.append(f"{name}: {error}")
        if stuck:
            self.show()
            raise PartialError(
                f"not on the version they should run: {'; '.join(stuck)}",
                fix="See the state above. Run the rollback workflow with the last good release.",
            )


def at(service: Service, place: Place) -> bool:
    """It runs what it should, and nothing is under way."""
    return place_of(service).same(place) and not service.moving and service.primary.rollout != "FAILED"
