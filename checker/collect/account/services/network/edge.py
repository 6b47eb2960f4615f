"""AWS WAF, and the certificates of AWS Certificate Manager: web ACLs and what they stand in front of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from checker.collect.account.asking.account import Account
from checker.collect.account.asking.answers import Answer
from checker.collect.account.services.network import certificates
from checker.collect.account.shapes import Draft, at, fields, maybe, said


def _plain(value: Any) -> Any:
    """Rules search for bytes and say ``ARN``; a template writes text and ``Arn``."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Mapping):
        return {"Arn" if key == "ARN" else key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


_WEB_ACL: Final = (
    *(said(name, f"WebACL.{name}", _plain) for name in ("Name", "DefaultAction", "Rules", "VisibilityConfig")),
    maybe("Description", "WebACL.Description", lambda value: value or None),
    *(maybe(each.to, f"WebACL.{each.to}", _plain) for each in fields(
        "CustomResponseBodies CaptchaConfig ChallengeConfig TokenDomains AssociationConfig DataProtectionConfig "
        "OnSourceDDoSProtectionConfig")),
)  # fmt: skip
_IP_SET: Final = (
    said("Name", "IPSet.Name"), said("IPAddressVersion", "IPSet.IPAddressVersion"),
    said("Addresses", "IPSet.Addresses", sorted),
    maybe("Description", "IPSet.Description", lambda value: value or None),
)  # fmt: skip
_LOGGING: Final = (
    said("LogDestinationConfigs", "LoggingConfiguration.LogDestinationConfigs", list),
    maybe("RedactedFields", "LoggingConfiguration.RedactedFields", lambda value: list(value) or None),
    maybe("LoggingFilter", "LoggingConfiguration.LoggingFilter"),
)


def describe(account: Account) -> Iterator[Draft | None]:
    asked = certificates.ask(account)
    acls = _web_acls(account)
    # Those of the stacks: others matter only where a rule names them, and then by their ARN.
    ip_sets = [(name, _regional(account, "GetIPSet", name)) for name in account.scope.ids("AWS::WAFv2::IPSet")]
    yield from certificates.told(account, asked)
    yield from _told_of_acls(account, acls)
    for name, answer in ip_sets:
        if answer.complete and not answer.outcome.absent:
            arn = str(at(answer.value, "IPSet.ARN") or name)
            draft = Draft("AWS::WAFv2::IPSet", (name, arn), properties={"Scope": "REGIONAL", "Arn": arn})
            yield draft.read(answer.value, _IP_SET)


def _web_acls(account: Account) -> list[tuple[str, Answer]]:
    """The regional web ACLs, by ``name|id|scope``, which is what ``Ref`` gives."""
    scope = account.scope
    names = [each for each in scope.ids("AWS::WAFv2::WebACL") if each.endswith("|REGIONAL")]
    if account.needs.unmanaged or not scope.known or not names:
        listed = account.ask("wafv2", "ListWebACLs", Scope="REGIONAL")
        found = (
            f"{each['Name']}|{each['Id']}|REGIONAL" for each in listed.items if each.get("Name") and each.get("Id")
        )
        names = [*dict.fromkeys([*names, *found])]
    return [(name, _regional(account, "GetWebACL", name)) for name in names]


def _regional(account: Account, operation: str, name: str) -> Answer:
    """Ask for one thing of AWS WAF by ``name|id|scope``."""
    title, ident = ([*name.split("|"), ""])[:2]
    return account.ask("wafv2", operation, Name=title, Id=ident, Scope="REGIONAL")


def _told_of_acls(account: Account, asked: list[tuple[str, Answer]]) -> Iterator[Draft | None]:
    more = []
    for name, answer in asked:
        arn = at(answer.value, "WebACL.ARN")
        if not arn:
            continue
        draft = Draft("AWS::WAFv2::WebACL", (name, str(arn)), properties={"Scope": "REGIONAL", "Arn": str(arn)})
        yield draft.read(answer.value, _WEB_ACL)
        more.append((
            str(arn),
            account.ask("wafv2", "ListResourcesForWebACL", WebACLArn=arn, ResourceType="APPLICATION_LOAD_BALANCER"),
            account.ask("wafv2", "GetLoggingConfiguration", ResourceArn=arn),
        ))  # fmt: skip
    for arn, protected, logging in more:
        for resource in protected.items:
            properties = {"ResourceArn": resource, "WebACLArn": arn}
            yield Draft("AWS::WAFv2::WebACLAssociation", (f"{resource}|{arn}",), properties=properties)
        if logging.complete and not logging.outcome.absent:
            draft = Draft("AWS::WAFv2::LoggingConfiguration", (arn,), properties={"ResourceArn": arn})
            yield draft.read(logging.value, _LOGGING)
