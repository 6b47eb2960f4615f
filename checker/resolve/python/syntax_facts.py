"""What Python's syntax alone tells: whether a handler lets a failure through, whether a loop sleeps or leaves early."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator, Sequence, Set
from functools import lru_cache
from typing import Final

from checker.model.pipeline.python import nodes_of

_AWS_ERRORS: Final = frozenset({"ClientError", "BotoCoreError", "WaiterError", "Exception", "BaseException"})
_CHANGES_OF_A_LIST: Final = frozenset({"append", "extend", "insert", "pop", "remove", "clear", "reverse", "sort"})
LEAVES: Final = ("sys.exit", "exit", "quit", "os._exit")


@lru_cache(maxsize=16_384)
def written(node: ast.AST) -> str:
    """The code of a node, worked out once: programs share their modules."""
    return ast.unparse(node)


@lru_cache(maxsize=16_384)
def shown(node: ast.AST) -> str:
    """The code of a node on one line, short enough for a message."""
    return re.sub(r"\s+", " ", ast.unparse(node))[:200]


@lru_cache(maxsize=16_384)
def as_expression(node: ast.AugAssign) -> ast.BinOp:
    """``x += y`` as the sum that it binds."""
    left = copy.copy(node.target)
    left.ctx = ast.Load()
    return ast.copy_location(ast.BinOp(left, node.op, node.value), node)


@lru_cache(maxsize=16_384)
def exits(node: ast.expr) -> bool:
    """Whether it ends the program: ``sys.exit(...)``."""
    return isinstance(node, ast.Call) and written(node.func) in LEAVES


@lru_cache(maxsize=16_384)
def stored(statement: ast.stmt) -> frozenset[str]:
    """The names that a statement, or one inside it, binds."""
    names = (node for node in nodes_of(statement) if isinstance(node, ast.Name))
    return frozenset(node.id for node in names if isinstance(node.ctx, ast.Store))


@lru_cache(maxsize=16_384)
def takes_aws_errors(handler: ast.ExceptHandler) -> bool:
    """Whether it catches all that boto3 raises (Boto3 documentation, "Error handling"), by its exceptions' names.

    One of a client's own (``ecr.exceptions.ImageNotFoundException``) is the one answer that is expected.
    """
    if handler.type is None:
        return True
    names = {name.rsplit(".", 1)[-1] for name in re.findall(r"[\w.]+", written(handler.type))}
    return bool(names & _AWS_ERRORS)


def raises(body: Sequence[ast.stmt]) -> bool:
    """Whether an exception handler lets some failure through: it raises, or ends the program with a failure.

    One that raises under a condition tells failures apart, which is what it should do; but one that raises for this
    error alone (``if code == "ThrottlingException": raise``) lets all others go by.
    """
    return any(_raises(statement) for statement in body)


@lru_cache(maxsize=16_384)
def _raises(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.If):
        test = statement.test
        this_alone = isinstance(test, ast.Compare) and all(isinstance(each, ast.Eq | ast.In) for each in test.ops)
        return raises(statement.orelse) or (not this_alone and raises(statement.body))
    for node in nodes_of(statement):
        if isinstance(node, ast.Raise) or (isinstance(node, ast.Return) and _is_exit_code(node.value)):
            return True
        if isinstance(node, ast.Call) and exits(node):
            given = node.args[0] if node.args else None
            if given is not None and not (isinstance(given, ast.Constant) and given.value in (0, None)):
                return True
    return False


def _is_exit_code(value: ast.expr | None) -> bool:
    """``return 1``, ``return error.code``: a failure that the program's exit code tells."""
    if isinstance(value, ast.Constant):
        return isinstance(value.value, int) and not isinstance(value.value, bool) and 0 < value.value < 256
    if isinstance(value, ast.Name) and value.id.isupper():
        return value.id not in {"OK", "SUCCESS", "CLEAN", "EX_OK"}
    return isinstance(value, ast.Attribute | ast.Name) and "code" in ast.unparse(value).lower()


