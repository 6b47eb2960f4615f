"""The first question: what is wrong with credentials, region or endpoint is said within a second, with what to do."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from checker.collect.account import AUDIT, DRIFT, Limits, Reader, Target, read_many
from checker.collect.account.reading import Read
from checker.errors import CheckerError
from tests.loopback import listening
from tests.work import HANG_SECONDS

ACCOUNT = "111111111111"


@dataclass(slots=True)
class _Server:
    """What STS answers, and where."""

    status: int = 200
    code: str = ""
    message: str = "no"
    body: str | None = None
    address: str = ""


@pytest.fixture
def sts(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Server]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    answers = _Server()

    class _Sts(BaseHTTPRequestHandler):
        """AWS STS as far as the first question goes."""

        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if answers.body is not None:
                body = answers.body
            elif answers.status != 200:
                code = answers.code
                said = f"<Code>{code}</Code><Message>{answers.message}</Message>"
                body = f"<ErrorResponse><Error>{said}</Error></ErrorResponse>"
            elif "AssumeRole" in asked:
                body = (
                    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>a</AccessKeyId>"
                    "<SecretAccessKey>b</SecretAccessKey><SessionToken>c</SessionToken>"
                    "<Expiration>2030-01-01T00:00:00Z</Expiration></Credentials><AssumedRoleUser>"
                    "<Arn>arn:aws:sts::222222222222:assumed-role/audit/x</Arn><AssumedRoleId>i</AssumedRoleId>"
                    "</AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>"
                )
            else:
                body = (
                    "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111111111111:user/u</Arn>"
                    "<UserId>u</UserId><Account>111111111111</Account>"
                    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
                )
            self.send_response(answers.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            pass

    with listening(_Sts) as answers.address:
        yield answers


def target(server: _Server, **more: Any) -> Target:
    return Target(**{"region": "us-west-2", "endpoint_url": f"http://{server.address}", **more})


def told(asked: Target) -> CheckerError:
    """The error of opening an account, which is not tried again for long."""
    started = time.monotonic()
    with pytest.raises(CheckerError) as caught:
        Reader(asked, AUDIT).open()
    assert time.monotonic() - started < HANG_SECONDS
    assert caught.value.hint
    return caught.value


def test_who_asks(sts: _Server) -> None:
    caller = Reader(target(sts), AUDIT).open()
    assert (caller.account, caller.region, caller.partition) == (ACCOUNT, "us-west-2", "aws")


@pytest.mark.parametrize(
    ("asked", "said", "older", "region"),
    [
        ("", "eu-west-1", "", "eu-west-1"),
        ("", "", "eu-west-2", "eu-west-2"),
        ("", "eu-west-1", "eu-west-2", "eu-west-1"),
        ("us-west-2", "eu-west-1", "eu-west-2", "us-west-2"),
    ],
)
def test_the_region_is_the_one_that_was_named_or_that_the_environment_has(
    sts: _Server, monkeypatch: pytest.MonkeyPatch, asked: str, said: str, older: str, region: str
) -> None:
    monkeypatch.setenv("AWS_REGION", said)
    monkeypatch.setenv("AWS_DEFAULT_REGION", older)
    assert Reader(target(sts, region=asked), AUDIT).open().region == region


def test_as_a_role(sts: _Server) -> None:
    caller = Reader(target(sts, role_arn="arn:aws:iam::222222222222:role/audit", external_id="of-ours"), AUDIT).open()
    assert caller.account == "222222222222"
    assert "assumed-role/audit" in caller.arn


def test_the_plan_says_what_will_be_done(sts: _Server) -> None:
    plan = Reader(target(sts, stacks=("Shop",)), AUDIT).plan({"AWS::ECR::Repository": 2})
    assert plan.calls > 30
    assert ACCOUNT in str(plan)
    assert "us-west-2" in str(plan)
    assert "Shop" in str(plan)
    assert f"{plan.calls} calls" in str(plan)


def test_the_plan_counts_what_is_read_one_by_one(sts: _Server) -> None:
    reader = Reader(target(sts), DRIFT)
    nothing = reader.plan({}).calls
    assert reader.plan({"AWS::SSM::Parameter": 3, "AWS::CDK::Metadata": 2, "Custom::AWS": 1}).calls == nothing + 3
    assert reader.plan({"AWS::KMS::Key": 2}).calls > nothing + 2
    assert (
        Reader(target(sts), AUDIT).plan({"AWS::SSM::Parameter": 3}).calls == Reader(target(sts), AUDIT).plan({}).calls
    )


@pytest.mark.parametrize("code", ["InvalidClientTokenId", "ExpiredToken", "SignatureDoesNotMatch", "AccessDenied"])
def test_refused_credentials(sts: _Server, code: str) -> None:
    sts.status, sts.code = 403, code
    error = told(target(sts))
    assert code in error.message
    assert "--profile" in error.hint


@pytest.mark.parametrize(
    "message",
    [
        "Signature expired: 20261127T040000Z is now earlier than 20261127T045000Z (20261127T050500Z - 15 min.)",
        "Signature not yet current: 20261127T060000Z is still later than 20261127T052000Z (20261127T050500Z + 15 min.)",
    ],
)
def test_a_clock_that_is_wrong(sts: _Server, message: str) -> None:
    sts.status, sts.code, sts.message = 403, "SignatureDoesNotMatch", message
    error = told(target(sts))
    assert "clock" in error.message
    assert "clock" in error.hint


@pytest.mark.parametrize("code", ["RegionDisabledException", "OptInRequired"])
def test_a_region_that_is_not_enabled(sts: _Server, code: str) -> None:
    sts.status, sts.code = 403, code
    error = told(target(sts, region="ap-east-1"))
    assert "ap-east-1 is not enabled" in error.message
    assert "--region" in error.hint


_ANOTHER_ANSWER = "<ListTopicsResponse><ListTopicsResult><Topics/></ListTopicsResult></ListTopicsResponse>"
_NO_ACCOUNT = "<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>"


@pytest.mark.parametrize("status", [200, 403, 404])
@pytest.mark.parametrize("body", ["", "<html>Sign in</html>", "<html><br>", "{}", _ANOTHER_ANSWER, _NO_ACCOUNT])
def test_something_else_answers(sts: _Server, status: int, body: str) -> None:
    sts.status, sts.body = status, body
    error = told(target(sts))
    assert error.message == f"what answers at http://{sts.address} is not AWS"
    assert "--endpoint-url" in error.hint


def test_something_else_answers_where_a_variable_points_to(sts: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{sts.address}")
    sts.body = "<html>Sign in</html>"
    error = told(Target(region="us-west-2"))
    assert error.message == f"what answers at http://{sts.address} is not AWS"
    assert "AWS_ENDPOINT_URL" in error.hint


@pytest.mark.parametrize("arn", ["audit", "arn:aws:iam::222222222222:user/audit", "arn:aws:iam::2:role/audit"])
def test_a_role_that_is_none(sts: _Server, arn: str) -> None:
    error = told(target(sts, role_arn=arn))
    assert arn in error.message
    assert ":role/NAME" in error.hint


@pytest.mark.parametrize(
    ("profile", "part"),
    [
        ("role_arn = arn:aws:iam::111111111111:role/x\nsource_profile = elsewhere", "elsewhere"),
        ("aws_access_key_id = AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key"),
        ("role_arn = arn:aws:iam::111111111111:role/x\nweb_identity_token_file = /no/token", "/no/token"),
        ("role_arn = arn:aws:iam::111111111111:role/x\nsource_profile = keys\nmfa_serial = m", "MFA"),
        ("credential_process = echo none", "JSON"),
        ("credential_process = ls /no/such/helper", "/no/such/helper"),
    ],
)
def test_a_profile_that_leads_to_no_credentials(
    sts: _Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, profile: str, part: str
) -> None:
    keys = "[profile keys]\naws_access_key_id = a\naws_secret_access_key = b\n"
    _configured(monkeypatch, tmp_path, f"{keys}[profile it]\n{profile}\n")
    # Where there is a terminal, the code would be asked for on it.
    monkeypatch.setattr("botocore.credentials.AssumeRoleCredentialFetcher._assume_role_kwargs", _no_terminal)
    error = told(target(sts, profile="it"))
    assert "credentials cannot be used" in error.message
    assert part in error.message
    assert "--profile" in error.hint


def _no_terminal(_: str) -> str:
    raise EOFError


def test_a_configuration_that_cannot_be_read(sts: _Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _configured(monkeypatch, tmp_path, "[profile")
    error = told(target(sts))
    assert str(tmp_path / "config") in error.message
    assert "AWS_CONFIG_FILE" in error.hint


def _configured(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> None:
    (folder / "config").write_text(text, encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "none"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def test_a_role_that_may_not_be_assumed(sts: _Server) -> None:
    sts.status, sts.code = 403, "AccessDenied"
    error = told(target(sts, role_arn="arn:aws:iam::222222222222:role/audit"))
    assert "role/audit" in error.message
    assert "trust policy" in error.hint


def test_another_account_than_asked_for(sts: _Server) -> None:
    error = told(target(sts, account="333333333333"))
    assert ACCOUNT in error.message
    assert "333333333333" in error.message


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    error = told(Target(region="us-west-2", endpoint_url=f"http://127.0.0.1:{port}"))
    assert str(port) in error.message
    assert "--endpoint-url" in error.hint


def test_nobody_listens_where_a_variable_points_to(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    error = told(Target(region="us-west-2"))
    assert error.message == "nothing answers at http://127.0.0.1:9"
    assert "AWS_ENDPOINT_URL" in error.hint


@pytest.mark.parametrize("region", ["us-west", "nowhere", "us-west-2; rm", "US-WEST-2"])
def test_no_region_of_aws(region: str) -> None:
    error = told(Target(region=region))
    assert region in error.message
    assert "--region" in error.hint


def test_no_region_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert "region" in told(Target()).message


def test_no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    error = told(Target(region="us-west-2", endpoint_url="http://127.0.0.1:9"))
    assert "credentials" in error.message
    assert "aws sso login" in error.hint


@pytest.mark.parametrize("variable", ["", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"])
def test_an_unknown_profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str) -> None:
    _configured(monkeypatch, tmp_path, "[profile here]\nregion = us-west-2\n")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    if variable:
        monkeypatch.setenv(variable, "there")
    error = told(Target(region="us-west-2", profile="" if variable else "there"))
    assert "'there'" in error.message
    assert "here" in error.hint


def test_an_endpoint_that_is_no_address(sts: _Server) -> None:
    assert "no address" in told(target(sts, endpoint_url="somewhere")).message


def test_many_accounts_each_an_outcome_of_its_own(sts: _Server) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as executor:
        good, bad = read_many(
            [target(sts, stacks=("Shop",)), target(sts, account="333333333333")],
            executor,
            limits=Limits(attempts=1, deadline=20),
        )
    assert isinstance(good, Read)
    assert good.reading is not None
    assert good.reading.snapshot.account == ACCOUNT
    assert bad.reading is None
    assert bad.error is not None
    # A server that knows AWS STS alone: everything else is unread, and the run ends all the same.
    assert {each.what for each in good.reading.snapshot.unread} >= {"stacks", "AWS::RDS::DBInstance", "facts/tasks"}
    assert good.reading.snapshot.resources == ()
    assert json.dumps(good.reading.snapshot.facts["asked"])
