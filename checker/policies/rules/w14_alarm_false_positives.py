"""Alarms that can roll a deployment back stay quiet while a healthy one rolls out.

What the review found
    The 5xx alarms fire after one period. While one task replaces another the load balancer answers a few 502 and 503:
    wired to deployments as they are, they would roll back good releases.
What is checked
    Every alarm that an ECS service's deployment configuration or a CodeDeploy deployment group lists with roll-back on,
    or the ``DeploymentPreference`` of a function of SAM, an endpoint of SageMaker or an environment of AppConfig. It
    needs two datapoints over the threshold or more (evaluation periods, and datapoints to alarm where that is set), or
    a rate: one metric divided by another. It treats missing data as not breaching, and fills it with nothing that
    breaches. It exists under the very name that the service lists, in the service's own environment, and watches that
    environment's resources.
When it does not apply
    No service lists an alarm for its deployments.
What cannot be decided
    A name, period or treatment from a parameter without a default; an expression that may fill missing data, and is not
    read; an alarm of an environment whose templates make none, since it may be made elsewhere.
Fix
    ``EvaluationPeriods: 2`` or a percentage, ``TreatMissingData: notBreaching``, and the alarm's own name in the
    service's list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, either, yes_if
from checker.model.environment_words import words
from checker.model.environments import Environment, EnvironmentKind, Project
from checker.model.judgements import Judgement
from checker.model.live.account import Account
from checker.model.resources import NOT_KNOWN, Resource
from checker.model.rules import Rule
from checker.model.values import (
    Absent,
    Attribute,
    Known,
    Reference,
    Resolved,
    ResourceKey,
    Text,
    Unknown,
    Value,
    as_list,
    as_number,
)
from checker.model.verdicts import Outcome
from checker.reason.account.facts import table
from checker.reason.names.physical import is_open
from checker.reason.templates.alarms import (
    ALARM_TYPES,
    COMPOSITE_ALARM,
    LOG_ALARM,
    AlarmNames,
    DeploymentAlarm,
    alarms_read,
    deployment_alarms,
    listened_to,
    never_changes,
)
from checker.reason.templates.composite_rules import may_fire
from checker.reason.templates.metric_math import BREACHES, breaches_without_data, is_constant, is_read, is_share

_FIX_PERIODS: Final = "Set EvaluationPeriods to 2 (and DatapointsToAlarm to 2 or nothing), or alarm on a percentage."
_FIX_NAME: Final = "List the alarm of this environment under its own AlarmName."


def check(environment: Environment) -> Iterator[Judgement]:
    names = AlarmNames(environment)
    parts: dict[Resource, list[Resource]] = {}
    for alarm, composites in listened_to(environment).items():
        for composite in composites:
            parts.setdefault(composite, []).append(alarm)
    judged: set[ResourceKey] = set()
    for listed in deployment_alarms(environment):
        named = names.find(listed.name)
        verdict = _exists(environment, names, listed, named)
        yield verdict
        pending = [named] if named is not None and verdict.outcome is Outcome.PASS else []
        while pending:
            each = pending.pop()
            if each.key in judged:
                continue
            judged.add(each.key)
            if each.type == COMPOSITE_ALARM:
                yield from _heard(environment, names, each)
                pending += parts.get(each, [])
            else:
                yield from _quiet(environment, each)


def _heard(environment: Environment, names: AlarmNames, composite: Resource) -> Iterator[Judgement]:
    """What a composite alarm that rolls back listens to: alarms of its own environment, in a state that may be."""
    others = [names.elsewhere(name) for name in alarms_read(composite) if names.find(name) is None]
    for other in (*others, *environment.project.all_referred(composite.get("AlarmRule"))):
        foreign = other is not None and other.environment_name != composite.environment_name
        if other is not None and foreign and not _is_shared(environment, other):
            yield composite.fails(
                "own-resources",
                f"The composite alarm listens to {other.logical_id} of another environment: {other.environment_name}.",
                fix=_FIX_NAME,
                path="AlarmRule",
                related=(other,),
            )
    rule = composite.get("AlarmRule")
    written = rule.value if isinstance(rule, Known) else rule
    if isinstance(written, Unknown) or (isinstance(written, Text) and any(is_open(hole) for hole in written.holes)):
        said = "which alarms its rule reads is not known before deployment"
        yield composite.undecided("periods", said, path="AlarmRule", fix=_FIX_NAME)
    if isinstance(rule, Known) and isinstance(rule.value, str) and not may_fire(rule.value):
        said = "Its rule holds in no state of the alarms that it reads: it rolls nothing back."
        yield composite.fails("threshold", said, fix="Let the rule hold while an alarm fires.", path="AlarmRule")


def _exists(environment: Environment, names: AlarmNames, listed: DeploymentAlarm, alarm: Resource | None) -> Judgement:
    owner, name = listed.owner, listed.name
    if alarm is not None and _is_its_arn(name) and not listed.by_arn:
        said = f"The service lists the ARN of {alarm.logical_id}, and is asked for a name: no alarm is called so."
        return owner.fails(_sub(listed), said, fix=_FIX_NAME, path=listed.path, related=(alarm,))
    if alarm is not None:
        other = alarm.environment_name != owner.environment_name and not _is_shared(environment, alarm)
        if other:
            return _strange(listed, alarm)
        return owner.passes(_sub(listed), "The alarm is this environment's own.", path=listed.path)
    elsewhere = names.elsewhere(name)
    if elsewhere is not None:
        return _strange(listed, elsewhere)
    if not isinstance(name, str):
        why = name.why if isinstance(name, Unknown) else f"the alarm {name} is not part of this project"
        return owner.undecided(_sub(listed), why, path=listed.path, fix=_FIX_NAME)
    if not any(True for _ in environment.resources(*ALARM_TYPES)):
        why = f"no template of this environment makes alarms, so whether {name} exists is not known"
        return owner.undecided(_sub(listed), why, path=listed.path, fix=_FIX_NAME)
    return owner.fails(
        _sub(listed),
        f"The service lists the alarm {name}, which this environment does not have.",
        fix=_FIX_NAME,
        path=listed.path,
        expected="the AlarmName of an alarm of this environment",
        actual=name,
    )


def _is_its_arn(name: Resolved) -> bool:
    """Amazon ECS API Reference, DeploymentAlarms, and CodeDeploy's, Alarm: both take names."""
    hole = name.only_hole if isinstance(name, Text) else None
    return isinstance(hole, Attribute) and hole.name == "Arn"


