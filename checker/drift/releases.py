"""What a release or scaling changes on purpose: a service's revision, its count, the weights of a blue/green shift, the
published version behind an alias.

Sources: CloudFormation Template Reference, AWS::ECS::Service (a service under the CODE_DEPLOY or EXTERNAL controller is
not updated by CloudFormation); Application Auto Scaling API Reference, ScalableTarget (``ScalableDimension``); ECS
Developer Guide, "Amazon ECS blue/green deployments" (the listener rules' weights are the deployment's).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from checker import lazy_re
from checker.data.type_facts import facts_of
from checker.drift.account import Account, words_of
from checker.drift.expected import Declared
from checker.drift.meaning.compare import compare_properties, is_open
from checker.drift.meaning.differences import Around, Difference, Kind
from checker.drift.meaning.scalars import names_of
from checker.model.resources import Raw
from checker.model.values import Known, Reference, Resolved, Text

SERVICE: Final = "AWS::ECS::Service"
TASK: Final = "AWS::ECS::TaskDefinition"
_ALIAS: Final = "AWS::Lambda::Alias"
# A deployment of AWS CodeDeploy's moves the alias' weights (CloudFormation User Guide, "UpdatePolicy attribute").
_BY_CODE_DEPLOY: Final = "CodeDeployLambdaAliasUpdate"
_TARGET: Final = "AWS::ApplicationAutoScaling::ScalableTarget"
_GROUP_POLICY: Final = "AWS::AutoScaling::ScalingPolicy"
# What each scalable dimension is as a property of the resource that it scales.
_SCALED: Final[Mapping[str, str]] = {
    "ecs:service:DesiredCount": "DesiredCount",
    "dynamodb:table:ReadCapacityUnits": "ProvisionedThroughput.ReadCapacityUnits",
    "dynamodb:table:WriteCapacityUnits": "ProvisionedThroughput.WriteCapacityUnits",
    "dynamodb:index:ReadCapacityUnits": "GlobalSecondaryIndexes.*.ProvisionedThroughput.ReadCapacityUnits",
    "dynamodb:index:WriteCapacityUnits": "GlobalSecondaryIndexes.*.ProvisionedThroughput.WriteCapacityUnits",
    "lambda:function:ProvisionedConcurrency": "ProvisionedConcurrencyConfig",
    "elasticache:replication-group:NodeGroups": "NumNodeGroups",
    "elasticache:replication-group:Replicas": "ReplicasPerNodeGroup",
    "sagemaker:variant:DesiredInstanceCount": "ProductionVariants",
}
_OWN_CONTROLLERS: Final = frozenset({"CODE_DEPLOY", "EXTERNAL"})
_FAMILY: Final = lazy_re.compile(r"(?:arn:[\w-]+:ecs:[^:]*:[^:]*:task-definition/)?([\w-]+)(?::(\d+))?")


class Releases:
    """What the declared resources of an environment leave to releases and to scaling."""

    def __init__(self, declared: Iterable[Declared], account: Account) -> None:
        self._account = account
        self._tasks: dict[str, Declared] = {}
        self._scaled: list[tuple[str, str]] = []  # words of a resource id, property
        self._groups: set[str] = set()
        self._shifted: dict[str, set[str]] = {}  # listener rule -> the target groups between which it is moved
        for each in declared:
            if each.type == TASK and isinstance(each.properties.get("Family"), str):
                self._tasks[str(each.properties["Family"])] = each
            elif each.type == TASK and each.physical_id:
                self._tasks[_family(each.physical_id)] = each
            elif each.type == _TARGET:
                path = _SCALED.get(str(each.properties.get("ScalableDimension")))
                if path is not None:
                    self._scaled.append((str(each.properties.get("ResourceId")), path))
            elif each.type == _GROUP_POLICY:
                self._groups.add(str(each.properties.get("AutoScalingGroupName")))
            elif each.type == SERVICE:
                for rule, groups in _shifted_by(each.properties):
                    self._shifted.setdefault(rule, set()).update(groups)

    def owned(self, declared: Declared) -> frozenset[str]:
        """The paths of a resource that are not the code's to say."""
        own = words_of(declared.live, declared.physical_id)
        found = {path for resource, path in self._scaled if _is_named(resource, own)}
        if declared.type == "AWS::AutoScaling::AutoScalingGroup" and self._groups & own:
            found.add("DesiredCapacity")
        if declared.type == SERVICE:
            found.add("TaskDefinition")
            controller = declared.properties.get("DeploymentController")
            if isinstance(controller, dict) and controller.get("Type") in _OWN_CONTROLLERS:
                found |= {"LoadBalancers", "DesiredCount", "PlatformVersion", "NetworkConfiguration"}
        return frozenset(found)

    def at_rest(self, declared: Declared, properties: Mapping[str, Raw]) -> dict[str, Raw]:
        """A listener's, rule's or alias' properties without the weights that deployments move, and an alias with the
        code's version where it leads to a newer one; any other's as they are."""
        found = dict(properties)
        if declared.type == _ALIAS:
            wanted = declared.properties.get("FunctionVersion")
            if _is_newer(found.get("FunctionVersion"), wanted):
                found["FunctionVersion"] = wanted
            update = declared.resource.attribute("UpdatePolicy")
            if isinstance(update, Known) and isinstance(update.value, dict) and _BY_CODE_DEPLOY in update.value:
                found.pop("RoutingConfig", None)
            return found
        if not self._shifted or not declared.type.startswith("AWS::ElasticLoadBalancingV2::Listener"):
            return found
        own = words_of(declared.live, declared.physical_id)
        groups: set[str] = set().union(*(self._shifted[rule] for rule in self._shifted.keys() & own))
        for key in ("Actions", "DefaultActions"):
            if groups and isinstance(found.get(key), list):
                found[key] = [_at_rest(each, groups) for each in found[key]]
        return found

    def task_definition(self, declared: Declared) -> Iterator[Difference]:
        """A service's task definition by what it runs: the family, and the content of the revision in use.

        A revision is the release's to choose, and so is the image's tag; what else a revision runs is the code's.
        """
        if declared.type != SERVICE or declared.live is None or "TaskDefinition" not in declared.properties:
            return
        expected, live = declared.properties["TaskDefinition"], declared.live.properties.get("TaskDefinition")
        if not isinstance(live, str):
            return
        wanted, running = self._wanted(expected), _family(live)
        if wanted is None:
            yield Difference("TaskDefinition", Kind.NOT_RESOLVED, None, live, "the task definition is not known here")
            return
        if wanted != running:
            yield Difference("TaskDefinition", Kind.CHANGED, expected if isinstance(expected, str) else wanted, live)
            return
        code, revision = self._tasks.get(wanted), self._account.live_called(TASK, live)
        if code is None or revision is None or revision.physical_id == code.physical_id:
            return
        ours, theirs = _without_tags(code.properties), _without_tags(dict(revision.properties))
        for each in compare_properties(ours, theirs, facts_of(TASK), Around()):
            if each.kind in {Kind.CHANGED, Kind.ADDED} and not each.path.startswith("Tags"):
                note = f"the running revision differs from the code in {each.path}"
                yield Difference("TaskDefinition", Kind.CHANGED, each.expected, each.live, note)

    def _wanted(self, expected: Resolved) -> str | None:
        if isinstance(expected, Text):
            hole = expected.only_hole
            for family, each in self._tasks.items():
                if isinstance(hole, Reference) and hole.target == each.resource.key:
                    return family
            return None
        return None if is_open(expected) or not isinstance(expected, str) else _family(expected)


