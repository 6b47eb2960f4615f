"""Which names are served where: what points at a load balancer or a distribution, and which certificate covers it.

Sources: Elastic Load Balancing User Guide, "HTTPS listeners" and "Host conditions"; AWS Certificate Manager User Guide,
"Wildcard names": the asterisk stands for exactly one label, and does not protect the bare domain.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, either, why_open, yes_if
from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import (
    Absent,
    Attribute,
    Hole,
    Known,
    Resolved,
    ResourceKey,
    Text,
    Unknown,
    Value,
    as_list,
    pieces,
    text,
)

_TLS = ("HTTPS", "TLS")
_GLOBAL = "us-east-1"  # where CloudFront, and what stands behind it, takes certificates from
# A pattern that stands for one name.
_LITERAL = lazy_re.compile(r"\^?((?:[\w-]|\\\.)+)\$?")
_BALANCERS = {"AWS::ElasticLoadBalancingV2::LoadBalancer"}


class Server(Struct, frozen=True):
    """Something that answers with a certificate. ``path`` is where the certificate is given."""

    resource: Resource
    path: str
    names: tuple[str | Text, ...]
    certificates: tuple[Resolved, ...]
    patterns: tuple[str, ...] = ()  # regular expressions of host names that it answers to
    region: str = ""  # where its certificate has to be, if known
    doubt: str = ""  # why it may answer with none at all


def listeners_and_distributions(environment: Environment) -> Iterator[Server]:
    """Every TLS listener and every distribution with aliases, with the names that it is known to serve."""
    pointing = names_by_target(environment)
    for listener in environment.resources("AWS::ElasticLoadBalancingV2::Listener"):
        protocol = listener.get("Protocol")
        tls = _is_one_of(protocol.value if isinstance(protocol, Known) else protocol, _TLS)
        if tls is NO:
            continue
        names: list[str | Text] = []
        patterns: list[str] = []
        for balancer in environment.project.all_referred(listener.get("LoadBalancerArn")):
            if balancer.type in _BALANCERS:
                names.extend(pointing.get(balancer.key, ()))
        given = _certificates(listener.get("Certificates"))
        for child in environment.children(listener):
            if child.type == "AWS::ElasticLoadBalancingV2::ListenerRule":
                names.extend(host_conditions(child))
                for written in host_patterns(child):
                    plain = _LITERAL.fullmatch(written)
                    if plain is None:
                        patterns.append(written)
                    else:
                        names.append(plain[1].replace("\\", ""))
            elif child.type == "AWS::ElasticLoadBalancingV2::ListenerCertificate":
                given.extend(_certificates(child.get("Certificates")))
        yield Server(
            listener,
            "Certificates",
            tuple(dict.fromkeys(names)),
            tuple(given),
            tuple(patterns),
            listener.stack.region,
            why_open(tls),
        )
    yield from _classic(environment, pointing)
    for distribution in environment.resources("AWS::CloudFront::Distribution"):
        aliases = distribution.get("DistributionConfig.Aliases")
        served = tuple(dict.fromkeys(_texts(aliases)))
        if served:
            path = "DistributionConfig.ViewerCertificate"
            one = [distribution.get(f"{path}.{name}") for name in ("AcmCertificateArn", "IamCertificateId")]
            known = (each.value if isinstance(each, Known) else each for each in one if not isinstance(each, Absent))
            yield Server(distribution, path, served, tuple(known), region=_GLOBAL)


def _classic(environment: Environment, pointing: dict[ResourceKey, list[str | Text]]) -> Iterator[Server]:
    """The TLS listeners of classic load balancers, which have one certificate each."""
    for balancer in environment.resources("AWS::ElasticLoadBalancing::LoadBalancer"):
        listeners = balancer.get("Listeners")
        listed = as_list(listeners.value) if isinstance(listeners, Known) else [listeners]
        for index, each in enumerate(listed if not isinstance(listeners, Absent) else ()):
            tls = _is_one_of(each.get("Protocol") if isinstance(each, dict) else each, ("HTTPS", "SSL"))
            if tls is not NO:
                given = each.get("SSLCertificateId") if isinstance(each, dict) else None
                names = tuple(dict.fromkeys(pointing.get(balancer.key, ())))
                path, certificates = f"Listeners.{index}.SSLCertificateId", () if given is None else (given,)
                doubt = why_open(tls)
                yield Server(balancer, path, names, certificates, region=balancer.stack.region, doubt=doubt)


def _is_one_of(protocol: Resolved | Absent, wanted: Sequence[str]) -> Answer:
    if isinstance(protocol, Unknown | Text):
        return Open("whether it speaks TLS is not known before deployment")
    return yes_if(isinstance(protocol, str) and protocol.upper() in wanted)


# Where a service is told a domain of its own, and the certificate for it; and whether that has to be where CloudFront
# takes its certificates from. Sources: Amazon API Gateway Developer Guide, "Custom domain name for public REST APIs";
# Amazon Cognito Developer Guide, "Using your own domain for managed login"; AWS AppSync Developer Guide, "Configuring
# custom domain names"; Amazon VPC Lattice User Guide, "Configure a custom domain name"; Amazon OpenSearch Service
# Developer Guide, "Creating a custom endpoint"; AWS SAM Developer Guide, "DomainConfiguration" (regional, unless
# EndpointConfiguration says EDGE), "HttpApiDomainConfiguration" and, of GraphQL APIs, "DomainName"; Amazon CloudFront
# Developer Guide, "Request certificates for your CloudFront distribution tenant"; AWS IoT Core Developer Guide, "Domain
# configurations".
_DOMAINS = (
    ("AWS::ApiGateway::DomainName", "DomainName", "CertificateArn", True),
    ("AWS::ApiGateway::DomainName", "DomainName", "RegionalCertificateArn", False),
    ("AWS::ApiGateway::DomainNameV2", "DomainName", "CertificateArn", False),
    ("AWS::ApiGatewayV2::DomainName", "DomainName", "DomainNameConfigurations.0.CertificateArn", False),
    ("AWS::AppSync::DomainName", "DomainName", "CertificateArn", True),
    ("AWS::Cognito::UserPoolDomain", "Domain", "CustomDomainConfig.CertificateArn", True),
    ("AWS::CloudFront::DistributionTenant", "Domains", "Customizations.Certificate.Arn", True),
    ("AWS::EC2::VerifiedAccessEndpoint", "ApplicationDomain", "DomainCertificateArn", False),
    *(
        (
            kind,
            "DomainEndpointOptions.CustomEndpoint",
            "DomainEndpointOptions.CustomEndpointCertificateArn",
            False,
        )
        for kind in ("AWS::Elasticsearch::Domain", "AWS::OpenSearchService::Domain")
    ),
    ("AWS::Serverless::Api", "Domain.DomainName", "Domain.CertificateArn", False),
    ("AWS::Serverless::GraphQLApi", "DomainName.DomainName", "DomainName.CertificateArn", True),
    ("AWS::Serverless::HttpApi", "Domain.DomainName", "Domain.CertificateArn", False),
    ("AWS::IoT::DomainConfiguration", "DomainName", "ServerCertificateArns.0", False),
    ("AWS::VpcLattice::Service", "CustomDomainName", "CertificateArn", False),
)


def domains(environment: Environment) -> Iterator[Server]:
    """Every domain of its own that an API, a user pool or another such service answers to, with its certificate."""
    for kind, called, path, everywhere in _DOMAINS:
        for domain in environment.resources(kind):
            name, given = domain.get(called), domain.get(path)
            names = tuple(_names(name.value)) if isinstance(name, Known) else ()
            if names and isinstance(given, Known):
                region = _GLOBAL if everywhere else domain.stack.region
                if kind == "AWS::Serverless::Api":
                    region = _of_its_endpoint(domain)
                yield Server(domain, path, names, (given.value,), region=region)


def _names(written: Resolved) -> Iterator[str | Text]:
    """One name, or those of a list of domains."""
    for each in as_list(written):
        name = each.get("Domain") if isinstance(each, dict) else each
        if isinstance(name, str | Text):
            yield name


def _of_its_endpoint(api: Resource) -> str:
    """Where the certificate of an API of SAM has to be; empty where its kind of endpoint is not known."""
    endpoint = api.get("Domain.EndpointConfiguration")
    if isinstance(endpoint, Absent):
        return api.stack.region
    if isinstance(endpoint, Unknown) or not isinstance(endpoint.value, str):
        return ""
    return _GLOBAL if endpoint.value == "EDGE" else api.stack.region


def _certificates(value: Value) -> list[Resolved]:
    if isinstance(value, Unknown):
        return [value]
    found: list[Resolved] = []
    for item in value.value if isinstance(value, Known) and isinstance(value.value, list) else []:
        arn = item.get("CertificateArn") if isinstance(item, dict) else item
        if arn is not None:
            found.append(arn)
    return found


def names_by_target(environment: Environment) -> dict[ResourceKey, list[str | Text]]:
    """Load balancer -> the names whose records, in any stack at hand, lead to it."""
    found: dict[ResourceKey, list[str | Text]] = {}
    project = environment.project
    for record in project.resources("AWS::Route53::RecordSet"):
        name = record.get("Name")
        if isinstance(name, Known) and isinstance(name.value, str | Text):
            for path in ("AliasTarget.DNSName", "ResourceRecords"):
                for target in project.all_referred(record.get(path)):
                    found.setdefault(target.key, []).append(name.value)
    for group in project.resources("AWS::Route53::RecordSetGroup"):
        records = group.get("RecordSets")
        for item in records.value if isinstance(records, Known) and isinstance(records.value, list) else []:
            own = item.get("Name") if isinstance(item, dict) else None
            if isinstance(item, dict) and isinstance(own, str | Text):
                for target in project.all_referred([item.get("AliasTarget"), item.get("ResourceRecords")]):
                    found.setdefault(target.key, []).append(own)
    return found


def records_spelled(value: str | Text, environment: Environment) -> str | Text:
    """The string with references to records of the project replaced by their names, which is what ``Ref`` answers
    (AWS CloudFormation Template Reference, ``AWS::Route53::RecordSet``, "Return values")."""
    parts: list[str | Hole] = []
    for part in pieces(value):
        record = environment.project.resource(part.target) if isinstance(part, Attribute) and not part.name else None
        name = record.get("Name") if record is not None and record.type == "AWS::Route53::RecordSet" else None
        if isinstance(name, Known) and isinstance(name.value, str | Text):
            parts.extend(pieces(name.value))
        else:
            parts.append(part)
    return text(parts)


def host_conditions(rule: Resource) -> Iterator[str | Text]:
    """The host names that a listener's rule asks for."""
    conditions = rule.get("Conditions")
    for item in conditions.value if isinstance(conditions, Known) and isinstance(conditions.value, list) else []:
        if isinstance(item, dict) and item.get("Field") == "host-header":
            config = item.get("HostHeaderConfig")
            values = config.get("Values") if isinstance(config, dict) else item.get("Values")
            yield from _texts(Known(values))


