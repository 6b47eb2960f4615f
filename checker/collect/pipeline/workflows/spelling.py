"""Expressions in one spelling: rules and messages quote them as most people write them.

GitHub takes ``steps['build'].outputs['tag']`` for ``steps.build.outputs.tag``, and looks at no capital in the names of
contexts, of their own properties and of functions. Source: GitHub documentation, "Contexts reference", and "Evaluate
expressions in workflows and actions", Functions.
"""

from __future__ import annotations

import re
from typing import Any, Final

from checker import lazy_re

_CONTEXTS: Final = "github|env|vars|jobs?|steps|runner|secrets|strategy|matrix|needs|inputs"
_FUNCTIONS: Final = (
    "always|success|failure|cancelled|contains|startsWith|endsWith|format|join|toJSON|fromJSON|hashFiles|case"
)
# What stands below a step, a job or an event is GitHub's word too.
_OWN_WORDS: Final = "outputs|outcome|conclusion|result|inputs"
# A glance at a whole file: few have anything that is written otherwise.
_BEFORE_SIGNS: Final = lazy_re.compile(r"\b([A-Za-z]++)[ \t]*[.\[(]")
_BELOW_OTHERS: Final = lazy_re.compile(r"\.([A-Za-z]++)\b")
_OTHER: Final = lazy_re.compile(r"\[[ \t]*'|\bgithub\.[a-z_]*[A-Z]")
_EXPRESSION: Final = lazy_re.compile(r"\$\{\{(?:'[^']*'|(?!\}\})[^'])*\}\}")
_TEXT_OR_NAMES: Final = lazy_re.compile(
    rf"'[^']*'|(?<![\w.'\"-])(?P<context>{_CONTEXTS})"
    r"(?P<below>(?:[ \t]*\.[ \t]*[\w*-]+|[ \t]*\[[ \t]*'[^']*'[ \t]*\])+)"
    rf"|(?<![\w.'\"-])(?P<function>{_FUNCTIONS})(?=[ \t]*\()",
    re.IGNORECASE,
)
_BELOW: Final = lazy_re.compile(r"\.[ \t]*([\w*-]+)|\[[ \t]*'([^']*)'[ \t]*\]")
_NAME: Final = lazy_re.compile(r"[A-Za-z_][\w-]*")
_WORDS: Final = frozenset(f"{_CONTEXTS}|job|jobs|{_FUNCTIONS}|{_OWN_WORDS}".split("|"))
_ANY_CASE: Final = frozenset(map(str.lower, _WORDS))
_AS_WRITTEN: Final = {each.lower(): each for each in _FUNCTIONS.split("|")}


def in_one_spelling(data: Any, text: str) -> Any:
    """The data of a file (of this text), its expressions in one spelling. Scripts are left as they are."""
    return _each(data) if _has_others(text) else data


def _has_others(text: str) -> bool:
    """Whether anything in a text may be a word of GitHub's in another spelling."""
    words = {*_BEFORE_SIGNS.findall(text), *_BELOW_OTHERS.findall(text)}
    return any(each not in _WORDS and each.lower() in _ANY_CASE for each in words) or _OTHER.search(text) is not None


def _each(value: Any, key: object = None) -> Any:
    if isinstance(value, dict):
        return {name: _each(each, name) for name, each in value.items()}
    if isinstance(value, list):
        return [_each(each) for each in value]
    if not isinstance(value, str) or key == "run":
        return value
    return _expression(value) if key == "if" and "${{" not in value else with_expressions(value)


def with_expressions(text: str) -> str:
    """A text in which the expressions alone are in one spelling. Line breaks stay where they are."""
    return _EXPRESSION.sub(lambda found: _expression(found[0]), text) if "${{" in text else text


def _expression(source: str) -> str:
    return _TEXT_OR_NAMES.sub(_name, source)


def _name(found: re.Match[str]) -> str:
    if found["function"]:
        return _AS_WRITTEN[found["function"].lower()]
    if not found["context"]:
        return found[0]
    context = found["context"].lower()
    parts = [context]
    for number, each in enumerate(_BELOW.finditer(found["below"])):
        name = each[1] if each[1] is not None else each[2]
        if (context == "github" and number == 0) or name.lower() in _OWN_WORDS.split("|"):
            name = name.lower()
        parts.append(f".{name}" if each[1] is not None or _NAME.fullmatch(name) else each[0])
    return "".join(parts)
