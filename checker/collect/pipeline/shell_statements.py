"""The statements of a script, from the tree that the bash grammar makes of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checker.collect.pipeline.here_documents import Parse
from checker.collect.pipeline.pipes import piped, turned
from checker.collect.pipeline.shell_bodies import Branch, case_of
from checker.collect.pipeline.shell_spellings import BRACES
from checker.collect.pipeline.shell_words import Words
from checker.model.pipeline.shell import (
    AndOr,
    Assignment,
    Background,
    Block,
    Case,
    Declare,
    For,
    Function,
    Group,
    If,
    Literal,
    Not,
    Opaque,
    Pipe,
    Redirect,
    Simple,
    Statement,
    Substitution,
    Test,
    While,
    Word,
)
from checker.model.values import as_count

if TYPE_CHECKING:
    from tree_sitter import Node

_MAX_DEPTH: Final = 120
_REDIRECTS: Final = frozenset({"file_redirect", "heredoc_redirect", "herestring_redirect"})
_NOISE: Final = frozenset({"comment", ";", "\n", ";;", ";&", ";;&", "heredoc_body", "heredoc_end"})


class TooDeepError(Exception):
    """A script is nested more deeply than any script that people write."""


class Reader:
    """Makes statements of the nodes of a tree. ``source`` is the text that the tree was made of, ``parse`` makes one of
    a part of it."""

    def __init__(self, source: bytes, parse: Parse) -> None:
        self._source = source
        self._words = Words(source, self.block, parse)
        self.unread = self._words.unread

    def text(self, node: Node) -> str:
        return self._source[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def block(self, nodes: list[Node], depth: int) -> Block:
        if depth > _MAX_DEPTH:
            raise TooDeepError
        statements: list[Statement] = []
        for node in nodes:
            if node.type == "&" and statements:
                statements[-1] = Background(statements[-1])
            elif node.type == "ERROR":
                statements.extend(self.block(node.children, depth + 1).statements)
            else:
                statement = self.statement(node, depth)
                if statement is not None:
                    statements.append(statement)
        return Block(tuple(statements))

    def statement(self, node: Node, depth: int) -> Statement | None:
        if depth > _MAX_DEPTH:
            raise TooDeepError
        below = depth + 1
        match node.type:
            case "command":
                return turned(self._command(node, below))
            case "variable_assignment" | "variable_assignments":
                parts = [node] if node.type == "variable_assignment" else node.named_children
                assignments = tuple(
                    each for part in parts for each in (*self._index(part, below), self._assignment(part, below))
                )
                row, column = node.start_point
                return Simple((), assignments, (), row, column, self.text(node))
            case "declaration_command":
                return self._declaration(node, below)
            case "unset_command":
                words = tuple(self._words.word(each, below) for each in node.children if each.type not in _NOISE)
                return Simple(words, (), (), *node.start_point, self.text(node))
            case "test_command":
                words = tuple(self._test_words(node, below))
                arithmetic = self._arithmetic(node)
                asked = tuple(self._words.substitutions(node, below)) if arithmetic else ()
                double = not arithmetic and self.text(node).startswith("[[")
                return Test(words, node.start_point[0], arithmetic, asked, double)
            case "pipeline":
                parts = [child for child in node.children if child.is_named]
                statements = tuple(s for part in parts if (s := self.statement(part, below)) is not None)
                merged = any(child.type == "|&" for child in node.children)
                return piped(statements, self.text(node), merged=merged)
            case "list":
                return self._list(node, below)
            case "redirected_statement":
                return self._redirected(node, below)
            case "file_redirect":  # `$(< file)`: the shell prints it, as `cat` does
                shows = Word((Literal("cat"),), *node.start_point)
                return Simple((shows,), (), tuple(self._redirect(node, below)), *node.start_point, self.text(node))
            case "negated_command":
                inner = self.block([child for child in node.children if child.type != "!"], below)
                return self._negated(Not(inner.statements[0])) if inner.statements else None
            case "subshell" | "compound_statement":
                inside = [child for child in node.children if child.type not in {"(", ")", "{", "}", "((", "))"}]
                if node.children and node.children[0].type == "((":
                    asked = tuple(self._words.substitutions(node, below))
                    return Test((), node.start_point[0], self._arithmetic(node), asked)
                return _group(self.block(inside, below), own_shell=node.type == "subshell")
            case "if_statement":
                return self._if(node, below)
            case "while_statement":
                return self._while(node, below)
            case "for_statement" | "c_style_for_statement":
                return self._asking(node, self._for(node, below), below)
            case "case_statement":
                return self._case(node, below)
            case "function_definition":
                name = node.child_by_field_name("name")
                body = node.child_by_field_name("body")
                inner_statement = self.statement(body, below) if body is not None else None
                if name is None or inner_statement is None:
                    return None
                return Function(self.text(name), inner_statement, self.text(node).startswith("function"))
            case _:
                return None

    def _arithmetic(self, node: Node) -> str:
        """What stands between ``((`` and ``))``, else empty."""
        written = self.text(node)
        return written[2:-2].strip() if written.startswith("((") else ""

    @staticmethod
    def _negated(statement: Not) -> Statement:
        """``! a && b`` is parsed as ``!(a && b)`` in places; bash negates the first pipeline only."""
        inner = statement.statement
        if isinstance(inner, AndOr):
            left = Not(inner.left)
            return AndOr(Reader._negated(left), inner.operator, inner.right, inner.right_source)
        return statement

    def _command(self, node: Node, depth: int) -> Simple:
        words: list[Word] = []
        assignments: list[Assignment] = []
        redirects: list[Redirect] = []
        for child in node.children:
            if child.type == "variable_assignment":
                assignments.append(self._assignment(child, depth))
            elif child.type in _REDIRECTS:
                redirects.extend(self._redirect(child, depth))
            elif child.type == "command_name":
                words.extend(self._words.word(each, depth) for each in child.children or [child])
            elif child.type not in _NOISE:
                self._words.add(words, child, depth)
        row, column = node.start_point
        return Simple(tuple(words), tuple(assignments), tuple(redirects), row, column, self.text(node))

    def _assignment(self, node: Node, depth: int) -> Assignment:
        name = node.child_by_field_name("name")
        value = node.child_by_field_name("value")
        append = any(child.type == "+=" for child in node.children)
        shown, _, index = (self.text(name) if name is not None else "").partition("[")
        if value is not None and value.type == "array":
            items = tuple(self._words.word(each, depth) for each in value.named_children if each.type != "comment")
            return Assignment(shown, None, append, items)
        word = self._words.word(value, depth) if value is not None else None
        return Assignment(shown, word, append, None, index.removesuffix("]"))

    def _declaration(self, node: Node, depth: int) -> Declare:
        keyword = node.children[0].type if node.children else "declare"
        assignments: list[Assignment] = []
        for child in node.children[1:]:
            if child.type == "variable_assignment":
                assignments.append(self._assignment(child, depth))
            elif child.type == "variable_name":
                assignments.append(Assignment(self.text(child), None))
            elif child.type in {"command_substitution", "string", "concatenation", "simple_expansion", "expansion"}:
                assignments.append(Assignment("", self._words.word(child, depth)))  # what is set only the run tells
        flags = [self.text(child) for child in node.children[1:] if child.type == "word"]
        refers = any(flag.startswith("-") and "n" in flag for flag in flags) and keyword != "export"
        return Declare(keyword, tuple(assignments), node.start_point[0], refers, tuple(flags))

    def _test_words(self, node: Node, depth: int) -> list[Word]:
        """The words between the brackets in order, whatever tree the grammar made of them."""
        words: list[Word] = []
        for child in node.children:
            if child.type in {"[", "]", "[[", "]]"}:
                continue
            if child.type in {"binary_expression", "unary_expression", "parenthesized_expression"}:
                words.extend(self._test_words(child, depth + 1))
            else:
                self._words.add(words, child, depth)
        return words

    def _list(self, node: Node, depth: int) -> Statement | None:
        result: Statement | None = None
        operator = ""
        for child in node.children:
            if child.type in {"&&", "||"}:
                operator = child.type
                continue
            statement = self.statement(child, depth)
            if statement is None:
                continue
            result = statement if result is None else AndOr(result, operator, statement, self.text(child))
        return result

    def _redirected(self, node: Node, depth: int) -> Statement | None:
        redirects: list[Redirect] = []
        inner: Statement | None = None
        for child in node.children:
            if child.type in _REDIRECTS:
                redirects.extend(self._redirect(child, depth))
            elif inner is None:
                inner = self.statement(child, depth)
        if inner is None:
            return Simple((), (), tuple(redirects), *node.start_point, self.text(node))
        # What follows `<<EOF` on its line (a pipe, `|| true`) the grammar hangs below the here-document.
        inner = _with_redirects(inner, tuple(redirects))
        for child in node.children:
            if child.type == "heredoc_redirect":
                inner = self._after_heredoc(inner, child, depth)
        return inner

    def _after_heredoc(self, statement: Statement, node: Node, depth: int) -> Statement:
        operator = ""
        for child in node.children:
            if child.type in {"&&", "||"}:
                operator = child.type
            elif child.type == "pipeline":
                rest = self.statement(child, depth)
                stages = rest.statements if isinstance(rest, Pipe) else (rest,) if rest is not None else ()
                if stages and isinstance(stages[-1], AndOr):
                    last = stages[-1]
                    piped = Pipe((statement, *stages[:-1], last.left), "")
                    statement = AndOr(piped, last.operator, last.right, last.right_source)
                else:
                    statement = Pipe((statement, *stages), "")
            elif operator and child.is_named and child.type not in _NOISE:
                right = self.statement(child, depth)
                if right is not None:
                    statement = AndOr(statement, operator, right, self.text(child))
                operator = ""
        return statement

    def _redirect(self, node: Node, depth: int) -> list[Redirect]:
        descriptor, operator = None, ""
        targets: list[Word] = []
        nested: list[Redirect] = []
        for child in node.children:
            if child.type == "file_descriptor":
                descriptor = as_count(self.text(child))
            elif child.type == "file_redirect":
                nested.extend(self._redirect(child, depth))
            elif child.type == "heredoc_body":
                targets.append(self._words.heredoc(child, depth))
            elif not child.is_named:
                operator = operator or child.type
            elif node.type != "heredoc_redirect" and child.type not in _NOISE:
                targets.append(self._words.word(child, depth))
        if descriptor is None:
            descriptor = -1 if operator.startswith("&>") else 0 if operator.startswith("<") else 1
        found = [Redirect(descriptor, operator, targets[0])] if targets else []
        return found + nested

    def _if(self, node: Node, depth: int) -> If:
        branches: list[tuple[Block, Block]] = []
        otherwise: Block | None = None
        condition: list[Node] = []
        body: list[Node] = []
        into = condition
        for child in node.children:
            if child.type in {"if", "elif", "fi"}:
                continue
            if child.type == "then":
                into = body
            elif child.type == "elif_clause":
                inner = self._if(child, depth + 1)
                branches.extend(inner.branches)
            elif child.type == "else_clause":
                otherwise = self.block([each for each in child.children if each.type != "else"], depth)
            else:
                into.append(child)
        return If(((self.block(condition, depth), self.block(body, depth)), *branches), otherwise)

    def _while(self, node: Node, depth: int) -> While:
        condition = [child for child in node.children if child.type not in {"while", "until", "do_group"}]
        return While(
            self.block(condition, depth),
            self._do_group(node, depth),
            any(child.type == "until" for child in node.children),
            node.start_point[0],
        )

    def _do_group(self, node: Node, depth: int) -> Block:
        # The last: the condition before it may be a compound statement too, `while ((i < 3)); do`.
        for child in reversed(node.children):
            if child.type in {"do_group", "compound_statement"}:
                return self.block([each for each in child.children if each.type not in {"do", "done", "{", "}"}], depth)
        return Block()

    def _for(self, node: Node, depth: int) -> For:
        body = self._do_group(node, depth)
        line = node.start_point[0]
        if node.type == "c_style_for_statement":
            header = re.match(r"for\s*\(\(.*?\)\)", self.text(node), re.DOTALL)
            return For("", None, body, line, header[0] if header else "for ((...))")
        variable = node.child_by_field_name("variable")
        has_words = any(child.type == "in" for child in node.children)
        values = node.children_by_field_name("value")
        words = tuple(self._words.word(each, depth) for each in values) if has_words else None
        return For(self.text(variable) if variable is not None else "", words, body, line)

    def _asking(self, node: Node, loop: For, depth: int) -> Statement:
        """A loop, behind what the substitutions in its arithmetic run."""
        parts = [child for child in node.children if loop.arithmetic and child.type != "do_group"]
        asked = tuple(each for part in parts for each in self._words.inside(part, depth))
        if not asked:
            return loop
        first = Simple((), (_standing_for(loop.arithmetic, asked),), (), *node.start_point, loop.arithmetic)
        return Group(Block((first, loop)))

    def _index(self, node: Node, depth: int) -> list[Assignment]:
        """What an index of an array has run: ``a[$(command)]=1``."""
        name = node.child_by_field_name("name")
        asked = tuple(self._words.substitutions(name, depth)) if name is not None else ()
        return [_standing_for(self.text(name), asked)] if name is not None and asked else []

    def _case(self, node: Node, depth: int) -> Case:
        value = node.child_by_field_name("value")
        items: list[Branch] = []
        for child in node.children:
            if child.type != "case_item":
                continue
            patterns: list[Word] = []
            body: list[Node] = []
            in_body = False
            for each in child.children:
                if in_body:
                    body.append(each)
                elif each.type == ")":
                    in_body = True
                elif each.type not in {"(", "|"}:
                    self._words.add(patterns, each, depth)
            items.append((tuple(patterns), self.block(body, depth), child.children[-1].type))
        return case_of(self._words.word(value, depth) if value is not None else Word(()), items)


def _with_redirects(statement: Statement, redirects: tuple[Redirect, ...]) -> Statement:
    """The statement with redirections: those of a list or a pipeline belong to its last command."""
    match statement:
        case Simple():
            return Simple(
                statement.words,
                statement.assignments,
                (*statement.redirects, *redirects),
                statement.line,
                statement.column,
                statement.source,
            )
        case Pipe():
            *first, last = statement.statements
            return Pipe((*first, _with_redirects(last, redirects)), statement.source, statement.merged)
        case AndOr():
            right = _with_redirects(statement.right, redirects)
            return AndOr(statement.left, statement.operator, right, statement.right_source)
        case Not():
            return Not(_with_redirects(statement.statement, redirects))
        case Group():
            return Group(statement.body, statement.own_shell, (*statement.redirects, *redirects))
        case Test() | Declare():
            return statement
        case _:
            return Group(Block((statement,)), False, redirects)


def _group(body: Block, *, own_shell: bool) -> Group:
    """Parentheses, or braces that are written as such."""
    first = next(iter(body.statements), None)
    if isinstance(first, Simple) and first.source == BRACES:
        return Group(Block(body.statements[1:]), own_shell=False)
    return Group(body, own_shell)


def _standing_for(source: str, asked: tuple[Substitution, ...]) -> Assignment:
    """What runs substitutions and keeps nothing: ``_`` holds what every command leaves there."""
    return Assignment("_", Word((Opaque(source, True, asked=asked),)))
