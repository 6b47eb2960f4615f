"""Made-up expressions, evaluated here and by GitHub's own library.

``case()`` is not among them: the library evaluates all of its arguments, those that are not chosen too.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from tests.resolve.expressions.github_own import difference, told_by_github

_AT_ONCE: Final = 1_000
_LITERALS: Final = (
    *("0", "1", "-1", "1.5", "0xff", "0o17", "1e2", "-2.5e-1", "+3", ".5", "5.", "-0"),
    *("'a'", "''", "'A'", "'main'", "'0'", "'1'", "'true'", "'it''s'", "' '", "'1.0'", "'0x10'", "'NaN'", "'éÉ'"),
    *("true", "false", "null", "'success'", "'production'"),
)
_PATHS: Final = (
    *("github.ref", "github['event_name']", "github.event", "github.event.list", "github.event.list[0]"),
    *("github.event.list['0']", "github.event.list[1.5]", "github.event.list[env.A]", "github.event.list[-1]"),
    *("github.event.objects.*.name", "github.event.objects[*].n", "github.event.objects.*.name[0]"),
    *("github.event.missing.deep", "github.event.empty", "github.event.zero", "github.event.nothing", "inputs.flag"),
    *("inputs.count", "inputs.spaced", "inputs.hex", "inputs.sign", "inputs.*", "vars.LIST", "VARS.name", "env.A"),
    *("env.B", "env['a-b']", "env.a-b", "needs.*.result", "needs.x.outputs", "needs.*.outputs.tag", "matrix.v"),
    *("matrix.os.of", "fromJSON(vars.LIST)[0]", "fromJSON(vars.OBJECT)['a'].b", "fromJSON(vars.OBJECT).A.B.*"),
)
_FORMATS: Final = ("{0}", "{0}-{1}", "{{{0}}}", "a{{}}b", "{0", "}", "{9}", "{ 0}", "x")
_JSON: Final = ("vars.LIST", "vars.OBJECT", "'1'", "'\"x\"'", "'[1,2'", "'null'", "'  3 '")
_OPERATORS: Final = ("==", "!=", "<", ">", "<=", ">=", "&&", "||")


def found(seed: int) -> Iterator[str]:
    """What is said otherwise of a thousand expressions than by GitHub's library."""
    random = Random(seed)
    made = [_expression(random, random.randint(0, 3)) for _ in range(_AT_ONCE)]
    for each, told in zip(made, told_by_github(made), strict=True):
        if differs := difference(each, told):
            yield differs


def _expression(random: Random, depth: int) -> str:
    def inner() -> str:
        return _expression(random, depth - 1)

    if depth <= 0 or random.random() < 0.2:
        return random.choice(random.choice((_LITERALS, _PATHS)))
    made = (
        lambda: f"{inner()} {random.choice(_OPERATORS)} {inner()}",
        lambda: f"!{inner()}",
        lambda: f"({inner()})",
        lambda: f"({inner()})[{inner()}]",
        lambda: f"({inner()}).{random.choice(('a', 'name', '*'))}",
        lambda: f"{random.choice(('contains', 'startsWith', 'EndsWith', 'join'))}({inner()}, {inner()})",
        lambda: f"{random.choice(('join', 'toJSON', 'fromJSON'))}({inner()})",
        lambda: f"fromJSON({random.choice(_JSON)})",
        lambda: f"format('{random.choice(_FORMATS)}'{''.join(f', {inner()}' for _ in range(random.randint(0, 2)))})",
    )
    return random.choices(made, (8, 2, 2, 1, 1, 4, 3, 1, 2))[0]()
