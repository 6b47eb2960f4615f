"""The functions of an Elixir module as calls; its attributes are marks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from checker.collect.migrations.schema_code.languages.calls import MOST_TURNS, UNREAD, Body, Call, Code, Value
from checker.collect.migrations.schema_code.languages.tree import line, plain, said, text_of, tree_of

if TYPE_CHECKING:
    from tree_sitter import Node

_DEFINES: Final = frozenset({"def", "defp"})
_DECLARES: Final = frozenset({"use", "import", "alias", "require"})


def elixir_code(text: str) -> Code | None:
    """What a file's module declares; ``None`` where there is none, or it is not understood."""
    root = tree_of("elixir", text)
    modules = [each for each in plain(root) if _called(each) == "defmodule"] if root is not None else []
    if len(modules) != 1 or root is None:
        return None
    reader = _Reader()
    loose = tuple(line(each) for each in plain(root) if each not in modules)
    functions: dict[str, Body] = {}
    marks: list[Call] = []
    for each in _block(modules[0]):
        if each.type == "unary_operator":
            marks.extend(reader.attribute(each))
    for each in _block(modules[0]):
        name = _called(each)
        if name in _DEFINES:
            functions.update(reader.function(each))
        elif name not in _DECLARES and each.type != "unary_operator":
            loose = (*loose, line(each))
    return Code(functions, tuple(marks), reader.names, loose)


def _called(node: Node) -> str:
    return said(node.child_by_field_name("target")) if node.type == "call" else ""


def _arguments(node: Node) -> list[Node]:
    found = next((each for each in node.named_children if each.type == "arguments"), None)
    return plain(found) if found is not None else []


def _block(node: Node) -> list[Node]:
    found = next((each for each in node.named_children if each.type == "do_block"), None)
    return plain(found) if found is not None else []


def _keyword_do(node: Node) -> Node | None:
    """What stands behind ``do:``."""
    for each in _arguments(node):
        for pair in plain(each) if each.type == "keywords" else ():
            if said(pair.child_by_field_name("key")).rstrip(": ") == "do":
                return pair.child_by_field_name("value")
    return None


