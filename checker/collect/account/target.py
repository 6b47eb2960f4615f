"""Which account is read, how far, and within which bounds."""

from __future__ import annotations

from msgspec import Struct


class Target(Struct, frozen=True, kw_only=True):
    """One account in one region. What is empty follows from boto3's usual chain (environment, profile, role).

    ``stacks`` are the stacks whose resources are described in full; ``None`` stands for all stacks of the account.
    ``meant_for``: the regions that their code is written for. None of them found, in a region that is none of these, is
    a wrong region.
    """

    account: str = ""  # refused where the credentials belong to another one
    region: str = ""
    profile: str = ""
    role_arn: str = ""
    external_id: str = ""
    endpoint_url: str = ""
    stacks: tuple[str, ...] | None = None
    meant_for: frozenset[str] = frozenset()


class Limits(Struct, frozen=True, kw_only=True):
    """How long and how hard an account may be asked. Times in seconds."""

    deadline: float = 120.0  # for everything: what has no answer by then is unread
    connect_timeout: float = 3.0
    read_timeout: float = 15.0
    attempts: int = 4  # per call, the first one included
    concurrency: int = 32  # calls at once in one account and region
    per_service: int = 12  # of them to one service
    pages: int = 1000  # of one list


class Caller(Struct, frozen=True):
    """Who asks, as STS answered."""

    account: str
    arn: str
    region: str
    partition: str = "aws"
