"""Whether a database is one of the job's own, which nobody misses afterwards: by the address that a command is told.

An address on the runner tells of a database only where the job has one there: GitHub's runners have none running
(GitHub Docs, "About service containers"; the images' software lists: PostgreSQL and MySQL are "disabled by default").
And it is no sign where something leads it elsewhere: OpenBSD manuals, "ssh", option ``-L``, and "ssh_config",
``LocalForward``; Kubernetes documentation, ``kubectl port-forward``; AWS Systems Manager User Guide, "Start a session",
port forwarding; Google Cloud documentation, "Cloud SQL Auth Proxy" and "Using IAP for TCP forwarding".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Final

from checker import lazy_re
from checker.model.pipeline.jobs import EffectiveStep
from checker.model.pipeline.scripts import Command, Trace
from checker.model.possible import Possible, options, shown

# The host of a URL, of a connection string or alone: of the runner, or a name that such containers are given.
_LOCAL: Final = lazy_re.compile(
    r"(?:^|@|\(|//(?![^/\s]*@)|\b(?:host|hostaddr|server|data source|address)=(?:tcp:)?)"
    r"(?:localhost|127\.0\.0\.1|\[?::1\]?|0\.0\.0\.0|host\.docker\.internal)(?=[:/?;,)\s'\"&]|$)"
    r"|@(?:postgres|postgresql|mysql|mariadb|db|database)[:/]|^(?:postgres|postgresql|mysql|mariadb|db|database)$",
    re.IGNORECASE,
)
_FILE: Final = lazy_re.compile(r"^sqlite\w*(?:\+\w+)?:|^file:.*\.(?:db|sqlite3?)$")
# What stands for a value that only the run knows: it may hold any sign.
_OPEN: Final = lazy_re.compile(r"\$\{\{[^}]*\}\}|\$\((?:[^()]|\([^()]*\))*\)|\$\{[^}]*\}|\$\w+")
_SOCKET: Final = "/cloudsql/"
# A service on the runner that is no database tells nothing of the database.
_NO_DATABASE: Final = lazy_re.compile(r"^(?:https?|wss?|rediss?|amqps?|kafka|nats|smtps?|grpcs?|mqtts?|unix)://")
_SCHEME: Final = lazy_re.compile(
    r"(?:^|[=:'\"])(?:postgres|pgx|cockroach|crdb|mysql|mariadb|sqlserver|mssql|sqlite|oracle|mongodb|clickhouse)"
    r"\w*(?:\+\w+)*:(?://|thin:@|\w+\.)"
)
_ADDRESS: Final = lazy_re.compile(
    r"(?:^|_)(?:URL|URI|DSN|HOST|HOSTNAME|ADDRESS|CONNECTION(?:_?STRING)?)$|^PGHOST(?:ADDR)?$"
)
# Names of variables about a database: others say where a cache is, or what goes past a proxy (NO_PROXY).
_DATABASE: Final = lazy_re.compile(
    r"(?:^|_)(?:\w*DB|DATABASE\w*|DATASOURCE|JDBC|PG\w*|POSTGRES\w*|MARIADB|\w*SQL\w*|TYPEORM|KNEX|PRISMA|FLYWAY"
    r"|LIQUIBASE|DSN)(?:_|$)"
)
_ELSEWHERE: Final = lazy_re.compile(r"(?:^|_)(?:SENTRY|BUGSNAG|GLITCHTIP|AIRBRAKE)_")  # where errors are sent
_SHADOW: Final = lazy_re.compile(r"(?:^|_)SHADOW_")  # a database to try migrations out in, never the one that is meant
_KIND: Final = lazy_re.compile(r"[\w-]*")  # `DB_CONNECTION: mysql` is none
_PAIRS: Final = lazy_re.compile(r"(?:^|[\s;'\"])(?:host|hostaddr|server|data source)=", re.IGNORECASE)
_KEPT: Final = lazy_re.compile(r"\b(?:secrets|vars)\.|secretsmanager|get-secret|get-parameter")
_CLIENTS: Final = lazy_re.compile(r"psql|pg_\w+|createdb|dropdb|createuser|(?:mysql|mariadb)\w*")
_HOST_OF_CLIENT: Final = lazy_re.compile(r"-h(?P<value>.*)")
_HOST_OF_SQLCMD: Final = lazy_re.compile(r"-S(?P<value>.*)")
_ENGINES: Final = frozenset({"docker", "podman", "nerdctl", "finch", "docker-compose", "podman-compose"})

# -- what the job has beside it, and what leads elsewhere -----------------------------------------------
_SYSTEM: Final = (
    r"(?:postgres|postgis|pgvector|timescale|citus|mysql|mariadb|percona|mssql|sql-?server|sql-edge|cockroach"
    r"|yugabyte|oracle|mongo|clickhouse|supabase)"
)
_SYSTEMS: Final = lazy_re.compile(_SYSTEM, re.IGNORECASE)
_IMAGE: Final = lazy_re.compile(rf"(?:[\w.:-]+/)*[\w.-]*{_SYSTEM}[\w./-]*(?::[^\s=]*)?(?:@sha256:\w+)?")
_OTHERS: Final = lazy_re.compile(
    r"redis|valkey|memcached|rabbitmq|kafka|zookeeper|elastic|opensearch|localstack|nginx|selenium|minio|mail|nats|vault"
)
_DETACHED: Final = lazy_re.compile(r"-[a-zA-Z]*d[a-zA-Z]*|--detach(?:=true)?")
_NAMING: Final = frozenset({"--name", "--hostname", "-h", "--network", "--net", "--network-alias", "-l", "--label"})
_SERVERS: Final = frozenset(
    {"pg_ctl", "pg_ctlcluster", "pg_virtualenv", "pg_tmp", "postgres", "mysqld", "mysqld_safe", "mariadbd",
     "mysql.server", "cockroach", "supabase"}
)  # fmt: skip
_MANAGERS: Final = frozenset({"service", "systemctl", "brew", "rc-service", "invoke-rc.d", "net", "Start-Service"})
_CLIENT: Final = lazy_re.compile(r"migrat|client|backup|dump|deploy|query|wait", re.IGNORECASE)
_STARTS: Final = frozenset({"start", "restart", "enable", "--now"})
_LEADS: Final = lazy_re.compile(r"-\w*L.*|.*localforward.*", re.IGNORECASE)
_LEADING: Final = lazy_re.compile(
    r"\bsocat\b|tunnel|bastion|port-?forward|sql[-_]proxy|alloydb[-_]auth[-_]proxy", re.IGNORECASE
)
_SAYS: Final = frozenset({"echo", "printf", ":", "#"})


def is_own(command: Command, step: EffectiveStep | None, trace: Trace) -> bool:
    """Whether the database that a command works with is on the runner, or beside the job."""
    told = list(_addresses(command))
    if not told:
        told = _own_addresses({**(step.env if step is not None else {}), **command.handed})
    if not told or not all(map(_is_local, told)):
        return False
    return all(map(_FILE.search, told)) or (_has_database(step, trace) and not _is_led_elsewhere(step, trace))


def told_of_own(variables: Mapping[str, Possible]) -> bool:
    """Whether variables say that the database is the job's own, and none says another address of one."""
    return bool(_own_addresses(variables))


