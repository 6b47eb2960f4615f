"""What an answer that is no answer means: denied, throttled, absent, broken, late.

"It is not there" and "it could not be seen" differ by error code alone, so both are named here: what stands in no list
is a failure, never an absence.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from checker import lazy_re
from checker.collect.account.operations import Operation

# Each service has its own word for a refusal. Sources: the services' API references, "Common errors".
_DENIED: Final = frozenset({
    "AccessDenied", "AccessDeniedException", "AccessDeniedFault", "AuthorizationError", "AuthorizationErrorException",
    "Client.UnauthorizedOperation", "ForbiddenException", "NotAuthorized", "NotAuthorizedException",
    "UnauthorizedException", "UnauthorizedOperation",
})  # fmt: skip
_CREDENTIALS: Final = frozenset({
    "AuthFailure", "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "InvalidAccessKeyId",
    "InvalidClientTokenId", "InvalidSignatureException", "InvalidToken", "MissingAuthenticationToken",
    "MissingAuthenticationTokenException", "RequestExpired", "RequestTimeTooSkewed", "SignatureDoesNotMatch",
    "TokenRefreshRequired", "UnrecognizedClientException",
})  # fmt: skip
# The codes that botocore itself retries as throttling (botocore.retries.standard).
_THROTTLED: Final = frozenset({
    "BandwidthLimitExceeded", "EC2ThrottledException", "LimitExceededException", "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException",
    "SlowDown", "Throttling", "ThrottledException", "ThrottlingException", "TooManyRequestsException",
    "TransactionInProgressException",
})  # fmt: skip
# A region that the account has not enabled (AWS Account Management Reference Guide, "Enable or disable AWS Regions").
REGION_CODES: Final = frozenset({"OptInRequired", "RegionDisabledException", "SubscriptionRequiredException"})
DENIED: Final = "access denied"
_UNSUPPORTED: Final = frozenset({
    "InvalidAction", "NotImplemented", "UnknownOperation",
    "UnknownOperationException", "UnsupportedActionException", "UnsupportedOperation",
})  # fmt: skip


class Failure(Struct, frozen=True):
    """Why a call has no answer. ``needs`` is the IAM action that was missing, where that is why."""

    operation: Operation
    why: str
    needs: str = ""

    def __str__(self) -> str:
        return f"{self.operation}: {self.why}" + (f" (needs {self.needs})" if self.needs else "")


class MalformedError(Exception):
    """An answer that is cut off, empty, or not in the service's own form."""


# What denied it, where the service says so: one's own permissions do not help against these (IAM User Guide,
# "Troubleshoot access denied error messages").
_DENIED_BY: Final = lazy_re.compile(
    r"with (an explicit deny in (?:an?|the) [\w -]*?(?:policy|boundary))"
    r"|because (no [\w -]*?(?:policy|boundary) allows)"
)
_OWN: Final = "no identity-based policy allows"  # the usual case: the permission is missing
_REFUSED: Final = lazy_re.compile(r"not authorized to perform:? ([\w-]+:\w+)")


class DeadlineError(Exception):
    """The time for the whole account is over."""


class RepeatedPageError(Exception):
    """A page named a page that was there before as the next one."""


def is_absent(operation: Operation, error: Exception) -> bool:
    """Whether the error says that what was asked for does not exist."""
    code, message, _ = said_by(error)
    return code in operation.absent or any(
        part in message for wanted, part in operation.absent_messages if wanted == code
    )


def failure(operation: Operation, error: Exception) -> Failure:
    """What an error of a call means, in words."""
    code, message, status = said_by(error)
    # AWS Cloud Control calls the resource's own service for whoever asks, and says which call was refused.
    refused = _REFUSED.search(message) if operation.service == "cloudcontrol" else None
    if refused is not None:
        return Failure(operation, _denied(message), refused[1])
    if code in _DENIED:
        return Failure(operation, _denied(message), operation.action)
    if code in _CREDENTIALS:
        return Failure(operation, f"the credentials were refused ({code})")
    if code in _THROTTLED or status == 429:
        return Failure(operation, f"throttled beyond the retries ({code or status})")
    if code in REGION_CODES:
        return Failure(operation, f"the account has not enabled the service or the region ({code})")
    if code in _UNSUPPORTED or status == 501:
        return Failure(operation, f"not supported here ({code or status})")
    if status in {401, 403}:
        return Failure(operation, _denied(message), operation.action)
    if status >= 500:
        return Failure(operation, f"the service failed ({code or status})")
    if code:
        return Failure(operation, f"refused ({code})")
    return Failure(operation, _spoken(error))


def _denied(message: str) -> str:
    """``access denied``, with what denied it where that is something else than a permission that lacks."""
    match = _DENIED_BY.search(message)
    by = (match[1] or match[2]) if match else _OWN
    return DENIED if by == _OWN else f"{DENIED} ({by}{'' if match and match[1] else ' it'})"


def code_of(error: Exception) -> str:
    """A service's own code of an error, empty for any other exception."""
    return said_by(error)[0]


def said_by(error: Exception) -> tuple[str, str, int]:
    """Code, message and HTTP status of a service's error; empty for any other exception."""
    response: Any = getattr(error, "response", None)
    if not isinstance(response, dict):
        return "", "", 0
    said = response.get("Error")
    said = said if isinstance(said, dict) else {}
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return str(said.get("Code", "")), str(said.get("Message", "")), status if isinstance(status, int) else 0


def _spoken(error: Exception) -> str:
    """The exceptions of botocore, by name: nothing here imports it."""
    names = {each.__name__ for each in type(error).__mro__}
    if isinstance(error, DeadlineError):
        return "no time was left for it"
    if isinstance(error, RepeatedPageError) or "PaginationError" in names:
        return "a page named itself or an earlier one as the next"
    if names & {"ConnectTimeoutError", "ReadTimeoutError"} or isinstance(error, TimeoutError):
        return "no answer in time"
    if names & {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError"}:
        return "there are no credentials"
    if names & {"EndpointConnectionError", "HTTPClientError", "ConnectionError", "NoRegionError"}:
        return "the service could not be reached"
    if isinstance(error, MalformedError | ValueError) or "ResponseParserError" in names:
        return "the answer is cut off or malformed"
    if "ParamValidationError" in names:
        return "what it would be asked with is not in its form"
    if names & {"UnknownServiceError", "OperationNotPageableError", "UnknownEndpointError"}:
        return "not known to the installed boto3"
    return f"the answer could not be read ({type(error).__name__})"