def _strange(listed: DeploymentAlarm, alarm: Resource) -> Judgement:
    return listed.owner.fails(
        _sub(listed),
        f"The service listens to an alarm of another environment: {alarm.environment_name}.",
        fix=_FIX_NAME,
        path=listed.path,
        expected=f"an alarm of {listed.owner.environment_name}",
        actual=f"{alarm.logical_id} of {alarm.environment_name}",
        related=(alarm,),
    )


def _is_shared(environment: Environment, alarm: Resource) -> bool:
    own = environment.project.environment(alarm.environment_name)
    return own is not None and own.kind is EnvironmentKind.SHARED


def _sub(listed: DeploymentAlarm) -> str:
    name = listed.name
    if isinstance(name, Text) and isinstance(hole := name.only_hole, Reference):
        return f"alarm={hole.target.logical_id}"
    return f"alarm={name}" if isinstance(name, str | Text) else "alarm"


def _quiet(environment: Environment, alarm: Resource) -> Iterator[Judgement]:
    yield _periods(alarm)
    missing = alarm.get("TreatMissingData")
    breaches = isinstance(missing, Known) and missing.value == "breaching"
    yield alarm["TreatMissingData"].must(
        lambda value: NOT_KNOWN if isinstance(value, Text | Unknown) else yes_if(value == "notBreaching"),
        expected="notBreaching",
        default="missing",
        violation="Without data the alarm is in ALARM: it rolls a deployment of a quiet hour back."
        if breaches
        else "Without data the alarm is neither OK nor in ALARM: it watches no deployment in a quiet hour.",
        fix="Set TreatMissingData to notBreaching.",
        sub="missing-data",
    )
    yield from _filled(alarm)
    yield from _dimensions(environment, alarm)
    constant = never_changes(alarm) or _always_alike(alarm)
    if constant:
        yield alarm.fails(
            "threshold", constant, fix="Compare with a value that a healthy system stays below.", path="Threshold"
        )


def _periods(alarm: Resource) -> Judgement:
    if alarm.type == LOG_ALARM:
        return _results(alarm)
    periods = alarm.get("EvaluationPeriods")
    datapoints = alarm.get("DatapointsToAlarm")
    path = "EvaluationPeriods" if isinstance(datapoints, Absent) else "DatapointsToAlarm"
    counted = periods if isinstance(datapoints, Absent) else datapoints
    number = as_number(counted.value) if isinstance(counted, Known) else None
    if number is not None and number >= 2:
        return alarm.passes("periods", "One bad period is not enough.", path=path, actual=f"{number:g}")
    rate = _is_rate(alarm)
    if rate is YES:
        return alarm.passes("periods", "It watches a rate, not a count.", path="Metrics")
    if isinstance(rate, Open) or (number is None and not isinstance(counted, Absent)):
        why = "how many datapoints make the alarm is not known before deployment"
        return alarm.undecided("periods", why, path=path, fix=_FIX_PERIODS)
    return alarm.fails(
        "periods",
        "One bad period rolls a deployment back, and every roll-out has one.",
        fix=_FIX_PERIODS,
        path=path,
        expected="2 datapoints or more, or a rate",
        actual="not set" if number is None else f"{number:g}",
    )


