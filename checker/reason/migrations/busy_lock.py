"""What a runner in Python does when another one holds the lock: goes through its code with that answer, never runs it.

Two questions are put to it. *Busy*: every try is answered no, and a lock that waits fails; does a migration's file
reach the database all the same? *Free*: every lock is had; does a file reach the database after the lock was let go, or
without anything having asked for it? A condition that neither tells is taken both ways, the same way each time; what is
found under one is a doubt, no fault.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker.reason.migrations.lock_values import ABOUT, LETS_GO, TRY, VARYING, WAIT, YES_ANYHOW, worth
from checker.reason.migrations.lock_ways import (
    AROUND,
    End,
    State,
    TooMuch,
    asserted,
    assigned,
    assume,
    bound_anew,
    caught,
    different,
    distinct,
    handler_of,
    is_of_file,
    key_of,
    let_go,
    parameters,
    passage,
    put_off,
    raised,
    suppressed,
    taker_of,
    texts_in,
    yields,
)
from checker.reason.migrations.runner_code import Code, Function, calls, name_of, names_in

_SENDS: Final = frozenset(
    {"execute", "executescript", "exec_driver_sql", "fetchval", "fetchrow", "fetch", "scalar", "query"}
)
ENDS: Final = frozenset({"exit", "_exit", "quit", "abort"})
_MOST_STATES: Final = 256
_MOST_STEPS: Final = 20_000
_DEEPEST: Final = 20


class Walk(Struct):
    """One way after the other through a runner's code."""

    code: Code
    busy: bool
    most_steps: int = _MOST_STEPS
    found: list[tuple[str, str]] = field(default_factory=list)  # a fault, and the doubt about it
    migrated: bool = False
    steps: int = 0
    # How functions end that were entered.
    known: dict[tuple[str, State, frozenset[str]], list[End]] = field(default_factory=dict)
    said: dict[ast.expr, tuple[str, ...]] = field(default_factory=dict)  # the texts in an expression
    inside: tuple[str, ...] = ()
    within: Function | None = None

    # -- statements ------------------------------------------------------------------------------

    def block(self, body: Sequence[ast.stmt], state: State) -> list[End]:
        ends: list[End] = []
        ways = [state]
        for index, statement in enumerate(body):
            after: list[End] = [end for way in ways for end in self.statement(statement, way)]
            ends.extend(
                put_off(end, self.block(body[index + 1 :], end.state)) if end.how == "yields" else end
                for end in after
                if end.how != "falls"
            )
            ways = different(end.state for end in after if end.how == "falls")
            if len(ways) > _MOST_STATES:
                raise TooMuch
        return distinct([*ends, *(End("falls", way) for way in ways)])

    def statement(self, node: ast.stmt, state: State) -> list[End]:
        self.steps += 1
        if self.steps > self.most_steps:
            raise TooMuch
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Import() | ast.ImportFrom():
                return [End("falls", state)]
            case ast.Break():
                return [End("breaks", state)]
            case ast.Continue():
                return [End("continues", state)]
            case ast.Return():
                return self.given(node.value, state, lambda after, value: [End("returns", after, value)])
            case ast.Raise():
                return self.given(node.exc, state, lambda after, _: [raised(node.exc, after)])
            case ast.If():
                return self.given(node.test, state, lambda after, value: self.branch(node, after, value))
            case ast.Assert():
                return self.given(node.test, state, asserted)
            case ast.While():
                return self.loop(node, state)
            case ast.For() | ast.AsyncFor():
                return self.given(node.iter, state, lambda after, _: self.each(node, after))
            case ast.With() | ast.AsyncWith():
                return self.with_(list(node.items), node.body, state)
            case ast.Try():
                return self.try_(node, state)
            case ast.Match(subject=subject, cases=cases):
                return self.given(subject, state, lambda after, _: self.cases(cases, after))
            case ast.Assign(targets=targets, value=value):
                return self.assign(targets, value, state)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                return self.assign([target], value, state)
            case ast.Expr(value=ast.BoolOp(op=operator, values=[first, *rest])):
                # The rest is only gone through where the first says so.
                after: list[ast.stmt] = [ast.Expr(rest[0] if len(rest) == 1 else ast.BoolOp(operator, rest))]
                both = isinstance(operator, ast.And)
                return self.statement(ast.If(first, after if both else [], [] if both else after), state)
            case ast.Expr(value=ast.IfExp(test=test, body=body, orelse=orelse)):
                return self.statement(ast.If(test, [ast.Expr(body)], [ast.Expr(orelse)]), state)
            case ast.Expr(value=ast.Yield() | ast.YieldFrom()):
                return [End("yields", state)]
            case ast.Expr():
                return self.given(node.value, state, lambda after, _: [End("falls", after)])
        return [End("falls", state)]

    def cases(self, cases: Sequence[ast.match_case], state: State) -> list[End]:
        return [End("falls", state), *(end for each in cases for end in self.block(each.body, state))]

    def assign(self, targets: Sequence[ast.expr], value: ast.expr, state: State) -> list[End]:
        def then(after: State, worth: bool | None) -> list[End]:
            return [End("falls", assigned(targets, value, bound_anew(targets, after, self.code.repeated), worth))]

        return self.given(value, state, then)

    def given(self, node: ast.expr | None, state: State, then: Callable[[State, bool | None], list[End]]) -> list[End]:
        """What an expression leads to: its calls are made, and ``then`` goes on with what it is worth."""
        if node is None:
            return then(state, False)
        ends: list[End] = []
        for end in self.expression(node, state):
            ends.extend(then(end.state, end.value) if end.how == "falls" else [end])
        return ends

    def branch(self, node: ast.If, state: State, value: bool | None) -> list[End]:
        ends: list[End] = []
        for chosen in (True, False) if value is None else (value,):
            way = (
                state
                if value is not None
                else assume(node.test, chosen, state, self.code.repeated, doubts=self.doubts())
            )
            if way is not None:
                ends.extend(self.block(node.body if chosen else node.orelse, way))
        return ends

    def doubts(self) -> bool:
        """Whether an open condition here leaves it open whether the lock is asked for: in a loop both ways come in the
        end, and in a function that does not lead to the lock neither tells."""
        last = self.inside[-1] if self.inside else ""
        return last != "loop" and (last.endswith(":") or last.partition(":")[2] in self.code.locking)

    def loop(self, node: ast.While, state: State) -> list[End]:
        ends: list[End] = []
        for end in self.expression(node.test, state):
            if end.how != "falls":
                ends.append(end)
                continue
            if end.value is not True:
                ends.extend(self.block(node.orelse, end.state))
            if end.value is not False:
                ends.extend(self.turn(node.body, end.state, over=isinstance(end.value, bool)))
        return ends

    def each(self, node: ast.For | ast.AsyncFor, state: State) -> list[End]:
        state = bound_anew([node.target], state, self.code.repeated)
        turned = self.turn(node.body, state, over=True)
        through = [end for end in self.block(node.body, state) if end.how in {"falls", "continues"}]
        ends = list(turned)
        for way in dict.fromkeys(
            [*(end.state for end in through), *([] if through or turned or state.failed else [state])]
        ):
            ends.extend(self.block(node.orelse, way))
        return ends

    def turn(self, body: Sequence[ast.stmt], state: State, *, over: bool) -> list[End]:
        """One turn of a loop: what leaves it. ``over``: that it goes round again is no way out of it."""
        before, self.inside = self.inside, (*self.inside, "loop")
        found = self.block(body, state)
        self.inside = before
        ends = [End("falls", end.state) if end.how == "breaks" else end for end in found]
        kept = [end for end, was in zip(ends, found, strict=True) if was.how not in {"falls", "continues"}]
        return (
            kept if over else [*kept, *(End("falls", end.state) for end in found if end.how in {"falls", "continues"})]
        )

    def with_(self, items: list[ast.withitem], body: Sequence[ast.stmt], state: State) -> list[End]:
        if not items:
            return self.block(body, state)
        item, rest = items[0], items[1:]
        call = item.context_expr
        name = name_of(call.func) if isinstance(call, ast.Call) else ""
        if name == "suppress" and isinstance(call, ast.Call):
            return suppressed(call, self.with_(rest, body, state), self.code.bases)
        managed = [each for each in self.code.called(call, self.inside) if yields(each)]
        entering, leaving = self.code.managed(call) if not managed else ((), ())
        ends: list[End] = []
        for end in self.expression(call, state) if not managed else self.call(managed, state, call):
            if end.how not in {"falls", "yields"}:
                ends.append(end)
                continue
            bound = item.optional_vars.id if isinstance(item.optional_vars, ast.Name) else ""
            closes = bool(bound) and name == "connect"
            for entered in self.call(entering, end.state) if entering else [replace(end, how="falls")]:
                if entered.how != "falls":
                    ends.append(entered)
                    continue
                inner = (one for end in self.with_(rest, body, entered.state) for one in self.thrown(managed, end))
                for each in (left for one in inner for left in self.left(leaving, one)):
                    goes = end.closing or (closes and bound in each.state.holders)
                    ends.append(let_go(each) if goes else each)
        return ends

    def thrown(self, managed: Sequence[Function], end: End) -> list[End]:
        """The end of a block for which functions yield: what it raises, their own ``except`` around that may take."""
        handler = taker_of(managed, end, self.code.bases) if end.how == "raises" else None
        if handler is None:
            return [end]
        ends = self.block(handler.body, end.state)
        on = {"falls", "returns"}
        # Where it ends in one way, how it tidies up is no question.
        alike = len({"falls" if each.how in on else each.how for each in ends}) == 1
        ends = [replace(each, state=replace(each.state, doubt=end.state.doubt)) for each in ends] if alike else ends
        taken = (End("falls", each.state) for each in ends if each.how in on)
        return [*taken, *(replace(each, error=each.error or end.error) for each in ends if each.how not in on)]

    def left(self, leaving: Sequence[Function], end: End) -> list[End]:
        """The end of a block behind which an object's ``__exit__`` is called, which may say that all is well."""
        if not leaving:
            return [end]
        return [
            End("falls", each.state) if end.how == "raises" and each.value is True else replace(end, state=each.state)
            for each in self.call(leaving, end.state)
        ]

    def try_(self, node: ast.Try, state: State) -> list[End]:
        ends: list[End] = []
        for end in self.block(node.body, state):
            handler = handler_of(node.handlers, end, self.code.bases) if end.how in {"raises", "exits"} else None
            if handler is not None:
                ends.extend(
                    replace(each, how="raises", error=end.error) if each.how == "raises" and not each.error else each
                    for each in self.block(handler.body, caught(handler, end))
                )
            elif end.how == "falls":
                ends.extend(self.block(node.orelse, end.state))
            else:
                ends.append(end)
        if not node.finalbody:
            return ends
        last: list[End] = []
        for end in ends:
            finals = self.block(node.finalbody, end.state)
            if end.how == "yields":
                last.append(put_off(end, finals))
                continue
            last.extend(replace(end, state=each.state) if each.how == "falls" else each for each in finals)
        return distinct(last)

    # -- expressions -----------------------------------------------------------------------------

    def expression(self, node: ast.expr, state: State) -> list[End]:
        """Makes the calls of an expression, and says what it is worth where the lock tells."""
        if not (inner := calls(node)):
            return [End("falls", state, worth(node, state, None, self.code.constants))]
        ways = [End("falls", state)]
        for call in inner:
            after = [done for way in ways if way.how == "falls" for done in self.made(call, way.state)]
            ways = distinct([*(way for way in ways if way.how != "falls"), *after])
            if len(ways) > _MOST_STATES:
                raise TooMuch
        return [
            replace(way, value=worth(node, way.state, way.value, self.code.constants)) if way.how == "falls" else way
            for way in ways
        ]

    def made(self, call: ast.Call, state: State) -> list[End]:
        name = name_of(call.func)
        text = self.text(call.args[0], state) if name in _SENDS and call.args else None  # what it sends
        if text is not None:
            return self.sent(call, text, state)
        if name in ENDS and (
            isinstance(call.func, ast.Name) or name_of(getattr(call.func, "value", None)) in {"sys", "os"}
        ):
            return [End("exits", state)]
        if name in {"close", "reset", "putconn"} and name_of(getattr(call.func, "value", None)) in state.holders:
            return [End("falls", replace(state, held=False))]
        several = self.code.called(call, self.inside)
        called = [each for each in several if not yields(each)]
        if several and not called and name in self.code.locking:
            return [End("falls", replace(state, passed=True))]  # made, and not entered: no `with`
        if called:
            ends = self.call(called, state, call)
            given = tuple(name_of(each) for each in call.args if isinstance(each, ast.Name))
            return [
                replace(end, state=replace(end.state, holders=tuple(dict.fromkeys((*end.state.holders, *given)))))
                if end.state.asked and not state.asked
                else end
                for end in ends
            ]
        return [End("falls", state)]

    def sent(self, call: ast.Call, text: str, state: State) -> list[End]:
        """A statement goes to the database: one that asks for the lock, lets it go, or is a migration's."""
        receiver = name_of(getattr(call.func, "value", None))
        holders = tuple(dict.fromkeys((*state.holders, receiver)))
        asks = TRY.search(text) or WAIT.search(text)
        if asks and VARYING.search(" ".join(key_of(each, self.code.constants) for each in call.args)):
            self.found.append(("its key is another one in each run", state.doubt))
        if TRY.search(text):
            got = True if YES_ANYHOW.search(text) else not self.busy
            return [End("falls", replace(state, asked=True, held=not self.busy, answer=got, holders=holders))]
        if WAIT.search(text):
            if self.busy:
                return [End("raises", replace(state, asked=True, holders=holders), error="postgres")]
            return [End("falls", replace(state, asked=True, held=True, holders=holders))]
        if LETS_GO.search(text):
            return [End("falls", replace(state, held=False, answer=None))]
        # What is not written in the code is a migration's where the lock was asked for, or was to be.
        unwritten = not text.strip() and not isinstance(call.args[0], ast.Constant)
        if is_of_file(call.args[0], state) or (unwritten and (state.asked or state.passed)):
            self.migrated = True
            if not state.held:
                self.found.append((state.fault(busy=self.busy), state.doubt))
        return [End("falls", replace(state, answer=None))]

    def text(self, node: ast.expr, state: State) -> str:
        if node not in self.said:
            self.said[node] = tuple(texts_in(node, self.code.constants, 3))
        bound = dict(state.bound)
        return " ".join([*(bound[name] for name in names_in(node) if name in bound), *self.said[node]])

    def call(self, several: Sequence[Function], state: State, made: ast.expr | None = None) -> list[End]:
        ends: list[End] = []
        for function in several:
            if not self.matters(function, made, state):
                self.migrated = self.migrated or state.held  # whatever it does, it does under the lock
                ends.append(End("falls", state))
                continue
            mark = self.code.mark(function)
            if mark in self.inside or len(self.inside) > _DEEPEST:
                ends.append(End("falls", state))
                continue
            over = passage(self.within, function, made)
            entering = replace(state, assumed=over.carried(state.assumed, self.code.repeated))
            inner = self.entered(function, made, entering)
            before, self.inside = self.inside, (*self.inside, mark)
            caller, self.within = self.within, function
            key = (mark, inner, AROUND & frozenset(before))
            if key not in self.known:
                self.known[key] = self.block(function.body, inner)
            for end in self.known[key]:
                passed = end.state.passed or (function.name in self.code.locking and not end.state.asked)
                assumed = over.back(state.assumed, end.state.assumed, self.code.repeated)
                kept = replace(end.state, names=state.names, texts=state.texts, bound=state.bound)
                own = replace(kept, passed=passed, caught=state.caught, assumed=assumed)
                how = "falls" if end.how == "returns" else end.how
                value = end.value if end.how == "returns" else None
                ends.append(replace(end, how=how, state=self.back(end, own), value=value))
            self.inside, self.within = before, caller
        return distinct(ends)

    def back(self, end: End, state: State) -> State:  # noqa: ARG002 - whoever asks for a status looks at it
        """The state behind a call that has ended so."""
        return state

    def matters(self, function: Function, made: ast.expr | None, state: State) -> bool:
        """Whether what a function does may change anything: under the lock what lets it go, before it what asks for it
        and what sends a file."""
        given = made.args if isinstance(made, ast.Call) else []
        if any(ABOUT.search(self.text(each, state)) for each in given):
            return True
        if state.held:
            return function.name in self.code.releasing
        return state.asked or state.passed or function.name in self.code.locking | self.code.reading

    def entered(self, function: Function, made: ast.expr | None, state: State) -> State:
        """The state in a function, whose parameters are what its call gives."""
        given = parameters(function, made)
        texts = tuple(name for name, value in given.items() if is_of_file(value, state))
        bound = tuple((name, text) for name, value in given.items() if (text := self.text(value, state)))
        names = tuple(pair for pair in state.names if pair[0] in self.code.constants)
        held = tuple(name for name, value in given.items() if name_of(value) in state.holders)
        return replace(state, names=names, texts=texts, bound=bound, holders=(*state.holders, *held))
