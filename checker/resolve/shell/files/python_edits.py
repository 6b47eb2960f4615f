"""What a program in Python makes of a file that it reads, puts values into, and writes again: followed line by line,
and left open where it does anything that is not plain.

Sources: Python documentation, "json", "str.replace", "re.sub"; PyYAML documentation, "Loading YAML", "Dumping YAML".
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

from msgspec import Struct, field

from checker.model.pipeline.changes import EACH, GONE
from checker.model.possible import Possible, joined, open_text
from checker.resolve.shell.files.assigning import Edits
from checker.resolve.shell.files.editing import Marks, replaced
from checker.resolve.shell.files.python_places import Places
from checker.resolve.shell.files.python_writes import opens_to_write

_LOADS: Final = frozenset({"load", "safe_load", "loads"})
_DUMPS: Final = frozenset({"dump", "safe_dump", "dumps"})
_READS: Final = frozenset({"read", "read_text"})
_LOOKING: Final = frozenset(
    {"print", "len", "str", "values", "items", "keys", "get", "exit", "sorted", "startswith", "endswith", "format",
     "info", "debug", "warning", "SystemExit", "ValueError", "isinstance", "enumerate"}
)  # fmt: skip
_CHANGES: Final = frozenset(
    {"update", "append", "extend", "insert", "pop", "remove", "clear", "setdefault", "sort", "reverse", "popitem"}
)


class _Document(Struct, eq=False):
    """What a file of data holds, with what was put into it so far. ``broken``: more was done to it."""

    of: Possible
    edits: list[tuple[tuple[str | int, ...], Possible]] = field(default_factory=list)
    broken: bool = False


class _At(Struct, frozen=True):
    """A place in a document."""

    document: _Document
    path: tuple[str | int, ...] = ()


class _Read(Struct, frozen=True):
    """The text of a file, with replacements: of a text or a pattern by a text, and how often."""

    of: Possible
    put: tuple[tuple[str, Possible, int, bool], ...] = ()


class _File(Struct, frozen=True):
    path: Possible


class Made(Struct, frozen=True):
    """What a file is made of: the text, or edits, of another; ``text`` alone where it is written out."""

    of: Possible = None
    text: Possible | None = None
    edits: Edits | None = None


_Held: TypeAlias = "_At | _Read | _File | str | int | float | object | None"


class Following(Struct):
    """A program that is followed line by line. ``held`` gives what a file holds by then."""

    program: Places
    held: Callable[[Possible], Possible | None]
    names: dict[str, _Held] = field(default_factory=dict)
    made: dict[ast.Call, Made] = field(default_factory=dict)
    sent: dict[ast.Call, Made] = field(default_factory=dict)  # what calls are given as the text of a template
    _depth: int = 0
    _returned: _Held = None

    def follow(self, statements: Iterable[ast.stmt]) -> None:
        for each in statements:
            self._statement(each)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.ClassDef() | ast.Pass() | ast.Assert():
                return
            case ast.With(items=items, body=body):
                for item in items:
                    if isinstance(item.optional_vars, ast.Name):
                        self.names[item.optional_vars.id] = self._value(item.context_expr)
                self.follow(body)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.names[name] = self._value(value)
            case ast.Assign(targets=[ast.Subscript() as target], value=value):
                self._put(target, value)
            case ast.Delete(targets=[ast.Subscript() as target]):
                self._put(target, None)
            case ast.For(target=ast.Name(id=name), iter=over, body=body, orelse=[]):
                found = self._value(over)
                if isinstance(found, _At):
                    self.names[name] = _At(found.document, (*found.path, EACH))
                    self.follow(body)
                elif not _only_looks(node):
                    self._break(node)
            case ast.If(test=test, body=body, orelse=[]) if ast.unparse(test) == "__name__ == '__main__'":
                self.follow(body)
            case ast.Expr(value=ast.Call() as call):
                self._call(call)
            case ast.Expr(value=ast.Constant()):
                return
            case ast.Return(value=value):
                self._returned = self._value(value) if value is not None else None
            case ast.If(body=body, orelse=otherwise) if not _puts(node):
                self._perhaps(node, [body, otherwise])
            case ast.Try(body=body, handlers=handlers, orelse=otherwise, finalbody=last) if not _puts(node):
                self._perhaps(node, [[*body, *otherwise, *last], *(each.body for each in handlers)])
            case _ if not _only_looks(node):
                self._break(node)

    def _perhaps(self, node: ast.stmt, branches: Sequence[Sequence[ast.stmt]]) -> None:
        """One of several is done: what they call is known, and not what is left of their names and files."""
        before, made = dict(self.names), {*self.made}
        for each in branches:
            self.names = dict(before)
            self.follow(each)
        self.names = before
        self.made.update((call, Made()) for call in self.made.keys() - made)
        for name in ast.walk(node):
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                self.names[name.id] = None

    def _break(self, node: ast.AST) -> None:
        """Something is done that is not plain: what it may change is not known any more."""
        for each in ast.walk(node):
            if isinstance(each, ast.Name):
                found = self.names.get(each.id)
                if isinstance(found, _At):
                    found.document.broken = True
                elif isinstance(each.ctx, ast.Store):
                    self.names[each.id] = None

    def _put(self, target: ast.Subscript, value: ast.expr | None) -> None:
        place = self._value(target)
        if not isinstance(place, _At):
            self._break(target)
            return
        new = GONE if value is None else self.scalar(value)
        place.document.edits.append((place.path, new))

    def scalar(self, node: ast.expr) -> Possible:
        """A value; an open one where it is not plain."""
        found = self._value(node)
        if isinstance(found, _At):
            found.document.broken = True
        if found is None or isinstance(found, _At | _Read | _File):
            return open_text(ast.unparse(node)[:80])
        return found  # type: ignore[return-value]

    def _value(self, node: ast.expr) -> _Held:
        match node:
            case ast.Constant(value=str() | int() | float() as value):
                return value
            case ast.Name(id=name) if name in self.names:
                return self.names[name]
            case ast.Subscript(value=owner, slice=ast.Constant(value=str() | int() as key)):
                inner = self._value(owner)
                if isinstance(inner, _At):
                    return _At(inner.document, (*inner.path, key))
            case ast.Call():
                return self._called(node)
            case ast.JoinedStr(values=parts):
                inner = [each.value if isinstance(each, ast.FormattedValue) else each for each in parts]
                return joined(self.scalar(each) for each in inner)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                sides = self.scalar(left), self.scalar(right)
                return joined(sides) if not any(isinstance(each, int | float) for each in sides) else None
        found = self.program.of(node)
        return found[0] if len(found) == 1 else None

    def _called(self, node: ast.Call) -> _Held:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        owner = self._value(node.func.value) if isinstance(node.func, ast.Attribute) else None
        first = self._value(node.args[0]) if node.args else None
        for keyword in node.keywords:
            if keyword.arg == "TemplateBody":
                self.sent[node] = self._made(self._value(keyword.value)) if node not in self.sent else Made()
        if called == "open":
            path = owner if isinstance(owner, str) else first
            return _File(path) if isinstance(path, str) else None
        if called in _READS:
            path = owner.path if isinstance(owner, _File) else owner
            return _Read(path) if isinstance(path, str) else None
        if called in _LOADS and isinstance(first, _File):
            return _At(_Document(first.path))
        if called in _LOADS and isinstance(first, _Read) and not first.put:
            return _At(_Document(first.of))
        if called in _DUMPS and isinstance(first, _At):
            return first
        if called == "replace" and isinstance(owner, _Read) and len(node.args) == 2 and isinstance(first, str):
            return _Read(owner.of, (*owner.put, (first, self.scalar(node.args[1]), 0, False)))
        if called == "sub" and len(node.args) == 3 and isinstance(first, str) and ast.unparse(node.func) == "re.sub":
            text = self._value(node.args[2])
            if isinstance(text, _Read):
                return _Read(text.of, (*text.put, (first, self.scalar(node.args[1]), 0, True)))
        if called == "get" and isinstance(owner, _At) and isinstance(first, str):
            return _At(owner.document, (*owner.path, first))
        if owner is None and (function := self.program.functions.get(called)) is not None and self._depth < 3:
            return self._entered(function, node)
        for each in node.args:
            if isinstance(found := self._value(each), _At) and called not in {"print", "len", "str", "list", "sorted"}:
                found.document.broken = True
        places = self.program.of(node)
        return places[0] if len(places) == 1 else None

    def _call(self, node: ast.Call) -> None:
        """A call in a line of its own: a write, a change, a function of the program's own, or nothing that matters."""
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        if called in {"write_text", "write"} and owner is not None and node.args:
            self._writes(node, owner, node.args[0])
        elif called in _DUMPS and len(node.args) > 1:
            self._writes(node, node.args[1], node.args[0])
        elif called in _CHANGES and owner is not None:
            found = self._value(owner)
            if isinstance(found, _At):
                found.document.broken = True
        else:
            self._called(node)

    def _entered(self, function: ast.FunctionDef, node: ast.Call) -> _Held:
        """A function of the program's own is run; what it gives back, where it does so in one place."""
        for parameter, given in zip(function.args.args, node.args, strict=False):
            self.names[parameter.arg] = self._value(given)
        self._depth, self._returned = self._depth + 1, None
        self.follow(function.body)
        self._depth -= 1
        found, self._returned = self._returned, None
        once = sum(isinstance(each, ast.Return) for each in ast.walk(function)) == 1
        return found if once else None

    def _writes(self, node: ast.Call, where: ast.expr, what: ast.expr) -> None:
        """``what`` is written to ``where``: kept by the call that opens the file, or that names it."""
        opener = _opener(where, self.program.tree)
        call = node if opener is None else opener
        self.made[call] = self._made(self._value(what)) if call not in self.made else Made()  # in parts

    def _made(self, value: _Held) -> Made:
        if isinstance(value, _At) and not value.path and not value.document.broken:
            return Made(of=value.document.of, edits=tuple(value.document.edits))
        if isinstance(value, _At):
            return Made(of=value.document.of)
        if isinstance(value, _Read):
            return Made(of=value.of, text=_replaced(self.held(value.of), value.put))
        if isinstance(value, str) or (value is not None and not isinstance(value, _File | int | float)):
            return Made(text=value)  # type: ignore[arg-type]
        return Made()


