"""Would AWS allow what the pipeline asks for? Each call's permissions against the policies of the role that makes it.

Condition keys that a call brings are supplied as they would be (AWS Service Authorization Reference, "Condition keys
for" each service); of keys that nobody can know beforehand nothing is said, and what depends on them stays open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from checker.data.actions import CREDENTIALS
from checker.model.environments import Project
from checker.model.pipeline.holding import AWS_KEYS
from checker.model.pipeline.jobs import Credentials
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Trace
from checker.model.possible import as_text
from checker.model.resources import Resource
from checker.model.values import Absent, Hole, Known, Pseudo, Text, pieces, text
from checker.reason.calls.needs import EVERYTHING, Need, either_way
from checker.reason.calls.touched import every_resource, fitting, placed
from checker.reason.iam.conditions import Context
from checker.reason.iam.evaluation import Access, Decision, Request, decide, policies_of
from checker.reason.names.arns import arn_tail
from checker.reason.names.families import families_named, family_run
from checker.reason.oidc.assumed_roles import KEYS, Assumed, assumed
from checker.reason.oidc.chained import OF_TRUST, by_trust, lets_in, role_of
from checker.reason.text.patterns import exact, glob

_ANYTHING: Final = glob("*")
# Of a session that a workflow obtained: it signs its own calls over TLS, and no one entered a code.
_ALWAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "aws:securetransport": ("true",),
    "aws:viaawsservice": ("false",),
    "aws:principalisawsservice": ("false",),
}
_NEVER: Final = frozenset({"aws:multifactorauthpresent", "aws:multifactorauthage", "aws:calledvia", "aws:sourcevpce"})
# Services whose requests are all made in one region, whatever the caller's own (AWS IAM User Guide,
# "AWS: Denies access to AWS based on the requested Region").
_GLOBAL: Final[Mapping[str, str]] = {
    "iam": "us-east-1",
    "route53": "us-east-1",
    "cloudfront": "us-east-1",
    "organizations": "us-east-1",
}


class Ruling(Struct, frozen=True):
    """What becomes of one permission that a call needs: the gravest answer over roles and resources.

    ``resource`` is what it was asked of; ``roles`` names who asked.
    """

    need: Need
    answer: Access
    resource: str
    why: str
    roles: str


class Authority(Struct, frozen=True):
    """Who makes a call, where, and what else of its job tells what it touches."""

    project: Project
    who: Assumed
    environment: str = ""
    region: str = ""
    families: frozenset[str] = frozenset()
    cluster: tuple[str | Text, ...] = ()  # as the call names it; empty where it names none
    namespace: str | Text | None = None

    def rule(self, need: Need) -> Ruling:
        """The answer for one permission: over all roles that it may be, on all resources that it touches."""
        rulings = [_if_needed(self._rule_for(role, need)) for role in self.who.roles]
        answers = {each.answer for each in rulings}
        if len(answers) == 1:
            return rulings[0]
        doubtful = next(each for each in rulings if each.answer is not Access.ALLOWED)
        why = f"it depends on which role acts: {self.who.names}"
        return Ruling(need, Access.UNKNOWN, doubtful.resource, why, self.who.names)

    def _rule_for(self, role: Resource, need: Need) -> Ruling:
        policies = policies_of(role, self.project)
        if policies.empty:
            why = "none of the role's permissions is in the templates"
            return Ruling(need, Access.UNKNOWN, "", why, self.who.names)
        ruling = Ruling(need, Access.ALLOWED, "", "", self.who.names)
        for asked in need.resources if need.resources is not None else (None,):
            ruling = self._in_place(role, need, asked)
            if ruling.answer is not Access.ALLOWED:
                break
        return ruling

    def requests(self, role: Resource, need: Need) -> Iterator[tuple[tuple[object, ...], Request]]:
        """The requests that AWS sees for one permission, each with what tells it from others."""
        for place in self._places(role):
            for asked in need.resources if need.resources is not None else (None,):
                candidates: list[str | Text | None] = [asked]
                if asked is not None and asked != EVERYTHING:
                    candidates = [*fitting(placed(asked, place), self.environment, self.project, place, self.families)]
                for candidate in candidates:
                    clusters = self._clusters(candidate, place) if need.action.startswith("ecs:") else []
                    target = _ANYTHING if candidate is None or candidate == EVERYTHING else glob(candidate)
                    for context in self._contexts(need, clusters, place):
                        key = (need.action, candidate, *clusters, self.namespace, *place.values())
                        yield (*key, *context.values.get("ecs:cluster", ())), Request(need.action, target, context)

    def _in_place(self, role: Resource, need: Need, asked: str | Text | None) -> Ruling:
        """Bound to no account, a template says ``${AWS::AccountId}`` or the number: what either decides is decided."""
        told_apart = (
            Ruling,
            role.key,
            *_what_counts(need),
            asked,
            self.environment,
            self.region,
            self.families,
            self.cluster,
            self.namespace,
            self.who.account,
        )
        found = self.project.once_for(told_apart, lambda: self._in_any_place(role, need, asked))
        return Ruling(need, found.answer, found.resource, found.why, self.who.names)

    def _in_any_place(self, role: Resource, need: Need, asked: str | Text | None) -> Ruling:
        ways = either_way(asked, self.who.account)
        rulings = [self._on(role, need, each, place) for place in self._places(role) for each in ways]
        return next((each for each in rulings if each.answer is not Access.UNKNOWN), rulings[0])

    def _on(self, role: Resource, need: Need, asked: str | Text | None, place: Mapping[str, str]) -> Ruling:
        """One resource that the call names. Where that is open: all that it may be must agree."""
        candidates: Sequence[str | Text | None] = [asked]
        if asked == EVERYTHING:
            return self._on_all(role, need, place)
        if asked is not None:
            candidates = fitting(placed(asked, place), self.environment, self.project, place, self.families)
        decided, trusted = [], None
        for candidate in candidates:
            shown = "" if candidate is None else str(candidate)
            trusted = self._trusted(role, need, candidate, place) if candidate is not None else None
            decision = trusted or self._decide(role, need, candidate, place)
            decided.append(Ruling(need, decision.answer, shown, decision.why, self.who.names))
        refused = [each for each in decided if each.answer is Access.DENIED]
        if refused and trusted is None and self._has_other_grant(role, need):
            why = "a policy of the resource names the role, and may allow it"
            return Ruling(need, Access.UNKNOWN, refused[0].resource, why, self.who.names)
        if refused and len(refused) < len(decided):
            first = refused[0]
            why = f"which resource it touches; on {first.resource} it would be refused"
            return Ruling(need, Access.UNKNOWN, first.resource, why, self.who.names)
        if refused and not need.listed:
            why = f"what {need.action} needs is not in the Service Authorization Reference"
            return Ruling(need, Access.UNKNOWN, refused[0].resource, why, self.who.names)
        return next((each for each in decided if each.answer is not Access.ALLOWED), decided[0])

    def _trusted(self, role: Resource, need: Need, candidate: str | Text, place: Mapping[str, str]) -> Decision | None:
        """Of a role that is asked for: its trust policy has a word as well. ``None`` of anything else."""
        asked = role_of(candidate, self.project) if need.action in OF_TRUST else None
        if asked is None:
            return None
        answer = lets_in(asked, role, need.action, next(self._contexts(need, [], place)), self.project)
        return by_trust(self._decide(role, need, candidate, place), asked, answer)

    def _has_other_grant(self, role: Resource, need: Need) -> bool:
        """Whether a policy of a resource of that service speaks of the role: within one account it is enough (AWS IAM
        User Guide, "Policy evaluation logic")."""
        named = self.project.once(_named_by_resources)
        return role in named.get(need.action.partition(":")[0], ())

    def _on_all(self, role: Resource, need: Need, place: Mapping[str, str]) -> Ruling:
        """A call that names no resource: of an action that knows resources, it asks for all of their kind."""
        decided = [(each, self._decide(role, need, each, place)) for each in (EVERYTHING, *every_resource(need, place))]
        best, decision = min(decided, key=lambda each: _GRAVITY[each[1].answer])
        if decision.denied and not need.listed:
            why = f"what {need.action} needs is not in the Service Authorization Reference"
            return Ruling(need, Access.UNKNOWN, "", why, self.who.names)
        return Ruling(need, decision.answer, str(best), decision.why, self.who.names)

    def _decide(self, role: Resource, need: Need, resource: str | Text | None, place: Mapping[str, str]) -> Decision:
        """Worked out once for all the calls that ask the same: a release script is reached by many jobs."""
        clusters = self._clusters(resource, place) if need.action.startswith("ecs:") else []
        key = (Authority, role.key, *_what_counts(need), resource, *clusters, self.namespace, *place.values())
        return self.project.once_for(key, lambda: self._decision(role, need, resource, place, clusters))

    def _decision(
        self,
        role: Resource,
        need: Need,
        resource: str | Text | None,
        place: Mapping[str, str],
        clusters: list[str | Text],
    ) -> Decision:
        whole = need.resources == (EVERYTHING,)
        target = _ANYTHING if resource is None else exact(resource) if whole else glob(resource)
        policies = policies_of(role, self.project)
        contexts = self._contexts(need, clusters, place)
        decisions = [decide(policies, Request(need.action, target, context)) for context in contexts]
        return max(decisions, key=lambda each: _GRAVITY[each.answer])

    def _contexts(self, need: Need, clusters: list[str | Text], place: Mapping[str, str]) -> Iterator[Context]:
        """The context of the request, once for every cluster that it may name."""
        service = need.action.partition(":")[0]
        values: dict[str, tuple[str | Text, ...]] = {**_ALWAYS}
        values.update((key.lower(), (value,)) for key, value in need.context.items())
        region = _GLOBAL.get(service) or place.get("AWS::Region")
        if region:
            values["aws:requestedregion"] = (region,)
        if place.get("AWS::AccountId"):
            values["aws:principalaccount"] = (place["AWS::AccountId"],)
        if self.namespace is not None:
            values["cloudwatch:namespace"] = (self.namespace,)
        for cluster in clusters:
            yield Context({**values, "ecs:cluster": (cluster,)}, _NEVER)
        if not clusters:
            yield Context(values, _NEVER)

    def _clusters(self, resource: str | Text | None, place: Mapping[str, str]) -> list[str | Text]:
        """The ARNs that ``ecs:cluster`` may have: of the cluster that the resource is in, or that the call names."""
        head: list[str | Hole] = [f"arn:{place['AWS::Partition']}:ecs:"]
        head += [place.get("AWS::Region") or Pseudo("AWS::Region"), ":"]
        head += [place.get("AWS::AccountId") or Pseudo("AWS::AccountId"), ":cluster/"]
        inside = _cluster_in(resource) if resource is not None else None
        found: list[str | Text] = []
        for name in self.cluster if inside is None else (inside,):
            first = pieces(name)[0]
            whole = isinstance(first, str) and first.startswith("arn:")
            arn = name if whole else text([*head, *pieces(name)])
            found.extend(fitting(arn, self.environment, self.project, place))
        return found

    def _places(self, role: Resource) -> Iterator[dict[str, str]]:
        stack = role.stack
        place = {"AWS::Partition": stack.partition}
        region = self.region or self._stack_region(stack.region)
        if region:
            place["AWS::Region"] = region
        if stack.account:
            place["AWS::AccountId"] = stack.account
        yield place
        if self.who.account and not stack.account:
            yield {**place, "AWS::AccountId": self.who.account}

    def _stack_region(self, others: str) -> str:
        """Of the environment's stacks, where they are all in one; empty where they are in several, of which a call can
        mean any; ``others`` where it has none."""
        regions = {stack.region for stack in self.project.stacks if stack.environment == self.environment} or {others}
        return regions.pop() if len(regions) == 1 else ""


def _if_needed(ruling: Ruling) -> Ruling:
    """A refusal of what the call may not ask for at all is none yet."""
    perhaps = ruling.answer is Access.DENIED and ruling.need.perhaps
    return replace(ruling, answer=Access.UNKNOWN, why=ruling.need.why) if perhaps else ruling


_RESOURCE_POLICIES: Final = (
    ("s3", "AWS::S3::BucketPolicy", "PolicyDocument"),
    ("secretsmanager", "AWS::SecretsManager::ResourcePolicy", "ResourcePolicy"),
    ("ecr", "AWS::ECR::Repository", "RepositoryPolicyText"),
    ("sns", "AWS::SNS::TopicPolicy", "PolicyDocument"),
    ("sns", "AWS::SNS::TopicInlinePolicy", "PolicyDocument"),
    ("sqs", "AWS::SQS::QueuePolicy", "PolicyDocument"),
    ("sqs", "AWS::SQS::QueueInlinePolicy", "PolicyDocument"),
    ("kms", "AWS::KMS::Key", "KeyPolicy"),
)


def _named_by_resources(project: Project) -> dict[str, set[Resource]]:
    """Service -> the roles that policies of its resources name."""
    found: dict[str, set[Resource]] = {}
    for service, kind, path in _RESOURCE_POLICIES:
        for resource in project.resources(kind):
            found.setdefault(service, set()).update(project.all_referred(resource.get(path)))
    found["sts"] = set(_let_in(project))
    return found


def _let_in(project: Project) -> Iterator[Resource]:
    """The roles that other roles' trust policies name: AWS IAM User Guide, "Granting a user permissions to switch
    roles": within one account that is enough as well."""
    roles = list(project.resources("AWS::IAM::Role"))
    names = {role: role.get("RoleName") for role in roles}
    for each in roles:
        yield from project.all_referred(each.get("AssumeRolePolicyDocument"))
        written = str(each.get("AssumeRolePolicyDocument"))
        for role, name in names.items():
            if isinstance(name, Known) and isinstance(name.value, str) and f":role/{name.value}" in written:
                yield role


