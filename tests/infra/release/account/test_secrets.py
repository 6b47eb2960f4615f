"""Secrets that a person sets are checked by form, and never shown; and what else is said."""

import io
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from infra.release import outputs, secrets
from infra.release.cli import main
from infra.release.console import Console, Deadline, printable
from infra.release.errors import FailedError, RefusedError, UsageError
from tests.infra.release.fakes import FakeAccount, FakeEcs, HandClock
from tests.infra.release.loopback import REPOSITORY


def quiet(_: str) -> None:
    return


def client(service: Any) -> Any:
    return boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-west-2").client(service)


UNSET = {"VersionIdsToStages": {"1" * 32: ["AWSCURRENT"]}}
SET = {"VersionIdsToStages": {"1" * 32: ["AWSPREVIOUS"], "2" * 32: ["AWSCURRENT"]}}
KEY = "0123456789abcdef" * 4


def stubbed() -> tuple[Any, Stubber]:
    made = client("secretsmanager")
    return made, Stubber(made)


def test_secrets_that_nobody_set_are_told_without_reading_a_value(capsys: pytest.CaptureFixture[str]) -> None:
    made, stub = stubbed()
    for name in secrets.BY_PERSON:
        stub.add_response(
            "describe_secret", SET if name == "invite-keys" else UNSET, {"SecretId": f"production/doc-platform/{name}"}
        )
    with (
        stub,
        pytest.raises(FailedError, match="not set yet: api-key-encryption, github-client-id"),
    ):
        secrets.check(made, "production", print)
    assert "production/doc-platform/invite-keys: set" in capsys.readouterr().out
    stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api-key-encryption", "f" * 63),
        ("github-client-id", "has space"),
        ("invite-keys", "short"),
        ("invite-keys", ""),
    ],
)
def test_a_value_of_the_wrong_form_is_refused_and_not_shown(name: str, value: str) -> None:
    made, stub = stubbed()
    with stub, pytest.raises(UsageError) as problem:
        secrets.put(made, "production", name, value, replace=False, say=quiet)
    assert not value or value not in str(problem.value) + problem.value.fix


def test_what_is_encrypted_already_keeps_its_key() -> None:
    made, stub = stubbed()
    stub.add_response("describe_secret", SET, {"SecretId": "production/doc-platform/api-key-encryption"})
    with stub, pytest.raises(RefusedError, match="would be lost"):
        secrets.put(made, "production", "api-key-encryption", KEY, replace=False, say=quiet)


def test_a_value_comes_from_standard_input_and_appears_nowhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    value = "a-client-secret-of-github"
    made, stub = stubbed()
    stub.add_response(
        "put_secret_value", {}, {"SecretId": "production/doc-platform/github-client-secret", "SecretString": value}
    )
    account = FakeAccount(FakeEcs())
    account.__dict__["secretsmanager"] = made
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{value}\n"))
    with stub:
        argv = ["secrets", "set", "--environment", "production", "--name", "github-client-secret"]
        assert main(argv, {}, account=account) == 0
    said = capsys.readouterr()
    assert value not in said.out + said.err
    assert "production/doc-platform/github-client-secret: set" in said.out


@pytest.mark.parametrize("name", [name for name, shape in secrets.BY_PERSON.items() if shape.generate])
def test_generated_values_have_the_form_and_differ(name: str) -> None:
    shape = secrets.BY_PERSON[name]
    assert shape.generate
    first, second = shape.generate(), shape.generate()
    assert shape.form.fullmatch(first)
    assert first != second


def test_what_comes_from_elsewhere_cannot_be_generated() -> None:
    made, stub = stubbed()
    with stub, pytest.raises(UsageError, match="cannot be generated"):
        secrets.put(made, "production", "github-client-id", None, replace=False, say=quiet)


def test_a_log_line_cannot_speak_to_the_terminal_or_the_workflow() -> None:
    assert printable("\x1b[31mred\ttab") == "?[31mred\ttab"
    assert printable("::set-output name=x::y\n##[group]") == " ::set-output name=x::y\n ##[group]"


def test_an_output_cannot_define_another(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="control character"):
        Console(tmp_path / "o").give({"sha": "a\nreleased=true"})


def test_a_deadline_never_sleeps_past_its_end() -> None:
    clock = HandClock()
    deadline = Deadline(clock, 25)
    while deadline.pause(10):
        pass
    assert clock.seconds == 25


def test_without_a_token_nothing_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["resolve", "--tag", "v1.0.0"], {"GITHUB_REPOSITORY": REPOSITORY}, account=FakeAccount(FakeEcs())) == 2
    assert "GITHUB_TOKEN is not set" in capsys.readouterr().err


def test_no_credentials_are_an_error_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    assert main(["running", "--environment", "production"], {}) == 71
    assert "AWS was not reached: Unable to locate credentials" in capsys.readouterr().err


def test_a_missing_stack_is_told_from_its_message() -> None:
    stub_client = client("cloudformation")
    with Stubber(stub_client) as stub:
        stub.add_client_error("describe_stacks", "ValidationError", "Stack with id DocPlatformProd does not exist", 400)
        assert outputs.find_stack(stub_client, "DocPlatformProd") is None
