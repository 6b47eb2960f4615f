"""What a person could do to the account by hand, one thing at a time: ``checker lab break FINDING``.

Each break is a few API calls, as the console would make them, on a resource that the stacks brought. It answers what it
did in a sentence. The findings are those that the register judges on a live account; the names that begin with
``drift-`` are the states that `drift` tells apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from checker.errors import UsageError
from checker.lab.breaks import access, alarms, data, drift, edge, images, network, stacks
from checker.lab.breaks.account import Account

__all__ = ["BREAKS", "Account", "Break", "apply"]


class Break(Struct, frozen=True):
    """``what`` completes "breaks this: ..."."""

    what: str
    do: Callable[[Account], str]


BREAKS: Final[Mapping[str, Break]] = {
    "C1": Break("the deploy role admits pull requests", access.admit_pull_requests),
    "C2": Break("a repository keeps its last three images only", images.keep_three_images),
    "C3": Break("a repository's tags can be moved", images.let_tags_move),
    "C4": Break("a stack made by hand imports an export", stacks.import_an_export),
    "C5": Break("a stack has a queue whose name no other environment could have", stacks.name_a_queue),
    "C7": Break("Redis asks for no token", data.drop_auth_token),
    "C8": Break("a database restored by hand is not encrypted", data.restore_unencrypted),
    "W1": Break("the deploy role may pass any role", access.pass_any_role),
    "W2": Break("the deploy role may not read stacks", access.forget_stacks),
    "W4": Break("a one-off task runs an image that is no commit", images.run_a_hotfix),
    "W5": Break("the deploy role's sessions are shorter than a deployment", access.shorten_sessions),
    "W6": Break("a deploy role admits another environment", access.admit_another_environment),
    "W7": Break("a repository does not scan", images.stop_scanning),
    "W8": Break("a service's security group lets everything out", network.open_egress),
    "W9": Break("the load balancer keeps no access log", edge.stop_access_logs),
    "W10": Break("secrets go with their stack", stacks.let_secrets_go),
    "W11": Break("the hosted zone goes with its stack", stacks.let_zone_go),
    "W12": Break("a listener presents another name's certificate", edge.present_another_certificate),
    "W13": Break("a stack has a bucket whose name another account may take", stacks.name_a_bucket),
    "W14": Break("a deployment alarm rings at one missing minute", alarms.make_nervous),
    "W16": Break("two migration tasks run at once", images.migrate_twice),
    "W17": Break("one service runs another commit", images.roll_one_service),
    "S1": Break("the web ACL stands in front of nothing", edge.take_web_acl_away),
    "S2": Break("nobody hears of alarms", alarms.unsubscribe_everybody),
    "S3": Break("a VPC has no S3 endpoint", network.delete_s3_endpoint),
    "S4": Break("a function has another environment's host", data.point_at_another_environment),
    "S5": Break("a listener does not negotiate TLS 1.3", edge.lower_tls),
    "S6": Break("a VPC has no flow log", network.delete_flow_log),
    "S10": Break("a bucket has no KMS key", data.drop_kms_key),
    "P1": Break("the deploy role may not update services", access.forget_services),
    "P2": Break("the deploy role may delete databases", access.grant_too_much),
    "P9": Break("the web ACL blocks documents and code", edge.block_documents),
    "P12": Break("a log group keeps everything for ever", alarms.keep_logs_for_ever),
    "P14": Break("alarms may not publish to their topic", alarms.silence_topic),
    "P16": Break("the web ACL limits the system's own addresses", edge.limit_everybody),
    "drift-changed": Break("a database keeps its backups for two days", drift.change_a_property),
    "drift-added": Break("a role has an inline policy that no template knows", drift.add_a_policy),
    "drift-added-rule": Break("a security group lets the world in", drift.open_to_the_world),
    "drift-missing": Break("an alarm was deleted", drift.delete_a_resource),
    "drift-unmanaged": Break("a queue stands that no stack made", drift.make_something_by_hand),
    "drift-pending": Break("the code has a change that is not deployed", drift.change_the_code),
    "drift-both": Break("code and account have changed the same property", drift.change_both),
    "drift-replace": Break("the next deployment replaces a database", drift.change_the_code_by_replacement),
    "drift-template": Break("a stack was updated with a template that is not the code's", drift.change_the_template),
}


def apply(account: Account, name: str) -> str:
    """Break one thing; what was done. Raises :class:`UsageError` for a name that there is not."""
    known = {each.casefold(): each for each in BREAKS}
    if name.casefold() in known:
        return BREAKS[known[name.casefold()]].do(account)
    raise UsageError(f"there is no break {name!r}", "checker lab break --list shows all.")
