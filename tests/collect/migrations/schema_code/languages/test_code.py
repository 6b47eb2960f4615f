"""Code in each language as the calls that it makes: with their values, guards passed, loops over lists gone through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from checker.collect.migrations.schema_code.languages.calls import UNREAD, Call, Code
from checker.collect.migrations.schema_code.languages.csharp import csharp_code
from checker.collect.migrations.schema_code.languages.elixir import elixir_code
from checker.collect.migrations.schema_code.languages.php import php_code
from checker.collect.migrations.schema_code.languages.ruby import ruby_code
from checker.collect.migrations.schema_code.languages.script import script_code

READERS: Final[dict[str, tuple[Callable[[str], Code | None], str]]] = {
    "ruby": (ruby_code, "class A\ndef up\n{}\nend\nend\n"),
    "csharp": (csharp_code, "class A {{\nvoid up() {{\n{}\n}}\n}}\n"),
    "elixir": (elixir_code, "defmodule A do\ndef up do\n{}\nend\nend\n"),
    "script": (script_code, "exports.up = () => {{\n{}\n}};\n"),
    "php": (php_code, "<?php\nclass A {{\npublic function up() {{\n{}\n}}\n}}\n"),
}


def _said(call: Call) -> str:
    given = ", ".join("?" if each is UNREAD or isinstance(each, Call) else str(each) for each in call.args)
    return f"{call.name}({given})" if call.name else "code"


@pytest.mark.parametrize(
    ("language", "text", "calls"),
    [
        ("ruby", "drop :a\n%w[b c].each { |t| drop t }", ["drop(a)", "drop(b)", "drop(c)"]),
        ("ruby", "rows.each { |t| drop t }\n[1, x].each { |n| drop n }", ["each(Body)", "drop(1)", "code"]),
        ("ruby", "drop :a unless table_exists?(:a)\ndrop :b if rand > 1", ["drop(a)", "code"]),
        ("script", "const t = 'a';\nx.drop(t);\nfor (const u of [t, 'b']) x.drop(u);",
         ["drop(a)", "drop(a)", "drop(b)"]),
        ("script", "['a', 'b'].forEach((t) => x.drop(t));\nrows.forEach((t) => x.drop(t));",
         ["drop(a)", "drop(b)", "forEach(Body)"]),
        ("script", "for (const [t, u] of [['a', 1]]) { x.drop(t, u); }\nwhile (y) { x.drop(y); }",
         ["drop(a, 1)", "code"]),
        ("script", "x.add({ ['a' + 'b']: 1 });\nx.add(new Table({ name: 'a' }));\nx.add(new Other());",
         ["add({'ab': 1})", "add(?)", "add(?)"]),
        ("elixir", "for t <- [:a, \"b\"], do: drop(t)\nEnum.each(~w(c), fn t -> drop(t) end)\nfor t <- r(), do: x()",
         ["drop(a)", "drop(b)", "drop(c)", "code"]),
        ("elixir", "drop(\"a\" <> \"b\")\nx = 1\ndrop(x)\ny = ask()\nif y, do: drop(y)",
         ["drop(ab)", "drop(1)", "code", "code"]),
        ("csharp", "foreach (var t in new[] { \"a\", \"b\" }) { x.Drop(t); }\nvar u = \"c\";\nx.Drop(u + \"d\");",
         ["Drop(a)", "Drop(b)", "Drop(cd)"]),
        ("csharp", "while (true) { x.Drop(\"a\"); }\nvar u = Ask();\nx.Drop(@\"a\"\"b\");",
         ["code", "code", 'Drop(a"b)']),
        ("php", "foreach (['a', 'b'] as $t) { X::drop($t); }", ["drop(a)", "drop(b)"]),
        ("php", "foreach (['a' => 'b'] as $t => $u) X::drop($t, $u);\nforeach ($all as $t) X::drop($t);",
         ["drop(a, b)", "code"]),
    ],
)  # fmt: skip
def test_calls(language: str, text: str, calls: list[str]) -> None:
    read, around = READERS[language]
    code = read(around.format(text))
    assert code is not None
    said = [_said(each).partition("(Body")[0] for each in code.functions["up"].calls]
    assert said == [each.partition("(Body")[0] for each in calls]
