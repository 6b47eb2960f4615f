"""Clients of a lab. Their credentials are made up and their endpoint is loopback: nothing leaves the machine."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from checker.lab.server import Lab

if TYPE_CHECKING:
    import boto3

KEY: Final = "test"
"""The key that the emulator takes for the account's root."""


class Clients:
    """One client per service, made when it is first asked for."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._made: dict[str, Any] = {}

    @cached_property
    def _session(self) -> boto3.Session:
        import boto3
        import botocore.session

        # Whatever profile the shell names: it need not exist, and nothing of it is for the lab.
        own = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
        return boto3.Session(
            aws_access_key_id=KEY, aws_secret_access_key=KEY, region_name=self.lab.region, botocore_session=own
        )

    def __call__(self, service: str) -> Any:
        if service not in self._made:
            from botocore.config import Config

            config = Config(retries={"max_attempts": 1}, proxies={}, connect_timeout=5, read_timeout=60)
            self._made[service] = self._session.client(  # type: ignore[call-overload]
                service, endpoint_url=self.lab.endpoint, config=config
            )
        return self._made[service]

    def pages(self, service: str, operation: str, key: str, **asked: Any) -> list[Any]:
        """All items of a paged answer."""
        client = self(service)
        if not client.can_paginate(operation):
            return list(getattr(client, operation)(**asked)[key])
        return [item for page in client.get_paginator(operation).paginate(**asked) for item in page[key]]