def _own_addresses(variables: Mapping[str, Possible]) -> list[str]:
    """The addresses of databases of the job's own; empty where one of them is another's, or nobody knows."""
    told = [
        (name.upper(), text)
        for name, value in variables.items()
        if not name.startswith("GITHUB_")
        for text in _all(value)
        if text and not _NO_DATABASE.search(text)
    ]
    if any(_is_address(name, text) and not _is_local(text) for name, text in told):
        return []
    local = [(name, text) for name, text in told if _is_local(text) and not _SHADOW.search(name)]
    return [text for name, text in local if "://" in text or "@" in text or _DATABASE.search(name)]


def _is_address(name: str, text: str) -> bool:
    """Whether a variable says where a database is."""
    if not _ADDRESS.search(name) or _is_kind(name, text) or _ELSEWHERE.search(name):
        return False
    return _DATABASE.search(name) is not None or _SCHEME.search(text) is not None


def _is_kind(name: str, text: str) -> bool:
    return name.endswith("CONNECTION") and _KIND.fullmatch(text) is not None


def _addresses(command: Command) -> Iterator[str]:
    """The addresses of databases among a command's words: the values of options for a host or a URL, of variables that
    a container is handed, URLs and connection strings, and whatever a secret holds alone."""
    words = list(map(shown, command.words[1:]))
    within = command.program in _ENGINES
    for word, after in zip_longest(words, words[1:], fillvalue=""):
        name, equals, value = word.partition("=")
        called = name.lstrip("-").upper().replace("-", "_").replace(".", "_")
        if _SHADOW.search(called):
            continue
        if (short := _host_of(command.program, word)) is not None:
            yield short["value"] or after
        elif word.startswith("-") and _ADDRESS.search(called):
            given = value if equals else after
            other = _NO_DATABASE.search(given) is not None or _is_kind(called, given)
            if given and not other and (not within or _is_local(given)):
                yield given
        elif equals and name.isidentifier() and _is_address(called, value):
            yield value
        elif _SCHEME.search(word) or _PAIRS.search(word) or ("@" in word and _is_local(word)):
            yield value if equals and name.startswith("-") and _SCHEME.search(value) else word
        elif _KEPT.search(word) and _OPEN.fullmatch(word) and _ADDRESS.search(_named(word)):
            yield word


