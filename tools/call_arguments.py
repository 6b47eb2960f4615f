"""What the arguments of an AWS call need (roles passed on, tags, ACLs): part of the table of ``tools/aws_calls.py``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# What a call needs beside its own action where an argument is given: the argument, the action, and the resource that
# it is checked against: a type of the reference, or an ARN with the call's arguments in it.
# Sources: Amazon S3 User Guide, "Required permissions for Amazon S3 API operations" (an ACL, tags); for tags that are
# given when something is made, each service's own guide: Amazon ECS Developer Guide, "Grant permission to tag resources
# on creation"; the API References of Systems Manager (PutParameter), Secrets Manager (CreateSecret), Lambda
# (CreateFunction), CloudWatch Logs (CreateLogGroup), EventBridge (PutRule), CloudWatch (PutMetricAlarm), SNS
# (CreateTopic), SQS (CreateQueue) and RDS; Service Authorization Reference, the dependent actions of Amazon ECR, and
# the two resources that a snapshot of a database is checked against.
_ACL: Final = [
    [each, "s3:PutObjectAcl", "object"]
    for each in ("acl", "grants", "grantfullcontrol", "grantread", "grantreadacp", "grantwriteacp")
]
_OBJECT_TAGS: Final = [["tagging", "s3:PutObjectTagging", "object"]]
# AWS CLI Command Reference: `cloudformation deploy` and `package` upload what is large or local (`--s3-bucket`),
# `deploy push` the revision; `ecs deploy` hands over to CodeDeploy.
_UPLOADS: Final = [["s3bucket", "s3:PutObject", "s3:::{s3bucket}/*"]]
_GROUP: Final = "codedeploy:{region}:{account}:deploymentgroup:{codedeployapplication=*}/{codedeploydeploymentgroup=*}"
BESIDE: Final[Mapping[str, Mapping[str, list[list[str]]]]] = {
    "batch": {"SubmitJob": [["jobqueue", "batch:SubmitJob", "job-queue"]]},  # on both of them
    "cloudformation": dict.fromkeys(("deploy", "package"), _UPLOADS),
    "cloudwatch": {"PutMetricAlarm": [["tags", "cloudwatch:TagResource", "alarm"]]},
    "codeartifact": {"GetAuthorizationToken": [["domain", "sts:GetServiceBearerToken", "*"]]},
    "codedeploy": {"push": [["s3location", "s3:PutObject", "s3:::{s3location}"]]},
    "dynamodb": {"CreateTable": [["tags", "dynamodb:TagResource", "table"]]},
    "ecr": {"CreateRepository": [["tags", "ecr:TagResource", "repository"]]},
    "ecs": {
        "CreateCluster": [["tags", "ecs:TagResource", "cluster"]],
        "deploy": [
            ["codedeployappspec", f"codedeploy:{each}", _GROUP]
            for each in ("GetDeploymentGroup", "CreateDeployment", "GetDeployment")
        ],
        "CreateService": [["tags", "ecs:TagResource", "service"]],
        "ExecuteCommand": [["task", "ecs:ExecuteCommand", "task"]],
        "RegisterTaskDefinition": [["tags", "ecs:TagResource", "task-definition"]],
        "RunTask": [["tags", "ecs:TagResource", "ecs:{region}:{account}:task/{cluster=default}/*"]],
        "StartTask": [["tags", "ecs:TagResource", "ecs:{region}:{account}:task/{cluster=default}/*"]],
    },
    "events": {"PutRule": [["tags", "events:TagResource", "events:{region}:{account}:rule/{name}"]]},
    "iam": {"CreateRole": [["tags", "iam:TagRole", "role"]]},
    "lambda": {"CreateFunction": [["tags", "lambda:TagResource", "function"]]},
    "logs": {"CreateLogGroup": [["tags", "logs:TagResource", "log-group"]]},
    "rds": {
        "CreateDBSnapshot": [
            ["dbsnapshotidentifier", "rds:CreateDBSnapshot", "snapshot"],
            ["tags", "rds:AddTagsToResource", "snapshot"],
        ],
        "CreateDBClusterSnapshot": [
            ["dbclustersnapshotidentifier", "rds:CreateDBClusterSnapshot", "cluster-snapshot"],
            ["tags", "rds:AddTagsToResource", "cluster-snapshot"],
        ],
    },
    "s3": {
        **dict.fromkeys(("cp", "mv", "sync"), _ACL),
        **dict.fromkeys(("PutObject", "CopyObject", "CreateMultipartUpload"), _ACL + _OBJECT_TAGS),
    },
    "secretsmanager": {"CreateSecret": [["tags", "secretsmanager:TagResource", "Secret"]]},
    "sns": {"CreateTopic": [["tags", "sns:TagResource", "topic"]]},
    "sqs": {"CreateQueue": [["tags", "sqs:TagQueue", "queue"]]},
    # AWS IAM User Guide, "Pass session tags in AWS STS".
    "sts": {"AssumeRole": [["tags", "sts:TagSession", "role"]]},
    "ssm": {"PutParameter": [["tags", "ssm:AddTagsToResource", "parameter"]]},
}
# The roles that a call passes on, with the service that they are passed to.
# Sources: Amazon ECS Developer Guide, "Grant a user permissions to pass a role"; AWS Lambda, CodeDeploy, EventBridge
# and CloudFormation user guides, likewise; Service Authorization Reference, dependent actions. The values: argument
# that names the role ("" where the definition does, "ARGUMENT.KEY" where it stands inside of one).
PASSES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "amplify": dict.fromkeys(("CreateApp", "UpdateApp"), ("amplify.amazonaws.com", "iamservicerolearn")),
    "backup": {"StartBackupJob": ("backup.amazonaws.com", "iamrolearn"),
               "StartRestoreJob": ("backup.amazonaws.com", "iamrolearn"),
               "CreateBackupSelection": ("backup.amazonaws.com", "backupselection.iamrolearn")},
    "batch": {"RegisterJobDefinition": ("ecs-tasks.amazonaws.com", "containerproperties.jobrolearn",
                                        "containerproperties.executionrolearn")},
    "cloudformation": dict.fromkeys(
        ("CreateStack", "UpdateStack", "CreateChangeSet", "DeleteStack", "RollbackStack", "ContinueUpdateRollback",
         "deploy"),
        ("cloudformation.amazonaws.com", "rolearn"),
    ),
    "cognito-idp": dict.fromkeys(("CreateUserPool", "UpdateUserPool", "SetUserPoolMfaConfig"),
                                 ("cognito-idp.amazonaws.com", "smsconfiguration.snscallerarn")),
    "elasticbeanstalk": dict.fromkeys(("CreateEnvironment", "AssociateEnvironmentOperationsRole"),
                                      ("elasticbeanstalk.amazonaws.com", "operationsrole")),
    "cloudtrail": dict.fromkeys(("CreateTrail", "UpdateTrail"), ("cloudtrail.amazonaws.com", "cloudwatchlogsrolearn")),
    "codebuild": {"CreateProject": ("codebuild.amazonaws.com", "servicerole"),
                  "UpdateProject": ("codebuild.amazonaws.com", "servicerole"),
                  "StartBuild": ("codebuild.amazonaws.com", "serviceroleoverride")},
    "codedeploy": dict.fromkeys(
        ("CreateDeploymentGroup", "UpdateDeploymentGroup"), ("codedeploy.amazonaws.com", "servicerolearn")
    ),
    "codepipeline": dict.fromkeys(
        ("CreatePipeline", "UpdatePipeline"), ("codepipeline.amazonaws.com", "pipeline.rolearn")
    ),
    "ec2": {"RunInstances": ("ec2.amazonaws.com", "iaminstanceprofile")},
    "ecs": {
        **dict.fromkeys(
            ("RunTask", "StartTask"),
            ("ecs-tasks.amazonaws.com", "", "overrides.taskrolearn", "overrides.executionrolearn"),
        ),
        "RegisterTaskDefinition": ("ecs-tasks.amazonaws.com", "taskrolearn", "executionrolearn"),
        "CreateService": ("ecs.amazonaws.com", "role"),
    },
    "eks": {"CreateCluster": ("eks.amazonaws.com", "rolearn"), "CreateNodegroup": ("ec2.amazonaws.com", "noderole")},
    "emr-serverless": {"StartJobRun": ("emr-serverless.amazonaws.com", "executionrolearn")},
    "events": {"PutTargets": ("events.amazonaws.com", "targets.rolearn"),
               "PutRule": ("events.amazonaws.com", "rolearn")},
    "glue": {**dict.fromkeys(("CreateJob", "CreateCrawler", "UpdateCrawler"), ("glue.amazonaws.com", "role")),
             "UpdateJob": ("glue.amazonaws.com", "jobupdate.role")},
    "lambda": dict.fromkeys(("CreateFunction", "UpdateFunctionConfiguration"), ("lambda.amazonaws.com", "role")),
    "logs": {"PutSubscriptionFilter": ("logs.amazonaws.com", "rolearn")},
    "pipes": dict.fromkeys(("CreatePipe", "UpdatePipe"), ("pipes.amazonaws.com", "rolearn")),
    "rds": {**dict.fromkeys(("AddRoleToDBInstance", "AddRoleToDBCluster", "CreateDBProxy"),
                            ("rds.amazonaws.com", "rolearn")),
            **dict.fromkeys(("CreateDBInstance", "ModifyDBInstance"),
                            ("monitoring.rds.amazonaws.com", "monitoringrolearn"))},
    "s3": {"PutBucketReplication": ("s3.amazonaws.com", "replicationconfiguration.role")},
    "sagemaker": {"CreateModel": ("sagemaker.amazonaws.com", "executionrolearn"),
                  **dict.fromkeys(("CreateTrainingJob", "CreateProcessingJob"),
                                  ("sagemaker.amazonaws.com", "rolearn"))},
    "scheduler": dict.fromkeys(("CreateSchedule", "UpdateSchedule"), ("scheduler.amazonaws.com", "target.rolearn")),
    "ssm": {"SendCommand": ("ssm.amazonaws.com", "servicerolearn")},
    "stepfunctions": dict.fromkeys(("CreateStateMachine", "UpdateStateMachine"), ("states.amazonaws.com", "rolearn")),
    "synthetics": dict.fromkeys(("CreateCanary", "UpdateCanary"), ("lambda.amazonaws.com", "executionrolearn")),
}  # fmt: skip
