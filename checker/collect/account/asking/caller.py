"""The first question: who asks, and whether anybody answers. Everything that a person can set right is said here."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from checker import lazy_re
from checker.collect.account.asking.clients import Clients
from checker.collect.account.asking.failures import DENIED, REGION_CODES, MalformedError, failure, said_by
from checker.collect.account.operations import OPERATIONS
from checker.collect.account.target import Caller
from checker.errors import CheckerError, UsageError

_REGION: Final = lazy_re.compile(r"[a-z]{2}(-[a-z]+)+-\d+")
_ROLE: Final = lazy_re.compile(r"arn:aws[\w-]*:iam::\d{12}:role/.+")
_SIGN_IN: Final = (
    "Sign in again (aws sso login, or fresh AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), or name a --profile."
)
_LOCAL: Final = "Is the server running? --endpoint-url, or AWS_ENDPOINT_URL, must name the address that it listens on."
_SET_UP: Final = "Set it right in the AWS configuration (~/.aws/config) or the environment, or name another --profile."
_NOT_AWS: Final = (
    "Something between here and AWS answers in its place, such as a proxy or a sign-in page of the network."
)
# What AWS says of a request whose time is not its own (IAM User Guide, "Troubleshoot Signature Version 4 signing").
_CLOCK: Final = lazy_re.compile(r"Signature expired|Signature not yet current")
_CLOCK_CODES: Final = frozenset({"RequestExpired", "RequestTimeTooSkewed", "RequestInTheFuture"})
# Where the services' own addresses end (AWS General Reference, "AWS service endpoints").
_OF_AWS: Final = (".amazonaws.com", ".amazonaws.com.cn", ".aws", ".amazonaws.eu")


def identify(clients: Clients) -> Caller:
    """Who asks, as AWS STS answers, after taking the target's role. Raises :class:`UsageError` that says what to do."""
    target = clients.target
    region = clients.region
    if not region:
        raise UsageError("no AWS region is set", "Name one: --region us-west-2, or AWS_REGION.")
    if not _REGION.fullmatch(region):
        raise UsageError(f"{region!r} is no AWS region", "Name one as AWS writes it: --region us-west-2.")
    if target.role_arn:
        if not _ROLE.fullmatch(target.role_arn):
            raise UsageError(
                f"{target.role_arn!r} is no role's ARN", "Write it as arn:aws:iam::111111111111:role/NAME."
            )
        return _checked(_assumed(clients, region), clients)
    return _checked(_asked(clients, region), clients)


def _asked(clients: Clients, region: str) -> Caller:
    try:
        answer = clients.checking("sts").get_caller_identity()
        account, arn = str(answer["Account"]), str(answer["Arn"])
    except Exception as error:  # noqa: BLE001 - each is told as what it means
        raise _told(error, clients, region, "sts", "GetCallerIdentity") from None
    return Caller(account, arn, region, clients.partition())


def _assumed(clients: Clients, region: str) -> Caller:
    target = clients.target
    more: dict[str, Any] = {"ExternalId": target.external_id} if target.external_id else {}
    try:
        answer = clients.checking("sts").assume_role(
            RoleArn=target.role_arn, RoleSessionName="doc-platform-checker", **more
        )
        arn = str(answer["AssumedRoleUser"]["Arn"])
        credentials = answer["Credentials"]
    except Exception as error:  # noqa: BLE001 - each is told as what it means
        raise _told(error, clients, region, "sts", "AssumeRole") from None
    clients.assume(credentials)
    return Caller(arn.split(":")[4] if arn.count(":") >= 5 else "", arn, region, clients.partition())


def _checked(caller: Caller, clients: Clients) -> Caller:
    wanted = clients.target.account
    if wanted and caller.account != wanted:
        raise UsageError(
            f"the credentials belong to account {caller.account or '(unknown)'}, not to {wanted}",
            "Use the credentials, the --profile or the --role-arn of that account.",
        )
    return caller


