"""Contexts: what may be left out, what is refused, and what the refusal says."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from infra import inputs
from infra.environments import PRODUCTION, STAGING
from infra.inputs import ConfigurationError, Inputs, read_inputs

ACCOUNT = "123456789012"
CERTIFICATE = f"arn:aws:acm:us-west-2:{ACCOUNT}:certificate/12345678-1234-1234-1234-123456789012"
SHA = "0123456789abcdef0123456789abcdef01234567"
REAL: Mapping[str, object] = {
    "hostedZoneId": "Z0123456789ABC",
    "certificateArn": CERTIFICATE,
    "alarmEmail": "ops@specboard.io",
    "imageTag": SHA,
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project whose function has been built."""
    built = tmp_path / inputs.DEFAULT_SYNC_CODE
    built.mkdir(parents=True)
    (built / "index.js").write_text("exports.handler = async () => {};", encoding="utf-8")
    return tmp_path


def read(root: Path, context: Mapping[str, object]) -> Inputs:
    return read_inputs(context.get, root)


def test_no_context_is_staging_with_example_ids(tmp_path: Path) -> None:
    got = read(tmp_path, {})
    assert got.environments == (STAGING,)
    assert got.example
    assert (got.account, got.region) == (inputs.EXAMPLE_ACCOUNT, "us-west-2")
    assert got.image_tag == "init"
    assert got.sync_code is None


@pytest.mark.parametrize(
    ("env", "expected"),
    [("staging", (STAGING,)), ("production", (PRODUCTION,)), ("all", (STAGING, PRODUCTION)), ("shared", ())],
)
def test_env_chooses_the_environments(tmp_path: Path, env: str, expected: object) -> None:
    assert read(tmp_path, {"env": env}).environments == expected


def test_the_certificate_names_account_and_region(root: Path) -> None:
    got = read(root, REAL)
    assert not got.example
    assert (got.account, got.region) == (ACCOUNT, "us-west-2")
    assert got.image_tag == SHA
    assert got.sync_code == root / inputs.DEFAULT_SYNC_CODE


def test_the_shared_stack_alone_needs_only_an_account(tmp_path: Path) -> None:
    assert read(tmp_path, {"env": "shared", "account": ACCOUNT}).account == ACCOUNT


def test_a_bootstrap_needs_neither_image_nor_function(tmp_path: Path) -> None:
    context = {name: value for name, value in REAL.items() if name != "imageTag"}
    got = read(tmp_path, {**context, "bootstrap": "true"})
    assert got.bootstrap
    assert got.image_tag == "init"


@pytest.mark.parametrize("missing", ["hostedZoneId", "alarmEmail", "imageTag"])
def test_a_real_deployment_names_what_is_missing(root: Path, missing: str) -> None:
    context = {name: value for name, value in REAL.items() if name != missing}
    with pytest.raises(ConfigurationError, match=f"also needs: {missing}"):
        read(root, context)


def test_a_real_deployment_needs_the_certificate(root: Path) -> None:
    context = {name: value for name, value in REAL.items() if name != "certificateArn"}
    with pytest.raises(ConfigurationError, match="also needs: certificateArn"):
        read(root, {**context, "account": ACCOUNT})


def test_a_real_deployment_needs_the_built_function(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="also needs: syncCode"):
        read(tmp_path, REAL)


@pytest.mark.parametrize(
    ("context", "says"),
    [
        ({"env": "prod"}, "Pass one of: staging, production, all, shared"),
        ({"account": "42"}, "account is malformed"),
        ({"region": "here"}, "region is malformed"),
        ({"hostedZoneId": "zone"}, "hostedZoneId is malformed"),
        ({"certificateArn": "arn:aws:acm:x"}, "certificateArn is malformed"),
        ({"alarmEmail": "nobody"}, "alarmEmail is malformed"),
        ({"imageTag": "latest"}, "full commit SHA"),
        ({"imageTag": "v1.2.3"}, "full commit SHA"),
        ({"imageTag": SHA[:7]}, "full commit SHA"),
        ({"imageTag": SHA, "bootstrap": "true"}, "exclude each other"),
        ({"bootstrap": "yes"}, "Pass true or false"),
        ({"region": "eu-west-1"}, "not in eu-west-1"),
        ({"certificateArn": CERTIFICATE, "account": "210987654321"}, "belongs to account"),
        ({"hostedZoneId": "Z0123456789ABC"}, "the account is not named"),
        ({"syncCode": "no/such/folder"}, "not a folder with files"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, context: Mapping[str, object], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        read(tmp_path, context)