def _results(alarm: Resource) -> Judgement:
    """Of a log alarm, which counts the results of its query (Amazon CloudWatch API Reference, PutLogAlarm)."""
    path = "QueryResultsToAlarm"
    value = alarm.get(path)
    number = as_number(value.value) if isinstance(value, Known) else None
    if number is not None and number >= 2:
        return alarm.passes("periods", "One bad result is not enough.", path=path, actual=f"{number:g}")
    why = "whether one result of its query tells of a count or of a share"
    return alarm.undecided("periods", why, path=path, fix="Set QueryResultsToAlarm to 2 or more.")


def _expressions(alarm: Resource) -> tuple[list[Resolved], dict[str, Resolved]]:
    """The expressions that the alarm's threshold is held against, and all that they may name by their id."""
    metrics = alarm.get("Metrics")
    listed = metrics.value if isinstance(metrics, Known) and isinstance(metrics.value, list) else []
    queries = [each for each in listed if isinstance(each, dict)]
    # What the threshold itself is made of is held against nothing: a band of what is usual.
    band = alarm.get("ThresholdMetricId")
    compared = [each for each in queries if not isinstance(band, Known) or each.get("Id") != band.value]
    returned = [each.get("Expression") for each in compared if each.get("ReturnData") not in (False, "false")]
    return returned, {str(each.get("Id")): each.get("Expression") for each in queries}


def _told(named: dict[str, Resolved]) -> tuple[dict[str, str], list[str]]:
    """The expressions that are known, by their ids, and the ids of what is a metric."""
    written = {name: each for name, each in named.items() if isinstance(each, str)}
    return written, [name for name, each in named.items() if each is None]


def _always_alike(alarm: Resource) -> str:
    """That an alarm's expression comes to the same whatever its metrics are; empty where it does not."""
    returned, named = _expressions(alarm)
    written, metrics = _told(named)
    alike = next((each for each in returned if isinstance(each, str) and is_constant(each, written, metrics)), "")
    return f"{alike} comes to the same whatever is measured: the alarm never changes its state." if alike else ""


def _filled(alarm: Resource) -> Iterator[Judgement]:
    """What an alarm's expression puts where there is no data, where that breaches or is not known."""
    returned, named = _expressions(alarm)
    threshold, comparison = alarm.get("Threshold"), alarm.get("ComparisonOperator")
    limit = as_number(threshold.value) if isinstance(threshold, Known) else None
    breaches = BREACHES.get(str(comparison.value)) if isinstance(comparison, Known) else None
    fix = "Fill it with what does not breach, or leave that to TreatMissingData."
    if not is_read(alarm.get("Metrics")):
        yield alarm.undecided("missing-data", "which expressions it has", path="Metrics", fix=fix)
    for each in returned:
        answer, value = breaches_without_data(each, named, breaches, limit)
        if isinstance(answer, Open):
            yield alarm.undecided("missing-data", answer.why, path="Metrics", fix=fix)
        elif answer is YES:
            said = f"{each} comes to {value:g} without data, which breaches: the alarm goes off in a quiet hour."
            yield alarm.fails("missing-data", said, fix=fix, path="Metrics")


def _is_rate(alarm: Resource) -> Answer:
    """Whether the alarm's threshold is held against a share: one metric divided by another."""
    metrics = alarm.get("Metrics")
    if isinstance(metrics, Unknown):
        return Open(metrics.why)
    returned, expressions = _expressions(alarm)
    unknown = next((each for each in (*returned, *expressions.values()) if isinstance(each, Unknown)), None)
    if unknown is not None:
        return Open(unknown.why)
    written, measured = _told(expressions)
    answers = [is_share(each, written, measured) for each in returned if isinstance(each, str)]
    return either(answers) if answers else NO


def _dimensions(environment: Environment, alarm: Resource) -> Iterator[Judgement]:
    """An alarm that watches another environment's resources rolls back for what happens there."""
    for path in ("Dimensions", "Metrics"):
        yield from _of_others(environment, alarm, path)