# What has statements in it, other than expressions: those of one kind that have none are left out.
_HOLD_STATEMENTS: Final = (ast.stmt, ast.ExceptHandler, ast.match_case)


def sleeps(body: Sequence[ast.stmt]) -> bool:
    return any(map(_sleeps, body))


@lru_cache(maxsize=16_384)
def _sleeps(statement: ast.stmt) -> bool:
    called = (written(node.func) for node in nodes_of(statement) if isinstance(node, ast.Call))
    return any(name.rsplit(".", 1)[-1] in {"sleep", "wait", "pause"} for name in called)


@lru_cache(maxsize=16_384)
def ends(loop: ast.While) -> bool:
    """Whether a loop surely ends although what it waits for never comes: it compares, or gives up with an error."""
    tests = loop.test.values if isinstance(loop.test, ast.BoolOp) and isinstance(loop.test.op, ast.And) else [loop.test]
    if any(isinstance(each, ast.Compare) for each in tests):
        return True
    return any(
        isinstance(node, ast.Raise) or (isinstance(node, ast.Call) and exits(node))
        for statement in loop.body
        for node in nodes_of(statement)
    )


def leaves_early(body: Sequence[ast.stmt]) -> bool:
    return any(isinstance(node, ast.Break | ast.Return) for statement in body for node in nodes_of(statement))


def case_names(node: ast.Match) -> list[str]:
    return [
        str(case.pattern.value.value)
        for case in node.cases
        if isinstance(case.pattern, ast.MatchValue) and isinstance(case.pattern.value, ast.Constant)
    ]


@lru_cache(maxsize=16_384)
def calls_in(node: ast.AST) -> bool:
    """Whether a statement or an expression holds a call."""
    return any(isinstance(each, ast.Call) for each in nodes_of(node))


def _statements_in(node: ast.AST) -> Iterator[ast.AST]:
    """The statements in a node, at any depth; no expression holds one."""
    for name in node._fields:
        inner = getattr(node, name)
        if isinstance(inner, list):
            for each in inner:
                if isinstance(each, ast.stmt):
                    yield each
                if isinstance(each, _HOLD_STATEMENTS):
                    yield from _statements_in(each)


@lru_cache(maxsize=16_384)
def rebinds(node: ast.AST) -> tuple[tuple[str, bool], ...]:
    """The names outside of it that a function (or one inside it) binds, and whether they are the module's."""
    found = [each for each in _statements_in(node) if isinstance(each, ast.Global | ast.Nonlocal)]
    return tuple(dict.fromkeys((name, isinstance(each, ast.Global)) for each in found for name in each.names))


GROWING: Final = frozenset({"append", "add", "extend", "insert", "update", "setdefault", "appendleft", "remove", "pop",
                               "sort", "reverse"})  # fmt: skip


@lru_cache(maxsize=16_384)
def root_of(node: ast.expr) -> str:
    """The name that a part is reached by: ``task`` of ``task["a"][0]``; empty where it is none."""
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


@lru_cache(maxsize=16_384)
def grows(node: ast.AST) -> frozenset[str]:
    """The names outside of it to which a function adds something: ``failures.append(name)``, ``results[name] = 1``."""
    if isinstance(node, ast.Lambda):
        return frozenset()
    statements = list(_statements_in(node))
    added: set[str] = set()
    own = {each.arg for each in nodes_of(node) if isinstance(each, ast.arg)}
    for each in statements:
        if isinstance(each, ast.Expr) and isinstance(each.value, ast.Call) and called_as(each.value) in GROWING:
            owner = each.value.func.value if isinstance(each.value.func, ast.Attribute) else None
            added |= {owner.id} if isinstance(owner, ast.Name) else set()
        for target in each.targets if isinstance(each, ast.Assign) else ():
            if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
                added.add(target.value.id)
            own |= {target.id} if isinstance(target, ast.Name) else set()
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            own.add(each.target.id)
    return frozenset(added - own)


