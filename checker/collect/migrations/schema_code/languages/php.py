"""The methods of a PHP file's class as calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from checker.collect.migrations.schema_code.languages.calls import MOST_TURNS, UNREAD, Body, Call, Code, Value
from checker.collect.migrations.schema_code.languages.tree import below, line, plain, said, text_of, tree_of

if TYPE_CHECKING:
    from tree_sitter import Node

_CALLS: Final = frozenset(
    {"scoped_call_expression", "member_call_expression", "nullsafe_member_call_expression", "function_call_expression"}
)
_TABLE: Final = "table"  # a builder of Phinx's, which does nothing until it is told to
# A way back that is none (Doctrine Migrations documentation, "Migration Classes").
_REFUSES: Final = "throwIrreversibleMigrationException"
_FUNCTIONS: Final = frozenset({"anonymous_function", "anonymous_function_creation_expression", "arrow_function"})
_ASKS: Final = ("hasTable", "hasColumn", "hasIndex", "getDriverName")


def php_code(text: str) -> Code | None:
    """What a file's class declares; ``None`` where there is none, or it is not understood."""
    root = tree_of("php", text)
    classes = list(below(root, "class_declaration", "anonymous_class")) if root is not None else []
    if len(classes) != 1:
        return None
    body = classes[0].child_by_field_name("body")
    reader = _Reader()
    functions: dict[str, Body] = {}
    for each in plain(body) if body is not None else ():
        if each.type == "property_declaration":
            reader.declared(each)
    for each in plain(body) if body is not None else ():
        if each.type == "method_declaration":
            functions[said(each.child_by_field_name("name"))] = reader.function(each)
    return Code(functions, (), reader.names)


