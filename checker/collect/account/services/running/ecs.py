"""Amazon ECS: clusters, services with their deployments, task definitions, running tasks. And their scaling."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from checker.collect.account.asking.account import Account
from checker.collect.account.asking.answers import Answer
from checker.collect.account.shapes import Draft, camel, fields, iso, maybe, own_tags, picked, said, shape
from checker.model.secrets.values import plain_secret

# Objects whose keys are the user's own words, in small letters or not.
_MAPS: Final = frozenset({"options", "dockerLabels", "labels", "driverOpts"})


def _capitalised(value: Any) -> Any:
    """ECS's answer with CloudFormation's keys, which begin with a capital letter; what is empty is not set."""
    if isinstance(value, Mapping):
        return {
            key[:1].upper() + key[1:]: dict(each) if key in _MAPS and isinstance(each, Mapping) else _capitalised(each)
            for key, each in value.items()
            if each not in (None, [], {})
        }
    return [_capitalised(each) for each in value] if isinstance(value, list) else value


def _object(words: str) -> Any:
    return lambda value: picked(_capitalised(value), words) or None


def _objects(words: str) -> Any:
    return lambda value: [picked(_capitalised(each), words) for each in value] or None


def _some(value: Any) -> Any:
    return _capitalised(value) or None


CLUSTER: Final = shape(
    "AWS::ECS::Cluster", "clusterName clusterArn", said("ClusterName", "clusterName"),
    said("ClusterSettings", "settings", _objects("Name Value")),
    maybe("CapacityProviders", "capacityProviders", lambda value: list(value) or None),
    maybe("DefaultCapacityProviderStrategy", "defaultCapacityProviderStrategy",
          _objects("CapacityProvider Base Weight")),
    maybe("ServiceConnectDefaults", "serviceConnectDefaults", _object("Namespace")),
    maybe("Tags", "tags", own_tags), tags="tags",
)  # fmt: skip
_DEPLOYMENT: Final = (
    "Alarms BakeTimeInMinutes DeploymentCircuitBreaker MaximumPercent MinimumHealthyPercent Strategy LifecycleHooks "
    "CanaryConfiguration LinearConfiguration"
)
SERVICE: Final = shape(
    "AWS::ECS::Service", "serviceArn", said("ServiceName", "serviceName"), said("Cluster", "clusterArn"),
    maybe("TaskDefinition", "taskDefinition"), said("DesiredCount", "desiredCount"),
    said("DeploymentConfiguration", "deploymentConfiguration", _object(_DEPLOYMENT)),
    *camel("LaunchType PlatformVersion HealthCheckGracePeriodSeconds SchedulingStrategy "
           "EnableECSManagedTags EnableExecuteCommand AvailabilityZoneRebalancing", maybe),
    maybe("PropagateTags", "propagateTags", lambda value: None if value == "NONE" else value),
    maybe("LoadBalancers", "loadBalancers", _objects("TargetGroupArn LoadBalancerName ContainerName ContainerPort")),
    maybe("ServiceRegistries", "serviceRegistries", _objects("RegistryArn Port ContainerName ContainerPort")),
    maybe("NetworkConfiguration", "networkConfiguration", _object("AwsvpcConfiguration")),
    maybe("DeploymentController", "deploymentController", _object("Type")),
    maybe("CapacityProviderStrategy", "capacityProviderStrategy", _objects("CapacityProvider Base Weight")),
    maybe("PlacementConstraints", "placementConstraints", _objects("Type Expression")),
    maybe("PlacementStrategies", "placementStrategy", _objects("Type Field")),
    maybe("Tags", "tags", own_tags), tags="tags",
)  # fmt: skip
TASK_DEFINITION: Final = shape(
    "AWS::ECS::TaskDefinition", "taskDefinitionArn", said("Family", "family"),
    said("ContainerDefinitions", "containerDefinitions", _some),
    *camel("Cpu Memory NetworkMode ExecutionRoleArn TaskRoleArn PidMode IpcMode EnableFaultInjection", maybe),
    maybe("RequiresCompatibilities", "requiresCompatibilities", lambda value: list(value) or None),
    maybe("Volumes", "volumes", _some), maybe("PlacementConstraints", "placementConstraints", _some),
    maybe("RuntimePlatform", "runtimePlatform", _object("CpuArchitecture OperatingSystemFamily")),
    maybe("EphemeralStorage", "ephemeralStorage", _object("SizeInGiB")),
    maybe("ProxyConfiguration", "proxyConfiguration", _some),
)  # fmt: skip
SCALABLE_TARGET: Final = shape(
    "AWS::ApplicationAutoScaling::ScalableTarget", "ResourceId",
    *fields("MinCapacity MaxCapacity ResourceId ScalableDimension ServiceNamespace"), maybe("RoleARN"),
    maybe("SuspendedState"),
)  # fmt: skip
SCALING_POLICY: Final = shape(
    "AWS::ApplicationAutoScaling::ScalingPolicy", "PolicyARN",
    *fields("PolicyName PolicyType ResourceId ScalableDimension ServiceNamespace"),
    maybe("TargetTrackingScalingPolicyConfiguration"), maybe("StepScalingPolicyConfiguration"),
    maybe("PredictiveScalingPolicyConfiguration"),
)  # fmt: skip


def describe(account: Account) -> Iterator[Draft | None]:
    """Clusters, then what is in them side by side, then the task definitions that services and tasks run."""
    targets = account.ask("application-autoscaling", "DescribeScalableTargets", ServiceNamespace="ecs")
    policies = account.ask("application-autoscaling", "DescribeScalingPolicies", ServiceNamespace="ecs")
    clusters = _clusters(account)
    arns = [each.ids[-1] for each in clusters]
    listed = [(arn, _services_of(account, arn)) for arn in arns]
    running = [(arn, account.ask("ecs", "ListTasks", cluster=arn)) for arn in arns]
    services = [
        account.ask("ecs", "DescribeServices", cluster=arn, services=some, include=["TAGS"])
        for arn, names in listed
        for some in _batches(names(), 10)
    ]
    tasks = [
        account.ask("ecs", "DescribeTasks", cluster=arn, tasks=some)
        for arn, names in running
        for some in _batches(names.items, 100)
    ]
    # A cluster that only a service of the stacks names is somebody else's, with all else that runs in it.
    own = account.scope.ids("AWS::ECS::Cluster")
    every = account.needs.unmanaged or not account.scope.known
    yield from (each for each in clusters if every or not {*own}.isdisjoint(each.ids))
    wanted: dict[str, None] = {}
    described = _described(account, services, "AWS::ECS::Service")
    there = {str(each.get("serviceArn")) for each in described}
    old = [each for each in account.scope.ids("AWS::ECS::Service") if not _cluster_of(each)]
    if not every and not there.issuperset(old):
        why = "the ARN of a service names no cluster, and the service is in none of the stacks' own"
        account.unread("AWS::ECS::Service", why, "ecs:DescribeServices")
    for service in described:
        draft = SERVICE.draft(service) if service.get("status") != "INACTIVE" else None
        if draft is not None:
            _service_connect(draft, service)
            yield draft
            account.add_facts("deployments", [_service_facts(service)])
            wanted.update(dict.fromkeys(_definitions(service)))
    for task in _described(account, tasks, "facts/tasks"):
        account.add_facts("tasks", [_task_facts(task)])
        wanted.update(dict.fromkeys([str(task["taskDefinitionArn"])] if task.get("taskDefinitionArn") else []))
    yield from _task_definitions(account, list(wanted))
    for target in targets.items:
        ids = (f"{target.get('ResourceId')}|{target.get('ScalableDimension')}|{target.get('ServiceNamespace')}",)
        yield SCALABLE_TARGET.draft(target, ids)
    yield from (SCALING_POLICY.draft(each) for each in policies.items)


def _clusters(account: Account) -> list[Draft]:
    """The clusters of the stacks, and of their services; where somebody asks for what no stack has, all there are."""
    scope = account.scope
    beside = (_cluster_of(each) for each in scope.ids("AWS::ECS::Service"))
    names = [*dict.fromkeys([*scope.ids("AWS::ECS::Cluster"), *filter(None, beside)])]
    if account.needs.unmanaged or not scope.known:
        names = [*dict.fromkeys([*names, *map(_name, account.ask("ecs", "ListClusters").items)])]
    answers = [
        account.ask("ecs", "DescribeClusters", clusters=some, include=["SETTINGS", "CONFIGURATIONS", "TAGS"])
        for some in _batches(names, 100)
    ]
    found = _described(account, answers, "AWS::ECS::Cluster")
    drafts = [CLUSTER.draft(each) for each in found if each.get("status") != "INACTIVE"]
    return [each for each in drafts if each is not None]


def _services_of(account: Account, cluster: str) -> Callable[[], list[str]]:
    """The services of a cluster: those of the stacks; where somebody asks for what no stack has, all of them."""
    if account.needs.unmanaged or not account.scope.known:
        answer = account.ask("ecs", "ListServices", cluster=cluster)
        return lambda: [str(each) for each in answer.items]
    own = list(account.scope.ids("AWS::ECS::Service"))
    # An ARN of the old form may be of any cluster: it is asked for in each.
    return lambda: [each for each in own if _cluster_of(each) in ("", _name(cluster))]


def _cluster_of(service: str) -> str:
    """The cluster that a service's ARN names; empty in one of the old form (Amazon ECS Developer Guide, "Amazon
    Resource Names (ARNs) and IDs")."""
    cluster, _, name = service.partition(":service/")[2].partition("/")
    return cluster if name else ""


