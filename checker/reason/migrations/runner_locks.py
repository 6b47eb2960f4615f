"""How a migration runner keeps a second one out: read from the SQL that its code sends, and over which connection.

An advisory lock keeps a second runner out only where it belongs to the session that migrates (PostgreSQL
documentation, "Advisory Locks"): a lock of a transaction ends with it, a shared one lets others in, and one that was
taken over a pool belongs to whichever connection the pool gave for that one query.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open
from checker.model.migrations.folders import MigrationRunner, SourceFile
from checker.reason.migrations.lock_values import POOLER, VARYING
from checker.reason.migrations.python_locks import fault_of
from checker.reason.migrations.script_locks import fault_of as of_script

_LOCK: Final = lazy_re.compile(
    r"\bpg_(?P<attempt>try_)?advisory_(?P<xact>xact_)?lock(?P<shared>_shared)?\s*\(", re.IGNORECASE
)
_COMMENTED: Final = lazy_re.compile(r"[\"'`][^\"'`\n]*--\s[^\"'`\n]*$")
_UNLOCK: Final = lazy_re.compile(r"\bpg_advisory_unlock(?:_all)?\s*\(", re.IGNORECASE)
_TABLE: Final = lazy_re.compile(
    r"\bLOCK\s+(?:TABLE\s+)?[\w.\"]+\s+IN\s+(?:ACCESS |SHARE ROW |SHARE UPDATE |ROW )?EXCLUSIVE\s+MODE", re.IGNORECASE
)
# Locks of a session in other systems: MySQL Reference Manual, "Locking Functions"; Transact-SQL reference,
# "sp_getapplock"; Oracle Database documentation, "DBMS_LOCK".
_OTHERS: Final = lazy_re.compile(r"\bGET_LOCK\s*\(|\bsp_getapplock\b|\bDBMS_LOCK\b", re.IGNORECASE)
_METHODS: Final = (
    r"(?:query|queryArray|queryObject|execute|exec|Exec|ExecContext|Query|QueryContext|QueryRow|QueryRowContext|unsafe|raw|"
    r"none|one|fetchval|fetchrow|fetch|fetch_one|scalar|scalar_one|driver_sql|exec_driver_sql|\$queryRaw|\$executeRaw)"
)
_CALL: Final = lazy_re.compile(rf"(?<![\w$.])([A-Za-z_$][\w$.]*?)\.{_METHODS}\s*(?:<[^<>]*>)?[(`]")
_TAGGED: Final = lazy_re.compile(r"([A-Za-z_$][\w$]*)`\s*[^`]*$")
_NAMED: Final = lazy_re.compile(r"\b([A-Za-z_]\w*)\s*(?::\s*[\w\[\]., ]+)?=\s*\(?\s*[rRfF]?[\"'`][^\"'`]*$")
_DISCARDS: Final = lazy_re.compile(rf"^\s*(?:await\s+)?(?:_,\s*err\s*:?=\s*)?[\w$.]+\.{_METHODS}\s*(?:<[^<>]*>)?\($")
_NAME: Final = lazy_re.compile(r"[A-Za-z_$][\w$]*")
# ``const { rows } = await client.query(``; ``Scan(&held)`` of Go's database/sql.
_BOUND: Final = lazy_re.compile(
    rf"\b(?:const|let|var)\s+([^=;()]+?)=\s*\(*\s*(?:await\s+)?[\w$.]+\.{_METHODS}\s*(?:<[^<>]*>)?\(\s*[\"'`][^\"'`]*$"
)
_SCANNED: Final = lazy_re.compile(r"[^;{}]*?\.Scan\(\s*&([A-Za-z_]\w*)")
_TELLS: Final = lazy_re.compile(r"\s*(?:console|log|logger|slog|fmt|process\.stdout)\.\w+\(|\s*//")
_HANDED: Final = lazy_re.compile(r"\s*(?:const|let|var)\s+([^=;()]+?)=[^=>?!&|]*;?\s*$")
_POOLED: Final = (
    r"(?:new\s+(?:[\w.]+\.)?Pool\b|createPool\(|postgres\(|knex\(|new\s+PrismaClient|pgp\(|drizzle\(|sql\.Open\(|pgxpool\.\w+\("
    r"|(?:await\s+)?(?:\w+\.)?create_pool\(|(?:Async)?ConnectionPool\(|create_(?:async_)?engine\(|ThreadedConnectionPool\()"
)
_OWN: Final = (
    r"(?:(?:await\s+)?[\w$.]+\.(?:connect|acquire|getconn|reserve|Conn|Acquire|raw_connection|begin)\(|new\s+(?:[\w.]+\.)?Client\b"
    r"|(?:await\s+)?(?:[\w]+\.)?connect\(|pgx\.Connect\w*\()"
)
_RUNS_A_FILE: Final = lazy_re.compile(
    rf"(?<![\w$.])([A-Za-z_$][\w$.]*?)\.{_METHODS}\s*(?:<[^<>]*>)?\(\s*(?:ctx\s*,\s*)?(?:text\(\s*)?([A-Za-z_]\w*(?:\.\w+)*)\s*[,)]"
)
_SENDS: Final = lazy_re.compile(rf"(?<![\w$.])([A-Za-z_$][\w$]*)\.{_METHODS}\s*\(\s*(?![\"'`]|[rRfFbB]+[\"'])")
# A connection by the address that it is given first.
_CONNECTED: Final = lazy_re.compile(
    r"\b([A-Za-z_]\w*)\s*(?::=|=)\s*(?:await\s+)?(?:[\w.]+\.connect|new\s+[\w.]*Client|new\s+Client)\(\s*([^,()]*(?:\([^()]*\))?[^,()]*)"
)
_FUNCTION: Final = lazy_re.compile(r"\b(?:function|def|func|async)\b|=>\s*\{")
_PORT: Final = lazy_re.compile(r"\bport[\"']?\s*[=:]\s*[\"']?(?:6432|6543)\b")
# A client that is started with the lock as its statement, and whose session ends with it.
_BY_CLIENT: Final = lazy_re.compile(r"\bpsql\b[^;\n]*$")
_RUNS_FILES: Final = lazy_re.compile(r"[^;\n]*(?:\s|[\"'`])(?:-f|--file)\b")
# PostgreSQL documentation, "Server Signaling Functions" and "The Cumulative Statistics System" (pg_stat_activity).
_ENDS_SESSIONS: Final = lazy_re.compile(r"\bpg_(?:terminate|cancel)_backend\s*\((?!\s*pg_backend_pid)", re.IGNORECASE)
_PICKED: Final = lazy_re.compile(
    r"\b(?:state|application_name|usename|query|backend_type|wait_event\w*|client_\w+|\w+_start|state_change|datname\s*=\s*'?\w*test)",
    re.IGNORECASE,
)
_IS_SENT: Final = lazy_re.compile(r"\s*(?:SELECT|WITH|DO|CALL|PERFORM)\b", re.IGNORECASE)
_STATEMENT: Final = 400  # signs behind a function's name in which the sessions are picked
_LINES: Final = 4  # over which a statement's texts are put together
_KEY: Final = 120  # signs behind a lock's name in which its key is looked for
_MOST: Final = 50  # places of one file, or names, that are looked at; no honest runner has more
_ONE: Final = lazy_re.compile(r"\bmax(?:_size|OpenConns)?\s*[:=(]\s*1\b|SetMaxOpenConns\(1\)")


class Taken(Struct, frozen=True):
    """One place where a runner asks for a lock."""

    at: str  # FILE:LINE
    attempt: bool  # pg_try_...: does not wait
    fault: str = ""  # why it keeps nobody out
    pooled: Answer = NO  # over a pool: whichever connection comes
    receiver: str = ""


class Locking(Struct, frozen=True):
    """What a runner's code does against a second run."""

    taken: tuple[Taken, ...] = ()
    table: str = ""  # where it locks a table, which lasts as long as the transaction
    other: str = ""  # where it asks for a lock of another system's
    elsewhere: str = ""  # where a migration's SQL is sent over another connection than the lock's
    pooler: str = ""  # where it connects through a pooler that shares sessions
    doubt: str = ""  # why it may not hold it while it migrates

    @property
    def sound(self) -> tuple[Taken, ...]:
        return tuple(each for each in self.taken if not each.fault)


