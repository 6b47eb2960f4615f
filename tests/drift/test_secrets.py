"""What drift shows of a value that may be a secret: nothing; of any other, all."""

from __future__ import annotations

import pytest

from checker.drift.decisions import NOT_SHOWN, shown
from checker.model.resources import Raw


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("MasterUserPassword", "hunter2"),
        ("UserData", "IyEvYmluL3No"),
        ("ContainerDefinitions[app].Environment[DB_PW].Value", "hunter2"),
        ("ContainerDefinitions[app].Environment[BASIC_AUTH].Value", "admin:hunter2"),
        ("ContainerDefinitions[app].Environment", [{"Name": "API_TOKEN", "Value": "t0k3n"}]),
        ("ContainerDefinitions[app].Command[3]", "correct9horse"),
        ("ContainerDefinitions[app].Command[4]", "-phunter2x"),
        ("Environment.Variables.API_TOKEN", "t0k3n"),
        ("SecretString", "hunter2"),
    ],
)
def test_what_may_be_a_secret_is_not_shown(path: str, value: Raw) -> None:
    assert shown(path, value) == NOT_SHOWN


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("BackupRetentionPeriod", 14),
        ("ContainerDefinitions[app].Environment[MODE].Value", "production"),
        ("ContainerDefinitions[app].Environment", [{"Name": "MODE", "Value": "live"}]),
        ("ContainerDefinitions[app].Command[0]", "gunicorn"),
        ("ContainerDefinitions[app].Command[1]", "--bind=0.0.0.0:8000"),
        ("ContainerDefinitions[app].Command[2]", "shop.wsgi:app"),
        ("ContainerDefinitions[app].Image", "shop:0123456789abcdef0123456789abcdef01234567"),
        ("Tags[team].Value", "web"),
    ],
)
def test_anything_else_is_shown(path: str, value: Raw) -> None:
    assert shown(path, value) == value