def _what_counts(need: Need) -> tuple[object, ...]:
    """What of a need decides what AWS answers on one of its resources."""
    return (need.action, need.resources == (EVERYTHING,), need.listed, *need.context.items())


_GRAVITY: Final = {Access.ALLOWED: 0, Access.UNKNOWN: 1, Access.DENIED: 2}


def _cluster_in(arn: str | Text) -> str | Text | None:
    """The cluster that a service's or a task's ARN names."""
    parts = list(pieces(arn_tail(arn))) if arn != EVERYTHING else []
    if not parts or not isinstance(parts[0], str) or not parts[0].startswith(("service/", "task/")):
        return None
    parts[0] = parts[0].partition("/")[2]
    name: list[str | Hole] = []
    for part in parts:
        if isinstance(part, str) and "/" in part:
            return text([*name, part.partition("/")[0]])
        name.append(part)
    return None


def authorities_of(trace: Trace, project: Project) -> Authorities:
    """Who makes the calls of one job, worked out once for all the rules that ask."""
    return project.once_for((Authorities, id(trace)), lambda: Authorities(trace, project))


class Authorities:
    """Who makes the calls of one job: :func:`authorities_of`."""

    def __init__(self, trace: Trace, project: Project) -> None:
        self._trace = trace
        self._project = project
        self._families = frozenset(families_named(trace.aws))
        self._sessions = {id(each) for each in trace.sessions}
        taken = [each for each in trace.actions if isinstance(each, AwsCall) and each.service == "sts"]
        # What a login step obtains is the job's own.
        taken = [each for each in taken if each.step is None or each.step.step.action.lower() != CREDENTIALS]
        users: Iterator[AwsCall | CdkCommand] = chain(trace.aws, trace.cdk)
        used = [each.credentials for each in users if id(each.credentials) in self._sessions]
        # Where its keys were seen to be put somewhere, whoever is made with others has what it had before.
        self._taken = next((each for each in taken if _assumes(each) and not _acts(each, used)), None)
        # Where the program hands the keys to some of its clients, its others have what they had before.
        self._handed = {each.keys_of.file for each in trace.aws if each.keys_of is not None}
        later = False
        self._later: set[int] = set()
        for each in trace.actions if self._taken is not None else ():
            if later:
                self._later.add(id(each))
            later = later or each is self._taken

    def of(self, call: AwsCall | CdkCommand) -> Authority:
        """Who makes this call, as far as the job tells. The trace keeps its calls, so that each is told by its id."""
        return self._project.once_for((Authority, id(call)), lambda: self._of(call))

    def _of(self, call: AwsCall | CdkCommand) -> Authority:
        region = ""
        cluster: tuple[str | Text, ...] = ()
        namespace: str | Text | None = None
        if isinstance(call, AwsCall):
            region = call.region if isinstance(call.region, str) else ""
            for name in ("cluster", "clusters"):
                cluster = cluster or tuple(as_text(each) for each in call.texts(name) or ())
            if call.operation == "PutMetricData":
                found = call.text("namespace")
                namespace = found if isinstance(found, str | Text) else None
        if not region and call.credentials is not None and isinstance(call.credentials.region, str):
            region = call.credentials.region
        who, environment = self._who(call), call.environment_name
        families = family_run(self._trace, call) or self._families
        # One for all calls that differ in nothing of this.
        return self._project.once_for(
            (Authority, who, environment, region, families, cluster, namespace),
            lambda: Authority(self._project, who, environment, region, families, cluster, namespace),
        )

    def _keeps_its_own(self, call: AwsCall | CdkCommand) -> bool:
        own = isinstance(call, AwsCall) and call.keys_of is None and call.spot.file in self._handed
        return own and self._taken is not None and self._taken.spot.file == call.spot.file

    def _who(self, call: AwsCall | CdkCommand) -> Assumed:
        if call.credentials is not None and id(call.credentials) in self._sessions:
            return self.acting(call.credentials)
        if isinstance(call, AwsCall) and not isinstance(call.profile, Absent):
            return Assumed((), "it acts with a profile that the workflow does not make")
        if self._taken is not None and id(call) in self._later and not self._keeps_its_own(call):
            return Assumed((), f"{self._taken.spot} assumes a role that it may act with")
        if call.credentials is None and call.step is not None and any(call.step.env.get(key) for key in AWS_KEYS):
            return KEYS
        return self.acting(call.credentials)

    def acting(self, credentials: Credentials | None) -> Assumed:
        """The roles that a step of the job takes on."""
        # Beside the credentials themselves, so that no others come to have their identity.
        key, find = (assumed, id(credentials)), lambda: (credentials, assumed(credentials, self._project))
        return self._project.once_for(key, find)[1]


def _assumes(call: AwsCall) -> bool:
    return call.operation.startswith("AssumeRole")


def _acts(call: AwsCall, used: Iterable[Credentials | None]) -> bool:
    """Whether some call is made with the keys that this one gives."""
    role = call.text("RoleArn")
    return any(each is not None and each.step is call.step and each.role == role for each in used)