def _described(account: Account, answers: list[Answer], what: str) -> list[Mapping[str, Any]]:
    """What was described. A thing that ECS does not know any more is gone; one that it refuses is unread."""
    for answer in answers:
        for lost in answer.items_of("failures"):
            if lost.get("reason") != "MISSING":
                account.unread(what, f"{answer.operation}: {lost.get('reason', 'refused')}", answer.operation.action)
    return [item for answer in answers for item in answer.items]


def _task_definitions(account: Account, arns: list[str]) -> Iterator[Draft | None]:
    # Those of the stacks that no service runs are what one-off tasks run.
    families = {_family(arn) for arn in arns}
    own = [each for each in account.scope.ids("AWS::ECS::TaskDefinition") if _family(each) not in families]
    more = account.scope.ids("AWS::ECS::TaskDefinition") if account.needs.unmanaged else own
    arns = [*dict.fromkeys([*arns, *more])]
    asked = [(arn, account.ask("ecs", "DescribeTaskDefinition", taskDefinition=arn, include=["TAGS"])) for arn in arns]
    for arn, answer in asked:
        found = answer.value.get("taskDefinition")
        if not isinstance(found, Mapping):
            continue
        draft = TASK_DEFINITION.draft(found)
        if draft is not None:
            draft.set("Tags", own_tags(answer.value.get("tags")))
            # The pipeline registers revisions of its own: they are what the stack's definition has become.
            kin = [each for each in account.scope.ids(draft.type) if _family(each) == _family(arn)]
            draft.ids = (draft.id, *(each for each in kin if each not in arns))
            yield draft


