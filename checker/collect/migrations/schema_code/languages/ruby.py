"""The functions of a Ruby file as calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from checker.collect.migrations.schema_code.languages.calls import MOST_TURNS, UNREAD, Body, Call, Code, Value
from checker.collect.migrations.schema_code.languages.tree import below, line, plain, said, text_of, tree_of

if TYPE_CHECKING:
    from tree_sitter import Node

_TRIMS: Final = frozenset({"squish", "strip", "strip_heredoc", "to_s", "to_sym", "chomp", "freeze", "dup"})
_LITERALS: Final = {"true": True, "false": False, "nil": None}
# Conditions that only ask whether the work is still to be done: what stands under them is what happens.
_ASKS: Final = ("_exists?", "table_exists?", "extension_enabled?", "foreign_key_exists?", "connection.adapter_name")


def ruby_code(text: str) -> Code | None:
    """What a file declares; ``None`` where it holds no one class, or is not understood."""
    root = tree_of("ruby", text)
    if root is None:
        return None
    classes = [each for each in plain(root) if each.type == "class"]
    if not classes:
        return None
    return _Reader(root).code(classes[-1], [each for each in plain(root) if each not in classes])


class _Reader:
    def __init__(self, root: Node) -> None:
        begins = list(below(root, "heredoc_beginning"))
        self._texts = dict(zip([each.id for each in begins], below(root, "heredoc_body"), strict=False))
        self._names: dict[str, Value] = {}

    def code(self, cls: Node, around: list[Node]) -> Code:
        body = cls.child_by_field_name("body")
        members = plain(body) if body is not None else []
        functions: dict[str, Body] = {}
        marks: list[Call] = []
        loose = [line(each) for each in around if not self._is_harmless(each)]
        for each in members:
            if each.type == "assignment":
                self._assign(each)
        for each in members:
            if each.type in {"method", "singleton_method"}:
                inner = each.child_by_field_name("body")
                name = said(each.child_by_field_name("name"))
                functions[name] = Body((), tuple(self.calls(inner)) if inner is not None else ())
            elif each.type not in {"assignment", "class", "module"}:
                marks.extend(self.calls_of(each))
        return Code(functions, tuple(marks), dict(self._names), tuple(loose))

    def _is_harmless(self, node: Node) -> bool:
        return node.type in {"module"} or (
            node.type == "call" and said(node.child_by_field_name("method")).startswith("require")
        )

    def _assign(self, node: Node) -> bool:
        """Whether an assignment gives a name a value that stands there."""
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None or left.type not in {"constant", "identifier"}:
            return False
        value = self.value(right)
        self._names[said(left)] = UNREAD if isinstance(value, Call) else value
        return not isinstance(value, Call) and value is not UNREAD

    def calls(self, body: Node) -> Iterator[Call]:
        for each in plain(body):
            yield from self.calls_of(each)

    def calls_of(self, node: Node) -> Iterator[Call]:
        match node.type:
            case "heredoc_body" | "heredoc_end" | "nil" | "empty_statement":
                return
            case "return" if not plain(node):
                return
            case "assignment":
                if not self._assign(node):
                    yield Call("", line(node))
            case "if" | "unless" | "if_modifier" | "unless_modifier":
                yield from self._guarded(node)
            case "call" if (repeated := self._each(node)) is not None:
                yield from repeated
            case "call" | "identifier":
                found = self.value(node)
                yield found if isinstance(found, Call) else Call("", line(node))
            case _:
                yield Call("", line(node))

    def _each(self, node: Node) -> list[Call] | None:
        """What ``[:a, :b].each { |table| ... }`` calls; ``None`` where it is none of these."""
        receiver, block = node.child_by_field_name("receiver"), node.child_by_field_name("block")
        if said(node.child_by_field_name("method")) != "each" or receiver is None or block is None:
            return None
        values, parameters = self.value(receiver), block.child_by_field_name("parameters")
        pairs = tuple(values.items()) if isinstance(values, dict) else values
        names = plain(parameters) if parameters is not None else []
        body = block.child_by_field_name("body")
        if not isinstance(pairs, tuple) or len(pairs) > MOST_TURNS or not names or body is None:
            return None
        found: list[Call] = []
        for each in pairs:
            several = each if len(names) > 1 and isinstance(each, tuple) else (each,)
            known = len(several) == len(names) and not any(one is UNREAD or isinstance(one, Call) for one in several)
            self._names.update(zip(map(said, names), several, strict=False))
            found += self.calls(body) if known else [Call("", line(node))]
        return found

    def _guarded(self, node: Node) -> Iterator[Call]:
        condition, body = node.child_by_field_name("condition"), node.child_by_field_name("body")
        body = body if body is not None else node.child_by_field_name("consequence")
        asks = any(word in said(condition) for word in _ASKS)
        if body is None or not asks or node.child_by_field_name("alternative") is not None:
            yield Call("", line(node))
        elif body.type in {"then", "body_statement", "block_body"}:
            yield from self.calls(body)
        else:
            yield from self.calls_of(body)

    def value(self, node: Node) -> Value:
        kind = node.type
        if kind in _LITERALS:
            return _LITERALS[kind]
        if kind == "integer":
            return _number(said(node))
        if kind == "float":
            return float(said(node).replace("_", ""))
        if kind in {"string", "heredoc_beginning", "chained_string", "bare_string", "bare_symbol", "delimited_symbol"}:
            return self._text(node)
        if kind in {"simple_symbol", "hash_key_symbol"}:
            return said(node).lstrip(":")
        if kind in {"array", "string_array", "symbol_array"}:
            return tuple(self.value(each) for each in plain(node))
        if kind == "hash":
            return dict(self._pairs(plain(node)))
        if kind == "parenthesized_statements" and len(plain(node)) == 1:
            return self.value(plain(node)[0])
        if kind in {"lambda", "do_block", "block"}:
            return self._block(node)
        if kind in {"identifier", "constant"}:
            name = said(node)
            return self._names[name] if name in self._names else Call(name, line(node), bare=True)
        return self._call(node) if kind == "call" else UNREAD

    def _text(self, node: Node) -> Value:
        if node.type == "chained_string":
            parts = [self.value(each) for each in plain(node)]
            return "".join(parts) if all(isinstance(each, str) for each in parts) else UNREAD
        holder = self._texts.get(node.id) if node.type == "heredoc_beginning" else node
        found = text_of(holder.named_children, self.value) if holder is not None else None
        return UNREAD if found is None else found

    def _block(self, node: Node) -> Body:
        parameters = node.child_by_field_name("parameters")
        names = tuple(said(each) for each in plain(parameters)) if parameters is not None else ()
        body = node.child_by_field_name("body")
        if body is not None and body.type in {"block", "do_block"}:  # of a lambda
            body = body.child_by_field_name("body")
        return Body(names, tuple(self.calls(body)) if body is not None else ())

    def _pairs(self, nodes: list[Node]) -> Iterator[tuple[str, Value]]:
        for each in nodes:
            key, value = each.child_by_field_name("key"), each.child_by_field_name("value")
            if each.type != "pair" or key is None or value is None:
                yield "**", UNREAD  # what it spreads may be anything
                continue
            name = self.value(key)
            yield (name if isinstance(name, str) else "**"), self.value(value)

    def _call(self, node: Node) -> Value:
        name = said(node.child_by_field_name("method")) or "call"
        receiver, arguments = node.child_by_field_name("receiver"), node.child_by_field_name("arguments")
        block = node.child_by_field_name("block")
        of = self.value(receiver) if receiver is not None else None
        if (isinstance(of, str) and name in _TRIMS) or (isinstance(of, tuple | dict) and name in {"freeze", "dup"}):
            return of
        given = plain(arguments) if arguments is not None else []
        args: list[Any] = [self.value(each) for each in given if each.type not in {"pair", "hash_splat_argument"}]
        named = dict(self._pairs([each for each in given if each.type in {"pair", "hash_splat_argument"}]))
        if args and isinstance(args[-1], dict) and not named:
            named = args.pop()
        if block is not None:
            args.append(self._block(block))
        return Call(name, line(node), tuple(args), named, of)


def _number(written: str) -> Value:
    try:
        return int(written.replace("_", ""), 0)
    except ValueError:
        return UNREAD