def _family(task: str) -> str:
    """The family that a task definition's ARN, ``family:revision`` or family names; anything else names itself."""
    match = _FAMILY.fullmatch(task)
    return match[1] if match else task


def _without_tags(properties: dict[str, Raw]) -> dict[str, Raw]:
    """A task definition with images named without their tag or digest: a release moves those."""
    containers = properties.get("ContainerDefinitions")
    if not isinstance(containers, list):
        return properties
    return {**properties, "ContainerDefinitions": [_untagged(each) for each in containers]}


def _untagged(container: Raw) -> Raw:
    image = container.get("Image") if isinstance(container, dict) else None
    if not isinstance(image, str):
        return container
    name = image.partition("@")[0]
    head, _, tail = name.rpartition("/")
    return {**container, "Image": f"{head}/{tail.partition(':')[0]}".lstrip("/")}


def _shifted_by(service: Mapping[str, Resolved]) -> Iterator[tuple[str, set[str]]]:
    """The listener rules whose weights a service's blue/green deployments move, and between which target groups."""
    balancers = service.get("LoadBalancers")
    for each in balancers if isinstance(balancers, list) else ():
        advanced = each.get("AdvancedConfiguration") if isinstance(each, dict) else None
        if not isinstance(each, dict) or not isinstance(advanced, dict):
            continue
        groups = (
            {each.get("TargetGroupArn"), advanced.get("AlternateTargetGroupArn")} if _plain(each, advanced) else set()
        )
        for key in ("ProductionListenerRule", "TestListenerRule"):
            rule = advanced.get(key)
            if isinstance(rule, str):
                yield rule, {group for group in groups if isinstance(group, str)}


def _plain(balancer: Mapping[str, Resolved], advanced: Mapping[str, Resolved]) -> bool:
    return isinstance(balancer.get("TargetGroupArn"), str) and isinstance(advanced.get("AlternateTargetGroupArn"), str)


def _at_rest(action: Raw, groups: set[str]) -> Raw:
    """An action that forwards to nothing but ``groups``, whatever the weights, as one that forwards to the first."""
    if not isinstance(action, dict):
        return action
    config = action.get("ForwardConfig")
    weighted = config.get("TargetGroups") if isinstance(config, dict) else None
    named = {each.get("TargetGroupArn") for each in weighted or () if isinstance(each, dict)} | {
        action.get("TargetGroupArn")
    }
    if not named - {None} or not named - {None} <= groups:
        return action
    rest = {key: value for key, value in action.items() if key != "ForwardConfig"}
    return {**rest, "TargetGroupArn": min(groups)}


def _is_newer(version: object, than: object) -> bool:
    """Whether a published version of a function came after another. ``$LATEST`` is what nobody published.

    Source: AWS Lambda API Reference, PublishVersion: each gets the next number.
    """
    if not (isinstance(version, str) and isinstance(than, str) and version.isdecimal() and than.isdecimal()):
        return False
    return int(version[:18]) > int(than[:18])


def _is_named(resource: str, own: frozenset[str]) -> bool:
    """Whether a scalable resource id (``service/cluster/name``, ``table/name/index/x``) names the resource."""
    return bool({resource, *resource.split("/")[1:]} & own) or bool(names_of(f"a:b:c:d:e:{resource}") & own)
