"""Follows Python deploy code without importing or running it: which AWS calls it makes, in which order.

Functions of the repository are entered where they are called; both branches of a test count; what is handed to other
code (a table of commands, a thread pool, a decorator) counts as possibly called. Where the words of the command line
choose among commands, those that they name are the ones that count.
"""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from checker.model.pipeline.python import PythonLibrary, assigned
from checker.model.pipeline.scripts import Loop, Reached
from checker.model.possible import Possible
from checker.model.sources import brief
from checker.resolve.effort import OF_A_PROGRAM
from checker.resolve.python.binding import bind, delete, element, looped, taken
from checker.resolve.python.calls import call
from checker.resolve.python.expressions import EXPRESSIONS, truth
from checker.resolve.python.libraries import at_exit
from checker.resolve.python.libraries.bounds import rounds_of, seconds_of
from checker.resolve.python.libraries.task_containers import narrow, widen
from checker.resolve.python.machine import (
    Evaluate,
    Follow,
    Frame,
    Machine,
    StopError,
    block,
    spot_of,
    value,
)
from checker.resolve.python.modules import (
    defaults,
    define_class,
    import_from,
    import_modules,
    leads_into,
    load,
    module_at,
    starts,
)
from checker.resolve.python.objects import begins_nothing, declare_global, enter, may_swallow, method, method_of, typed
from checker.resolve.python.record import leaves
from checker.resolve.python.syntax_facts import (
    as_expression,
    calls_in,
    case_names,
    ends,
    exits,
    leaves_early,
    named_in,
    raises,
    says_nothing,
    sleeps,
    stored,
    takes_aws_errors,
    written,
)
from checker.resolve.python.values import (
    Class,
    Dict,
    Extern,
    Function,
    Instance,
    Partial,
    Value,
    either,
    either_of_both,
    either_way,
    extern,
    in_order,
    within,
)

TOO_MUCH: Final = "does more than can be followed: the rest is not judged"


def follow(
    library: PythonLibrary,
    path: str,
    reached: Reached,
    arguments: tuple[Possible, ...] | None = (),
    environment: Mapping[str, Possible] | None = None,
    folder: str | None = "",
    function: str = "",
    left: int = OF_A_PROGRAM,
) -> Machine:
    """Follow a file as a program, or one function of it. ``arguments``: ``None`` where they are not known; ``left``:
    how many steps it may take."""
    machine = Machine(library, reached, _EXPRESSIONS, STATEMENTS, arguments, environment or {}, folder, left=left)
    module = module_at(machine, path, fresh=not function)
    if module is None:
        return machine
    machine.roots = tuple(dict.fromkeys((posixpath.dirname(path), folder or "", "", "src")))
    try:
        load(machine, module, main=not function)
        if function and starts(machine, function, module) is None:
            machine.problem(module.spot(module.tree), f"{path} has no {brief(function)}", "Correct the name.")
        at_exit.run(machine)
    except (StopError, RecursionError) as error:
        machine.cut = isinstance(error, RecursionError)
        spot = module.spot(module.tree)
        machine.problem(spot, TOO_MUCH, "Split it.")
    return machine


# --- statements: each answers whether control surely left the block ------------------------------------------------


def _expression(machine: Machine, node: ast.Expr, frame: Frame) -> bool:
    if isinstance(node.value, ast.Call) and begins_nothing(machine, node.value, frame):
        for each in (*node.value.args, *(word.value for word in node.value.keywords)):
            value(machine, each, frame)
        return False
    value(machine, node.value, frame)
    return exits(node.value)


def _assign(machine: Machine, node: ast.Assign, frame: Frame) -> bool:
    found = value(machine, node.value, frame)
    annotation = getattr(node, "annotation", None)  # where the value is not known, its type may tell
    if annotation is not None and (found is None or isinstance(found, Extern)):
        found = typed(machine, annotation, frame) or found
    found = taken(machine, found, node.value, frame)
    for target in node.targets:
        bind(machine, target, found, frame)
    return False


