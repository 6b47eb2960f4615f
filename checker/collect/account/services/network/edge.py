"""AWS Certificate Manager and AWS WAF: certificates with their states, web ACLs and what they stand in front of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from checker.collect.account.asking.account import Account
from checker.collect.account.asking.answers import Answer
from checker.collect.account.shapes import Draft, at, fields, iso, maybe, picked, said

_CERTIFICATE: Final = (
    said("DomainName", "Certificate.DomainName"),
    said("SubjectAlternativeNames", "Certificate.SubjectAlternativeNames", sorted),
    maybe("ValidationMethod", "Certificate.DomainValidationOptions.0.ValidationMethod"),
    maybe("KeyAlgorithm", "Certificate.KeyAlgorithm", lambda value: str(value).replace("-", "_")),
    maybe("CertificateTransparencyLoggingPreference",
          "Certificate.Options.CertificateTransparencyLoggingPreference"),
)  # fmt: skip
# A list gives certificates of other kinds only where it is asked for them.
_KEY_TYPES: Final = (
    "RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"
)  # fmt: skip


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
    certificates = _certificates(account)
    acls = _web_acls(account)
    # Those of the stacks: others matter only where a rule names them, and then by their ARN.
    ip_sets = [(name, _regional(account, "GetIPSet", name)) for name in account.scope.ids("AWS::WAFv2::IPSet")]
    for arn, answer in certificates:
        if answer.complete and not answer.outcome.absent:
            yield Draft("AWS::CertificateManager::Certificate", (arn,)).read(answer.value, _CERTIFICATE)
            account.add_facts("certificates", {arn: _state(answer.value.get("Certificate") or {})})
    yield from _told_of_acls(account, acls)
    for name, answer in ip_sets:
        if answer.complete and not answer.outcome.absent:
            draft = Draft("AWS::WAFv2::IPSet", (name,), properties={"Scope": "REGIONAL"})
            yield draft.read(answer.value, _IP_SET)


def _certificates(account: Account) -> list[tuple[str, Answer]]:
    arns = list(account.scope.ids("AWS::CertificateManager::Certificate"))
    if account.needs.unmanaged or not account.scope.known or not arns:
        listed = account.ask("acm", "ListCertificates", Includes={"keyTypes": list(_KEY_TYPES)})
        found = (str(each["CertificateArn"]) for each in listed.items if each.get("CertificateArn"))
        arns = [*dict.fromkeys([*arns, *found])]
    return [(arn, account.ask("acm", "DescribeCertificate", CertificateArn=arn)) for arn in arns]


def _state(certificate: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **picked(certificate, "Status Type RenewalEligibility DomainName"),
        **{key: iso(certificate[key]) for key in ("NotAfter", "NotBefore") if certificate.get(key)},
        "RenewalStatus": at(certificate, "RenewalSummary.RenewalStatus"),
        "InUseBy": sorted(map(str, certificate.get("InUseBy") or ())),
    }


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