def _host_of(program: str, word: str) -> re.Match[str] | None:
    """The short option for a host, of the clients whose spelling is known."""
    if program == "sqlcmd":
        return _HOST_OF_SQLCMD.fullmatch(word)
    return _HOST_OF_CLIENT.fullmatch(word) if _CLIENTS.fullmatch(program) else None


def _named(word: str) -> str:
    """The name of a secret or a variable that a word holds; ``URL`` for what a command has fetched, perhaps one."""
    return "URL" if word.startswith("$(") else word.strip("${} ").rpartition(".")[2].upper()


def _is_local(text: str) -> bool:
    if _FILE.search(text):
        return True
    known = _OPEN.sub("_", text)
    return _LOCAL.search(known) is not None and _NO_DATABASE.search(text) is None and _SOCKET not in text


def _all(value: Possible) -> Iterator[str]:
    each = options(value)
    yield from map(shown, each) if each is not None else ("$(unknown)",)


def _has_database(step: EffectiveStep | None, trace: Trace) -> bool:
    """Whether a job has a database beside it: a service, or what its steps start. What was not followed may start one:
    the job then says itself that it could not be. A container has neighbours, of which nothing is known here."""
    if step is None or not step.job.steps or trace.gaps:
        return True
    if any(not _OTHERS.search(each.image) for each in step.job.job.services):
        return True
    actions = any(_SYSTEMS.search(each.uses) and not _CLIENT.search(each.uses) for each in step.job.steps)
    return actions or any(map(_starts_database, trace.commands))


def _starts_database(command: Command) -> bool:
    words = [shown(word) for word in command.words[1:]]
    if command.program in _ENGINES:
        if "up" in words and (command.program.endswith("-compose") or "compose" in words):
            return True
        detached = command.handling.background or any(map(_DETACHED.fullmatch, words))
        images = [word for before, word in zip_longest(("", *words), words) if word and before not in _NAMING]
        # Without a command of its own, an image runs the server.
        return "run" in words and any(map(_IMAGE.fullmatch, images if detached else images[-1:]))
    if command.program in _SERVERS:
        return not {"migration", "migrations", "push", "stop", "status"} & set(words)
    manager = command.program in _MANAGERS or shown(command.words[0]).startswith("/etc/init.d/")
    spelled = " ".join((command.program, *words))
    return manager and not _STARTS.isdisjoint(words) and _SYSTEMS.search(spelled) is not None


def _is_led_elsewhere(step: EffectiveStep | None, trace: Trace) -> bool:
    """Whether a job forwards a port of the runner to another place."""
    if any(call.service == "ssm" and call.operation.lower().replace("-", "") == "startsession" for call in trace.aws):
        return True
    if step is not None:
        others = (*(each.uses for each in step.job.steps), *(each.image for each in step.job.job.services))
        if any(map(_LEADING.search, others)):
            return True
    return any(map(_forwards, trace.commands))


def _forwards(command: Command) -> bool:
    words = [shown(word) for word in command.words[1:]]
    if command.program in {"ssh", "autossh"}:
        return any(map(_LEADS.fullmatch, words))
    if command.program in {"fly", "flyctl"}:
        return "proxy" in words
    return command.program not in _SAYS and any(map(_LEADING.search, (shown(command.words[0]), *words)))
