"""May a service of AWS call this resource? Resource policies, a function's permissions and key policies.

Sources: Amazon SNS Developer Guide, "Amazon SNS access policy" (the default policy: who acts for the owner's account,
which alarms do and rules, buckets and budgets do not); Amazon SQS Developer Guide, "Basic examples" (without a policy
only the owner); AWS Lambda Developer Guide, "Granting function access to AWS services"; AWS IAM User Guide, "Global
condition keys" (``aws:SourceArn``, ``aws:SourceAccount``, ``aws:PrincipalIsAWSService``); AWS KMS Developer Guide, "Key
policies" (an AWS managed key's policy lets no service of another name use it); Amazon CloudWatch Logs User Guide,
"Encrypt log data in CloudWatch Logs using AWS Key Management Service" (the principal of each Region, the encryption
context ``aws:logs:arn``).
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import chain
from typing import Final

from msgspec.structs import replace

from checker.model.answers import NO, YES, Answer, Open, either, every, yes_if
from checker.model.environments import CHILD_OF, Environment, Project
from checker.model.overlap import Pattern, overlap
from checker.model.resources import FUNCTIONS, Resource
from checker.model.values import (
    Absent,
    Known,
    Parameter,
    Pseudo,
    Resolved,
    Text,
    Unknown,
    as_list,
    first_unknown,
    pieces,
    text,
)
from checker.reason.altered.made import made_by_calls
from checker.reason.iam.conditions import Context
from checker.reason.iam.evaluation import Access, Decision, Request, applies
from checker.reason.iam.keys import own_key, policy_of
from checker.reason.iam.policies import Condition, Document, Statement, read_document
from checker.reason.names.arns import account_of, arn_of, expand
from checker.reason.text.patterns import UNREAD, exact, folded, glob, match

CLOUDWATCH: Final = "cloudwatch.amazonaws.com"
# Services that act for the topic's owner, whom the default policy lets publish. Sources beside those above: Amazon RDS
# User Guide, "Granting permissions to publish notifications to an Amazon SNS topic".
_FOR_THE_OWNER: Final = frozenset({CLOUDWATCH, "events.rds.amazonaws.com"})
_ANY_LOGS: Final = "logs.amazonaws.com"  # of no Region: AWS does not say that it stands for that of each
# Keys that only a request of a person or a role has.
_OF_PRINCIPALS: Final = frozenset(
    {"aws:principalarn", "aws:principalaccount", "aws:principalorgid", "aws:principalorgpaths", "aws:principaltag/team",
     "aws:userid", "aws:username", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceip", "aws:calledvia",
     "aws:multifactorauthpresent"}
)  # fmt: skip
LOG_GROUP: Final = "AWS::Logs::LogGroup"
_OF_LOGS: Final = "AWS::Logs::ResourcePolicy"
_PUTS_POLICIES: Final = {("logs", "putresourcepolicy"): _OF_LOGS}
_POLICIES: Final = {
    "AWS::SNS::Topic": ("AWS::SNS::TopicPolicy", "AWS::SNS::TopicInlinePolicy"),
    "AWS::SQS::Queue": ("AWS::SQS::QueuePolicy", "AWS::SQS::QueueInlinePolicy"),
    "AWS::S3::Bucket": ("AWS::S3::BucketPolicy",),
}


def may_call(
    environment: Environment, target: Resource, service: str, action: str, source: Resource, *, inside: str = ""
) -> Decision:
    """How AWS would answer ``action`` on ``target`` by ``service`` on behalf of ``source``.

    ``inside`` is what of a bucket is touched: ``/AWSLogs/*``.
    """
    if target.type in FUNCTIONS or target.type in ("AWS::Lambda::Alias", "AWS::Lambda::Version"):
        return _invokes(environment, target, service, source)
    if target.type == LOG_GROUP:
        return _writes(environment, target, service, action, source)
    kinds = _POLICIES[target.type]
    policies = [each for kind in kinds for each in environment.children(target, kind)]
    documents = [_document(policy, environment.project) for policy in policies]
    project = environment.project
    anywhere = project.once_for((_astray, kinds), lambda: [each for each in project.resources(*kinds) if _astray(each)])
    astray = next((each for each in anywhere if each not in policies), None)
    if astray is not None:
        return Decision(Access.UNKNOWN, f"{astray.logical_id} may be its policy: whose it is is not known")
    if not documents:
        return _by_default(target, service)
    arn = arn_of(target)
    if arn is None:
        return Decision(Access.UNKNOWN, "the target's name is not known")
    touched = glob(text([*(arn.parts if isinstance(arn, Text) else (arn,)), inside]))
    request = Request(action, touched, _context(service, source))
    return _decide(documents, request, service)


def _writes(environment: Environment, group: Resource, service: str, action: str, source: Resource) -> Decision:
    """Of a log group the policies of its account and Region decide, whoever made them: the stacks at hand, a call of a
    custom resource, somebody in the console (Amazon EventBridge User Guide, "CloudWatch Logs permissions")."""
    arn = arn_of(group)
    if arn is None:
        return Decision(Access.UNKNOWN, "the log group's name is not known")
    project, account = environment.project, group.stack.account
    made = (each for other in project.environments for each in made_by_calls(other, _PUTS_POLICIES))
    documents = [
        _document(each, project)
        for each in chain(project.resources(_OF_LOGS), made)
        if group.stack.region in ("", each.stack.region or group.stack.region)
        and account in ("", each.stack.account or account)
    ]
    named = text([*pieces(arn)])
    whole = text([*pieces(named), *(() if str(named).endswith(":*") else (":*",))])
    decision = _decide(documents, Request(action, glob(whole), _context(service, source)), service)
    if decision.denied and not decision.statements:  # no statement denies it
        why = "no policy of CloudWatch Logs at hand (AWS::Logs::ResourcePolicy) allows it, and another may"
        return Decision(Access.UNKNOWN, why)
    return decision


def _astray(policy: Resource) -> bool:
    """Whether what a policy is attached to is not known."""
    for name in CHILD_OF[policy.type]:
        value = policy.get(name)
        if isinstance(value, Unknown) or (isinstance(value, Known) and first_unknown(value.value) is not None):
            return True
        named = as_list(value.value) if isinstance(value, Known) else []
        if any(isinstance(each, Text) and isinstance(each.only_hole, Parameter) for each in named):
            return True
    return False


def _by_default(target: Resource, service: str) -> Decision:
    if target.type == "AWS::SNS::Topic" and service in _FOR_THE_OWNER:
        return Decision(Access.ALLOWED, "the topic has its default policy, which lets what acts for its owner publish")
    return Decision(Access.DENIED, "it has no policy, and without one only its owner's roles may")


def _document(policy: Resource, project: Project) -> Document:
    value = policy.get("PolicyDocument")
    if isinstance(value, Absent):
        return Document()
    return read_document(value.value if isinstance(value, Known) else value, policy, "PolicyDocument", project)


def _context(service: str, source: Resource) -> Context:
    account = (text([*account_of(source.stack)]),)
    values: dict[str, tuple[str | Text, ...]] = {
        "aws:securetransport": ("true",),
        "aws:principalisawsservice": ("true",),
        "aws:principalservicename": (service,),
        "aws:sourceaccount": account,
        "s3:x-amz-acl": ("bucket-owner-full-control",),
    }
    arn = arn_of(source)
    if arn is not None:
        values["aws:sourcearn"] = (arn,)
    absent = set(_OF_PRINCIPALS)
    if service in _FOR_THE_OWNER:
        values["aws:sourceowner"] = account
    else:
        absent.add("aws:sourceowner")
    return Context(values, frozenset(absent))


def _decide(documents: list[Document], request: Request, service: str | Text) -> Decision:
    allowed: Decision | None = None
    doubt = next((why for document in documents for why in document.unread), "")
    for document in documents:
        for statement in document.statements:
            answer = _applies(statement, request, service)
            if answer is NO:
                continue
            where = f"{statement.path} of {statement.source.logical_id}"
            if isinstance(answer, Open):
                doubt = doubt or f"{where} depends on what is not known before deployment: {answer.why}"
            elif not statement.allows:
                return Decision(Access.DENIED, f"{where} denies it", (statement,))
            else:
                allowed = allowed or Decision(Access.ALLOWED, where, (statement,))
    if doubt:
        return Decision(Access.UNKNOWN, doubt)
    return allowed or Decision(Access.DENIED, "its policy allows it to nobody but those it names")


def _applies(statement: Statement, request: Request, service: str | Text) -> Answer:
    speaks = _speaks_to(statement, service)
    return NO if speaks is NO else every((applies(statement, request), speaks))


def _speaks_to(statement: Statement, service: str | Text) -> Answer:
    if statement.principals is None:
        return Open("whom its NotPrincipal leaves") if statement.not_principals else NO

    def answers() -> Iterator[Answer]:
        for kind, name in statement.principals or ():
            if name is None:
                yield UNREAD
            elif kind in ("*", "AWS"):
                yield yes_if(name == "*")
            elif kind == "Service":
                yield match(folded(exact(name)), folded(exact(service))) if name != "*" else YES
            else:
                yield NO

    return either(answers())


# --- functions --------------------------------------------------------------------------------------------------------


def _invokes(environment: Environment, target: Resource, service: str, source: Resource) -> Decision:
    doubt = ""
    strays = frozenset(environment.strays(target, "AWS::Lambda::Permission"))
    for permission in environment.project.resources("AWS::Lambda::Permission"):
        named = environment.referred(permission.get("FunctionName"))
        if named is not target:
            astray = isinstance(permission.get("FunctionName"), Unknown) or permission in strays
            if astray and _permits(environment, permission, service, source) is not NO:
                doubt = f"{permission.logical_id} is for a function that is not known"
            continue
        answer = _permits(environment, permission, service, source)
        if answer is YES:
            return Decision(Access.ALLOWED, f"{permission.logical_id} allows it")
        if isinstance(answer, Open):
            doubt = f"{permission.logical_id} depends on what is not known before deployment: {answer.why}"
    if not doubt and target.type == "AWS::Serverless::Function" and not isinstance(target.get("Events"), Absent):
        doubt = "AWS SAM makes a permission for each of its Events"
    if doubt:
        return Decision(Access.UNKNOWN, doubt)
    return Decision(Access.DENIED, "no permission (AWS::Lambda::Permission) names it")


def _permits(environment: Environment, permission: Resource, service: str, source: Resource) -> Answer:
    answers: list[Answer] = [YES if permission.certain else Open("whether it is there at all")]
    principal, action = permission.get("Principal"), permission.get("Action")
    if not isinstance(principal, Known) or not isinstance(action, Known):
        return Open("whom it lets do what")
    named = str(principal.value).lower()
    prefix, _, domain = service.partition(".")
    answers.append(yes_if(named in ("*", service) or (named.startswith(f"{prefix}.") and named.endswith(domain))))
    answers.append(yes_if(str(action.value).lower() in ("lambda:invokefunction", "lambda:*", "*")))
    account = permission.get("SourceAccount")
    if isinstance(account, Unknown):
        answers.append(Open(f"its SourceAccount: {account.why}"))
    if isinstance(account, Known) and isinstance(account.value, str | Text):
        own = exact(text([*account_of(source.stack)]))
        answers.append(match(exact(expand(account.value, environment.project)), own))
    answers.append(_names_source(environment, permission, source))
    return every(answers)


# Whose ARN a service names as the source, where that is not the resource that makes it call.
_ON_BEHALF: Final = {
    "AWS::Logs::SubscriptionFilter": "LogGroupName",
    "AWS::SecretsManager::RotationSchedule": "SecretId",
}


def _names_source(environment: Environment, permission: Resource, source: Resource) -> Answer:
    value = permission.get("SourceArn")
    if isinstance(value, Absent):
        return YES
    if isinstance(value, Unknown):
        return Open(f"its SourceArn: {value.why}")
    on_behalf = _ON_BEHALF.get(source.type)
    if on_behalf is not None:
        source = environment.referred(source.get(on_behalf)) or source
    if any(each is source for each in environment.project.all_referred(value)):
        return yes_if(not _of_another_place(value.value, source))
    arn = arn_of(source)
    if arn is not None and isinstance(value.value, str | Text):
        # CloudWatch Logs speaks of all streams of a group (its API Reference, PutSubscriptionFilter).
        streams = ":*" if source.type == "AWS::Logs::LogGroup" else ""
        own = text([*pieces(expand(arn, environment.project)), streams])
        return match(glob(expand(value.value, environment.project)), exact(own))
    named = list(environment.project.all_referred(value))
    if named and all(each.type == source.type for each in named):
        return NO
    return Open(f"whether its SourceArn is {source.logical_id}'s")


def _of_another_place(written: Resolved, source: Resource) -> bool:
    """Whether an ARN that ends in a resource's name has another region or account than the resource written out."""
    begins = next(iter(pieces(written)), "") if isinstance(written, str | Text) else ""
    parts = begins.split(":") if isinstance(begins, str) and begins.startswith("arn:") else []
    # What stands before the first open part is whole up to its last colon.
    told = zip(parts[3:-1], (source.stack.region, source.stack.account), strict=False)
    return any(said and own and not fnmatchcase(own, said) for said, own in told)


# --- keys -------------------------------------------------------------------------------------------------------------


def key_refuses(environment: Environment, target: Resource, service: str, source: Resource) -> Decision | None:
    """Why the key that a topic or queue is encrypted with keeps a service out; ``None`` where it has none, or lets it
    in."""
    value = target.get("KmsMasterKeyId")
    if isinstance(value, Absent) or (isinstance(value, Known) and value.value == ""):
        return None
    if isinstance(value, Unknown):
        return Decision(Access.UNKNOWN, "its key is not known")
    if isinstance(value.value, str) and value.value.rpartition("alias/")[2].startswith("aws/"):
        return Decision(Access.DENIED, f"{value.value} is AWS's own key, and its policy does not let {service} use it")
    key = own_key(environment, value)
    if key is None:
        return Decision(Access.UNKNOWN, "its key is not part of this project")
    return _key_keeps_out(key, service, _context(service, source), environment.project)


def _key_keeps_out(key: Resource, service: str | Text, context: Context, project: Project) -> Decision | None:
    document = policy_of(key, project)
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        decision = _decide([document], Request(action, glob("*"), context), service)
        if not decision.allowed:
            return Decision(decision.answer, f"its key {key.logical_id}: {action}: {decision.why}")
    return None


def logs_kept_out(environment: Environment, group: Resource) -> Decision | None:
    """Why the key that a log group is encrypted with keeps CloudWatch Logs out, which then refuses to make the group;
    ``None`` where it lets it in. The service has a name for each Region."""
    key = own_key(environment, group.get("KmsKeyId"))
    if key is None:
        return Decision(Access.UNKNOWN, "its key is not part of this project")
    account, region = text([*account_of(group.stack)]), group.stack.region or Pseudo("AWS::Region")
    service = text(["logs.", region, ".amazonaws.com"])
    values: dict[str, tuple[str | Text, ...]] = {
        "aws:securetransport": ("true",),
        "aws:principalisawsservice": ("true",),
        "kms:calleraccount": (account,),
    }
    arn = arn_of(group)
    if arn is not None:
        values["kms:encryptioncontext:aws:logs:arn"] = (arn,)
    context = Context(values, _OF_PRINCIPALS)
    refused = _key_keeps_out(key, service, context, environment.project)
    if refused is not None and refused.denied and _key_keeps_out(key, _ANY_LOGS, context, environment.project) is None:
        return Decision(Access.UNKNOWN, f"its key {key.logical_id} names {_ANY_LOGS}, and not {service}")
    return refused


# --- roles ------------------------------------------------------------------------------------------------------------

_ASSUME: Final = "sts:AssumeRole"


def may_assume(role: Resource, service: str, project: Project) -> Decision:
    """Whether a role's trust policy lets a service assume it, for something in the role's own account.

    Of ``aws:SourceArn`` it is only asked whether something of this account may have it (Amazon ECS Developer Guide,
    "Amazon ECS task IAM role", which compares it with everything of the service's in the account).
    """
    trust = role.get("AssumeRolePolicyDocument")
    document = (
        read_document(trust.value, role, "AssumeRolePolicyDocument", project) if isinstance(trust, Known) else None
    )
    if document is None or not (document.statements or document.unread):
        return Decision(Access.UNKNOWN, "its trust policy is not known")  # IAM refuses a role without one
    account = text([*account_of(role.stack)])
    name = service.partition(".")[0].removesuffix("-tasks")
    head = [
        f"arn:{role.stack.partition}:{name}:",
        role.stack.region or Pseudo("AWS::Region"),
        ":",
        *pieces(account),
        ":",
    ]
    own = glob(text([*head, "*"]))
    statements = tuple(
        replace(each, conditions=_other_than_source(each.conditions, own)) for each in document.statements
    )
    context = Context(
        {
            "aws:sourceaccount": (account,),
            "aws:sourcearn": (text([*head, "any"]),),
            "aws:principalisawsservice": ("true",),
            "aws:principalservicename": (service,),
        },
        frozenset(_OF_PRINCIPALS | {"sts:externalid"}),
    )
    return _decide([replace(document, statements=statements)], Request(_ASSUME, glob("*"), context), service)


def _other_than_source(conditions: tuple[Condition, ...], own: Pattern) -> tuple[Condition, ...]:
    """The conditions without those that a source of this account may meet."""
    return tuple(
        each
        for each in conditions
        if each.key != "aws:sourcearn"
        or each.negated
        or not any(pattern is None or overlap(pattern, own) for pattern in each.patterns)
    )
