"""Stacks that a person updated or made in the console."""

from __future__ import annotations

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