class _Reader:
    def __init__(self) -> None:
        self.names: dict[str, Value] = {}

    def declared(self, node: Node) -> None:
        for each in below(node, "property_element"):
            value = each.child_by_field_name("default_value")
            value = value if value is not None else (plain(each)[1] if len(plain(each)) > 1 else None)
            if value is not None:
                self.names[said(plain(each)[0]).lstrip("$")] = self.value(value)

    def function(self, node: Node) -> Body:
        parameters = node.child_by_field_name("parameters")
        found = plain(parameters) if parameters is not None else []
        names = tuple(said(each.child_by_field_name("name")).lstrip("$") for each in found)
        body = node.child_by_field_name("body")
        if body is None:
            return Body(names)
        if body.type != "compound_statement":  # of an arrow function
            return Body(names, tuple(self._expression(body)))
        return Body(names, tuple(call for each in plain(body) for call in self._statement(each)))

    def _statement(self, node: Node) -> Iterator[Call]:
        match node.type:
            case "expression_statement" | "return_statement":
                yield from (call for each in plain(node) for call in self._expression(each))
            case "if_statement":
                condition, body = said(node.child_by_field_name("condition")), node.child_by_field_name("body")
                asks = any(word in condition for word in _ASKS)
                if body is None or not asks or node.child_by_field_name("alternative") is not None:
                    yield Call("", line(node))
                else:
                    inner = plain(body) if body.type == "compound_statement" else [body]
                    yield from (call for each in inner for call in self._statement(each))
            case "foreach_statement":
                yield from self._each(node)
            case "empty_statement":
                return
            case _:
                yield Call("", line(node))

    def _each(self, node: Node) -> Iterator[Call]:
        """``foreach (['a', 'b'] as $table)``, with its key or without."""
        parts, body = plain(node), node.child_by_field_name("body")
        values = self.value(parts[0]) if parts else UNREAD
        name = parts[1] if len(parts) > 2 else None
        both = name is not None and name.type == "pair"
        names = [
            said(each).lstrip("$") for each in (plain(name) if name is not None and both else [name] if name else [])
        ]
        pairs = (
            [*values.items()] if isinstance(values, dict) else [*enumerate(values)] if isinstance(values, tuple) else []
        )
        plainly = all(
            each.type == "variable_name"
            for each in (plain(name) if name is not None and both else [name] if name else [])
        )
        if body is None or not pairs or not names or not plainly or len(pairs) > MOST_TURNS or "**" in dict(pairs):
            yield Call("", line(node))
            return
        for pair in pairs:
            given = pair if both else pair[1:]
            self.names.update(zip(names, given, strict=False))
            inner = plain(body) if body.type == "compound_statement" else [body]
            if any(one is UNREAD or isinstance(one, Call) for one in given):
                yield Call("", line(node))
            else:
                yield from (call for each in inner for call in self._statement(each))

    def _expression(self, node: Node) -> Iterator[Call]:
        if node.type == "throw_expression":
            yield Call("raise", line(node))
            return
        if node.type == "assignment_expression":
            left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
            value = self.value(right) if right is not None else UNREAD
            kept = isinstance(value, Call) and value.name == _TABLE and not value.bare
            if (
                left is not None
                and left.type == "variable_name"
                and (kept or isinstance(value, str | int | tuple | dict))
            ):
                self.names[said(left).lstrip("$")] = value
                return
        found = self.value(node)
        if isinstance(found, Call) and found.name == _REFUSES:
            found = Call("raise", found.line)
        yield found if isinstance(found, Call) and not found.bare else Call("", line(node))

    def value(self, node: Node) -> Value:
        kind = node.type
        if kind == "boolean":
            return said(node).lower() == "true"
        if kind == "null":
            return None
        if kind == "integer":
            return int(said(node).replace("_", ""), 0) if said(node).replace("_", "").isdigit() else UNREAD
        if kind in {"string", "encapsed_string", "heredoc", "nowdoc"}:
            return self._text(node)
        if kind == "array_creation_expression":
            return self._array(node)
        if kind in _FUNCTIONS:
            return self.function(node)
        if kind == "variable_name":
            name = said(node).lstrip("$")
            return self.names[name] if name in self.names else Call(name, line(node), bare=True)
        if kind == "member_access_expression":
            name = said(node.child_by_field_name("name"))
            return self.names[name] if name in self.names else Call(name, line(node), bare=True)
        if kind == "parenthesized_expression" and plain(node):
            return self.value(plain(node)[0])
        if kind == "binary_expression" and said(node.child_by_field_name("operator")) == ".":
            parts = [self.value(each) for each in plain(node)]
            return "".join(parts) if all(isinstance(each, str) for each in parts) else UNREAD
        return self._call(node) if kind in _CALLS else UNREAD

    def _text(self, node: Node) -> Value:
        inside = node.type in {"heredoc", "nowdoc"}
        holders = below(node, "heredoc_body", "nowdoc_body") if inside else (node,)
        found = text_of((each for holder in holders for each in holder.named_children), self.value)
        return UNREAD if found is None else found

    def _array(self, node: Node) -> Value:
        listed: list[Value] = []
        pairs: dict[str, Value] = {}
        for each in plain(node):
            inner = plain(each)
            if len(inner) == 2:
                key = self.value(inner[0])
                pairs[key if isinstance(key, str) else "**"] = self.value(inner[1])
            elif inner:
                listed.append(self.value(inner[0]) if each.type == "array_element_initializer" else UNREAD)
        return pairs or tuple(listed)

    def _call(self, node: Node) -> Value:
        arguments = node.child_by_field_name("arguments")
        args: list[Any] = []
        named: dict[str, Value] = {}
        for each in plain(arguments) if arguments is not None else ():
            name, inner = each.child_by_field_name("name"), plain(each)
            if name is not None and len(inner) > 1:
                named[said(name)] = self.value(inner[-1])
            else:
                args.append(self.value(inner[0]) if each.type == "argument" and inner else UNREAD)
        if node.type == "function_call_expression":
            return Call(said(node.child_by_field_name("function")), line(node), tuple(args), named)
        scope, of = node.child_by_field_name("scope"), node.child_by_field_name("object")
        held: Value = Call(said(scope).rpartition("\\")[2], line(node), bare=True) if scope is not None else UNREAD
        held = self.value(of) if of is not None else held
        return Call(said(node.child_by_field_name("name")), line(node), tuple(args), named, held)
