"""Statements about a lock, what a runner's expressions are worth, as far as its answer tells, and what makes its key
another one in each run."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Final

from checker import lazy_re
from checker.reason.migrations.lock_ways import TAKES_ROW, State
from checker.reason.migrations.runner_code import name_of

# Statements about the lock.
TRY: Final = lazy_re.compile(r"\bpg_try_advisory_lock\s*\(", re.IGNORECASE)
WAIT: Final = lazy_re.compile(r"\bpg_advisory_lock\s*\(", re.IGNORECASE)
LETS_GO: Final = lazy_re.compile(r"\bpg_advisory_unlock(?:_all)?\s*\(|^\s*DISCARD\s+ALL", re.IGNORECASE)
ABOUT: Final = lazy_re.compile(r"\bpg_(?:try_)?advisory_|\bDISCARD\s+ALL", re.IGNORECASE)
# Answers yes whatever the lock's answer, or gives no row at all.
YES_ANYHOW: Final = lazy_re.compile(
    r"\btrue\s+or\b|\bor\s+(?:true|1\s*=\s*1)\b|\bcoalesce\s*\(.*,\s*true\s*\)|\bnot\s+pg_try|\bwhere\s+(?:false|1\s*=\s*0)\b",
    re.IGNORECASE | re.DOTALL,
)
# What is another in each run, or each session.
VARYING: Final = lazy_re.compile(
    r"\b(?:random|randint|randrange|uuid\d?|getpid|pid|time|now|hostname|gethostname|token_hex|urandom|environ|getenv"
    r"|pg_backend_pid|clock_timestamp|gen_random_uuid|uuidv[47]|txid_current|pg_current_xact_id|inet_client_(?:port|addr)"
    r"|monotonic|statement_timestamp|transaction_timestamp|timeofday|current_timestamp|localtimestamp|application_name"
    r"|backend_start|backend_xid|nextval|pg_postmaster_start_time)\b"
    # Of a text it is another in each process: Python documentation, "object.__hash__".
    r"|(?<![\w.])hash\(\s*(?!-?\d+\s*\))",
    re.IGNORECASE,
)
# What stands between a client and the database, and gives a session to others after each transaction: by its name, or
# the port that it listens on. Sources: PgBouncer documentation, "Feature matrix" (session pooling alone keeps advisory
# locks) and ``listen_port``; Supabase and Neon documentation, "Connection pooling". Amazon RDS Proxy keeps a session
# for whoever locks (Amazon RDS User Guide, "Avoiding pinning").
POOLER: Final = lazy_re.compile(
    r"pgbouncer|\bpgcat\b|:(?:6432|6543)\b|\bport\s*[=:]\s*[\"']?(?:6432|6543)\b|-pooler\.|\bpooler\.[a-z0-9]",
    re.IGNORECASE,
)
_TAKES_VALUE: Final = frozenset({"fetchval", "scalar", "scalar_one", "scalar_one_or_none"})


def worth(node: ast.expr, state: State, called: bool | None, constants: Mapping[str, ast.expr]) -> bool | None:
    match node:
        case ast.Constant():
            return bool(node.value)
        case ast.NamedExpr() | ast.Await():
            return worth(node.value, state, called, constants)
        case ast.UnaryOp(op=ast.Not()):
            inner = worth(node.operand, state, called, constants)
            return None if inner is None else not inner
        case ast.BoolOp():
            each = [worth(one, state, called, constants) for one in node.values]
            decisive = isinstance(node.op, ast.Or)
            return decisive if decisive in each else None if None in each else not decisive
        case ast.Name():
            known = dict(state.names).get(node.id)
            constant = constants.get(node.id)
            return bool(constant.value) if known is None and isinstance(constant, ast.Constant) else known
        case ast.Compare(left=ast.Name(id="__name__")):
            return True  # as a program, not as what another one imports
        case ast.Compare():
            return _compared(node, state, called, constants)
        case ast.Subscript():
            said = _row(node.value, state)
            return worth(node.value, state, called, constants) if said is None else said
        case ast.Attribute():
            return _row(node.value, state)
        case ast.Call():
            name = name_of(node.func)
            if name in _TAKES_VALUE:
                return state.answer
            if name == "bool" and node.args:
                return worth(node.args[0], state, called, constants)
            if name in TAKES_ROW:
                return True if state.answer is not None else None  # a row is there whatever it says
            return called
    return None


def _row(node: ast.expr, state: State) -> bool | None:
    """What a row's field says: ``cursor.fetchone()[0]``."""
    if isinstance(node, ast.Await):
        return _row(node.value, state)
    if isinstance(node, ast.Call) and name_of(node.func) in TAKES_ROW:
        return state.answer
    return dict(state.names).get(f"{node.id}[]") if isinstance(node, ast.Name) else None


def _compared(node: ast.Compare, state: State, called: bool | None, constants: Mapping[str, ast.expr]) -> bool | None:
    left, operator, right = node.left, node.ops[0], node.comparators[0]
    same: bool | None = None
    if isinstance(right, ast.Tuple | ast.List) and len(right.elts) == 1 and isinstance(right.elts[0], ast.Constant):
        said = _row(left, state)
        same = None if said is None else said == right.elts[0].value
    elif isinstance(right, ast.Constant) and isinstance(right.value, bool):
        said = worth(left, state, called, constants)
        same = None if said is None else said == right.value
    elif isinstance(right, ast.Constant) and right.value is None and worth(left, state, called, constants) is True:
        same = False
    if same is None:
        return None
    return not same if isinstance(operator, ast.NotEq | ast.IsNot) else same