@lru_cache(maxsize=256)  # asked for each command that starts it; it is told by its identity
def locking(runner: MigrationRunner) -> Locking:
    """How ``runner`` keeps a second run out."""
    taken = tuple(each for file in runner.files for each in _taken(file, runner))
    sound = any(not each.fault for each in taken)
    fault, doubt = fault_of(runner) if sound else ("", "")
    fault, doubt = (fault, doubt) if fault or not sound else of_script(runner)
    if fault and not doubt:
        taken = tuple(replace(each, fault=each.fault or fault) for each in taken)
    table, other = _first(_TABLE, runner), _first(_OTHERS, runner)
    pooler = next(
        (f"{file.file}:{line}" for file in runner.files for line, text in file.strings if POOLER.search(text)), ""
    )
    pooler = pooler or _first(_PORT, runner)
    holders = {each.receiver for each in taken if not each.fault and each.receiver and each.pooled is NO}
    doubt = (
        (doubt and f"whether {fault}: {doubt}") or (holders and not fault and _other_database(runner, holders)) or ""
    )
    if sound and not fault:
        ends, perhaps = _ends_sessions(runner)
        doubt = perhaps or doubt
        taken = tuple(replace(each, fault=each.fault or ends) for each in taken)
    return Locking(taken, table, other, _elsewhere(runner, holders) if holders else "", pooler, doubt)


