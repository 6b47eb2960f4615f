"""Whether a database is one of the job's own, which nobody misses afterwards: by the address that a command is told.

An address on the runner is no sign where something leads it elsewhere: OpenBSD manual, "ssh", option ``-L``; Kubernetes
documentation, ``kubectl port-forward``; AWS Systems Manager User Guide, "Start a session", port forwarding; Google
Cloud documentation, "Cloud SQL Auth Proxy".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from checker import lazy_re
from checker.model.pipeline.jobs import EffectiveStep
from checker.model.pipeline.scripts import Command, Trace
from checker.model.possible import Possible, options, shown

_LOCAL: Final = lazy_re.compile(
    r"localhost|127\.0\.0\.1|@(?:postgres|db|database)[:/]|^sqlite\w*(?:\+\w+)?:|^file:.*\.(?:db|sqlite3?)$"
)
# A service on the runner that is no database tells nothing of the database.
_NO_DATABASE: Final = lazy_re.compile(r"^(?:https?|wss?|rediss?|amqps?|kafka|nats|smtps?|grpcs?|mqtts?|unix)://")
_ADDRESS: Final = lazy_re.compile(r"(?:^|_)(?:URL|URI|DSN|HOST|HOSTNAME|ADDRESS|CONNECTION(?:_?STRING)?)$|^PGHOST$")
# Names of variables about a database: others say where a cache is, or what goes past a proxy (NO_PROXY).
_DATABASE: Final = lazy_re.compile(
    r"(?:^|_)(?:\w*DB|DATABASE\w*|PG\w*|POSTGRES\w*|MARIADB|\w*SQL\w*|TYPEORM|KNEX|PRISMA|FLYWAY|LIQUIBASE|DSN)(?:_|$)"
)
_KEPT: Final = ("secrets.", "vars.")
_LEADS: Final = lazy_re.compile(r"-\w*L.*")
_PROXIES: Final = frozenset({"cloud-sql-proxy", "cloud_sql_proxy", "alloydb-auth-proxy", "socat"})


def is_own(command: Command, step: EffectiveStep | None, trace: Trace) -> bool:
    """Whether the database that a command works with is on the runner, or beside the job."""
    if any(map(_is_local, map(shown, command.words))):
        return not _is_led_elsewhere(trace)
    return told_of_own({**(step.env if step is not None else {}), **command.handed}) and not _is_led_elsewhere(trace)


def told_of_own(variables: Mapping[str, Possible]) -> bool:
    """Whether variables say that the database is the job's own, and none says an address that GitHub keeps."""
    told = [(name, text) for name, value in variables.items() if not name.startswith("GITHUB_") for text in _all(value)]
    kept = [(name, text) for name, text in told if any(each in text for each in _KEPT) and not _is_local(text)]
    if any(_ADDRESS.search(name.upper()) and _DATABASE.search(name.upper()) for name, _ in kept):
        return False
    local = [(name, text) for name, text in told if _is_local(text)]
    return any("://" in text or "@" in text or _DATABASE.search(name.upper()) for name, text in local)


def _is_local(text: str) -> bool:
    return _LOCAL.search(text) is not None and _NO_DATABASE.search(text) is None


def _all(value: Possible) -> Iterator[str]:
    yield from map(shown, options(value) or ())


def _is_led_elsewhere(trace: Trace) -> bool:
    """Whether a job forwards a port of the runner to another place."""
    if any(call.service == "ssm" and call.operation.lower().replace("-", "") == "startsession" for call in trace.aws):
        return True
    return any(map(_forwards, trace.commands))


def _forwards(command: Command) -> bool:
    words = [shown(word) for word in command.words[1:]]
    if command.program in {"ssh", "autossh"}:
        return any(map(_LEADS.fullmatch, words))
    if command.program in {"kubectl", "oc"}:
        return "port-forward" in words
    return command.program in _PROXIES or (command.program in {"fly", "flyctl"} and "proxy" in words)
