"""The certificate outlives every environment and covers every name served.

What the review found
    The certificate belongs to the staging stack and was made for staging's name. Moving it means a new certificate,
    which must cover both environments before the old one goes.
What is checked
    Every certificate lives in a stack that no environment shares its life with (``home``) and is retained
    (``retained``). Every HTTPS or TLS listener and every distribution has a certificate for each name that it
    serves (``covers``): names whose records point at it, host conditions of its rules, aliases. So has every domain
    of an API, a user pool, a service of VPC Lattice or a search domain whose certificate is at hand. The
    certificate is in the region that takes it: the listener's own, and us-east-1 for what stands behind CloudFront.
    A wildcard stands for exactly one label: ``*.example.com`` covers neither ``example.com`` nor
    ``a.b.example.com``. A certificate given as a string is taken to be one of the shared stacks' where account and
    region agree.
When it does not apply
    No certificate, no listener with TLS and no distribution with names of its own.
What cannot be decided
    A certificate that none of these stacks declares; a listener whose names are not in the templates, or whose
    protocol is not known.
Fix
    Make one certificate in the shared stack, retained, for the domain and its wildcard, and give its ARN to the
    environments as configuration.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from checker.model.answers import NO, YES, Open
from checker.model.environments import Environment, EnvironmentKind, Project
from checker.model.judgements import Judgement
from checker.model.live.account import Account
from checker.model.resources import Resource
from checker.model.rules import Rule
from checker.model.values import Known, Resolved, Text, Unknown
from checker.model.verdicts import Outcome, Surface
from checker.reason.account.facts import when
from checker.reason.account.state import certificates_of
from checker.reason.names.custom_resources import custom_resources, is_custom
from checker.reason.network.served_names import Server, covered_by, domains, listeners_and_distributions
from checker.reason.templates.retention import lives_in_an_environment, must_be_retained, what_becomes_of

_CERTIFICATE = "AWS::CertificateManager::Certificate"
_FIX = "Make the certificate in the shared stack, retained, and give its ARN to the environments as configuration."
_COVER = "Add the name (or a wildcard one label above it) to the certificate's names."


def check(environment: Environment) -> Iterator[Judgement]:
    for certificate in certificates(environment):
        if lives_in_an_environment(certificate, environment.project):
            home = f"{environment.name}'s stack {certificate.stack.name}"
            violation = f"The certificate lives in {home}, {what_becomes_of(certificate)}."
            yield certificate.fails("home", violation, fix=_FIX, expected="a shared stack")
        else:
            yield certificate.passes("home", "The certificate lives in a shared stack.")
        if certificate.type == _CERTIFICATE:
            yield from must_be_retained(certificate, "retained", "The certificate")
    for server in listeners_and_distributions(environment):
        verdict = _covers(server, environment.project)
        if server.doubt and verdict.outcome is Outcome.FAIL:
            yield server.resource.undecided("covers", server.doubt, path=server.path, fix=_COVER)
        else:
            yield verdict
    for server in domains(environment):
        verdict = _covers(server, environment.project)
        # Of an API's domain only what is certain: its certificate is often of another project's.
        if verdict.outcome in (Outcome.PASS, Outcome.FAIL):
            yield verdict


def certificates(environment: Environment) -> Iterator[Resource]:
    """Certificates, and the custom resources with which older CDK versions made them."""
    yield from environment.resources(_CERTIFICATE, "AWS::IAM::ServerCertificate")
    for resource in custom_resources(environment):
        if None not in map(resource.raw_at, ("DomainName", "HostedZoneId", "ServiceToken")):
            yield resource


def _covers(server: Server, project: Project) -> Judgement:
    owner, path = server.resource, server.path
    if not server.certificates:
        return owner.fails("covers", "It serves TLS and has no certificate.", fix=_COVER, path=path)
    if astray := _elsewhere(server, project):
        violation = f"It takes certificates of {server.region}, and this one is of {astray}: the deployment fails."
        fix = f"Make its certificate in {server.region}."
        return owner.fails("covers", violation, fix=fix, path=path, expected=server.region, actual=astray)
    if server.patterns and not server.names:
        why = f"which names {server.patterns[0]} stands for is not known"
        return owner.undecided("covers", why, path=path, fix=_COVER)
    if not server.names:
        return owner.undecided("covers", "the names that it serves are not in the templates", path=path, fix=_COVER)
    offered: list[Resolved] = []
    foreign: list[str] = []
    related: list[Resource] = []
    for value in server.certificates:
        meant = _meant(value, server, project)
        related.extend(meant)
        offered.extend(name for certificate in meant for name in _names(certificate))
        if not meant:
            foreign.append("an imported certificate" if isinstance(value, Unknown) else str(value))
    answers = {str(name): covered_by(name, offered) for name in server.names}
    missing = [name for name, answer in answers.items() if answer is NO]
    if foreign and (not all(answer is YES for answer in answers.values()) or not related):
        why = f"the names of {foreign[0]}, which none of these stacks declares, are not known"
        return owner.undecided("covers", why, path=path, fix=_COVER)
    if missing:
        violation = f"The certificate does not cover {_listed(missing)}."
        shown = _listed(map(str, offered))
        return owner.fails(
            "covers", violation, fix=_COVER, path=path, expected=_listed(missing), actual=shown, related=tuple(related)
        )
    for name, answer in answers.items():
        if isinstance(answer, Open):
            why = f"whether the certificate covers {name}: {answer.why}"
            return owner.undecided("covers", why, path=path, fix=_COVER)
    if server.patterns:
        why = f"whether the certificate covers what {server.patterns[0]} stands for is not known"
        return owner.undecided("covers", why, path=path, fix=_COVER)
    return owner.passes("covers", f"The certificate covers {_listed(answers)}.", path=path)


def _elsewhere(server: Server, project: Project) -> str:
    """The region of a certificate of ACM that is not the one that its server asks; empty where it is, or where nobody
    knows. Sources: Amazon CloudFront Developer Guide, "Requirements for using SSL/TLS certificates with CloudFront";
    Elastic Load Balancing User Guide, "Create an HTTPS listener" (the load balancer's own region)."""
    for value in server.certificates if server.region else ():
        fields = value.split(":") if isinstance(value, str) and value.startswith("arn:") else []
        if len(fields) > 5 and fields[2] == "acm" and fields[3] not in {"", server.region}:
            return fields[3]
        for each in project.all_referred(value) if not fields else ():
            if each.type == _CERTIFICATE and each.stack.region not in {"", server.region}:
                return each.stack.region
    return ""


def _meant(value: Resolved, server: Server, project: Project) -> Sequence[Resource]:
    """The certificates that a certificate's ARN may stand for: the one that it refers to, or those of shared stacks."""
    owner = server.resource
    referred = [each for each in project.all_referred(value) if each.type == _CERTIFICATE or is_custom(each.type)]
    if referred or owner.surface is Surface.ACCOUNT:
        return referred  # an account names one certificate, and not what a configuration stands for
    fields = value.split(":") if isinstance(value, str) and value.startswith("arn:") else []
    region = fields[3] if len(fields) > 5 else server.region or owner.stack.region
    account = fields[4] if len(fields) > 5 else owner.stack.account
    return [
        each
        for environment in project.environments
        if environment.kind is EnvironmentKind.SHARED
        for each in environment.resources(_CERTIFICATE)
        if region in {"", each.stack.region or region} and account in {"", each.stack.account or account}
    ]


def _names(certificate: Resource) -> Iterator[Resolved]:
    for path in ("DomainName", "SubjectAlternativeNames"):
        value = certificate.get(path)
        if isinstance(value, Unknown):
            yield value
        elif isinstance(value, Known):
            for name in value.value if isinstance(value.value, list) else [value.value]:
                yield name if isinstance(name, str | Text) else Unknown(f"{path} is not known before deployment")


def _listed(names: Iterable[str]) -> str:
    listed = [name.rstrip(".") for name in names]
    return ", ".join(listed[:5]) + (" and others" if len(listed) > 5 else "")


def check_account(account: Account, project: Project) -> Iterator[Judgement]:
    """Live: the certificate is issued, does not end soon, and will be renewed."""
    found = certificates_of(account, project, when(account.taken_at))
    if isinstance(found, Unknown):
        for environment in project.environments:
            if any(environment.resources("AWS::CertificateManager::Certificate")):
                yield environment.undecided("state", f"whether certificates are valid: {found.why}", fix=_FIX_STATE)
        return
    for each in found:
        if isinstance(each, Resource):
            yield each.undecided("state", "whether it is valid: ACM told nothing of it", fix=_FIX_STATE)
        elif each.trouble:
            yield each.resource.fails("state", each.trouble, fix=_FIX_STATE)
        elif each.days is None:
            yield each.resource.undecided("state", "when it ends", fix=_FIX_STATE)
        else:
            yield each.resource.passes("state", f"It is issued, and ends in {each.days} days.")


_FIX_STATE: Final = "Renew it: keep its validation records in the zone, or import a new one before it ends."


RULE = Rule(
    id="W12",
    looked_for="certificate, TLS listener or distribution",
    check=check,
    check_account=check_account,
)