def _ends_sessions(runner: MigrationRunner) -> tuple[str, str]:
    """That it ends the session of whoever holds the lock, or cancels what runs there, before or behind its own try;
    and a doubt, where it picks sessions by more than their database."""
    doubt = ""
    for file in runner.files:
        for line, text in file.strings:
            match = _ENDS_SESSIONS.search(text) if _IS_SENT.match(text) else None  # a message may name the function
            if match is None:
                continue
            behind = (other for at, other in file.strings if line < at <= line + _LINES)
            said = " ".join([text[match.end() :], *behind])[:_STATEMENT].partition(";")[0]
            if "advisory" in said.lower() or not _PICKED.search(said):
                return "it ends the session of the run that holds it", ""
            doubt = doubt or f"whether it ends the session of the run that holds it, by {match[0].rstrip('( ')}"
    return "", doubt


def _first(pattern: re.Pattern[str], runner: MigrationRunner) -> str:
    found = ((file, match) for file in runner.files if (match := pattern.search(file.code)) is not None)
    return next((f"{file.file}:{file.line_at(match.start())}" for file, match in found), "")


def _taken(file: SourceFile, runner: MigrationRunner) -> Iterator[Taken]:
    for match in islice(_LOCK.finditer(file.code), _MOST):
        at = f"{file.file}:{file.line_at(match.start())}"
        before = file.code[max(0, match.start() - 300) : match.start()]
        if _COMMENTED.search(before):
            continue
        attempt = bool(match["attempt"])
        if match["xact"]:
            yield Taken(at, attempt, "it is a transaction's lock, which ends with the first transaction")
            continue
        if match["shared"]:
            yield Taken(at, attempt, "it is a shared lock, which lets others in")
            continue
        if VARYING.search(file.code[match.end() : match.end() + _KEY].partition("\n")[0].partition(";")[0]):
            yield Taken(at, attempt, "its key is another one in each run")
            continue
        if _BY_CLIENT.search(before) and not _RUNS_FILES.match(file.code, match.end()):
            yield Taken(at, attempt, "psql takes it in a session of its own, which ends with that")
            continue
        named = _NAMED.search(before)
        if named is not None and not _CALL.search(before[named.start() :]):
            uses = sum(len(re.findall(rf"\b{re.escape(named[1])}\b", each.code)) for each in runner.files)
            if uses < 2:
                yield Taken(at, attempt, f"{named[1]} is never used")
                continue
            receiver = _receiver_of(named[1], runner)
        else:
            receiver = _receiver(before)
            if attempt and _ignored(file, match.start(), before):
                yield Taken(at, attempt, "nobody looks at the answer of pg_try_advisory_lock")
                continue
        if _released_early(file.code, match.end()):
            yield Taken(at, attempt, "it is released before the migrations run")
            continue
        yield Taken(at, attempt, "", _is_pooled(receiver, runner), receiver)


def _receiver(before: str) -> str:
    """What the query is sent over: ``client`` of ``client.query('SELECT ``."""
    statement = before[before.rfind(";") + 1 :]
    calls = list(_CALL.finditer(statement))
    if calls:
        return calls[-1][1]
    tagged = _TAGGED.search(statement)
    return tagged[1] if tagged is not None else ""


def _receiver_of(name: str, runner: MigrationRunner) -> str:
    pattern = re.compile(
        rf"(?<![\w$.])([A-Za-z_$][\w$.]*?)\.{_METHODS}\s*(?:<[^<>]*>)?\(\s*(?:ctx\s*,\s*)?{re.escape(name)}\b"
    )
    return next((match[1] for file in runner.files if (match := pattern.search(file.code))), "")


