"""Roll-outs that ECS takes back by itself: the service is stable again, with what it ran before.

Sources: Amazon ECS Developer Guide, "How the Amazon ECS deployment circuit breaker detects failures" and "How
CloudWatch alarms detect Amazon ECS deployment failures" (``rollback``: to the last deployment that completed); AWS CLI
Command Reference, "ecs wait services-stable" (one deployment, and as many tasks as wanted: it asks nothing else).
"""

from __future__ import annotations

from typing import Final

from checker.model.answers import YES, Open
from checker.model.environments import Environment
from checker.model.pipeline.scripts import AwsCall
from checker.model.possible import truth
from checker.model.resources import Resource
from checker.model.values import Known
from checker.reason.deploys.paths import At, DeployPath, exits_after, follows, of_action

_WAYS: Final = ("DeploymentConfiguration.DeploymentCircuitBreaker", "DeploymentConfiguration.Alarms")
_TELLS: Final = frozenset(
    {"DescribeServices", "ListServiceDeployments", "DescribeServiceDeployments", "DescribeServiceRevisions",
     "DescribeTasks"}
)  # fmt: skip


def taken_back(path: DeployPath, environment: Environment) -> Resource | None:
    """A service of the path whose failed deployment ECS takes back, so that it becomes stable all the same."""
    names = {each.service for each in path.forward}
    for service in environment.resources("AWS::ECS::Service"):
        name = service.get("ServiceName")
        named = not isinstance(name, Known) or not isinstance(name.value, str) or name.value in names
        if (named or None in names) and any(_on(service, way) for way in _WAYS):
            return service
    return None


def _on(service: Resource, way: str) -> bool:
    answers = [service.get(f"{way}.{name}") for name in ("Enable", "Rollback")]
    return all(isinstance(each, Known) and truth(each.value) is YES for each in answers)  # type: ignore[arg-type]


def asks_only_for_stability(wait: At) -> bool:
    """Whether a wait succeeds as soon as the service is stable, with whatever it runs."""
    call = wait.action
    if not isinstance(call, AwsCall) or call.service != "ecs":
        return False
    return of_action(call) or call.waiter.replace("_", "").replace("-", "").lower() == "servicesstable"


def looked_at(path: DeployPath, wait: At) -> bool:
    """Whether, after the wait, what runs is asked for, and an answer can end the job with a failure."""
    return any(
        isinstance(at.action, AwsCall)
        and at.action.operation in _TELLS
        and not of_action(at.action)
        and follows(at, wait)
        and not at.action.reached.on_failure
        and _can_end_it(at)
        for at in path.actions()
    )


def _can_end_it(at: At) -> bool:
    decides = at.action.handling.decides
    return next(exits_after(at), None) is not None if isinstance(decides, Open) else decides is YES
