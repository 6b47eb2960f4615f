"""The inputs of a deployment: CDK contexts, read and checked once, before any stack is built.

| context | meaning |
|---|---|
| `env` | `staging` (default) or `production`: it and the shared stack; `all`: all three; `shared`: that one alone |
| `account`, `region` | where to deploy. Both may be left to `certificateArn`, which holds them |
| `hostedZoneId`, `certificateArn` | outputs of the shared stack |
| `alarmEmail` | who hears of alarms |
| `imageTag` | the full commit SHA that the services run |
| `bootstrap` | `true`: make everything and run nothing (desired count 0, placeholder tag `init`) |
| `syncCode` | folder of the built GitHub sync function (default `github-sync/dist`) |

With no account at all, everything synthesizes from example ids, so that the gate runs anywhere. Those templates cannot
be deployed: each asserts that it runs in the account that it was made for, which is nobody's, and the CDK command
compares the account with its credentials before that.

A real account needs every id that the chosen stacks use, and either `imageTag` or `bootstrap`. A placeholder tag in a
template comes back whenever CloudFormation registers a new task definition, so an ordinary deployment that does not
say which commit runs would put the placeholder over the released image.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra import naming
from infra.environments import ENVIRONMENTS, REGION, EnvironmentConfig

EXAMPLE_ACCOUNT: Final = "111111111111"
EXAMPLE_HOSTED_ZONE_ID: Final = "Z0EXAMPLE0EXAMPLE0EX"
EXAMPLE_CERTIFICATE_ARN: Final = (
    f"arn:aws:acm:{REGION}:{EXAMPLE_ACCOUNT}:certificate/00000000-0000-0000-0000-000000000000"
)
EXAMPLE_ALARM_EMAIL: Final = "alarms@example.com"
DEFAULT_SYNC_CODE: Final = "github-sync/dist"

_ACCOUNT: Final = re.compile(r"\d{12}")
_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_ZONE: Final = re.compile(r"Z[A-Z0-9]{1,31}")
_CERTIFICATE: Final = re.compile(r"arn:aws:acm:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):certificate/[0-9a-f-]{36}")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_SHA: Final = re.compile(r"[0-9a-f]{40}")


class ConfigurationError(Exception):
    """A context is missing, malformed or contradicts another. The message says which and what to pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything about a deployment that is not code. `example` is true when no real account was named."""

    environments: tuple[EnvironmentConfig, ...]
    example: bool
    account: str
    region: str
    hosted_zone_id: str
    certificate_arn: str
    alarm_email: str
    image_tag: str
    bootstrap: bool
    sync_code: Path | None
    """The built function's folder; None where only a placeholder stands in for it."""


def read_inputs(context: Callable[[str], object], root: Path) -> Inputs:
    """Check the contexts and fill in what may be left out.

    `context` answers a context's value or None; `root` is the folder that relative paths start from.
    Raises `ConfigurationError`.
    """
    environments = _environments(_text(context, "env", None) or "staging")
    certificate = _text(context, "certificateArn", _CERTIFICATE)
    named = re.fullmatch(_CERTIFICATE, certificate) if certificate else None
    account = _text(context, "account", _ACCOUNT) or (named["account"] if named else EXAMPLE_ACCOUNT)
    region = _text(context, "region", _REGION) or (named["region"] if named else REGION)
    if named and (named["account"], named["region"]) != (account, region):
        raise ConfigurationError(
            f"certificateArn belongs to account {named['account']} in {named['region']}, but account and region say "
            f"{account} in {region}. Pass the certificate of the account that you deploy to."
        )
    bootstrap = _flag(context, "bootstrap")
    image_tag = _image_tag(context, bootstrap=bootstrap)
    example = account == EXAMPLE_ACCOUNT
    zone = _text(context, "hostedZoneId", _ZONE)
    email = _text(context, "alarmEmail", _EMAIL)
    sync_code = _sync_code(context, root)
    for environment in environments:
        if not all(zone_name.startswith(region) for zone_name in environment.availability_zones):
            raise ConfigurationError(
                f"{environment.name} is laid out in {', '.join(environment.availability_zones)}, which are not in "
                f"{region}. Change `availability_zones` in infra/environments.py, or deploy to {REGION}."
            )
    if environments and not example:
        _require(
            hostedZoneId=zone,
            certificateArn=certificate,
            alarmEmail=email,
            **{"imageTag (or bootstrap=true)": image_tag or bootstrap},
            **{f"syncCode (no folder {DEFAULT_SYNC_CODE})": sync_code or bootstrap},
        )
    if example and zone:
        raise ConfigurationError(
            "hostedZoneId is real but the account is not named. Pass certificateArn, or account and region, as well."
        )
    return Inputs(
        environments=environments,
        example=example,
        account=account,
        region=region,
        hosted_zone_id=zone or EXAMPLE_HOSTED_ZONE_ID,
        certificate_arn=certificate or EXAMPLE_CERTIFICATE_ARN,
        alarm_email=email or EXAMPLE_ALARM_EMAIL,
        image_tag=image_tag or naming.BOOTSTRAP_TAG,
        bootstrap=bootstrap,
        sync_code=sync_code,
    )


def _environments(selected: str) -> tuple[EnvironmentConfig, ...]:
    if selected == "all":
        return tuple(ENVIRONMENTS.values())
    if selected == "shared":
        return ()
    if selected not in ENVIRONMENTS:
        raise ConfigurationError(f"env is {selected!r}. Pass one of: {', '.join(ENVIRONMENTS)}, all, shared.")
    return (ENVIRONMENTS[selected],)


def _text(context: Callable[[str], object], key: str, pattern: re.Pattern[str] | None) -> str | None:
    value = context(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or (pattern and not pattern.fullmatch(value)):
        shape = f" Expected the form {pattern.pattern}" if pattern else ""
        raise ConfigurationError(f"Context {key} is malformed: {value!r}.{shape}")
    return value


def _flag(context: Callable[[str], object], key: str) -> bool:
    value = context(key)
    if value in (None, "", False, "false"):
        return False
    if value in (True, "true"):
        return True
    raise ConfigurationError(f"Context {key} is {value!r}. Pass true or false.")


def _image_tag(context: Callable[[str], object], *, bootstrap: bool) -> str | None:
    tag = _text(context, "imageTag", None)
    if tag is None:
        return None
    if bootstrap:
        raise ConfigurationError("imageTag and bootstrap exclude each other: a bootstrap runs no image.")
    if not _SHA.fullmatch(tag):
        raise ConfigurationError(
            f"imageTag is {tag!r}. Pass the full commit SHA of 40 hexadecimal digits: no other tag says for good "
            "which image runs."
        )
    return tag


def _sync_code(context: Callable[[str], object], root: Path) -> Path | None:
    named = _text(context, "syncCode", None)
    folder = root / (named or DEFAULT_SYNC_CODE)
    if folder.is_dir() and any(folder.iterdir()):
        return folder
    if named:
        raise ConfigurationError(f"syncCode names {named}, which is not a folder with files. Build the function first.")
    return None


def _require(**values: object) -> None:
    missing = [name for name, value in values.items() if not value]
    if missing:
        raise ConfigurationError(
            f"A real deployment also needs: {', '.join(missing)}. "
            "Pass each as --context NAME=VALUE; leave out account and certificateArn to synthesize with example ids."
        )
