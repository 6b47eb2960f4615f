"""After a release that did not get to its end: compare what runs with what ran when it began, and put that back.

A stack's update that fails or is cancelled may have set services anew, and a smoke test may refuse what was rolled out.
Only what this release or its stack brought is taken away: where a third commit runs, somebody rolled back or deployed,
and keeps what he has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from infra import naming
from infra.release import places, revisions, services, sync
from infra.release.account import Account
from infra.release.console import Clock, Deadline
from infra.release.errors import SupersededError
from infra.release.fleet import Fleet, at
from infra.release.places import Place, place_of
from infra.release.services import revision

_NOTHING_RAN: Final = "nothing ran when this release began: there is nothing to go back to, and all stays as it is"


@dataclass(slots=True, kw_only=True)
class Restore:
    """Of one environment. `sha` is the release's commit, `began_with` the one that ran before; empty if none did."""

    account: Account
    environment: str
    clock: Clock
    say: Callable[[str], None]
    sha: str
    began_with: str
    seconds: float

    def run(self, text: str) -> None:
        """`text` is what `running` gave as `places`. `PartialError` if not everything could be put back."""
        before, version = places.parsed(text, self.environment)
        fleet = Fleet(account=self.account, environment=self.environment, clock=self.clock, say=self.say)
        found = fleet.read()
        fleet.tell(found)
        if not self.began_with:
            self.say(f"warning: {_NOTHING_RAN}")
            return
        tags = services.running(self.account.ecs, found)
        others = [f"{name} {tag}" for name, tag in tags.items() if tag not in {self.sha, self.began_with}]
        if others:
            raise SupersededError(
                f"{', '.join(others)}: set by somebody else, and left as they are",
                fix="See who is rolling back or deploying.",
            )
        sync.point(self.account.lambda_, self.environment, version, self.say)
        due = [name for name in reversed(naming.SERVICES) if not at(found[name], before[name])]
        if not due:
            self.say(f"all services run what they ran: {self.began_with}")
            return
        fleet.back_one_by_one(due, before, Deadline(self.clock, self.seconds))
        for name in due:
            left = place_of(found[name])
            if tags[name] == self.sha != self.began_with and not left.same(before[name]):
                self._drop(name, left)
        fleet.show()
        self.say(f"all services run {self.began_with} again")

    def _drop(self, name: str, left: Place) -> None:
        revisions.drop(self.account.ecs, left.task_definition)
        self.say(f"{name}: {revision(left.task_definition)} deregistered")
