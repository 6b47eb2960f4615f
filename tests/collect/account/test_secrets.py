"""What never gets into a snapshot: secrets, what may be one, user data. And what is none stays."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checker.collect.account.secrets import secret_places, template_without_secrets, without_places
from checker.collect.snapshots import render
from checker.model.secrets.values import NOT_KEPT
from tests.collect.account.test_faults import WHOLE


@pytest.mark.parametrize(
    "value",
    [
        {"Environment": [{"Name": "DB_PASSWORD", "Value": "hunter2"}]},
        {"Environment": {"Variables": {"API_TOKEN": "tok-123456"}}},
        {"Variables": {"ANY": "postgres://user:pass@host/db"}},
        {"Text": "-----BEGIN RSA PRIVATE KEY-----"},
        {"UserData": "IyEvYmluL2Jhc2g="},
        {"Command": ["redis-cli", "-a", "hunter2", "ping"]},
        {"Command": ["serve", "--db-password", "hunter2"]},
        {"Command": ["sh", "-c", "mysql -u root -phunter2 shop"]},
        {"HealthCheck": {"Command": ["CMD-SHELL", "curl -u admin:hunter2 http://localhost/"]}},
        {"SecretString": "hunter2"},
        {"AccessString": "on >hunter2 ~* +@all"},
        {"Environment": [{"Name": "BASIC_AUTH", "Value": "admin:hunter2"}]},
        {"Deep": [{"er": [{"MasterUserPassword": "hunter2"}]}]},
    ],
)
def test_a_secret_has_a_place(value: Any) -> None:
    places = list(secret_places(value))
    assert len(places) == 1
    left = json.dumps(without_places(value, places))
    assert not any(word in left for word in ("hunter2", "tok-", "user:pass", "BEGIN", "IyEv"))


@pytest.mark.parametrize(
    "value",
    [
        {"Environment": [{"Name": "MODE", "Value": "production"}]},
        {"MasterUserPassword": "{{resolve:secretsmanager:db:SecretString:password}}"},
        {"SecretArn": "arn:aws:secretsmanager:us-west-2:111111111111:secret:db"},
        {"Key": "access_logs.s3.enabled", "Value": "true"},
        {"AuthToken": NOT_KEPT},
        {"REDIS_URL": "rediss://cache.internal:6379"},
        {"Command": ["redis-cli", "-h", "cache", "-p", "6379", "ping"]},
        {"Command": ["serve", "--token-file", "/run/secrets/token", "--password", "$PASSWORD"]},
        {"HealthCheck": {"Command": ["CMD-SHELL", "curl -f http://localhost:8000/health || exit 1"]}},
        {"AccessString": "on ~* +@all"},
        {"Environment": [{"Name": "HTTP_AUTH", "Value": "required"}]},
    ],
)
def test_what_is_no_secret_stays(value: Any) -> None:
    assert list(secret_places(value)) == []


def test_a_template_keeps_its_shape() -> None:
    template: dict[str, Any] = {
        "Parameters": {"DbPassword": {"Type": "String", "Default": "hunter2hunter2"}},
        "Resources": {"F": {"Properties": {"Environment": {"Variables": {"TOKEN": "abc123", "MODE": "x"}}}}},
    }
    kept = template_without_secrets(template)
    assert kept["Parameters"]["DbPassword"]["Default"] == NOT_KEPT
    assert kept["Resources"]["F"]["Properties"]["Environment"]["Variables"] == {"TOKEN": NOT_KEPT, "MODE": "x"}
    assert template["Parameters"]["DbPassword"]["Default"] == "hunter2hunter2"


def test_nothing_of_the_examples_secrets_is_in_its_snapshot() -> None:
    text = render(WHOLE)
    assert not any(secret in text for secret in ("hunter2", "ghp_", "tok-0123456789abcdef"))
    (definition,) = [
        each
        for each in WHOLE.resources
        if each.type == "AWS::ECS::TaskDefinition" and str(each.physical_id).endswith(":7")
    ]
    assert definition.properties["ContainerDefinitions"][0]["Environment"][0] == {"Name": "MODE", "Value": "production"}
    assert set(definition.unread) == {
        "ContainerDefinitions.0.Environment.1.Value",
        "ContainerDefinitions.0.Environment.2.Value",
    }
