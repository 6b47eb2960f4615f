"""The functions of a file in JavaScript or TypeScript as calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from checker import lazy_re
from checker.collect.migrations.schema_code.languages.calls import MOST_TURNS, UNREAD, Body, Call, Code, Value
from checker.collect.migrations.schema_code.languages.tree import line, plain, said, text_of, tree_of

if TYPE_CHECKING:
    from tree_sitter import Node

_FUNCTIONS: Final = frozenset({"function_expression", "arrow_function", "function_declaration", "method_definition"})
_LITERALS: Final = {"true": True, "false": False, "null": None, "undefined": None}
_AROUND: Final = frozenset(
    {"as_expression", "satisfies_expression", "non_null_expression", "parenthesized_expression", "await_expression"}
)
_SAYS: Final = frozenset({"log", "info", "debug", "warn", "resolve"})
# A transaction that code begins itself, and commits.
_BEGINS: Final = lazy_re.compile(r"^(?:await\s+)?[\w.]+\.transaction\(\s*(?:\{[^{}]*\}\s*)?\)$")
_ASKS: Final = (
    "hasTable",
    "hasColumn",
    "exists",
    ".getTable(",
    ".foreignKeys.find(",
    ".indices.find(",
    ".uniques.find(",
)
# What TypeORM's migrations describe with objects; any other object may do anything when it is made.
_DESCRIBES: Final = frozenset(
    {"Table", "TableColumn", "TableIndex", "TableForeignKey", "TableUnique", "TableCheck", "TableExclusion", "View"}
)
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
            made = isinstance(found, Call) and value.type == "new_expression"
            self.names[said(name)] = UNREAD if isinstance(found, Call | Body) and not made else found

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
                    is_asked = asked is not None and any(word in said(asked) for word in _ASKS)
                    begins = asked is not None and _BEGINS.search(said(asked)) is not None
                    if known is UNREAD and asked is not None and not is_asked and not begins:
                        yield Call("", line(node))
            case "if_statement":
                condition, does = said(node.child_by_field_name("condition")), node.child_by_field_name("consequence")
                asks = any(word.lower() in condition.lower() for word in ("has", "exist"))
                if does is None or not asks or node.child_by_field_name("alternative") is not None:
                    yield Call("", line(node))
                else:
                    yield from self._calls(does) if does.type == "statement_block" else self._statement(does)
            case "try_statement" if self._passes_on(node):
                for name in ("body", "finalizer"):
                    part = node.child_by_field_name(name)
                    for block in () if part is None else (part, *plain(part)):
                        yield from self._calls(block) if block.type == "statement_block" else ()
            case "for_in_statement" if said(node.child_by_field_name("operator")) == "of":
                yield from self._each(node)
            case kind if kind in _HARMLESS:
                return
            case _:
                yield Call("", line(node))

    def _passes_on(self, node: Node) -> bool:
        """Whether what a try fails of goes on from it: what it does when that happens is no way of the migration's."""
        handler = node.child_by_field_name("handler")
        body = handler.child_by_field_name("body") if handler is not None else None
        last = plain(body)[-1:] if body is not None else []
        return handler is None or any(each.type == "throw_statement" for each in last)

    def _each(self, node: Node) -> Iterator[Call]:
        """``for (const table of ['a', 'b'])``."""
        right, body = node.child_by_field_name("right"), node.child_by_field_name("body")
        values = self.value(right) if right is not None else UNREAD
        if body is None or not isinstance(values, tuple) or len(values) > MOST_TURNS:
            yield Call("", line(node))
            return
        for each in values:
            if self._binds(node.child_by_field_name("left"), each):
                yield from self._calls(body) if body.type == "statement_block" else self._statement(body)
            else:
                yield Call("", line(node))

    def _binds(self, name: Node | None, value: Value) -> bool:
        """Whether a name, or several of one list or object, stand for a value that is known."""
        if name is not None and name.type == "identifier":
            self.names[said(name)] = value
            return value is not UNREAD
        parts = plain(name) if name is not None else []
        if name is not None and name.type == "array_pattern" and isinstance(value, tuple) and len(parts) <= len(value):
            bound = [self._binds(each, one) for each, one in zip(parts, value, strict=False)]  # each of them
            return all(bound)
        if name is not None and name.type == "object_pattern" and isinstance(value, dict):
            known = [each for each in parts if each.type == "shorthand_property_identifier_pattern"]
            self.names.update({said(each): value.get(said(each), UNREAD) for each in known})
            return len(known) == len(parts) and all(said(each) in value for each in known)
        return False

    def _repeated(self, node: Node) -> tuple[Call, ...] | None:
        """What ``['a', 'b'].forEach((table) => ...)`` and ``.map`` call; ``None`` where it is none of these."""
        function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        given = plain(arguments) if arguments is not None else []
        name = said(function.child_by_field_name("property")) if function is not None else ""
        of = function.child_by_field_name("object") if function is not None else None
        if name not in {"forEach", "map"} or of is None or len(given) != 1 or given[0].type not in _FUNCTIONS:
            return None
        values = self.value(of)
        parameters = given[0].child_by_field_name("parameters") or given[0].child_by_field_name("parameter")
        names = plain(parameters) if parameters is not None and parameters.type == "formal_parameters" else [parameters]
        bound = [each.child_by_field_name("pattern") or each if each is not None else None for each in names]
        if not isinstance(values, tuple) or len(values) > MOST_TURNS or len(bound) != 1:
            return None
        found: list[Call] = []
        for each in values:
            known = self._binds(bound[0], each)
            found += self._body(given[0]).calls if known else (Call("", line(node)),)
        return tuple(found)

    def _expression(self, node: Node) -> Iterator[Call]:
        inner = plain(node)[0] if node.type in _AROUND and plain(node) else node
        repeated = self._repeated(inner) if inner.type == "call_expression" else None
        if repeated is not None:
            yield from repeated
            return
        found = self.value(node)
        if isinstance(found, Call):
            ends = found.name == "commit" and not found.args
            if not (found.name in _SAYS or ends or (found.bare and found.of is None)):
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
        if kind == "new_expression":
            return self._made(node)
        if kind != "call_expression":
            return UNREAD
        repeated = self._repeated(node)
        return self._call(node) if repeated is None else repeated

    def _made(self, node: Node) -> Value:
        """An object that only describes something."""
        name, arguments = said(node.child_by_field_name("constructor")), node.child_by_field_name("arguments")
        args = tuple(self.value(each) for each in plain(arguments)) if arguments is not None else ()
        return Call(name, line(node), args, _options(args)) if name in _DESCRIBES else UNREAD

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
            elif key.type == "computed_property_name":
                named = self.value(plain(key)[0])
                yield (named if isinstance(named, str) else "**"), self.value(value)
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
