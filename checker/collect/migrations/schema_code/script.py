"""The functions of a file in JavaScript or TypeScript as calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from checker.collect.migrations.schema_code.calls import UNREAD, Body, Call, Code, Value
from checker.collect.migrations.schema_code.tree import line, plain, said, text_of, tree_of

if TYPE_CHECKING:
    from tree_sitter import Node

_FUNCTIONS: Final = frozenset({"function_expression", "arrow_function", "function_declaration", "method_definition"})
_LITERALS: Final = {"true": True, "false": False, "null": None, "undefined": None}
_AROUND: Final = frozenset(
    {"as_expression", "satisfies_expression", "non_null_expression", "parenthesized_expression", "await_expression"}
)
_SAYS: Final = frozenset({"log", "info", "debug", "warn", "resolve"})
_ASKS: Final = ("hasTable", "hasColumn", "exists")
_HARMLESS: Final = frozenset(
    {"import_statement", "type_alias_declaration", "interface_declaration", "empty_statement", "enum_declaration"}
)


def script_code(text: str) -> Code | None:
    """What a file declares; ``None`` where it is not understood."""
    root = tree_of("script", text)
    if root is None:
        return None
    reader = _Reader()
    for each in plain(root):
        reader.declare(each)
    return Code(reader.functions, (), reader.names, tuple(reader.loose))


class _Reader:
    def __init__(self) -> None:
        self.functions: dict[str, Body] = {}
        self.names: dict[str, Value] = {}
        self.loose: list[int] = []

    def declare(self, node: Node) -> None:
        """What stands at the top of a file."""
        kind = node.type
        if kind in _HARMLESS or (kind == "expression_statement" and plain(node)[0].type == "string"):
            return
        if kind == "export_statement":
            inner = node.child_by_field_name("declaration") or node.child_by_field_name("value")
            if inner is not None and inner.type == "object":
                self._members(inner)
            elif inner is not None:
                self.declare(inner)
        elif kind in {"function_declaration", "generator_function_declaration"}:
            self.functions[said(node.child_by_field_name("name"))] = self._body(node)
        elif kind in {"lexical_declaration", "variable_declaration"}:
            for each in plain(node):
                self._declared(each)
        elif kind in {"class_declaration", "class", "abstract_class_declaration"}:
            self._class(node)
        elif kind == "expression_statement" and plain(node)[0].type == "assignment_expression":
            self._exported(plain(node)[0])
        else:
            self.loose.append(line(node))

    def _declared(self, node: Node) -> None:
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is None or value is None:
            return
        if value.type in _FUNCTIONS:
            self.functions[said(name)] = self._body(value)
        else:
            found = self.value(value)
            self.names[said(name)] = UNREAD if isinstance(found, Call | Body) else found

    def _exported(self, node: Node) -> None:
        left, right = said(node.child_by_field_name("left")), node.child_by_field_name("right")
        name = left.rpartition(".")[2]
        if right is None or not left.startswith(("exports", "module.exports")):
            self.loose.append(line(node))
        elif left == "module.exports" and right.type == "object":
            self._members(right)
        elif left == "module.exports" and right.type == "class":
            self._class(right)
        elif right.type in _FUNCTIONS:
            self.functions[name] = self._body(right)
        else:
            self.names[name] = self.value(right)

    def _members(self, node: Node) -> None:
        for each in plain(node):
            if each.type == "method_definition":
                self.functions[said(each.child_by_field_name("name"))] = self._body(each)
            elif each.type == "pair":
                name, value = said(each.child_by_field_name("key")).strip("'\""), each.child_by_field_name("value")
                if value is not None and value.type in _FUNCTIONS:
                    self.functions[name] = self._body(value)
                elif value is not None:
                    self.names[name] = self.value(value)

    def _class(self, node: Node) -> None:
        body = node.child_by_field_name("body")
        for each in plain(body) if body is not None else ():
            name = said(each.child_by_field_name("name"))
            value = each.child_by_field_name("value")
            if each.type == "method_definition":
                self.functions[name] = self._body(each)
            elif each.type == "public_field_definition" and value is not None:
                self.names[name] = self.value(value)

    def _body(self, node: Node) -> Body:
        parameters = node.child_by_field_name("parameters")
        parameters = parameters if parameters is not None else node.child_by_field_name("parameter")
        found = plain(parameters) if parameters is not None and parameters.type == "formal_parameters" else []
        names = tuple(said(each.child_by_field_name("pattern")) or said(each) for each in found)
        names = names or ((said(parameters),) if parameters is not None and not found else ())
        body = node.child_by_field_name("body")
        if body is None:
            return Body(names)
        if body.type != "statement_block":
            return Body(names, tuple(self._expression(body)))
        return Body(names, tuple(self._calls(body)))

    def _calls(self, block: Node) -> Iterator[Call]:
        for each in plain(block):
            yield from self._statement(each)

    def _statement(self, node: Node) -> Iterator[Call]:
        match node.type:
            case "expression_statement":
                yield from self._expression(plain(node)[0])
            case "return_statement":
                yield from (call for each in plain(node) for call in self._expression(each))
            case "throw_statement":
                yield Call("raise", line(node))
            case "lexical_declaration" | "variable_declaration":
                for each in plain(node):
                    self._declared(each)
                    asked = each.child_by_field_name("value")
                    known = self.names.get(said(each.child_by_field_name("name")), UNREAD)
                    if known is UNREAD and asked is not None and not any(word in said(asked) for word in _ASKS):
                        yield Call("", line(node))
            case "if_statement":
                condition, does = said(node.child_by_field_name("condition")), node.child_by_field_name("consequence")
                asks = any(word.lower() in condition.lower() for word in ("has", "exist"))
                if does is None or not asks or node.child_by_field_name("alternative") is not None:
                    yield Call("", line(node))
                else:
                    yield from self._calls(does) if does.type == "statement_block" else self._statement(does)
            case kind if kind in _HARMLESS:
                return
            case _:
                yield Call("", line(node))

    def _expression(self, node: Node) -> Iterator[Call]:
        found = self.value(node)
        if isinstance(found, Call):
            if not (found.name in _SAYS or (found.bare and found.of is None)):
                yield found
        elif found is UNREAD:
            yield Call("", line(node))

    def value(self, node: Node) -> Value:
        kind = node.type
        if kind in _LITERALS:
            return _LITERALS[kind]
        if kind == "number":
            return _number(said(node))
        if kind in {"string", "template_string"}:
            return self._text(node)
        if kind in _AROUND and plain(node):
            return self.value(plain(node)[0])
        if kind == "array":
            return tuple(self.value(each) for each in plain(node))
        if kind == "object":
            return dict(self._pairs(node))
        if kind in _FUNCTIONS:
            return self._body(node)
        if kind == "identifier":
            name = said(node)
            return self.names[name] if name in self.names else Call(name, line(node), bare=True)
        if kind == "this":
            return Call("this", line(node), bare=True)
        if kind == "member_expression":
            of, name = node.child_by_field_name("object"), said(node.child_by_field_name("property"))
            held = self.value(of) if of is not None else UNREAD
            return held[name] if isinstance(held, dict) and name in held else Call(name, line(node), of=held, bare=True)
        if kind == "binary_expression" and said(node.child_by_field_name("operator")) == "+":
            parts = [self.value(each) for each in plain(node)]
            return "".join(parts) if all(isinstance(each, str) for each in parts) else UNREAD
        return self._call(node) if kind == "call_expression" else UNREAD

    def _text(self, node: Node) -> Value:
        found = text_of(node.named_children, self.value)
        return UNREAD if found is None else found

    def _pairs(self, node: Node) -> Iterator[tuple[str, Value]]:
        for each in plain(node):
            key, value = each.child_by_field_name("key"), each.child_by_field_name("value")
            if each.type == "shorthand_property_identifier":
                yield said(each), self.names.get(said(each), UNREAD)
            elif key is None or value is None:
                yield "**", UNREAD  # what it spreads may be anything
            else:
                yield said(key).strip("'\""), self.value(value)

    def _call(self, node: Node) -> Value:
        function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        args: tuple[Any, ...] = ()
        if arguments is not None and arguments.type == "arguments":
            args = tuple(self.value(each) for each in plain(arguments))
        elif arguments is not None:  # a tagged template
            args = (self._text(arguments),)
        called = self.value(function) if function is not None else UNREAD
        if not isinstance(called, Call):
            return UNREAD
        return Call(called.name, line(node), args, _options(args), called.of)


def _options(args: tuple[Any, ...]) -> Mapping[str, Value]:
    return args[-1] if args and isinstance(args[-1], dict) else {}


def _number(written: str) -> Value:
    try:
        return int(written, 0)
    except ValueError:
        return UNREAD
