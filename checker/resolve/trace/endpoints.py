"""Calls that do not go to AWS: to an emulator beside the job, or to another vendor's storage.

An endpoint is told by the command's option, the code's argument, or a variable (AWS SDKs and Tools Reference Guide,
"Service-specific endpoints"). Where it is open, or might be a door to AWS, a call is one of AWS.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeVar

from checker import lazy_re
from checker.model.pipeline.scripts import AwsCall, CdkCommand, plain_name
from checker.model.possible import Possible, options, shown
from checker.model.sources import Spot
from checker.model.values import Absent

Call = TypeVar("Call", AwsCall, CdkCommand)

# This machine, a container beside it (a name without a domain), or the name that LocalStack gives itself.
_HERE: Final = lazy_re.compile(
    r"https?://(?:[^/@]*@)?(?:127(?:\.\d+){3}|0\.0\.0\.0|\[::1?\]|[\w-]+|host\.docker\.internal"
    r"|(?:[\w-]+\.)*localhost(?:\.localstack\.cloud)?)(?::[^/]*)?(?:/.*)?"
)
_HOST: Final = lazy_re.compile(r"https?://(?:[^/@]*@)?(?P<host>\[[^]]*]|[^/:]+)")
_OF_AWS: Final = lazy_re.compile(r"(?:^|\.)(?:amazonaws\.com(?:\.cn)?|api\.aws|aws\.dev)\.?$")
_WRITTEN_OUT: Final = lazy_re.compile(r"[\w-]+(?:\.[\w-]+)+\.?$")


def at_aws(
    calls: Iterable[Call], environment: Mapping[str, Possible], elsewhere: dict[tuple[tuple[Spot, ...], str], None]
) -> Iterator[Call]:
    """The calls that go to AWS, or may; of the others ``elsewhere`` notes how one gets to them, and the host."""
    for each in calls:
        if endpoint := _elsewhere(each, environment):
            elsewhere[each.reached.way, endpoint] = None
        else:
            yield each


def _elsewhere(call: AwsCall | CdkCommand, environment: Mapping[str, Possible]) -> str:
    """The host that a call goes to, where that is not AWS; else nothing."""
    service = call.service if isinstance(call, AwsCall) else ""
    endpoint = call.text("endpointurl") if isinstance(call, AwsCall) else Absent()
    if isinstance(endpoint, Absent):
        endpoint = _told(service, environment)
    each = [] if isinstance(endpoint, Absent) else [shown(one) for one in options(endpoint) or ()]
    found = _HOST.match(each[0]) if each and all(_is_no_aws(one, service) for one in each) else None
    return found["host"] if found else ""


def _told(service: str, environment: Mapping[str, Possible]) -> Possible | Absent:
    """What variables say of a service's endpoint, or of all services'."""
    if shown(environment.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "")).lower() == "true":
        return Absent()
    own = f"awsendpointurl{plain_name(service)}"
    named = {plain_name(name): value for name, value in environment.items() if name.startswith("AWS_ENDPOINT_URL")}
    return named.get(own, named.get("awsendpointurl", Absent()))


def _is_no_aws(endpoint: str, service: str) -> bool:
    if _HERE.fullmatch(endpoint):
        return True
    found = _HOST.match(endpoint)
    # Any vendor's storage speaks the protocol of Amazon S3; of other services only AWS has them at an address.
    host = found["host"].rpartition("}")[2].lstrip(".") if found and service == "s3" else ""
    return bool(_WRITTEN_OUT.match(host)) and not _OF_AWS.search(host)