def _annotated(machine: Machine, node: ast.AnnAssign, frame: Frame) -> bool:
    """``name: type = value``."""
    return node.value is not None and _assign(machine, assigned(node, node.value), frame)


def _augmented(machine: Machine, node: ast.AugAssign, frame: Frame) -> bool:
    bind(machine, node.target, value(machine, as_expression(node), frame), frame)
    return False


def _return(machine: Machine, node: ast.Return, frame: Frame) -> bool:
    frame.returned.append(value(machine, node.value, frame) if node.value is not None else None)
    status = node.value.value if isinstance(node.value, ast.Constant) else None
    if isinstance(status, int) and not isinstance(status, bool) and 0 < status < 256:
        leaves(machine, str(status), node, frame)  # what `sys.exit(main())` ends with
    return True


def _raise(machine: Machine, node: ast.Raise, frame: Frame) -> bool:
    for each in (node.exc, node.cause):
        if each is not None:
            value(machine, each, frame)
    leaves(machine, "1", node, frame)
    return True


def _jump(machine: Machine, node: ast.Continue | ast.Break, frame: Frame) -> bool:  # noqa: ARG001 - the table's shape
    frame.jumped.append(dict(frame.names))
    return True


def _round(machine: Machine, body: Sequence[ast.stmt], frame: Frame) -> None:
    """Once through a loop's body: what is set before it is left somewhere is set after it."""
    block(machine, body, frame)
    either_way(frame.names, [dict(frame.names)] if frame.jumped else [], frame.jumped)


