"""Each deploy emits its result, duration and commit.

What the review found
    Nothing says on a dashboard when what was deployed, and how it went.
What is checked
    Every workflow that rolls services tells a place that dashboards read (CloudWatch metrics, logs or events, GitHub's
    deployments, an annotation of a monitoring service): after the roll-out, with the result, how long it took and the
    commit; and also when it failed.
When it does not apply
    No workflow that rolls an ECS service.
What cannot be decided
    Scripts that could not be followed.
Fix
    ``aws cloudwatch put-metric-data`` with the duration as its value and the result as a dimension, and the commit in a
    log event (CloudWatch's embedded metric format has both; a dimension would make a new metric of each commit), in a
    last step with ``if: always()``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from checker.model.environments import Project
from checker.model.judgements import Judgement
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import Argument, AwsCall, Command
from checker.model.possible import shown
from checker.model.rules import Rule, Unseen
from checker.model.values import Absent
from checker.reason.deploys.http_requests import request_of
from checker.reason.deploys.paths import At, DeployPath, deploy_paths, follows, last, once, unseen

_FIX: Final = (
    "aws cloudwatch put-metric-data with duration, result and commit, in a last step and in one `if: failure()`."
)
_CALLS: Final = frozenset(
    {
        ("cloudwatch", "PutMetricData"),
        ("events", "PutEvents"),
        ("logs", "PutLogEvents"),
        ("timestream-write", "WriteRecords"),
    }
)
_SERVICES: Final = re.compile(
    r"datadoghq|newrelic|honeycomb|grafana|/api/annotations|/api/v\d/(?:series|events)|/deployments(?:$|[/?.])|pushgateway"
)
_PROGRAMS: Final = frozenset({"datadog-ci", "newrelic", "honeymarker", "sentry-cli"})
_WORDS: Final[Mapping[str, re.Pattern[str]]] = {
    "the result": re.compile(r"success|succeeded|fail|result|outcome|status|state", re.IGNORECASE),
    "the duration": re.compile(r"duration|seconds|elapsed|started|minutes|took|milliseconds", re.IGNORECASE),
    "the commit": re.compile(r"(?<![a-z])sha(?![a-z])|commit|revision|[0-9a-f]{40}", re.IGNORECASE),
}


# A result that is written out, whatever became of the deployment.
_ALWAYS_WELL: Final = re.compile(r"\b(?:result|status|outcome|state)\W{1,8}(?:success|succeeded|ok)\b", re.IGNORECASE)


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    paths = deploy_paths(pipeline, project)
    yield from once(judgement for path in paths for judgement in _judged(path))
    if not paths:
        yield from unseen(pipeline, None, "whether services are rolled")


def _judged(path: DeployPath) -> Iterator[Judgement]:
    end = last(each.at for each in path.forward)
    if end is None:
        return
    emitted = [at for at in path.actions() if _emits(at.action)]
    good = [at for at in emitted if not _only_on_failure(at) and follows(at, end)]
    bad = [at for at in emitted if _on_failure(at)]
    yield _told(path, end, good, "success", f"{path.name} tells no dashboard that it has deployed.")
    yield _told(path, end, bad, "failure", f"{path.name} tells no dashboard when it has failed.")


def _told(path: DeployPath, end: At, emitted: list[At], sub: str, nothing: str) -> Judgement:
    if not emitted:
        if not path.complete:
            return end.action.undecided(sub, path.unread, fix=_FIX)
        return end.action.fails(sub, nothing, fix=_FIX, expected="result, duration and commit")
    said = " ".join(_text(at.action) for at in emitted)
    missing = [what for what, pattern in _WORDS.items() if not pattern.search(said)]
    place = emitted[-1].action
    if sub == "failure" and all(_ALWAYS_WELL.search(_text(at.action)) for at in emitted):
        why = "What is told after a failure is written out as a success: no dashboard sees the difference."
        return place.fails(sub, why, fix="Pass on what became of the job: ${{ job.status }}.", expected="the result")
    if missing:
        why = f"What is told of a deployment leaves out {' and '.join(missing)}."
        return place.fails(sub, why, fix=_FIX, expected="result, duration and commit")
    return place.passes(sub, "Result, duration and commit are told.")


def _emits(action: object) -> bool:
    if isinstance(action, AwsCall):
        return (action.service, action.operation) in _CALLS
    if not isinstance(action, Command):
        return False
    if action.program in _PROGRAMS:
        return True
    if action.program == "gh":
        return any("/deployments" in shown(word) for word in action.words[1:])
    request = request_of(action)
    return request is not None and request.method != "GET" and bool(_SERVICES.search(shown(request.url)))


def _on_failure(at: At) -> bool:
    step = at.action.step
    return at.action.reached.on_failure or (step is not None and step.runs_after_failure) or _job_after_failure(at)


def _job_after_failure(at: At) -> bool:
    return bool(at.job.status_functions & {"always", "failure"})


def _only_on_failure(at: At) -> bool:
    step = at.action.step
    asked = [at.job.status_functions, *([step.status_functions] if step is not None else [])]
    return at.action.reached.on_failure or any("failure" in each and not each & {"always", "success"} for each in asked)


def _text(action: object) -> str:
    """Everything that is handed over, names and values."""
    if isinstance(action, AwsCall):
        return " ".join(f"{name} {_shown(value)}" for name, value in action.arguments.items())
    return action.text() if isinstance(action, Command) else ""


def _shown(value: Argument | Absent) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name} {_shown(each)}" for name, each in value.items())
    if isinstance(value, tuple):
        return " ".join(_shown(each) for each in value)
    return shown(value)


RULE = Rule(
    id="S7",
    looked_for="workflow",
    check_pipeline=check_pipeline,
    unseen=Unseen("whether services are rolled"),
    looked_for_in_pipeline="workflow that rolls an ECS service",
)