@lru_cache(maxsize=16_384)
def fills_own(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> frozenset[str]:
    """The parameters of a function in which it puts something, or out of which it takes something."""
    if isinstance(function, ast.Lambda):
        return frozenset()
    put: set[str] = set()
    for each in nodes_of(function):
        owner: ast.expr | None = None
        if isinstance(each, ast.Subscript) and isinstance(each.ctx, ast.Store | ast.Del):
            owner = each.value
        elif isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr in GROWING:
            owner = each.func.value
        put |= {owner.id} if isinstance(owner, ast.Name) else set()
    return frozenset(put & {each.arg for each in nodes_of(function.args) if isinstance(each, ast.arg)})


@lru_cache(maxsize=4_096)
def fills(tree: ast.Module) -> frozenset[str]:
    """The names to which functions of a module add something that is not their own."""
    functions = (each for each in _statements_in(tree) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset().union(*map(grows, functions))


@lru_cache(maxsize=1_024)
def puts_words(tree: ast.Module) -> bool:
    """Whether a module changes the command line's words: what stands in ``sys.argv`` is not what it was given then."""
    nodes = list(nodes_of(tree))
    names = {"sys.argv", *(name for node in nodes for name in _names_of_words(node))}
    return any(_changes(node, names) for node in nodes)


def _names_of_words(node: ast.AST) -> Iterator[str]:
    """``from sys import argv`` and ``words = sys.argv``: other names of the same list."""
    if isinstance(node, ast.ImportFrom) and node.module == "sys":
        yield from (each.asname or each.name for each in node.names if each.name == "argv")
    if isinstance(node, ast.Assign) and _is_named(node.value, {"sys.argv"}):
        yield from (each.id for each in node.targets if isinstance(each, ast.Name))


def _changes(node: ast.AST, names: Set[str]) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGES_OF_A_LIST:
        return _is_named(node.func.value, names)
    targets = node.targets if isinstance(node, ast.Assign | ast.Delete) else []
    if isinstance(node, ast.AugAssign):
        targets = [node.target]
    parts = (each.value for each in targets if isinstance(each, ast.Subscript))
    return any(_is_named(each, {"sys.argv"}) for each in targets) or any(_is_named(each, names) for each in parts)


def _is_named(node: ast.expr, names: Set[str]) -> bool:
    return isinstance(node, ast.Name | ast.Attribute) and shown(node) in names


@lru_cache(maxsize=1_024)
def mounting(tree: ast.Module) -> frozenset[ast.AST]:
    """The functions of a module that mount something in what they are handed (``session.mount(...)``), by themselves or
    by handing it on to one of that name."""
    every = [each for each in nodes_of(tree) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
    callers: dict[str, list[ast.FunctionDef | ast.AsyncFunctionDef]] = {}
    pending: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
    for function in every:
        own = {each.arg for each in nodes_of(function.args) if isinstance(each, ast.arg)}
        for call in nodes_of(function) if own else ():
            if not isinstance(call, ast.Call):
                continue
            owner = call.func.value if isinstance(call.func, ast.Attribute) else None
            if called_as(call) == "mount" and isinstance(owner, ast.Name) and owner.id in own:
                pending.append(function)
            elif own & {each.id for each in (*call.args, *_values(call)) if isinstance(each, ast.Name)}:
                callers.setdefault(called_as(call), []).append(function)
    found: set[ast.AST] = set()
    for function in pending:  # grows
        if function not in found:
            found.add(function)
            pending.extend(callers.get(function.name, ()))
    return frozenset(found)


def _values(call: ast.Call) -> Iterator[ast.expr]:
    return (keyword.value for keyword in call.keywords)


@lru_cache(maxsize=16_384)
def unpacks(node: ast.Call) -> bool:
    """Whether a call is given all of a list: ``f(*words)``."""
    return any(isinstance(each, ast.Starred) for each in node.args)


@lru_cache(maxsize=16_384)
def is_group(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether commands hang below a function: ``@click.group()``, ``@app.callback()``."""
    return any("group" in written(decorator) or "callback" in written(decorator) for decorator in node.decorator_list)


def named_in(decorator: ast.Call) -> ast.expr | None:
    """What a decorator calls the command that it makes, where it says so: by its first word, or ``name=``."""
    by_name = next((each.value for each in decorator.keywords if each.arg == "name"), None)
    return decorator.args[0] if decorator.args else by_name


@lru_cache(maxsize=16_384)
def named_alone(node: ast.expr) -> bool:
    """Whether it is a name, or a member of one: no call makes what it hangs on."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute | ast.Name):
        return not any(isinstance(each, ast.Call) for each in nodes_of(node))
    return isinstance(node, ast.Name)


def called_as(node: ast.Call) -> str:
    """The last part of the name that something is called by."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


@lru_cache(maxsize=16_384)
def manages(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function is made a context manager of (``@contextmanager``)."""
    return any(written(each).endswith("contextmanager") for each in node.decorator_list)


def lets_errors_go(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function has a handler that raises nothing: a context manager made of it may swallow."""
    return any(isinstance(each, ast.ExceptHandler) and not raises(each.body) for each in nodes_of(node))


def says_yes(node: ast.AST) -> bool:
    """Whether a function may return something true: ``__exit__`` then swallows what goes through it."""
    return any(
        isinstance(each, ast.Return)
        and each.value is not None
        and not (isinstance(each.value, ast.Constant) and not each.value.value)
        for each in nodes_of(node)
    )


def says_nothing(handler: ast.ExceptHandler) -> bool:
    """Whether a handler neither calls anything nor uses what it caught: nobody learns of the exception."""
    inside = [node for statement in handler.body for node in nodes_of(statement)]
    return not any(
        isinstance(node, ast.Call) or (isinstance(node, ast.Name) and node.id == handler.name) for node in inside
    )


@lru_cache(maxsize=16_384)
def yields(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function is a generator: a ``yield`` of its own, not of a function in it."""
    left: list[ast.AST] = list(node.body)
    while left:
        each = left.pop()
        if isinstance(each, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            left.extend(ast.iter_child_nodes(each))
    return False


@lru_cache(maxsize=1_024)
def conditions_before(tree: ast.Module, line: int) -> tuple[str, ...]:
    """The conditions of the function around a line that decide whether the line is come to: of an ``if`` that it stands
    in, or that leaves the function before it. Each is told with what its names were given."""
    around: ast.FunctionDef | ast.AsyncFunctionDef | None = None
    for node in nodes_of(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _holds(node, line):
            around = node if around is None or node.lineno >= around.lineno else around
    if around is None:
        return ()
    given: dict[str, str] = {}
    for node in nodes_of(around):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            given[node.targets[0].id] = shown(node.value)
    found = []
    for node in nodes_of(around):
        if isinstance(node, ast.If | ast.IfExp) and (_holds(node, line) or _leaves(node, line)):
            asked = {id(each) for each in map(_whose_part, nodes_of(node.test))}
            # Of what has a part asked for by its name, the rest tells nothing here.
            names = [each.id for each in nodes_of(node.test) if isinstance(each, ast.Name) and id(each) not in asked]
            found.append(" ".join([shown(node.test), *(given.get(name, "") for name in names)]))
    return tuple(found)


def _whose_part(node: ast.AST) -> ast.expr | None:
    """What ``found["cpu"]`` and ``found.get("cpu")`` are asked of."""
    match node:
        case ast.Subscript(value=whole, slice=ast.Constant(value=str())):
            return whole
        case ast.Call(func=ast.Attribute(value=whole, attr="get"), args=[ast.Constant(value=str()), *_]):
            return whole
    return None


def _holds(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.If | ast.IfExp, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or node.lineno)


def _leaves(node: ast.If | ast.IfExp, line: int) -> bool:
    inside = [each for statement in node.body for each in nodes_of(statement)] if isinstance(node, ast.If) else []
    return (node.end_lineno or node.lineno) < line and any(isinstance(each, ast.Return) for each in inside)
