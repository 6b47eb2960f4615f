"""Asking an account: calls side by side, each with an answer, an absence or a failure, and all of them on record."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TYPE_CHECKING, Any, Final

from checker.collect.account.asking.answers import Answer, Call, Outcome
from checker.collect.account.asking.failures import (
    DeadlineError,
    MalformedError,
    RepeatedPageError,
    code_of,
    failure,
    is_absent,
)
from checker.collect.account.needs import Needs
from checker.collect.account.operations import OPERATIONS, Operation
from checker.model.verdicts import Unread

if TYPE_CHECKING:
    from checker.collect.account.asking.clients import Clients
    from checker.collect.account.scope import Scope
    from checker.collect.account.shapes import Draft

# How much longer than the deadline an answer that is under way is waited for.
_GRACE: Final = 0.5


class Account:
    """One account in one region, being read. Threads may share it."""

    def __init__(self, clients: Clients, needs: Needs, heard: Callable[[Call], None] | None = None) -> None:
        self.needs = needs
        self.calls: list[Call] = []
        self.facts: dict[str, Any] = {}
        self._clients = clients
        self._heard = heard
        self._unread: dict[tuple[str, str], Unread] = {}
        self._slots = threading.BoundedSemaphore(clients.limits.concurrency)
        self._lock = threading.Lock()
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self.scope: Scope

    # Asking

    def ask(self, service: str, name: str, /, *, of: Draft | None = None, **parameters: Any) -> Answer:
        """Ask one question; of a list, for all its pages. Comes back at once: whoever looks at the answer waits for it.

        What is ``of`` a resource is asked only where the resource is of the stacks that are read.
        """
        operation = OPERATIONS[service, name]
        if not self.needs.calls_for(operation) or (of is not None and not self.scope.has(of.type, of.ids, of.tags)):
            return Answer(operation, lambda: Outcome(asked=False))
        with self._lock:
            pool = self._pools.get(service)
            if pool is None:
                pool = self._pools[service] = ThreadPoolExecutor(self._clients.limits.per_service)
        future = pool.submit(self._answer, operation, parameters)
        return Answer(operation, lambda: self._settled(operation, future))

    def _settled(self, operation: Operation, future: Future[Outcome]) -> Outcome:
        try:
            return future.result(max(0.0, self._clients.ends + _GRACE - time.monotonic()))
        except FutureTimeoutError:
            return self._failed(operation, DeadlineError(), ())

    def _answer(self, operation: Operation, parameters: Mapping[str, Any]) -> Outcome:
        pages: list[Mapping[str, Any]] = []
        with self._slots:
            started = time.monotonic()
            try:
                client = self._clients.get(operation.service)
                started = time.monotonic()
                for page in self._pages(client, operation, parameters):
                    part = operation.holds or operation.items
                    if part and page.get(part) is None and not operation.may_lack_items:
                        raise MalformedError
                    if operation.items and not _is_list(page.get(operation.items)):
                        raise MalformedError
                    pages.append(page)
                    now = time.monotonic()
                    metadata = page.get("ResponseMetadata") or {}
                    self._record(Call(operation, now - started, attempts=1 + metadata.get("RetryAttempts", 0)))
                    started = now
            except Exception as error:  # noqa: BLE001 - whatever goes wrong with a call is its outcome, not the run's end
                took = time.monotonic() - started
                if is_absent(operation, error):
                    self._record(Call(operation, took, "absent"))
                    return Outcome(absent=True, code=code_of(error))
                outcome = self._failed(operation, error, tuple(pages))
                self._record(Call(operation, took, outcome.failure.why if outcome.failure else ""))
                return outcome
        return Outcome(tuple(pages))

    def _pages(self, client: Any, operation: Operation, parameters: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """All pages of an answer. One that names a page that was there before would never end."""
        from botocore import xform_name

        method = xform_name(operation.name)
        self._clients.new_question()
        if operation.items and client.can_paginate(method):
            size = {"PaginationConfig": {"PageSize": operation.page}} if operation.page else {}
            pages = iter(client.get_paginator(method).paginate(**parameters, **size))
        else:
            pages = _marked(getattr(client, method), operation.marker, parameters)
        for number, page in enumerate(pages):
            if number >= self._clients.limits.pages:
                raise RepeatedPageError
            yield page

    def _failed(self, operation: Operation, error: Exception, pages: tuple[Mapping[str, Any], ...]) -> Outcome:
        """The failure, after putting on record what of types and facts is unread because of it."""
        found = failure(operation, error)
        for what in (*operation.serves, *operation.leads_to):
            # A property that is unread stands with its resource.
            if self.needs.wants(what) and not (what.startswith("AWS::") and "/" in what):
                self.unread(what, f"{operation}: {found.why}", found.needs)
        return Outcome(pages, found)

    # The record

    def _record(self, call: Call) -> None:
        with self._lock:
            self.calls.append(call)
        if self._heard is not None:
            self._heard(call)

    def unread(self, what: str, why: str, needs: str = "") -> None:
        """Put on record what could not be read. The same thing twice is one entry."""
        with self._lock:
            self._unread.setdefault((what, why), Unread(what, why, needs))

    @property
    def all_unread(self) -> tuple[Unread, ...]:
        with self._lock:
            return tuple(self._unread[key] for key in sorted(self._unread))

    def add_facts(self, name: str, facts: Any) -> None:
        """Facts under a name of their own; lists under the same name join."""
        with self._lock:
            if isinstance(facts, list):
                self.facts.setdefault(name, []).extend(facts)
            else:
                self.facts.setdefault(name, {}).update(facts)

    def close(self) -> None:
        """Let go of what is still under way: its answers are not waited for."""
        with self._lock:
            pools = list(self._pools.values())
        for pool in pools:
            pool.shutdown(wait=False, cancel_futures=True)


def _is_list(items: Any) -> bool:
    """Whether the items of a page are a list of names or of objects: what is neither must not be taken for none."""
    if items is None:
        return True
    return isinstance(items, list) and all(isinstance(each, Mapping | str) and each for each in items)


def _marked(method: Callable[..., Mapping[str, Any]], marker: str, parameters: Mapping[str, Any]) -> Iterator[Any]:
    """The pages of an operation that botocore has no paginator for; one page where no marker is known."""
    page = method(**parameters)
    yield page
    seen: set[Any] = set()
    while marker and page.get(marker):
        if page[marker] in seen:
            raise RepeatedPageError
        seen.add(page[marker])
        page = method(**parameters, **{marker: page[marker]})
        yield page
