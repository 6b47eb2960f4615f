"""What an account answered, kept, and given again: with one operation answered otherwise, as often as is wanted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from checker.collect.account import Needs, Reader, Target
from checker.collect.account.target import Caller, Limits
from checker.model.live.snapshot import Snapshot
from tests.collect.account.support import BY_METHOD

Key = tuple[str, str]
Pages = list[Mapping[str, Any]]
# What happens in place of an operation's pages.
Fault = Callable[[Pages], Iterator[Mapping[str, Any]]]


@dataclass(slots=True)
class Tape:
    """Pages, or the refusal, of every question that a reading asked."""

    needs: Needs
    stacks: tuple[str, ...] | None
    caller: Caller
    answers: dict[tuple[Key, str], Pages | Exception] = field(default_factory=dict)

    @property
    def operations(self) -> list[Key]:
        return sorted({key for key, _ in self.answers})

    def questions(self, operation: Key) -> list[str]:
        """The parameters of every question that an operation was asked, in an order of their own."""
        return sorted(text for key, text in self.answers if key == operation)

    def read(
        self,
        broken: Key | None = None,
        fault: Fault | None = None,
        limits: Limits | None = None,
        *,
        only: str | None = None,
    ) -> Snapshot:
        """The reading again, without an account. The times are left out. ``only``: the one question that fails."""
        reader = Reader(Target(stacks=self.stacks), self.needs, limits or Limits(deadline=60))
        clients: Any = _Clients(_Given(self, broken, fault, only), reader.limits)
        reader._clients, reader._caller = clients, self.caller
        return replace(reader.read().snapshot, taken_at="")


def record(target: Target, needs: Needs) -> Tape:
    reader = Reader(target, needs)
    caller = reader.open()
    real: Any = reader._clients
    tape = Tape(needs, target.stacks, caller)
    clients: Any = _Clients(_Heard(tape, real), reader.limits)
    reader._clients = clients
    reader.read()
    return tape


class _Heard:
    def __init__(self, tape: Tape, real: Any) -> None:
        self._tape, self._real = tape, real

    def pages(self, service: str, method: str, parameters: Mapping[str, Any]) -> Pages:
        operation = BY_METHOD[service, method]
        client = self._real.get(service)
        place = (service, operation.name), _text(parameters)
        try:
            if operation.items and client.can_paginate(method):
                found = list(client.get_paginator(method).paginate(**parameters))
            else:
                found = [getattr(client, method)(**parameters)]
        except Exception as error:
            self._tape.answers[place] = error
            raise
        self._tape.answers[place] = found
        return found


class _Given:
    def __init__(self, tape: Tape, broken: Key | None, fault: Fault | None, only: str | None) -> None:
        self._tape, self._broken, self._fault, self._only = tape, broken, fault, only

    def pages(self, service: str, method: str, parameters: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        key = service, BY_METHOD[service, method].name
        # Where a failure made the reader ask for something else than it did, the account is taken to have none of it.
        found = self._tape.answers.get((key, _text(parameters)), LookupError("not asked before"))
        meant = self._only is None or self._only == _text(parameters)
        if key == self._broken and meant and self._fault is not None:
            yield from self._fault(found if isinstance(found, list) else [])
        elif isinstance(found, Exception):
            raise found
        else:
            yield from found


def _text(parameters: Mapping[str, Any]) -> str:
    return json.dumps(dict(parameters), sort_keys=True, default=str)


class _Clients:
    def __init__(self, source: Any, limits: Limits) -> None:
        import time

        self._source, self.limits = source, limits
        self.ends = time.monotonic() + limits.deadline

    def get(self, service: str) -> Any:
        return _Client(self._source, service)

    def new_question(self) -> None:
        pass


class _Client:
    """A client of boto3 as the reader uses it: pages of a list, or one answer."""

    def __init__(self, source: Any, service: str) -> None:
        self._source, self._service = source, service

    def can_paginate(self, method: str) -> bool:
        return True

    def get_paginator(self, method: str) -> Any:
        client = self

        class Paginator:
            def paginate(self, PaginationConfig: object = None, **parameters: Any) -> Any:  # noqa: N803
                return client._source.pages(client._service, method, parameters)

        return Paginator()

    def __getattr__(self, method: str) -> Callable[..., Mapping[str, Any]]:
        def call(**parameters: Any) -> Mapping[str, Any]:
            found: Mapping[str, Any] = next(iter(self._source.pages(self._service, method, parameters)))
            return found

        return call
