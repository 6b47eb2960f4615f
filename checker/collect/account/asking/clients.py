"""boto3's side: one session, clients built when first asked for, and answers checked for being whole.

The one module that imports boto3, and only when an account is read.
"""

from __future__ import annotations

import ipaddress
import json
import os
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from checker.collect.account.asking.failures import DeadlineError, MalformedError, RepeatedPageError
from checker.collect.account.asking.models import keep_to_what_is_asked
from checker.collect.account.target import Limits, Target
from checker.errors import UsageError, install_with

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config

_SESSION_NAME: Final = "doc-platform-checker"
# How long the first question waits for its answer, in seconds. AWS STS answers in a fraction of one from anywhere.
_FIRST_ANSWER: Final = 4.0


class Clients:
    """The clients of one account and region, one for each service. Threads may share it."""

    def __init__(self, target: Target, limits: Limits) -> None:
        self.target = target
        self.limits = limits
        self.ends = time.monotonic() + limits.deadline
        self.first_address = ""  # where the first question went: a variable or a profile may name an address too
        self._session = _session(target)
        self._lock = threading.Lock()
        self._built: dict[str, Any] = {}
        self._asking = threading.local()
        self._watch()

    @property
    def region(self) -> str:
        return self._session.region_name or ""

    def partition(self) -> str:
        try:
            partition: str = self._session.get_partition_for_region(self.region)
        except Exception:  # noqa: BLE001 - a region that boto3 does not know yet is one of the commercial partition
            return "aws"
        return partition

    def get(self, service: str) -> Any:
        """The client of a service. Building one costs more time than a call, so each is built once."""
        with self._lock:
            client = self._built.get(service)
            if client is None:
                client = self._built[service] = self._build(service, self._config())
            return client

    def checking(self, service: str) -> Any:
        """A client that gives up at once: for the first question, whose answer says whether any other makes sense."""
        from botocore.config import Config

        local = bool(self.target.endpoint_url)
        quick = Config(
            retries={"total_max_attempts": 1, "mode": "standard"},
            connect_timeout=0.8 if local else self.limits.connect_timeout,
            read_timeout=min(_FIRST_ANSWER, self.limits.read_timeout),
        )
        with self._lock:
            client = self._build(service, self._config().merge(quick))
        self.first_address = client.meta.endpoint_url
        return client

    def assume(self, credentials: Mapping[str, Any]) -> None:
        """Go on as an assumed role."""
        with self._lock:
            self._session = _session(self.target, credentials)
            self._built.clear()
            self._watch()

    def new_question(self) -> None:
        """Pages that this thread asks for from now on belong to one list."""
        self._asking.seen = set()

    def _watch(self) -> None:
        """See every request and answer. Clients copy what their session has, so this comes before the first of them."""
        events = self._session.events
        events.register("before-parameter-build", self._refuse_repeats)
        events.register("before-send", self._refuse_late)
        events.register("before-parse", _refuse_broken)

    def _build(self, service: str, config: Config) -> Any:
        # Stubs know every service by a literal name; here the name comes from the table of operations.
        make: Any = self._session.client
        return make(service, endpoint_url=self.target.endpoint_url or None, config=config)

    def _config(self) -> Config:
        from botocore.config import Config

        more: dict[str, Any] = {"proxies": {}} if _is_loopback(self.target.endpoint_url) else {}
        if self.target.endpoint_url:
            more["s3"] = {"addressing_style": "path"}
        return Config(
            retries={"total_max_attempts": self.limits.attempts, "mode": "adaptive"},
            connect_timeout=self.limits.connect_timeout,
            read_timeout=self.limits.read_timeout,
            max_pool_connections=max(10, self.limits.per_service),
            user_agent_extra=_SESSION_NAME,
            **more,
        )

    def _refuse_repeats(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        """A list that asks for the same page twice would never end."""
        seen: set[str] | None = getattr(self._asking, "seen", None)
        if seen is None:
            return
        asked = f"{model.name} {sorted(params.items())!r}"
        if asked in seen:
            raise RepeatedPageError
        seen.add(asked)

    def _refuse_late(self, **_: Any) -> None:
        if time.monotonic() >= self.ends:
            raise DeadlineError


def _session(target: Target, credentials: Mapping[str, Any] | None = None) -> boto3.Session:
    try:
        import boto3
        import botocore.session
        from botocore.exceptions import ConfigParseError, ProfileNotFound
    except ImportError:
        raise UsageError("reading an account needs boto3, which is not installed", install_with("account")) from None

    core = botocore.session.Session(profile=target.profile or None)
    if credentials is not None:
        core.set_credentials(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])
    try:
        keep_to_what_is_asked(core)
        # boto3 alone does not look at AWS_REGION (AWS SDKs and Tools Reference Guide, "AWS Region").
        region = target.region or os.environ.get("AWS_REGION")
        session = boto3.Session(botocore_session=core, region_name=region or None)
    except ProfileNotFound:
        profiles = ", ".join(core.available_profiles) or "none"
        # Without an option the name is that of AWS_PROFILE, or of the older AWS_DEFAULT_PROFILE.
        raise UsageError(f"no AWS profile {core.profile!r}", f"There is: {profiles}.") from None
    except ConfigParseError as error:
        raise UsageError(" ".join(str(error).split()), "Set it right, or name another in AWS_CONFIG_FILE.") from None
    return session


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refuse_broken(operation_model: Any, response_dict: Mapping[str, Any], **_: Any) -> None:
    """Refuse an answer that is cut off or empty. botocore takes such a JSON body, and an empty XML one, for ``{}``."""
    shape = operation_model.output_shape
    if response_dict["status_code"] >= 300 or shape is None or operation_model.has_streaming_output:
        return
    in_body = [name for name, member in shape.members.items() if "location" not in member.serialization]
    body = response_dict["body"]
    if not in_body or not isinstance(body, bytes):
        return
    if not body:
        raise MalformedError
    if "json" in operation_model.service_model.resolved_protocol and "payload" not in shape.serialization:
        try:
            whole = isinstance(json.loads(body), dict)
        except ValueError:
            whole = False
        if not whole:
            raise MalformedError