def _define(machine: Machine, node: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> bool:
    defaults(machine, node, frame)
    function = Function(frame.module, node, None, frame.names if frame.names is not frame.module.names else {})
    frame.names[node.name] = function
    for decorator in reversed(node.decorator_list):
        registry = decorator.func if isinstance(decorator, ast.Call) else decorator
        made_by = value(machine, registry, frame)
        leads_into(machine, (made_by,), decorator, frame)
        at_exit.take(machine, made_by, function, decorator, frame)
        if isinstance(made_by, Function):
            _decorate(machine, node.name, decorator, frame)
        if isinstance(registry, ast.Attribute) and registry.attr in _COMMANDS:
            named = named_in(decorator) if isinstance(decorator, ast.Call) else None
            name = named.value if isinstance(named, ast.Constant) else node.name.replace("_", "-")
            value(machine, registry.value, frame)
            commands = frame.module.names.get("__commands__", Dict(()))
            assert isinstance(commands, Dict)
            frame.module.names["__commands__"] = Dict((*commands.items, (str(name), function)))
    return False


_COMMANDS: Final = frozenset({"command", "callback", "task", "group", "default"})


def _decorate(machine: Machine, name: str, decorator: ast.expr, frame: Frame) -> None:
    """A decorator of the repository's own: what it makes of the function takes its place."""
    made_by = value(machine, decorator, frame)
    if not isinstance(made_by, Function):
        return
    inner = machine.called_at(decorator, frame)
    found = enter(machine, made_by, (frame.names[name],), {}, inner)
    if isinstance(found, Function | Class | Instance | Partial):
        frame.names[name] = found


def _if(machine: Machine, node: ast.If, frame: Frame) -> bool:
    answer = truth(value(machine, node.test, frame))
    if answer is not None:
        return block(machine, node.body if answer else node.orelse, frame)
    before = dict(frame.names)
    chosen = narrow(machine, node.test, frame, holds=True)
    jumps = len(frame.jumped)
    left = block(machine, node.body, frame.maybe())
    for names in (frame.names, *frame.jumped[jumps:]):
        widen(names, chosen)
    after_body = dict(frame.names) if not left else None
    frame.names.clear()
    frame.names.update(before)
    others = narrow(machine, node.test, frame, holds=False)
    other_left = block(machine, node.orelse, frame.maybe() if node.orelse else frame)
    if not left:
        widen(frame.names, others)
    if after_body is not None and not other_left:
        for name, found in after_body.items():
            if name not in frame.names:
                frame.names[name] = found
            elif frame.names[name] is not found:
                frame.names[name] = either([found, frame.names[name]])
    elif after_body is not None:
        frame.names.update(after_body)
    return left and other_left


def _for(machine: Machine, node: ast.For | ast.AsyncFor, frame: Frame) -> bool:
    whole = value(machine, node.iter, frame)
    if isinstance(whole, Instance) and (walk := method(machine, whole.cls, "__iter__")) is not None:
        whole = enter(machine, walk.of(whole), (), {}, machine.called_at(node.iter, frame))
        if isinstance(whole, Instance) and (step := method(machine, whole.cls, "__next__")) is not None:
            whole = enter(machine, step.of(whole), (), {}, machine.called_at(node.iter, frame))
    values = in_order(whole)
    spot = spot_of(frame.module, node)
    counts = isinstance(node.iter, ast.Call) and isinstance(node.iter.func, ast.Name) and node.iter.func.id == "range"
    variable = written(node.target)
    if counts and rounds_of(node, frame) == 0:
        return block(machine, node.orelse, frame)
    if not values or counts or len(values) > 32:
        _widen(node.body, frame)
        kind = "retry" if counts and (sleeps(node.body) or leaves_early(node.body)) else "each"
        bind(machine, node.target, within(whole, variable), frame)
        pauses = sleeps(node.body)
        limit = seconds_of(node, frame) if pauses else None
        _round(machine, node.body, frame.inside(Loop(kind, spot, variable, sleeps=pauses, seconds=limit)))
        if isinstance(whole, Extern) and isinstance(node.target, ast.Name):
            looped(machine, node, frame)
    else:
        shown = tuple(each if isinstance(each, str) else None for each in values)
        for index, each in enumerate(values):
            bind(machine, node.target, element(machine, node.iter, index, each, frame), frame)
            loop = Loop("each", spot, variable, shown if None not in shown else None, index)
            _round(machine, node.body, frame.inside(loop))
    block(machine, node.orelse, frame)
    return False


def _while(machine: Machine, node: ast.While, frame: Frame) -> bool:
    pauses = sleeps(node.body)
    limit = seconds_of(node, frame) if pauses else None
    kind = "retry" if pauses else "while"
    loop = Loop(kind, spot_of(frame.module, node), sleeps=pauses, bounded=ends(node), seconds=limit)
    if not calls_in(node.test) and truth(value(machine, node.test, frame)) is False:
        return block(machine, node.orelse, frame)
    _widen(node.body, frame)
    inner = frame.inside(loop)
    value(machine, node.test, inner)  # asked anew in each round
    _round(machine, node.body, inner)
    block(machine, node.orelse, frame)
    return False


def _widen(body: Sequence[ast.stmt], frame: Frame) -> None:
    """What a loop assigns may hold something else when it comes round again."""
    for name in frozenset().union(*map(stored, body)) & frame.names.keys():
        frame.names[name] = either([frame.names[name], extern(name)])


def _with(machine: Machine, node: ast.With | ast.AsyncWith, frame: Frame) -> bool:
    handling = frame.handling
    leaving: list[tuple[Function, ast.expr]] = []
    for item in node.items:
        found = value(machine, item.context_expr, frame)
        leads_into(machine, (found,), item.context_expr, frame)
        if may_swallow(machine, item.context_expr, found, frame):
            handling = replace(handling, caught=(*handling.caught, "with"))
        if isinstance(found, Instance):
            starts, ends_with = (method_of(machine, found, name) for name in (("__enter__", "__aenter__"), _EXITS))
            leaving.extend([(ends_with, item.context_expr)] if ends_with is not None else [])
            if starts is not None:
                found = enter(machine, starts, (), {}, machine.called_at(item.context_expr, frame))
        if item.optional_vars is not None:
            bind(machine, item.optional_vars, found, frame)
        if written(item.context_expr).startswith(("contextlib.suppress", "suppress")):
            handling = replace(handling, swallowed=True, untold=True, caught=(*handling.caught, "suppress"))
    left = block(machine, node.body, frame.handled(handling))
    for function, expression in reversed(leaving):
        enter(machine, function, (None, None, None), {}, machine.called_at(expression, frame))
    return left


_EXITS: Final = ("__exit__", "__aexit__")


def _try(machine: Machine, node: ast.Try | ast.TryStar, frame: Frame) -> bool:
    handling = frame.handling
    caught = tuple(written(handler.type) if handler.type else "BaseException" for handler in node.handlers)
    if leaves_early(node.finalbody):
        caught = (*caught, "finally")  # what leaves there takes the exception with it
    swallowing = [each for each in node.handlers if takes_aws_errors(each) and not raises(each.body)]
    handling = replace(
        handling,
        caught=(*handling.caught, *caught),
        swallowed=handling.swallowed or bool(swallowing),
        untold=handling.untold or any(map(says_nothing, swallowing)),
    )
    before = dict(frame.names) if node.finalbody else {}
    left = block(machine, node.body, frame.handled(handling) if caught else frame)
    bound = dict(frame.names)
    after: list[dict[str, Value]] = []
    for handler in node.handlers:
        if handler.name:
            frame.names[handler.name] = extern(handler.name)
        if not block(machine, handler.body, frame.maybe(on_failure=True)):
            after.append(dict(frame.names))
        frame.names.clear()
        frame.names.update(bound)
    left = block(machine, node.orelse, frame) or left
    either_way(frame.names, after, [] if left else [dict(frame.names)])
    # What comes behind is come to by each handler that does not leave, whatever it takes.
    return _finally(machine, node.finalbody, before, frame) or (left and not after)


def _finally(machine: Machine, body: Sequence[ast.stmt], before: Mapping[str, Value], frame: Frame) -> bool:
    """What is done at the end: texts and numbers are what they were made, or what they were before."""
    now = dict(frame.names)
    frame.names.update(changed := either_of_both(before, now))
    left = block(machine, body, frame)
    frame.names.update({name: now[name] for name, both in changed.items() if frame.names.get(name) is both})
    return left


def _match(machine: Machine, node: ast.Match, frame: Frame) -> bool:
    subject = value(machine, node.subject, frame)
    for case in node.cases:
        literal = case.pattern.value if isinstance(case.pattern, ast.MatchValue) else None
        if isinstance(literal, ast.Constant) and isinstance(subject, str) and literal.value != subject:
            continue
        chosen = isinstance(subject, Extern) and subject.parsed and isinstance(literal, ast.Constant)
        if chosen and machine.not_asked_for(str(ast.literal_eval(literal or ast.Constant(""))), case_names(node)):
            continue
        if case.guard is not None:
            value(machine, case.guard, frame.maybe())
        block(machine, case.body, frame.maybe())
    return False


def _assert(machine: Machine, node: ast.Assert, frame: Frame) -> bool:
    value(machine, node.test, frame)
    if node.msg is not None:
        value(machine, node.msg, frame.maybe())
    leaves(machine, "1", node, frame.maybe())
    return False


_EXPRESSIONS: Final[Mapping[type[ast.AST], Evaluate]] = {**EXPRESSIONS, ast.Call: call}
STATEMENTS: Final[Mapping[type[ast.AST], Follow]] = {
    ast.Expr: _expression,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Return: _return,
    ast.Raise: _raise,
    **dict.fromkeys((ast.Continue, ast.Break), _jump),
    ast.Import: import_modules,
    ast.ImportFrom: import_from,
    **dict.fromkeys((ast.FunctionDef, ast.AsyncFunctionDef), _define),
    ast.ClassDef: define_class,
    ast.If: _if,
    **dict.fromkeys((ast.For, ast.AsyncFor), _for),
    ast.While: _while,
    **dict.fromkeys((ast.With, ast.AsyncWith), _with),
    **dict.fromkeys((ast.Try, ast.TryStar), _try),
    ast.Match: _match,
    ast.Assert: _assert,
    ast.Global: declare_global,
    ast.Delete: delete,
}
