"""What in a template deletes or empties what is to be kept: custom resources, by the calls that they make.

A deletion policy keeps a resource from CloudFormation alone. A custom resource that deletes a secret, or every object
of a bucket, when the stack is deleted does so all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import Absent, Known, Text
from checker.reason.iam.evaluation import grants, policies_of
from checker.reason.names.custom_resources import calls_of, custom_resources, works_on_others
from checker.reason.templates.handlers import functions_of
from checker.reason.templates.sdk_calls import SdkCall, sdk_calls

# CDK's own that erase (AWS CDK, `custom-resource-handlers`), and what others call theirs.
_ERASERS: Final = {
    "Custom::S3AutoDeleteObjects": "deletes every object of a bucket",
    "Custom::ECRAutoDeleteImages": "deletes every image of a repository",
}
_CALLED_SO: Final = lazy_re.compile(
    r"(?i)empt(?:y|ies)|eras|purg|wip(?:e|ing)|auto-?delet|clean-?up|delete(?:all|objects|bucket)"
)
# Calls that delete data, or what it cannot be read without. One object or item is taken back by whoever put it there.
_DELETES: Final = lazy_re.compile(
    r"delete(?:objects|secret|table|db(?:instance|cluster)(?:snapshot|automatedbackup)?|dbsnapshot|globalcluster|cluster"
    r"|filesystem|volume|bucket|repository|domain|elasticsearchdomain|collection|userpool|stream|broker|ledger|keyspace"
    r"|backup|backupvault|snapshot|recoverypoint|replicationgroup|cachecluster|serverlesscache|namespace|index|database"
    r"|datastore|importedkeymaterial)|batchdeleteimage|schedulekeydeletion|purgequeue"
)
# Services whose things of these names hold no data.
_NO_DATA: Final = frozenset({"ecs", "eks", "emr", "servicediscovery", "cloudfront", "lambda", "logs", "iam", "glue"})
# What a function's code in the template says where it deletes: methods and commands of the SDKs.
_IN_CODE: Final = lazy_re.compile(
    r"(?i)\.objects\.(?:all\(\)|filter\([^)]*\))\.delete\(|object_versions\.\w*\(?[^)]*\)?\.delete\("
    r"|delete_?(?:objects?|secret|table|db_?instance|db_?cluster|file_?system|bucket|repository|user_?pool)\b"
    r"|delete_?objects?command|delete_?(?:secret|table|bucket|repository)command|batch_?delete_?image|schedule_?key_?deletion"
)
# What a function must be allowed to do in order to erase a thing of a type.
_NEEDED: Final = {
    "AWS::S3::Bucket": ("s3:DeleteObject", "s3:DeleteObjectVersion"),
    "AWS::SecretsManager::Secret": ("secretsmanager:DeleteSecret",),
    "AWS::DynamoDB::Table": ("dynamodb:DeleteTable",),
    "AWS::RDS::DBInstance": ("rds:DeleteDBInstance",),
    "AWS::RDS::DBCluster": ("rds:DeleteDBCluster",),
    "AWS::EFS::FileSystem": ("elasticfilesystem:DeleteFileSystem",),
}


class Erasure(Struct, frozen=True):
    """Something that erases what is kept. ``doubt``: it may."""

    owner: Resource
    path: str
    said: str
    of: tuple[Resource, ...] = ()
    doubt: bool = False


def erasures(environment: Environment, kept: tuple[Resource, ...]) -> Iterator[Erasure]:
    """What deletes or empties data of the environment, whatever its deletion policy."""
    said = set()
    for call in sdk_calls(environment):
        if call.when and _erases(call) and call.owner not in said:
            said.add(call.owner)
            what = f"It calls {call.service}:{call.action} when it is {_EVENTS[call.when]}: data goes, kept or not."
            yield Erasure(call.owner, call.path, what)
    mine = frozenset(kept)
    for resource in custom_resources(environment):
        if resource not in said and not any(True for _ in calls_of(resource)):
            yield from _by_function(environment, resource, mine)


_EVENTS: Final = {"Create": "created", "Update": "updated", "Delete": "deleted"}


def _erases(call: SdkCall) -> bool:
    return call.service not in _NO_DATA and _DELETES.fullmatch(call.action) is not None


def _by_function(environment: Environment, resource: Resource, kept: frozenset[Resource]) -> Iterator[Erasure]:
    what = _ERASERS.get(resource.type)
    path = "BucketName" if resource.type == "Custom::S3AutoDeleteObjects" else ""
    told = environment.project.all_referred(resource.get(""))
    targets = tuple(dict.fromkeys(each for each in told if each in kept))
    if what is not None:
        said = f"A custom resource {what} when the stack is deleted, also of one that is kept."
        yield Erasure(resource, path, said, targets)
        return
    if works_on_others(resource.type) or not targets:
        return
    names = ", ".join(each.logical_id for each in targets[:3])
    if _CALLED_SO.search(resource.type.removeprefix("Custom::")) and resource.type.startswith("Custom::"):
        yield Erasure(resource, "", f"By its type, {resource.type}, it erases {names}, kept or not.", targets)
        return
    functions, _ = functions_of(environment, resource.get("ServiceToken"))
    for function in functions:
        sam = function.type == "AWS::Serverless::Function"
        code = function.get("InlineCode" if sam else "Code.ZipFile")
        if isinstance(code, Known):
            if isinstance(code.value, str | Text) and _IN_CODE.search(str(code.value)):
                said = f"The code of its function, {function.logical_id}, deletes: {names} is handed to it."
                yield Erasure(resource, "ServiceToken", said, targets)
                return
        elif action := _may_erase(environment, function, targets):
            said = f"its function, {function.logical_id}, may {action}, and its code is not in the template"
            yield Erasure(resource, "ServiceToken", said, targets, doubt=True)
            return


def _may_erase(environment: Environment, function: Resource, targets: tuple[Resource, ...]) -> str:
    """What the function's role may do to one of the targets that erases it; empty where nothing."""
    role = environment.referred(function.get("Role"))
    if role is None and not isinstance(function.get("Policies"), Absent):
        return "do what its Policies say"  # AWS SAM makes the role
    if role is None or role.type != "AWS::IAM::Role":
        return ""
    policies = policies_of(role, environment.project)
    actions = (action for each in targets for action in _NEEDED.get(each.type, ()))
    return next((action for action in actions if grants(policies, action)), "")