def _puts(node: ast.stmt) -> bool:
    """Whether a statement puts something into what it has, or takes it away."""
    return any(
        isinstance(each, ast.Subscript | ast.Attribute) and not isinstance(each.ctx, ast.Load)
        for each in ast.walk(node)
    ) or any(isinstance(each, ast.Call) and _changes(each) for each in ast.walk(node))


def _changes(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr in _CHANGES


def _only_looks(node: ast.stmt) -> bool:
    """Whether a loop or a condition changes nothing of what it looks at, and binds no name but its own."""
    for each in ast.walk(node):
        if isinstance(each, ast.Subscript | ast.Attribute) and not isinstance(each.ctx, ast.Load):
            return False
        if isinstance(each, ast.AugAssign | ast.Assign | ast.AnnAssign | ast.NamedExpr | ast.With | ast.Return):
            return False
        if isinstance(each, ast.Call):
            name = each.func.attr if isinstance(each.func, ast.Attribute) else ast.unparse(each.func)
            if name not in _LOOKING:
                return False
    return True


def _opener(where: ast.expr, tree: ast.Module) -> ast.Call | None:
    """The call of ``open`` that a handle comes from; ``None`` where that is written to which is named itself."""
    if isinstance(where, ast.Call):
        return _opening(where)
    if not isinstance(where, ast.Name):
        return None
    for node in ast.walk(tree):
        for item in node.items if isinstance(node, ast.With) else ():
            if _is_handle(item.optional_vars, where) and (found := _opening(item.context_expr)) is not None:
                return found
        if isinstance(node, ast.Assign) and _is_handle(node.targets[0], where):
            return _opening(node.value)
    return None


def _is_handle(target: ast.expr | None, where: ast.Name) -> bool:
    return isinstance(target, ast.Name) and target.id == where.id


def _opening(node: ast.expr) -> ast.Call | None:
    """A call that opens a file to write it."""
    called = node.func if isinstance(node, ast.Call) else None
    name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
    return node if isinstance(node, ast.Call) and name == "open" and opens_to_write(node) else None


def _replaced(before: Possible | None, put: Sequence[tuple[str, Possible, int, bool]]) -> Possible | None:
    marks = Marks()
    text = marks.text(before) if before is not None else None
    for old, new, _, is_pattern in put:
        by = marks.text(new) if text is not None else None
        if text is None or by is None:
            return None
        text = replaced(text, old, by) if is_pattern else text.replace(old, by)
    return marks.filled(text) if text is not None else None