def _service_connect(draft: Draft, service: Mapping[str, Any]) -> None:
    """The service's own answer has no Service Connect: its primary deployment's has."""
    deployments = service.get("deployments") or ()
    primary = next((each for each in deployments if each.get("status") == "PRIMARY"), None)
    if primary is not None:
        read = maybe("ServiceConnectConfiguration", "serviceConnectConfiguration", _some)
        draft.read(primary, (read,))


def _definitions(service: Mapping[str, Any]) -> Iterator[str]:
    for each in (service, *(service.get("deployments") or ())):
        if each.get("taskDefinition"):
            yield str(each["taskDefinition"])


def _service_facts(service: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **picked(service, "serviceArn serviceName clusterArn status desiredCount runningCount pendingCount"),
        "deployments": [
            {
                **picked(
                    each,
                    "id status taskDefinition desiredCount pendingCount runningCount failedTasks rolloutState "
                    "rolloutStateReason",
                ),
                **{key: iso(each[key]) for key in ("createdAt", "updatedAt") if each.get(key)},
            }
            for each in service.get("deployments") or ()
        ],
    }


def _task_facts(task: Mapping[str, Any]) -> dict[str, Any]:
    overrides = (task.get("overrides") or {}).get("containerOverrides") or ()
    return {
        **picked(task, "taskArn clusterArn taskDefinitionArn group lastStatus desiredStatus startedBy healthStatus"),
        **{key: iso(task[key]) for key in ("createdAt", "startedAt") if task.get(key)},
        "containers": [
            picked(each, "name image imageDigest lastStatus exitCode") for each in task.get("containers") or ()
        ],
        # What a one-off task was told to run, where it shows no secret.
        "commands": {
            str(each.get("name")): [str(word) for word in each["command"]]
            for each in overrides
            if each.get("command") and not any(plain_secret(str(word)) for word in each["command"])
        },
    }


def _batches(items: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _name(arn: Any) -> str:
    return str(arn).rpartition("/")[2]


def _family(arn: str) -> str:
    return arn.rpartition(":")[0]
