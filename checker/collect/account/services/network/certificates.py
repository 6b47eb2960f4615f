"""AWS Certificate Manager: the certificates of the stacks, and those that listeners present, with their states."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from checker.collect.account.asking.account import Account
from checker.collect.account.asking.answers import Answer
from checker.collect.account.shapes import Draft, at, iso, maybe, picked, said

Asked: TypeAlias = list[tuple[str, Answer]]

_KIND: Final = "AWS::CertificateManager::Certificate"
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


def ask(account: Account) -> Asked:
    """Those of the stacks; all of the account where what belongs to none is looked for as well."""
    arns = list(account.scope.ids(_KIND))
    if _are_listed(account):
        listed = account.ask("acm", "ListCertificates", Includes={"keyTypes": list(_KEY_TYPES)})
        found = (str(each["CertificateArn"]) for each in listed.items if each.get("CertificateArn"))
        arns = [*dict.fromkeys([*arns, *found])]
    return _described(account, arns)


def ask_named(account: Account, arns: Iterable[object]) -> Asked:
    """Those that something presents and :func:`ask` does not ask for: made by hand, or imported."""
    if _are_listed(account):
        return []
    own = account.scope.ids(_KIND)
    named = dict.fromkeys(str(arn) for arn in arns)
    # Others are kept in IAM (Elastic Load Balancing User Guide, "SSL certificates for your Application Load Balancer").
    return _described(account, [arn for arn in named if arn.split(":")[2:3] == ["acm"] and arn not in own])


def told(account: Account, asked: Asked) -> Iterator[Draft]:
    """What the answers tell, once they are there."""
    for arn, answer in asked:
        if answer.complete and not answer.outcome.absent:
            yield Draft(_KIND, (arn,)).read(answer.value, _CERTIFICATE)
            account.add_facts("certificates", {arn: _state(answer.value.get("Certificate") or {})})


def _are_listed(account: Account) -> bool:
    return account.needs.unmanaged or not account.scope.known or not account.scope.ids(_KIND)


def _described(account: Account, arns: Iterable[str]) -> Asked:
    return [(arn, account.ask("acm", "DescribeCertificate", CertificateArn=arn)) for arn in arns]


def _state(certificate: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **picked(certificate, "Status Type RenewalEligibility DomainName"),
        **{key: iso(certificate[key]) for key in ("NotAfter", "NotBefore") if certificate.get(key)},
        "RenewalStatus": at(certificate, "RenewalSummary.RenewalStatus"),
        "InUseBy": sorted(map(str, certificate.get("InUseBy") or ())),
    }