def _of_others(environment: Environment, alarm: Resource, path: str) -> Iterator[Judgement]:
    for found in environment.project.all_referred(alarm.get(path)):
        if found.environment_name == alarm.environment_name or _is_shared(environment, found):
            continue
        yield alarm.fails(
            "own-resources",
            f"The alarm watches {found.logical_id} of another environment: {found.environment_name}.",
            fix="Give the alarm the dimensions of its own environment's resources.",
            path=path,
            related=(found,),
        )
    others = {each.name for each in environment.project.environments if each.kind is not EnvironmentKind.SHARED}
    for name, value in _written(alarm.get(path)):
        named = next((word for word in words(value) if word in others - {alarm.environment_name}), None)
        if named is not None and alarm.environment_name not in words(value):
            yield alarm.fails(
                "own-resources",
                f"The alarm watches {name} {value}, which is called after another environment: {named}.",
                fix="Give the alarm the dimensions of its own environment's resources.",
                path=path,
            )
            return


# A dimension in a search or in a query of Metrics Insights: ClusterName="prod", WHERE ClusterName = 'prod'.
_COMPARED: Final = lazy_re.compile(r"""\b(\w+)"?\s{0,9}=\s{0,9}(["']?)([\w./:-]+)\2""")
_LONGEST: Final = 4_096


def _written(value: Value) -> Iterator[tuple[str, str]]:
    """Every dimension whose value is written out, with its name."""
    pending: list[object] = [value.value] if isinstance(value, Known) else []
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending.extend(node)
        elif isinstance(node, dict):
            name, each = node.get("Name"), node.get("Value")
            if isinstance(name, str) and isinstance(each, str):
                yield name, each
            expression = node.get("Expression")
            if isinstance(expression, str):
                yield from ((each[1], each[3]) for each in _COMPARED.finditer(expression[:_LONGEST]))
            pending.extend(node.values())


def check_account(account: Account, project: Project) -> Iterator[Judgement]:
    """Live: no alarm that a service's deployments watch is in ALARM; one that is not there is told above, by its name.

    Where an environment has no alarms at all, only the account says that it is not there.
    """
    without = {each.name for each in project.environments if not any(True for _ in each.resources(*ALARM_TYPES))}
    yield from _of_states(account, project, lambda service: service.environment_name in without)


def before_a_deploy(account: Account, project: Project) -> Iterator[Judgement]:
    """What must hold when a deployment starts: every alarm that it watches exists, and none is in ALARM.

    One that is makes ECS ignore all of them for that deployment (Amazon ECS Developer Guide, "How CloudWatch alarms
    detect Amazon ECS deployment failures").
    """
    return _of_states(account, project, lambda _: True)


def _of_states(account: Account, project: Project, tells: Callable[[Resource], bool]) -> Iterator[Judgement]:
    """``tells``: whether it is for this to say that an alarm of the service is not there."""
    states = table(account, "alarms")
    for service in project.resources("AWS::ECS::Service"):
        value = service.get("DeploymentConfiguration.Alarms.AlarmNames")
        if isinstance(value, Unknown):
            yield service.undecided("state", value.why, path="DeploymentConfiguration.Alarms", fix=_FIX_READ)
        names = [str(each) for each in as_list(value.value)] if isinstance(value, Known) else []
        for name in names:
            if isinstance(states, Unknown):
                yield service.undecided("state", f"the state of alarm {name}: {states.why}", fix=_FIX_READ)
            elif name not in states and tells(service):
                yield service.fails("state", f"It lists the alarm {name}, which does not exist.", fix=_FIX_LISTED)
            elif name in states and _state_of(states[name]) == "ALARM":
                why = f"Its deployment alarm {name} is in ALARM: the next deployment would ignore all its alarms."
                yield service.fails("state", why, fix="Find out why it fires, and deploy when it is OK again.")
            elif name in states and not _state_of(states[name]):
                yield service.undecided("state", f"the state of alarm {name} was not told", fix=_FIX_READ)
            elif name in states:
                yield service.passes("state", "Its deployment alarms exist, and none is in ALARM.")


_FIX_READ: Final = "Let the audit read it: `checker permissions` prints the policy."
_FIX_LISTED: Final = "List the alarm by the name that it has, or make it again."


def _state_of(entry: object) -> str:
    return str(entry.get("StateValue") or "") if isinstance(entry, dict) else ""


RULE = Rule(
    id="W14",
    looked_for="deployment alarm (DeploymentConfiguration.Alarms of an ECS service, or another service's)",
    check=check,
    check_account=check_account,
)
