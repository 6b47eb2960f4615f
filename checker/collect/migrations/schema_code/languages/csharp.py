"""The methods of a C# file's class as calls. What a call is given by its type (``AddColumn<int>``) is named ``<>``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from checker import lazy_re
from checker.collect.migrations.schema_code.languages.calls import MOST_TURNS, UNREAD, Body, Call, Code, Value
from checker.collect.migrations.schema_code.languages.tree import below, line, plain, said, text_of, tree_of

if TYPE_CHECKING:
    from tree_sitter import Node

_ARRAYS: Final = frozenset(
    {
        "implicit_array_creation_expression",
        "array_creation_expression",
        "collection_expression",
        "initializer_expression",
    }
)
_MARGIN: Final = lazy_re.compile(r"\n[ \t]*\Z")


def csharp_code(text: str) -> Code | None:
    """What a file's class declares; ``None`` where there is none, or it is not understood."""
    root = tree_of("csharp", text)
    classes = list(below(root, "class_declaration")) if root is not None else []
    if len(classes) != 1:
        return None
    body = classes[0].child_by_field_name("body")
    members = plain(body) if body is not None else []
    reader = _Reader()
    for each in members:
        for one in below(each, "variable_declarator") if each.type == "field_declaration" else ():
            reader.declared(one)
    functions = {
        said(each.child_by_field_name("name")): reader.function(each)
        for each in members
        if each.type == "method_declaration"
    }
    return Code(functions, (), reader.names)


