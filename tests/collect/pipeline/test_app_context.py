"""Which context keys an app's code reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.collect.pipeline.app_context import read_app_context
from checker.collect.pipeline.scripts import ScriptLibrary
from checker.model.answers import NO, YES, Open
from tests.pipelines import repository


@pytest.mark.parametrize(
    ("file", "text", "key", "answer"),
    [
        ("app.ts", "app.node.tryGetContext('tag')", "tag", YES),
        ("app.ts", "app.node.tryGetContext('tag')", "Tag", NO),
        ("app.ts", "this.node.getContext(\n  'tag',\n)", "tag", YES),
        ("app.ts", "canvas.getContext('tag'); this.node.tryGetContext('env')", "tag", NO),
        ("app.ts", "const { tag } = this.node.getAllContext();", "tag", YES),
        ("app.ts", "const all = this.node.getAllContext(); use(all.tag);", "tag", YES),
        ("app.ts", "const all = this.node.getAllContext(); use(all.tags);", "tag", NO),
        ("app.ts", "app.node.tryGetContext('t' + rest)", "tag", Open),
        ("app.py", 'app.node.try_get_context(f"{kind}_tag")', "tag", Open),
        ("app.py", 'self.node.get_context("tag")', "tag", YES),
        ("app.py", 'json.loads(os.environ["CDK_CONTEXT_JSON"])["tag"]', "tag", YES),
        ("app.py", "# the key `tag`\nread(app.node.try_get_context)", "tag", NO),
        ("main.go", 'app.Node().TryGetContext(jsii.String("tag"))', "tag", YES),
        ("App.cs", 'this.Node.TryGetContext("tag")', "tag", YES),
        ("App.java", 'String tag = (String) app.getNode().tryGetContext("tag");', "tag", YES),
        ("app.py", "print('tag')", "tag", Open),
    ],
)
def test_a_key_is_read(tmp_path: Path, file: str, text: str, key: str, answer: object) -> None:
    found = read_app_context(ScriptLibrary(repository(tmp_path, {file: text})), "", {key})
    assert found is not None
    assert isinstance(found.reads(key), Open) if answer is Open else found.reads(key) is answer


def test_code_is_at_hand_only_where_it_is_the_app_s(tmp_path: Path) -> None:
    files = {"test/app.ts": "node.tryGetContext('tag')", "lib/app.test.ts": "", "lib/app.d.ts": ""}
    assert read_app_context(ScriptLibrary(repository(tmp_path, files)), "", {"tag"}) is None


def test_what_a_file_that_hands_keys_on_does_not_import_gives_it_none(tmp_path: Path) -> None:
    files = {
        "lib/base.ts": "export const get = (scope, key) => scope.node.tryGetContext(key);",
        "lib/stack.ts": "import { get } from './base.js'; get(this, 'near');",
        "bin/app.ts": "import { Stack } from '../lib/stack'; new Stack(app, 'x', 'above');",
        "tools/other.ts": "use('far');",
    }
    keys = {"near", "above", "far"}
    found = read_app_context(ScriptLibrary(repository(tmp_path, files)), "", keys)
    assert found is not None
    assert {key for key in keys if found.reads(key) is YES} == {"near", "above"}
