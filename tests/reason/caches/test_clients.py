"""Who is handed a cache's address, and what they are told of how to connect."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checker.reason.caches.clients import Client, clients
from tests.answers import said
from tests.projects import project_of

CACHE = {"Type": "AWS::ElastiCache::ReplicationGroup", "Properties": {"ReplicationGroupDescription": "cache"}}
HOST = {"Fn::GetAtt": ["Cache", "PrimaryEndPoint.Address"]}


def found(resources: dict[str, Any]) -> list[Client]:
    project = project_of(json.dumps({"Resources": {"Cache": CACHE, **resources}}))
    (environment,) = project.environments
    each = list(clients(environment))
    assert {leads.logical_id for _, resources in each for leads in resources} <= {"Cache"}
    return [client for client, _ in each]


def container(environment: dict[str, Any], command: list[Any] | None = None) -> list[Client]:
    definition: dict[str, Any] = {
        "Name": "web",
        "Image": "shop",
        "Environment": [{"Name": name, "Value": value} for name, value in environment.items()],
        **({"Command": command} if command else {}),
    }
    task = {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": [definition]}}
    return found({"Task": task})


def joined(*parts: Any) -> dict[str, Any]:
    return {"Fn::Join": ["", list(parts)]}


@pytest.mark.parametrize(
    ("environment", "encrypted", "plain"),
    [
        ({"REDIS_URL": joined("rediss://", HOST, ":6379")}, True, ""),
        ({"REDIS_URL": joined("redis://", HOST, ":6379")}, None, "gives the client a redis:// address"),
        ({"REDIS_URL": joined("redis://", HOST, ":6379?ssl=false")}, None, "gives the client a redis:// address"),
        ({"CACHE": joined(HOST, ":6379,ssl=False")}, None, "switches TLS off in the address's own options"),
        ({"CACHE": joined(HOST, ":6379,ssl=True")}, True, ""),
        ({"REDIS_HOST": HOST}, None, ""),
        ({"REDIS_HOST": HOST, "REDIS_TLS": "true"}, True, ""),
        ({"REDIS_HOST": HOST, "REDIS_TLS": "off"}, False, "is used with REDIS_TLS, which switches TLS off"),
        (
            {"REDIS_HOST": HOST, "REDIS_DISABLE_TLS": "1"},
            False,
            "is used with REDIS_DISABLE_TLS, which switches TLS off",
        ),
        ({"REDIS_HOST": HOST, "REDIS_INSECURE": "no"}, True, ""),
        ({"REDIS_HOST": HOST, "REDIS_SCHEME": "redis"}, False, "is used with REDIS_SCHEME, which switches TLS off"),
        ({"REDIS_HOST": HOST, "REDIS_SCHEME": "rediss"}, True, ""),
        ({"REDIS_HOST": HOST, "REDIS_TLS": {"Fn::ImportValue": "Tls"}}, None, ""),
        ({"REDIS_HOST": HOST, "SMTP_TLS": "off"}, None, ""),  # of something else
    ],
)
def test_what_a_client_is_told(environment: dict[str, Any], encrypted: bool | None, plain: str) -> None:
    (client,) = container(environment)
    assert (said(client.encrypted) if client.encrypted is not None else None, client.plain) == (encrypted, plain)


@pytest.mark.parametrize(
    ("environment", "unchecked"),
    [
        ({"REDIS_URL": joined("rediss://", HOST, "?ssl_cert_reqs=none")}, "ssl_cert_reqs=none"),
        ({"REDIS_URL": joined("rediss://", HOST), "NODE_TLS_REJECT_UNAUTHORIZED": "0"}, "NODE_TLS_REJECT_UNAUTHORIZED"),
        ({"REDIS_URL": joined("rediss://", HOST), "REDIS_SSL_VERIFY": "false"}, "REDIS_SSL_VERIFY"),
        ({"REDIS_URL": joined("rediss://", HOST), "REDIS_SSL_VERIFY": "true"}, ""),
        ({"REDIS_URL": joined("rediss://", HOST), "SMTP_SSL_VERIFY": "false"}, ""),
    ],
)
def test_what_keeps_a_client_from_checking_whom_it_talks_to(environment: dict[str, Any], unchecked: str) -> None:
    assert [client.unchecked for client in container(environment)] == [unchecked]


@pytest.mark.parametrize(
    ("words", "plain"),
    [
        (["redis-cli", "-h", HOST, "ping"], "calls the command line without --tls"),
        (["redis-cli", "--tls", "-h", HOST, "ping"], ""),
        (["worker", "--no-redis-tls", "--cache", HOST], "is used with no-redis-tls, which switches TLS off"),
        (["worker", "--redis-tls=true", "--cache", HOST], ""),
        (["worker", "--redis-tls", "false", "--cache", HOST], "is used with redis-tls, which switches TLS off"),
    ],
)
def test_what_a_command_says(words: list[Any], plain: str) -> None:
    (client,) = container({}, words)
    assert client.plain == plain


def test_addresses_that_are_kept_elsewhere_and_values_that_are_none() -> None:
    parameter = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": joined("redis://", HOST)}}
    assert [client.plain for client in found({"Parameter": parameter})] == ["gives the client a redis:// address"]
    port = {"Fn::GetAtt": ["Cache", "PrimaryEndPoint.Port"]}
    assert container({"PORT": port, "NAME": {"Ref": "Cache"}}) == []


def test_a_record_s_name_is_the_address_that_it_leads_to() -> None:
    record = {
        "Type": "AWS::Route53::RecordSet",
        "Properties": {"Name": "cache.shop.internal.", "Type": "CNAME", "ResourceRecords": [HOST]},
    }
    variable = {"Name": "REDIS_URL", "Value": "redis://cache.shop.internal:6379"}
    other = {"Name": "OTHER_URL", "Value": "redis://elsewhere.example:6379"}
    task = {
        "Type": "AWS::ECS::TaskDefinition",
        "Properties": {"ContainerDefinitions": [{"Name": "web", "Environment": [variable, other]}]},
    }
    assert [client.name for client in found({"Record": record, "Task": task})] == ["REDIS_URL"]
