"""Stacks that a person updated or made in the console."""

from __future__ import annotations

import copy
import json
from typing import Any, Final

from checker.lab import stacks
from checker.lab.breaks.account import Account

EXPORT: Final = "made-by-hand"
IMPORTER: Final = "MadeByHand"


def import_an_export(account: Account) -> str:
    name = account.stacks[0]

    def export(template: dict[str, Any]) -> None:
        output = next(iter(template["Outputs"].values()))
        output["Export"] = {"Name": EXPORT}

    account.update_stack(name, export)
    value = {"Fn::ImportValue": EXPORT}
    parameter = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}
    stacks.create(account.clients, IMPORTER, json.dumps({"Resources": {"Copy": parameter}}), {})
    return f"stack {IMPORTER} imports {EXPORT} of stack {name}"


def name_a_queue(account: Account) -> str:
    """A name that is free in the account: what it collides with is the next environment."""
    name = account.stacks[0]
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "jobs"}}
    account.update_stack(name, lambda template: template["Resources"].update(MadeByHand=queue))
    return f"stack {name} has a queue called jobs, whatever the environment"


def name_a_bucket(account: Account) -> str:
    """Like the stack's own bucket in everything but its name: that carries the environment, and no account."""
    target, bucket = account.first("AWS::S3::Bucket"), f"{account.environment}-exports"

    def change(template: dict[str, Any]) -> None:
        like: dict[str, Any] = copy.deepcopy(template["Resources"][target.logical_id])
        like["Properties"] = {**like.get("Properties", {}), "BucketName": bucket}
        template["Resources"]["MadeByHand"] = like

    account.update_stack(target.stack, change)
    return f"stack {target.stack} has a bucket called {bucket}, whatever the account"


def let_secrets_go(account: Account) -> str:
    return _let_go(account, "AWS::SecretsManager::Secret")


def let_zone_go(account: Account) -> str:
    return _let_go(account, "AWS::Route53::HostedZone")


def _let_go(account: Account, kind: str) -> str:
    name = account.first(kind).stack

    def change(template: dict[str, Any]) -> None:
        for resource in template["Resources"].values():
            if resource["Type"] == kind:
                resource["DeletionPolicy"] = resource["UpdateReplacePolicy"] = "Delete"

    account.update_stack(name, change)
    return f"every {kind} of stack {name} goes with it"