def _ignored(file: SourceFile, position: int, before: str) -> bool:
    """Whether the answer of a try is thrown away."""
    if file.language == "python":
        call = before[before.rfind("\n", 0, max(before.rfind("execute"), 0)) + 1 :]
        assigned = re.match(r"\s*(?:await\s+)?[\w.]+\.execute", call) is None
        return not assigned and not re.search(r"fetch|scalar|\.first\(|\.one\(", file.code[position : position + 400])
    start = max(before.rfind(";"), before.rfind("{"), before.rfind("}"), before.rfind("\n\n")) + 1
    written = re.sub(r"[\"'`][^\"'`]*$", "", before[start:]).rstrip()
    if "Exec" in written[-40:]:
        return True
    if _DISCARDS.match(re.sub(r"\(\s*ctx\s*,\s*$", "(", written)) is not None:
        return True
    names = _answered_to(before, file.code[position : position + 400])
    return bool(names) and _only_told(names, file.code[position:].partition("\n")[2])


def _answered_to(before: str, behind: str) -> set[str]:
    """The names that a query's answer is given to, in JavaScript or Go; none where it is asked in place."""
    bound = _BOUND.search(before)
    scanned = _SCANNED.match(behind)
    return set(_NAME.findall(bound[1] if bound is not None else scanned[1] if scanned is not None else ""))


def _only_told(names: set[str], code: str) -> bool:
    """Whether code makes nothing of names but to print them, or to give them to others of which it makes nothing."""
    for line in code.splitlines():
        if names.isdisjoint(_NAME.findall(line)) or _TELLS.match(line):
            continue
        handed = _HANDED.match(line)
        if handed is None:
            return False
        names = names | set(_NAME.findall(handed[1]))
    return True


def _released_early(code: str, position: int) -> bool:
    unlock, run = _UNLOCK.search(code, position), _RUNS_A_FILE.search(code, position)
    if unlock is None or run is None or unlock.start() > run.start():
        return False
    return _FUNCTION.search(code, position, run.start()) is None


@lru_cache(maxsize=256)
def _is_pooled(receiver: str, runner: MigrationRunner) -> Answer:
    """Whether a name stands for a pool; no for a connection of its own."""
    if not receiver:
        return NO
    undecided = Open(f"whether {receiver} is one connection or a pool of them is not seen")
    name = receiver.rpartition(".")[2]
    pooled = own = False
    for file in runner.files:
        assigned = rf"\b(?:this\.|self\.)?{re.escape(name)}\b\s*(?::[^=\n]+)?(?:,\s*\w+\s*)?:?=\s*"
        pooled = pooled or re.search(assigned + _POOLED, file.code) is not None
        own = own or re.search(assigned + _OWN, file.code) is not None
        own = own or re.search(rf"\bas\s+{re.escape(name)}\b", file.code) is not None
    if own:
        return NO
    if pooled or "pool" in name.lower():
        return undecided if any(_ONE.search(file.code) for file in runner.files) else YES
    return undecided if name.lower() in {"db", "sql", "knex", "prisma", "database", "engine"} else NO


def _other_database(runner: MigrationRunner, holders: set[str]) -> str:
    """That the lock may be another database's: it is asked for over one address, and migrations go to another."""
    for file in runner.files:
        of = {each[1]: each[2].strip() for each in islice(_CONNECTED.finditer(file.code), _MOST)}
        locked = {of[name] for name in holders if name in of}
        for match in islice(_SENDS.finditer(file.code), _MOST):
            to = of.get(match[1])
            if to is not None and locked and to not in locked and match[1] not in holders:
                return f"whether {to} is the database that {', '.join(sorted(locked))} is, which the lock is of"
    return ""


def _elsewhere(runner: MigrationRunner, holders: set[str]) -> str:
    """Where a migration is sent over a pool, although the lock is held on a connection of its own."""
    pooled: dict[str, Answer] = {}
    for file in runner.files:
        for match in _RUNS_A_FILE.finditer(file.code):
            name = match[1]
            if name in holders or match[2].isupper():
                continue
            if name not in pooled and len(pooled) < _MOST:
                pooled[name] = _is_pooled(name, runner)
            if pooled.get(name) is YES:
                return f"{file.file}:{file.line_at(match.start())}"
    return ""
