"""What `drift` tells apart, one state each."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from checker.collect.documents import parse_json, parse_yaml, read_text
from checker.errors import UsageError
from checker.lab import assembly
from checker.lab.breaks.account import Account, Target

_DATABASE: Final = "AWS::RDS::DBInstance"


def change_a_property(account: Account) -> str:
    database = account.first(_DATABASE).id
    account.clients("rds").modify_db_instance(
        DBInstanceIdentifier=database, BackupRetentionPeriod=2, ApplyImmediately=True
    )
    return f"database {database} keeps its backups for two days"


def add_a_policy(account: Account) -> str:
    role = account.first("AWS::IAM::Role", lambda each: "WebIdentity" not in json.dumps(each.properties)).id
    allow = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    account.clients("iam").put_role_policy(RoleName=role, PolicyName="added-by-hand", PolicyDocument=text)
    return f"role {role} has an inline policy added-by-hand"


def open_to_the_world(account: Account) -> str:
    group = account.first("AWS::EC2::SecurityGroup").id
    world = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    account.clients("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=world)
    return f"security group {group} lets the world in at port 22"


def delete_a_resource(account: Account) -> str:
    """An alarm that no deployment waits for, where there is one."""
    alarms = list(account.all("AWS::CloudWatch::Alarm"))
    listed = json.dumps([each.properties for each in account.all("AWS::ECS::Service")])
    alarm = next((each for each in alarms if json.dumps(each.id) not in listed), None)
    name = (alarm or account.first("AWS::CloudWatch::Alarm")).id
    account.clients("cloudwatch").delete_alarms(AlarmNames=[name])
    return f"alarm {name} is deleted"


def make_something_by_hand(account: Account) -> str:
    url = account.clients("sqs").create_queue(QueueName="production-made-by-hand")["QueueUrl"]
    return f"queue {url.rpartition('/')[2]} belongs to no stack"


def change_the_code(account: Account) -> str:
    target = account.first("AWS::Logs::LogGroup")
    _edited(account, target, lambda properties: properties.update(RetentionInDays=3653))
    return f"the code of stack {target.stack} keeps the logs of {target.logical_id} for ten years; not deployed"


def change_both(account: Account) -> str:
    target = account.first("AWS::Logs::LogGroup")
    account.clients("logs").put_retention_policy(logGroupName=target.id, retentionInDays=1)
    _edited(account, target, lambda properties: properties.update(RetentionInDays=3653))
    return f"log group {target.id} keeps a day by hand, and ten years in the code"


def change_the_code_by_replacement(account: Account) -> str:
    target = account.first(_DATABASE)
    _edited(account, target, lambda properties: properties.update(DBName="renamed"))
    return f"the code of stack {target.stack} renames the database of {target.logical_id}: it would be replaced"


def change_the_template(account: Account) -> str:
    target = account.first("AWS::Logs::LogGroup")

    def change(template: dict[str, Any]) -> None:
        template["Resources"][target.logical_id]["Properties"]["RetentionInDays"] = 1

    account.update_stack(target.stack, change)
    return f"stack {target.stack} was updated so that {target.logical_id} keeps its logs for a day"


def _edited(account: Account, target: Target, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a resource in the assembly that is judged against the lab, as a commit would."""
    for file in assembly.template_files(account.assembly):
        text = read_text(file, str(file))
        read = parse_json if text.lstrip()[:1] == "{" else parse_yaml
        template = dict(read(text, str(file)).data)
        resource = template["Resources"].get(target.logical_id, {})
        if resource.get("Properties") == target.properties:
            change(resource["Properties"])
            file.write_text(json.dumps(template, indent=1), encoding="utf-8")
            return
    raise UsageError(f"nothing to break: {target.logical_id} is not as it is deployed in the code", "Run lab up again.")