class _Reader:
    def __init__(self) -> None:
        self.names: dict[str, Value] = {}

    def attribute(self, node: Node) -> Iterator[Call]:
        """``@name value``."""
        inner = node.child_by_field_name("operand")
        given = _arguments(inner) if inner is not None and inner.type == "call" else []
        if inner is not None and said(node).startswith("@") and len(given) == 1:
            value = self.value(given[0])
            self.names[f"@{_called(inner)}"] = UNREAD if isinstance(value, Call | Body) else value
            yield Call(f"@{_called(inner)}", line(node), (value,))

    def function(self, node: Node) -> dict[str, Body]:
        head = _arguments(node)[0] if _arguments(node) else None
        if head is None:
            return {}
        name = _called(head) if head.type == "call" else said(head)
        names = tuple(said(each) for each in _arguments(head)) if head.type == "call" else ()
        single = _keyword_do(node)
        body = [single] if single is not None else _block(node)
        return {name: Body(names, tuple(call for each in body for call in self.statement(each)))}

    def statement(self, node: Node) -> Iterator[Call]:
        name = _called(node)
        if node.type in {"atom", "nil", "boolean"}:
            return  # what it answers
        if name in {"for", "Enum.each"}:
            yield from self._each(node, name)
        elif node.type == "binary_operator" and said(node.child_by_field_name("operator")) == "=":
            left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
            value = self.value(right) if right is not None else UNREAD
            known = not isinstance(value, Call | Body) and value is not UNREAD
            self.names[said(left)] = value if known else UNREAD
            if not known:
                yield Call("", line(node))
        else:
            found = self.value(node)
            plainly = isinstance(found, Call) and found.name not in {"if", "unless", "case", "cond", "with", "try"}
            yield found if plainly and isinstance(found, Call) else Call("", line(node))

    def _each(self, node: Node, name: str) -> Iterator[Call]:
        """``for t <- [:a, :b] do ... end`` and ``Enum.each([:a, :b], fn t -> ... end)``."""
        given = _arguments(node)
        variable, values = "", UNREAD
        body: list[Node] = []
        if name == "for" and given and given[0].type == "binary_operator":
            variable, values = said(given[0].child_by_field_name("left")), self._of(given[0], "right")
            single = _keyword_do(node)
            body = [single] if single is not None else _block(node)
        elif len(given) == 2 and given[1].type == "anonymous_function":
            clauses = [each for each in plain(given[1]) if each.type == "stab_clause"]
            values = self.value(given[0])
            if len(clauses) == 1:
                variable = said(clauses[0].child_by_field_name("left"))
                inner = clauses[0].child_by_field_name("right")
                body = plain(inner) if inner is not None else []
        if not variable.isidentifier() or not isinstance(values, tuple) or len(values) > MOST_TURNS:
            yield Call("", line(node))
            return
        for each in values:
            self.names[variable] = each
            if each is UNREAD or isinstance(each, Call):
                yield Call("", line(node))
            else:
                yield from (call for one in body for call in self.statement(one))

    def _of(self, node: Node, name: str) -> Value:
        found = node.child_by_field_name(name)
        return self.value(found) if found is not None else UNREAD

    def value(self, node: Node) -> Value:
        kind = node.type
        if kind in {"atom", "quoted_atom"}:
            return said(node).lstrip(":").strip('"')
        if kind == "boolean":
            return said(node) == "true"
        if kind == "nil":
            return None
        if kind == "integer":
            written = said(node).replace("_", "")
            return int(written) if written.isdigit() else UNREAD
        if kind == "string":
            return self._text(node)
        if kind in {"list", "tuple"}:
            return self._list(node)
        if kind == "keywords":
            return dict(self._pairs(node))
        if kind == "sigil":
            parts = [said(each) for each in plain(node) if each.type == "quoted_content"]
            return tuple(parts[0].split()) if said(node).startswith("~w") and len(parts) == 1 else UNREAD
        if kind in {"identifier", "alias"}:
            name = said(node)
            return self.names[name] if name in self.names else Call(name, line(node), bare=True)
        if kind == "unary_operator" and said(node).startswith("@"):
            return self.names.get(said(node), UNREAD)
        if kind == "binary_operator" and said(node.child_by_field_name("operator")) == "<>":
            parts = [self._of(node, each) for each in ("left", "right")]
            return "".join(parts) if all(isinstance(each, str) for each in parts) else UNREAD
        return self._call(node) if kind == "call" else UNREAD

    def _text(self, node: Node) -> Value:
        pieces = []
        for each in node.named_children:
            if each.type == "quoted_content":
                pieces.append(said(each))
                continue
            found = text_of([each], self.value)
            if found is None:
                return UNREAD
            pieces.append(found)
        return "".join(pieces)

    def _list(self, node: Node) -> Value:
        each = plain(node)
        if len(each) == 1 and each[0].type == "keywords":
            return dict(self._pairs(each[0]))
        return tuple(self.value(one) for one in each)

    def _pairs(self, node: Node) -> Iterator[tuple[str, Value]]:
        for each in plain(node):
            key, value = each.child_by_field_name("key"), each.child_by_field_name("value")
            if key is None or value is None:
                yield "**", UNREAD
            else:
                yield said(key).strip().rstrip(":").strip('"'), self.value(value)

    def _call(self, node: Node) -> Value:
        target = node.child_by_field_name("target")
        if target is None:
            return UNREAD
        args: list[Any] = []
        named: dict[str, Value] = {}
        for each in _arguments(node):
            if each.type == "keywords":
                named = dict(self._pairs(each))
            else:
                args.append(self.value(each))
        single = _keyword_do(node)
        inner = [single] if single is not None else _block(node)
        if single is not None or any(each.type == "do_block" for each in node.named_children):
            named = {name: each for name, each in named.items() if name != "do"}
            args.append(Body((), tuple(call for each in inner for call in self.statement(each))))
        of: Value = None
        name = said(target)
        if target.type == "dot":
            of, name = self._of(target, "left"), said(target.child_by_field_name("right"))
        return Call(name, line(node), tuple(args), named, of)