def _emulator(address: str) -> str:
    """The address that was asked, where a variable or a profile names one that is not AWS's."""
    host = (urlsplit(address).hostname or "") if "://" in address else ""
    return "" if host.endswith(_OF_AWS) else address.rstrip("/") if host else ""


def _unusable(error: Exception, names: set[str]) -> str:
    """Why what a profile or a variable says of credentials leads to none; empty for any other error."""
    if "EOFError" in names:
        return "the profile asks for an MFA code, and there is no terminal to ask for it"
    if "JSONDecodeError" in names:
        return "its credential_process prints no JSON"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    if type(error).__module__ == "botocore.exceptions" and not hasattr(error, "response"):
        return " ".join(str(error).split())
    return ""


def _told(error: Exception, clients: Clients, region: str, service: str, name: str) -> CheckerError:
    names = {each.__name__ for each in type(error).__mro__}
    endpoint = clients.target.endpoint_url or _emulator(clients.first_address)
    of_process = getattr(error, "kwargs", {}).get("provider") == "custom-process"
    if not of_process and names & {"NoCredentialsError", "CredentialRetrievalError", "TokenRetrievalError", "SSOError",
                "UnauthorizedSSOTokenError", "SSOTokenLoadError"}:  # fmt: skip
        return UsageError("there are no AWS credentials, or they have expired", _SIGN_IN)
    no_address = names & {"ValueError", "InvalidEndpointError", "UnsupportedEndpointError"}
    if no_address and endpoint and "JSONDecodeError" not in names:
        return UsageError(f"{endpoint!r} is no address of a server", "Write it as http://127.0.0.1:4566.")
    if names & {"EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "HTTPClientError",
                "ConnectionError"}:  # fmt: skip
        if endpoint:
            return UsageError(f"nothing answers at {endpoint}", _LOCAL)
        return UsageError(
            f"AWS does not answer in region {region!r}",
            "Is the region's name right, and is there a way to the network?",
        )
    unusable = _unusable(error, names)
    if unusable:
        return UsageError(f"the AWS credentials cannot be used: {unusable}", _SET_UP)
    code, message, _ = said_by(error)
    if code in _CLOCK_CODES or _CLOCK.search(message):
        return UsageError(
            f"AWS refused the time of the request ({code}): this machine's clock is wrong",
            "Set the clock, or let it be set (NTP), and try again.",
        )
    if code in REGION_CODES:
        return UsageError(
            f"region {region} is not enabled for the account ({code})",
            f"Enable {region} in the account's settings, or name the region that is meant: --region us-west-2.",
        )
    if name == "AssumeRole" and code in {"AccessDenied", "AccessDeniedException"}:
        return UsageError(
            f"the role {clients.target.role_arn} may not be assumed",
            "Its trust policy must admit who asks, and who asks needs sts:AssumeRole on it.",
        )
    if _is_no_answer_of_aws(error, code):
        at = endpoint or f"the address of {service.upper()} in {region}"
        return UsageError(f"what answers at {at} is not AWS", _LOCAL if endpoint else _NOT_AWS)
    said = failure(OPERATIONS["sts", "GetCallerIdentity"], error)
    if "credentials" in said.why or said.why.startswith(DENIED):
        hint = f"{_SIGN_IN} Region {region} must be enabled." if code == "InvalidClientTokenId" else _SIGN_IN
        return UsageError(f"AWS refused the credentials{f' ({code})' if code else ''}", hint)
    return UsageError(f"{service}:{name} has no answer: {said.why}", _LOCAL if endpoint else "Try again.")


def _is_no_answer_of_aws(error: Exception, code: str) -> bool:
    """Whether something answered that does not speak as AWS STS does: a page, an empty body, a field that lacks.

    A gateway's 5xx has no code of STS either, but may well be AWS's own: it is told as a failure of the service.
    """
    if isinstance(error, MalformedError | LookupError) or type(error).__name__ == "ResponseParserError":
        return True
    status = said_by(error)[2]
    return 0 < status < 500 and (not code or code.isdigit())