class _Reader:
    def __init__(self) -> None:
        self.names: dict[str, Value] = {}

    def declared(self, node: Node) -> bool:
        """Whether a variable stands for a value that is known."""
        parts = plain(node)
        value = self.value(parts[-1]) if len(parts) > 1 else UNREAD
        known = not isinstance(value, Call | Body) and value is not UNREAD
        self.names[said(node.child_by_field_name("name"))] = value if known else UNREAD
        return known

    def function(self, node: Node) -> Body:
        parameters, body = node.child_by_field_name("parameters"), node.child_by_field_name("body")
        names = tuple(
            said(each.child_by_field_name("name")) for each in (plain(parameters) if parameters is not None else ())
        )
        return Body(names, tuple(self._calls(body)) if body is not None else ())

    def _calls(self, node: Node) -> Iterator[Call]:
        """What a block, or a single expression behind an arrow, calls."""
        if node.type in {"block", "arrow_expression_clause"}:
            for each in plain(node):
                yield from self._calls(each) if node.type != "block" else self._statement(each)
        elif node.type == "throw_expression":
            yield Call("raise", line(node))
        else:
            found = self.value(node)
            yield found if isinstance(found, Call) and not found.bare else Call("", line(node))

    def _statement(self, node: Node) -> Iterator[Call]:
        match node.type:
            case "expression_statement" | "return_statement":
                for each in plain(node):
                    yield from self._calls(each)
            case "throw_statement":
                yield Call("raise", line(node))
            case "local_declaration_statement":
                for each in below(node, "variable_declarator"):
                    if not self.declared(each):
                        yield Call("", line(node))
            case "foreach_statement":
                yield from self._each(node)
            case "block":
                yield from self._calls(node)
            case "empty_statement":
                return
            case _:
                yield Call("", line(node))

    def _each(self, node: Node) -> Iterator[Call]:
        """``foreach (var table in new[] { "a", "b" })``."""
        name, right, body = (node.child_by_field_name(each) for each in ("left", "right", "body"))
        values = self.value(right) if right is not None else UNREAD
        if name is None or body is None or not isinstance(values, tuple) or len(values) > MOST_TURNS:
            yield Call("", line(node))
            return
        for each in values:
            self.names[said(name)] = each
            if each is UNREAD or isinstance(each, Call):
                yield Call("", line(node))
            else:
                yield from self._statement(body)

    def value(self, node: Node) -> Value:
        kind = node.type
        if kind == "boolean_literal":
            return said(node) == "true"
        if kind == "null_literal":
            return None
        if kind == "integer_literal":
            return int(said(node)) if said(node).isdigit() else UNREAD
        if kind in {"real_literal", "default_expression", "object_creation_expression"}:
            return Call(kind, line(node), bare=True)  # a value, whatever it is
        if kind == "verbatim_string_literal":
            return said(node)[2:-1].replace('""', '"')
        if kind == "raw_string_literal":
            inner = next((said(each) for each in plain(node) if each.type == "raw_string_content"), "")
            return _MARGIN.sub("", inner)
        if kind in {"string_literal", "interpolated_string_expression"}:
            return self._text(node)
        if kind in _ARRAYS:
            return self._array(node)
        if kind == "parenthesized_expression" and plain(node):
            return self.value(plain(node)[0])
        if kind == "lambda_expression":
            return self._lambda(node)
        if kind == "anonymous_object_creation_expression":
            return self._object(node)
        if kind == "identifier":
            return self.names[said(node)] if said(node) in self.names else Call(said(node), line(node), bare=True)
        if kind == "member_access_expression":
            return self._member(node)
        if kind == "binary_expression" and said(node.child_by_field_name("operator")) == "+":
            parts = [self.value(each) for each in plain(node)]
            return "".join(parts) if all(isinstance(each, str) for each in parts) else UNREAD
        return self._call(node) if kind == "invocation_expression" else UNREAD

    def _text(self, node: Node) -> Value:
        if any(each.type not in {"string_literal_content", "string_content", "escape_sequence", "interpolation",
                                 "interpolation_start"} for each in node.named_children):  # fmt: skip
            return UNREAD
        written: list[str] = []
        for each in node.named_children:
            if each.type in {"string_literal_content", "string_content"}:
                written.append(said(each))
            elif each.type == "interpolation":
                inner = [one for one in plain(each) if one.type != "interpolation_brace"]
                held = self.value(inner[0]) if len(inner) == 1 else UNREAD
                if not isinstance(held, str | int):
                    return UNREAD
                written.append(str(held))
            elif each.type == "escape_sequence":
                found = text_of([each], self.value)
                if found is None:
                    return UNREAD
                written.append(found)
        return "".join(written)

    def _array(self, node: Node) -> Value:
        inner = next((each for each in plain(node) if each.type == "initializer_expression"), node)
        return tuple(self.value(each) for each in plain(inner) if each.type not in {"array_type", "identifier"})

    def _lambda(self, node: Node) -> Value:
        body = node.child_by_field_name("body")
        if body is None:
            return UNREAD
        if body.type == "anonymous_object_creation_expression":
            return self._object(body)
        return Body((), tuple(self._calls(body)) if body.type == "block" else ())

    def _object(self, node: Node) -> Value:
        parts = plain(node)
        pairs = list(zip(parts[::2], parts[1::2], strict=False))
        if len(parts) % 2 or any(name.type != "identifier" for name, _ in pairs):
            return UNREAD
        return {said(name): self.value(value) for name, value in pairs}

    def _member(self, node: Node) -> Value:
        of, name = node.child_by_field_name("expression"), node.child_by_field_name("name")
        return Call(said(name), line(node), of=self.value(of) if of is not None else UNREAD, bare=True)

    def _call(self, node: Node) -> Value:
        function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        args: list[Any] = []
        named: dict[str, Value] = {}
        for each in plain(arguments) if arguments is not None else ():
            name = each.child_by_field_name("name")
            value = self.value(plain(each)[-1]) if plain(each) else UNREAD
            if name is not None:
                named[said(name)] = value
            else:
                args.append(value)
        of: Value = None
        called = function
        if function is not None and function.type == "member_access_expression":
            left = function.child_by_field_name("expression")
            of, called = (self.value(left) if left is not None else UNREAD), function.child_by_field_name("name")
        if called is not None and called.type == "generic_name":
            inner = plain(called)
            named["<>"] = said(inner[1]).strip("<>") if len(inner) > 1 else UNREAD
            called = inner[0]
        return Call(said(called), line(node), tuple(args), named, of)
