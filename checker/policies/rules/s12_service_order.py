"""Services roll out in dependency order and roll back in reverse.

What the review found
    Services are deployed in no order, so that a new client may call an old server.
What is checked
    Every workflow that rolls more than one service: a service that others call by an inside name (service discovery,
    Service Connect) is rolled before them; where services are taken back, by a rollback workflow or after a failure, it
    comes after them. Who calls whom is read from the environment variables in the templates.
When it does not apply
    No workflow rolls more than one service.
What cannot be decided
    No templates; services whose names or order are not known before the run.
Fix
    Loop over the services in the order in which they call each other, servers first, and in reverse to go back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker.model.environments import Project
from checker.model.judgements import Judgement
from checker.model.pipeline.jobs import never_together
from checker.model.pipeline.pipeline import Pipeline
from checker.model.rules import Rule, Unseen
from checker.reason.deploys.paths import DeployPath, Rollout, deploy_paths, environment_of, follows, once, unseen
from checker.reason.deploys.sequence import order_of, several
from checker.reason.workloads.needs import Needs, needs

_FIX: Final = "Roll servers before their clients: list the services in that order, and in reverse to go back."


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    paths = deploy_paths(pipeline, project)
    yield from once(judgement for path in paths for judgement in _judged(path, project))
    if not paths:
        yield from unseen(pipeline, None, "whether services are rolled")


def _judged(path: DeployPath, project: Project) -> Iterator[Judgement]:
    if not several(path):
        return
    environment = environment_of(path, project)
    known = needs(environment) if environment is not None else None
    yield _ordered(path, path.forward, known, back=path.rolls_back, sub="back" if path.rolls_back else "forward")
    if path.takes_back and not path.rolls_back:
        yield _ordered(path, path.takes_back, known, back=True, sub="back")


def _ordered(
    path: DeployPath,
    rollouts: tuple[Rollout, ...],
    known: Needs | None,
    *,
    back: bool,
    sub: str,
) -> Judgement:
    call = rollouts[0].call
    if known is None or not known.of:
        has = f"which services {path.environment} has" if path.environment else "which services there are"
        return call.undecided(sub, f"no template says {has}", fix=_FIX)
    if any(each.at.job is not rollouts[0].at.job for each in rollouts):
        rollouts = tuple(_by_needs(rollouts))
    order = order_of(rollouts)
    if order is None:
        return call.undecided(sub, "the order of the services is not known before the run", fix=_FIX)
    place = {name: index for index, name in enumerate(order)}
    for client, servers in known.of.items():
        for server in sorted(servers & place.keys()):
            if client in place and (place[server] < place[client]) is back and _meet(rollouts, server, client):
                first, second = (server, client) if back else (client, server)
                why = f"{first} is rolled {'back ' if back else ''}before {second}, and {client} calls {server}."
                expected = f"{client} before {server}" if back else f"{server} before {client}"
                return call.fails(sub, why, fix=_FIX, expected=expected, actual=", ".join(order))
            if client in place and (pair := _beside(rollouts, *((client, server) if back else (server, client)))):
                before, after = pair
                why = f"Nothing keeps {after.at.job.name} from being done before {before.at.job.name}"
                said = f"{why}, and {client} calls {server}."
                fix = f"Let {after.at.job.name} need {before.at.job.name}."
                return call.fails(sub, said, fix=fix, expected=f"{before.service} before {after.service}")
    if known.untold:
        return call.undecided(sub, f"whether each service is rolled after those it calls: {known.untold}", fix=_FIX)
    return call.passes(sub, f"In dependency order{', reversed' if back else ''}: {', '.join(order)}.")


def _beside(rollouts: tuple[Rollout, ...], earlier: str, later: str) -> tuple[Rollout, Rollout] | None:
    """Roll-outs of two services in jobs that run beside each other: either may be done first."""
    for second in (each for each in rollouts if each.service == later):
        firsts = [
            each for each in rollouts if each.service == earlier and not never_together(each.at.job, second.at.job)
        ]
        if firsts and not any(each.at.job is second.at.job or follows(second.at, each.at) for each in firsts):
            return firsts[0], second
    return None


def _meet(rollouts: tuple[Rollout, ...], one: str, other: str) -> bool:
    """Whether two services are ever rolled in one run."""
    lefts, rights = ([each.at.job for each in rollouts if each.service == name] for name in (one, other))
    return any(not never_together(left, right) for left in lefts for right in rights) or not (lefts and rights)


def _by_needs(rollouts: tuple[Rollout, ...]) -> Iterator[Rollout]:
    """Roll-outs of several jobs in an order that their ``needs`` allow."""
    left = list(rollouts)
    while left:
        ready = next((one for one in left if not any(follows(one.at, other.at) for other in left)), left[0])
        left.remove(ready)
        yield ready


RULE = Rule(
    id="S12",
    looked_for="workflow",
    check_pipeline=check_pipeline,
    unseen=Unseen("whether services are rolled"),
    looked_for_in_pipeline="workflow that rolls more than one service",
)
