"""Each deploy emits its result, duration and commit.

What the review found
    Nothing says on a dashboard when what was deployed, and how it went.
What is checked
    Every workflow that rolls services tells a place that dashboards read (CloudWatch metrics, logs or events, GitHub's
    deployments, an annotation of a monitoring service): after the roll-out, with the result, how long it took and the
    commit; and also when it failed. What is told is what happened: a duration, a commit or a result that is written out
    says nothing.
When it does not apply
    No workflow that rolls an ECS service, by itself or by the stack whose images it sets.
What cannot be decided
    Scripts that could not be followed, or that may end well before they tell anything.
Fix
    ``aws cloudwatch put-metric-data`` with the duration as its value and the result as a dimension, and the commit in a
    log event (CloudWatch's embedded metric format has both; a dimension would make a new metric of each commit), in a
    last step with ``if: always()``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES
from checker.model.environments import Project
from checker.model.judgements import Judgement
from checker.model.pipeline.jobs import EffectiveJob, EffectiveStep
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import AwsCall, Command, How
from checker.model.possible import shown
from checker.model.rules import Rule, Unseen
from checker.model.values import Text
from checker.reason.deploys.http_requests import request_of
from checker.reason.deploys.paths import At, DeployPath, deploy_paths, follows, last, once
from checker.reason.health.payloads import HOLE, OR, payload_of
from checker.reason.workloads.stack_paths import stack_paths, unseen_rolls

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
_SERVICES: Final = lazy_re.compile(
    r"datadoghq|newrelic|honeycomb|grafana|/api/annotations|/api/v\d/(?:series|events)|/deployments(?:$|[/?.])|pushgateway"
)
_PROGRAMS: Final = frozenset({"datadog-ci", "newrelic", "honeymarker", "sentry-cli"})
_WORDS: Final[Mapping[str, re.Pattern[str]]] = {
    "the result": lazy_re.compile(r"success|succeeded|fail|result|outcome|status|state", re.IGNORECASE),
    "the duration": lazy_re.compile(
        r"duration|seconds|elapsed|started|minutes|took|milliseconds|\bdate \+%s|\bstart\b|monotonic", re.IGNORECASE
    ),
    "the commit": lazy_re.compile(r"(?<![a-z])sha(?![a-z])|commit|revision|[0-9a-f]{40}", re.IGNORECASE),
}


# A result that is written out, whatever became of the deployment, with what is said of it.
_WRITTEN: Final = lazy_re.compile(
    r"\b(?:result|status|outcome|state)[^\w\x00]{1,8}(?:value[^\w\x00]{1,8})?([a-z]+(?:\|[a-z]+)*|\d[\d.]*)\b(?!\W{1,3}[\x00])",
    re.IGNORECASE,
)
_BAD: Final = lazy_re.compile(r"fail|err|cancel|abort|broke|roll|bad|down|unsuccess|false|stopp", re.IGNORECASE)
# A commit that is written out: a word that no commit has.
_COMMIT: Final = lazy_re.compile(
    r"(?<![a-z])(?:sha|commit|revision)[^\w\x00]{1,8}(?:value[^\w\x00]{1,8})?([\w.-]+|\x00)", re.IGNORECASE
)
_SHA: Final = lazy_re.compile(r"[0-9a-f]{7,40}")
# What says who or what was run, and nothing of how long.
_WHO: Final = lazy_re.compile(
    r"timestamp|job\.status|\.result\b|\.outcome\b|\.conclusion\b|\bsha\b|commit|github\.(?:ref|run_|actor|repo|workflow|event_name)"
    r"|GITHUB_(?:REF|RUN|ACTOR|REPO|WORKFLOW|EVENT_NAME|SHA)",
    re.IGNORECASE,
)
# The same instant twice: `$(( $(date +%s) - $(date +%s) ))`.
_NOTHING: Final = lazy_re.compile(r"(?<![\w.])(?P<now>[\w.$][\w.$()+% ]*?)\s+-\s+(?P=now)(?![\w.])")
# A duration that is written out.
_DURATION: Final = lazy_re.compile(
    r"(?<![a-z])(?:duration|seconds|elapsed|took|milliseconds)[^\w\x00]{1,8}(?:value[^\w\x00]{1,8})?(\d[\d.]*|\x00)",
    re.IGNORECASE,
)
# What asks how late it is, and what may do so unseen: a program that is no script of a shell, an action.
_CLOCK: Final = lazy_re.compile(r"\bdate\b|\bSECONDS\b|EPOCH(?:SECONDS|REALTIME)|%\(%s\)T")
_UNSEEN_CLOCK: Final = lazy_re.compile(r"\.(?:py|[cm]?js|ts|rb)\b|\bpython|\bnode\b|\btime", re.IGNORECASE)
_SECONDS: Final = lazy_re.compile(r"\$\{?SECONDS\b|\$\(\([^()]*\bSECONDS\b")


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    paths = (*deploy_paths(pipeline, project), *stack_paths(pipeline, project))
    yield from once(judgement for path in paths for judgement in _judged(path))
    if not paths:
        yield from unseen_rolls(pipeline, project)


def _judged(path: DeployPath) -> Iterator[Judgement]:
    end = last(path.ends)
    if end is None:
        return
    emitted = [at for at in path.actions() if _emits(at.action)]
    # A deployment fails where it is waited for; a call that begins none is refused before.
    waits = [wait for wait in path.waits() if follows(wait, end)] or [end]
    good = [at for at in emitted if _told_at_its_end(at, end) or (not _only_on_failure(at) and follows(at, end))]
    bad = [at for at in emitted if _on_failure(at, end) or any(_goes_on_to(at, wait) for wait in waits)]
    yield _told(path, end, good, "success", f"{path.name} tells no dashboard that it has deployed.")
    yield _told(path, end, bad, "failure", f"{path.name} tells no dashboard when it has failed.", good)


def _told(path: DeployPath, end: At, emitted: list[At], sub: str, nothing: str, well: Sequence[At] = ()) -> Judgement:
    """``well``: what tells that all went well, for a number that stands for a failure is another one than there."""
    if not emitted:
        if not path.complete:
            return end.action.undecided(sub, path.unread, fix=_FIX)
        return end.action.fails(sub, nothing, fix=_FIX, expected="result, duration and commit")
    payloads = [payload_of(at) for at in emitted]
    said = " ".join(each.text for each in payloads)
    missing = [what for what, pattern in _WORDS.items() if not pattern.search(said)]
    place = emitted[-1].action
    results = [_written_results(at) for at in emitted]
    numbers = {each[-1] for each in results if each and each[-1][:1].isdigit()}
    numbers -= {each for at in well for each in _written_results(at)[-1:]}
    # One place that puts 1 or 0, as the run decides, tells them apart by itself.
    numbers |= {each for found in results if len(set(found)) > 1 for each in found if each[:1].isdigit()}
    bad = [bool(_BAD.search(each)) for found in results for each in found]
    blind = not any(bad) and not numbers if sub == "failure" else all(bad)
    untold = next((each.untold for each in payloads if each.untold), "")
    if all(results) and blind and not untold:
        said_of = f"What is told after a {sub} is written out as {results[-1][-1]}"
        why = f"{said_of}: no dashboard sees the difference."
        return place.fails(sub, why, fix="Pass on what became of the job: ${{ job.status }}.", expected="the result")
    stranger = next((job for at in emitted if (job := _result_of_another(at, path))), "")
    if stranger and len({_of_needs(at) for at in emitted}) == 1:
        why = f"What is told as the result is that of the job {stranger}, which rolls nothing."
        return place.fails(sub, why, fix="Pass on what became of the deployment's own job.", expected="the result")
    if missing and untold:
        why = f"whether {' and '.join(missing)} stands in {untold}, which is told of a deployment"
        return place.undecided(sub, why, fix=_FIX)
    if missing:
        why = f"What is told of a deployment leaves out {' and '.join(missing)}."
        return place.fails(sub, why, fix=_FIX, expected="result, duration and commit")
    spoiled = next((each.spoiled for each in payloads if each.spoiled), "")
    told = " ".join(each.own_text if each.spoiled else each.text for each in payloads)
    if spoiled and not all(pattern.search(told) for pattern in _WORDS.values()):
        why = f"whether what is told still stands in {spoiled}: another command may have written over it"
        return place.undecided(sub, why, fix=_FIX)
    constant = _constant(emitted)
    if untold and (constant or (all(results) and blind)):
        why = f"whether {constant or 'the result'} that is told stands in {untold}: all else has it written out"
        return place.undecided(sub, why, fix=_FIX)
    if constant:
        why = f"What is told of a deployment has {constant} written out: it is the same for each of them."
        return place.fails(sub, why, fix=_FIX, expected="what was measured")
    end = last((end, *path.waits())) or end
    late = next((each for each in emitted if _begins_late(path, each, end)), None)
    if late is not None:
        why = "The duration that is told begins after the roll-out: nothing takes the time before it is over."
        return late.action.fails(
            sub, why, fix="Take the time of the start in a step before the roll-out.", expected="a duration"
        )
    timing = [at for at, each in zip(emitted, payloads, strict=True) if _WORDS["the duration"].search(each.text)]
    if any(_measured_here(at, end) for at in timing):
        why = "The duration that is told begins where it is told: the script takes the time of the start itself."
        return place.fails(
            sub, why, fix="Take the time of the start in a step before the roll-out.", expected="a duration"
        )
    if len(emitted) == 1 and (place.handling.missed is YES or _depends(emitted[0], end)):
        why = "the script that tells it can end well before: whether it does when a deployment ends so is not known"
        return place.undecided(sub, why, fix="Let nothing but the result of the job decide what is told, not whether.")
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


def _on_failure(at: At, end: At) -> bool:
    """Whether it is told where the deployment has failed, as far as conditions of steps and jobs decide it."""
    if at.action.reached.on_failure:
        return True
    step, failed = at.action.step, end.action.step
    if at.job is not end.job:
        # What a called workflow's own jobs ask is about each other: GitHub asks the calling job's `if` before.
        around = {each.name for each in end.job.chain}
        apart = next((each for each in at.job.chain if each.name not in around), at.job)
        return bool(apart.status_functions & {"always", "failure"})
    if step is None or failed is None or not step.runs_after_failure:
        return step is not None and step.runs_after_failure
    # So is what the steps of a composite action ask, where what failed is none of them.
    together = bool(step.via and failed.via) and step.place == failed.place
    return together or step.mends_after.get(failed.place, step.mends) is not NO


def _goes_on_to(at: At, wait: At) -> bool:
    """Whether the script of a roll-out tells all the same where that fails (``finally``)."""
    step = wait.action.step
    return at.action.step is step and wait.action.handling.reaches(at.action.handling) is YES


def _told_at_its_end(at: At, end: At) -> bool:
    """Whether the script of the roll-out tells whenever it ends, and so when it ends well (``trap ... EXIT``)."""
    action = at.action
    return action.reached.trap and action.step is end.action.step and action.handling.missed is NO


def _only_on_failure(at: At) -> bool:
    step = at.action.step
    asked = [at.job.asks, *([step.status_functions] if step is not None else [])]
    return at.action.reached.on_failure or any("failure" in each and not each & {"always", "success"} for each in asked)


def _constant(emitted: Sequence[At]) -> str:
    """What of all that is told is no finding of the run; empty where that is nothing."""
    told = [payload_of(at).parts for at in emitted]
    timed = any(not _WHO.search(hole) and not _NOTHING.search(hole) for _, holes in told for hole in holes)
    durations = [each for line, _ in told for each in _DURATION.findall(line)]
    if not timed or (durations and HOLE not in durations):
        return "the duration"
    commits = [each for line, _ in told for each in _COMMIT.findall(line)]
    open_one = any(_WORDS["the commit"].search(hole) for _, holes in told for hole in holes)
    written = bool(commits) and all(each != HOLE and not _SHA.fullmatch(each) for each in commits)
    return "the commit" if written and not open_one else ""


def _depends(at: At, end: At) -> bool:
    """Whether a test in its script decides over it: where that says no, nothing is told, however the script ends."""
    place = at.action
    if isinstance(place, AwsCall) and place.reached.trap and (place.handling.missed is NO or _goes_on_to(at, end)):
        return False
    return isinstance(place, AwsCall) and place.how is How.CLI and not place.reached.certain


def _measured_here(at: At, end: At) -> bool:
    """Whether the script that tells a duration works it out all by itself, from times of its own. ``end``: of what it
    measures; a shell that started before that has counted its seconds all along."""
    action = at.action
    if not isinstance(action, AwsCall | Command) or (at.action.step is end.action.step and not _started_after(at, end)):
        # The roll-out takes its time in the same script: what was begun before it is no nothing.
        return isinstance(action, AwsCall) and not _counts(action) and _worked_out(action) and _is_nothing(action)
    return _worked_out(action) if isinstance(action, AwsCall) and not _counts(action) else _counts(action)


def _worked_out(action: AwsCall) -> bool:
    return _value(action).isdigit()


def _is_nothing(action: AwsCall) -> bool:
    return set(_value(action)) <= {"0"}


def _value(action: AwsCall) -> str:
    """The value that is told as its script works it out where all goes well; empty where it does not."""
    given = action.text("value") if action.how is How.CLI else None
    words = action.handling.worked_out if isinstance(given, Text) else ()
    return next((after for word, after in pairwise(words) if word == "--value"), "")


def _counts(action: AwsCall | Command) -> bool:
    """Whether what is told is the time since the telling shell began. A variable that is set anew counts from there."""
    step = action.step
    text = step.run.text if step is not None and step.run is not None else ""
    return bool(_SECONDS.search(action.source)) and not re.search(r"\bSECONDS=", text)


def _started_after(at: At, end: At) -> bool:
    """Whether a script of its own tells, that the step of a roll-out starts when that is over."""
    via, other = at.action.reached.via, end.action.reached.way
    while via and via[-1].file == at.action.spot.file:  # the functions of that script
        via = via[:-1]
    return bool(via) and other[: len(via)] != via and _own_shell(at)


def _own_shell(at: At) -> bool:
    """Whether the script that tells is started, and not sourced."""
    step, file = at.action.step, at.action.spot.file.rpartition("/")[2]
    text = step.run.text if step is not None and step.run is not None else ""
    return re.search(rf"(?:^|[\s;&|])(?:source|\.)\s+\S*{re.escape(file)}", text) is None


def _begins_late(path: DeployPath, at: At, end: At) -> bool:
    """Whether every step that takes the time, for one that tells how long it was, stands behind what is measured."""
    action = at.action
    if not isinstance(action, AwsCall | Command) or (isinstance(action, AwsCall) and action.how is not How.CLI):
        return False
    holes = [hole for hole in payload_of(at).parts[1] if not _WHO.search(hole)]
    if any(hole.startswith("${{") for hole in holes):
        return False  # of a step that nobody follows, or of what started the run
    behind = False
    for job in path.jobs:
        for step in job.steps:
            text = step.run.text if step.run is not None else step.uses
            if _is_behind(job, step, end):
                behind = behind or (step is not action.step and bool(_CLOCK.search(text)))
            elif _CLOCK.search(text) or _UNSEEN_CLOCK.search(text):
                return False
    asked = [each for each in path.actions() if isinstance(each.action, Command) and _CLOCK.search(each.action.source)]
    behind = behind or any(each.action.step is not action.step for each in asked)
    return behind and all(follows(each, end) for each in asked)


def _is_behind(job: EffectiveJob, step: EffectiveStep, end: At) -> bool:
    if job is not end.job:
        return job.after(end.job)
    ended = next((index for index, each in enumerate(job.steps) if each is end.action.step), len(job.steps))
    return any(each is step for each in job.steps[ended + 1 :])


def _written_results(at: At) -> list[str]:
    """The results as they are written out, of which a branch may choose; none where it is the run's."""
    line, holes = payload_of(at).parts
    if any(_WORDS["the result"].search(hole) for hole in holes):
        return []
    return [each for found in _WRITTEN.findall(line) for each in found.split(OR)]


_RESULT: Final = lazy_re.compile(r"\bneeds\.([\w-]+)\.result\b")


def _of_needs(at: At) -> tuple[str, ...]:
    """The jobs whose results are told, where nothing else is told as the result."""
    holes = [hole for hole in payload_of(at).parts[1] if _WORDS["the result"].search(hole)]
    found = [_RESULT.findall(hole) for hole in holes]
    return tuple(name for each in found for name in each) if all(found) else ()


def _result_of_another(at: At, path: DeployPath) -> str:
    """The job whose result is told instead of the deployment's; empty where it is of the deployment, or not known."""
    named = _of_needs(at)
    needs = {need.job.id: need for each in at.job.chain for need in each.needs}
    rolling = [each.job for each in path.ends]
    for name in named:
        need = needs.get(name)
        if need is None or any(need in job.chain or need.after(job) for job in rolling):
            return ""
    return named[0] if named else ""


RULE = Rule(
    id="S7",
    looked_for="workflow",
    check_pipeline=check_pipeline,
    unseen=Unseen("whether services are rolled"),
    looked_for_in_pipeline="workflow that rolls an ECS service",
)