def host_patterns(rule: Resource) -> Iterator[str]:
    """The regular expressions that a listener's rule asks host names for."""
    conditions = rule.get("Conditions")
    for item in conditions.value if isinstance(conditions, Known) and isinstance(conditions.value, list) else []:
        config = item.get("HostHeaderConfig") if isinstance(item, dict) else None
        written = config.get("RegexValues") if isinstance(config, dict) else None
        yield from (each for each in (written if isinstance(written, list) else ()) if isinstance(each, str))


def _texts(value: Value) -> Iterator[str | Text]:
    for item in value.value if isinstance(value, Known) and isinstance(value.value, list) else []:
        if isinstance(item, str | Text):
            yield item


def covered_by(name: str | Text, offered: Sequence[Resolved]) -> Answer:
    """Whether a certificate for ``offered`` is one for ``name``."""
    return either(_covers(one, name) for one in offered)


def _covers(offered: Resolved, name: str | Text) -> Answer:
    if not isinstance(offered, str | Text):
        return Open("one of the certificate's names is not known")
    one, other = normal_name(offered), normal_name(name)
    if one == other:
        return YES
    head = pieces(one)[0]
    if isinstance(head, str) and head.startswith("*."):
        rest = _after_label(other)
        if rest is not None and rest == text([head[2:], *pieces(one)[1:]]):
            return YES
    is_open = isinstance(one, Text) or isinstance(other, Text)
    return Open(f"whether {one} is {other} is not known before deployment") if is_open else NO


def normal_name(name: str | Text) -> str | Text:
    """DNS names have no case, and a dot at the end says nothing."""
    parts: list[str | Hole] = [part.lower() if isinstance(part, str) else part for part in pieces(name)]
    last = parts[-1]
    if isinstance(last, str):
        parts[-1] = last.rstrip(".")
    return text(parts)


def _after_label(name: str | Text) -> str | Text | None:
    """What follows the first label; ``None`` where that cannot be told: an open part may be more than one label."""
    first, *rest = pieces(name)
    if isinstance(first, Hole) or "." not in first:
        return None
    return text([first.partition(".")[2], *rest])
