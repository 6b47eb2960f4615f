"""The parameters of a function that it changes in their parts: who has handed them on holds something else then."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TypeGuard

from checker.model.pipeline.python import nodes_of
from checker.resolve.python.syntax_facts import GROWING, fills_own, root_of


@lru_cache(maxsize=16_384)
def fills_parts(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> frozenset[str]:
    """The parameters in whose parts a function puts something: ``task["containerDefinitions"][0]["image"] = image``, or
    in what it has taken of them under another name, that of a loop among them."""
    if isinstance(function, ast.Lambda):
        return frozenset()
    put = {root_of(each.value) for each in nodes_of(function) if _is_put_into(each)}
    put |= {
        root_of(each.func.value)
        for each in nodes_of(function)
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr in GROWING
    }
    parameters = {each.arg for each in nodes_of(function.args) if isinstance(each, ast.arg)}
    of = {name: {name} for name in parameters}
    for each in nodes_of(function):
        match each:
            case ast.For(target=target, iter=source) | ast.Assign(targets=[target], value=source):
                names = {one.id for one in nodes_of(target) if isinstance(one, ast.Name)}
                for parameter in {one.id for one in nodes_of(source) if isinstance(one, ast.Name)} & parameters:
                    of[parameter] |= names
    deep = {root_of(each.value) for each in nodes_of(function) if _is_put_into(each) and _is_part(each.value)}
    return frozenset(name for name, called in of.items() if (called - {name}) & put or name in deep)


def _is_put_into(node: ast.AST) -> TypeGuard[ast.Subscript]:
    return isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del)


def _is_part(node: ast.expr) -> bool:
    return not isinstance(node, ast.Name)


@lru_cache(maxsize=16_384)
def changes_own(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> frozenset[str]:
    """The parameters that a function changes, or a part of them, and that stand for what it was given to the end."""
    if isinstance(function, ast.Lambda):
        return frozenset()
    # In place: `words += ["--debug"]`.
    grown = [each.target for each in nodes_of(function) if isinstance(each, ast.AugAssign)]
    added = {each.id for each in grown if isinstance(each, ast.Name)}
    bound = {
        each.id
        for each in nodes_of(function)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store | ast.Del) and each not in grown
    }
    parameters = {each.arg for each in nodes_of(function.args) if isinstance(each, ast.arg)}
    return frozenset(((fills_own(function) | fills_parts(function) | added) & parameters) - bound)
