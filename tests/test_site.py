"""The documentation site: it builds with every link leading somewhere, and has a page for each finding."""

from __future__ import annotations

import json
from pathlib import Path

import checker
from checker.policies.rules import MODULES
from tools.site import build, sources


def test_every_finding_and_every_command_has_its_page(tmp_path: Path) -> None:
    pages = sources()
    for finding in MODULES:
        assert pages[f"findings/{finding}"].startswith(f"# {finding}: ")
        assert "## Fix\n" in pages[f"findings/{finding}"]
        assert f"[{finding}](" in pages["findings/index"]
    for command in ("gate", "evidence verify", "trend", "init"):
        assert f"# checker {command}\n" in pages["commands"]
    # Every key of a document's schema is on its page.
    for page, file in (("run-document", "reports/run_schema.json"), ("snapshot", "collect/snapshot_schema.json")):
        schema = json.loads((Path(checker.__file__).parent / file).read_text(encoding="utf-8"))
        keys = {key for part in (schema, *schema["$defs"].values()) for key in part.get("properties", ())}
        assert [key for key in keys if f"`{key}`" not in pages[page] and f".{key}`" not in pages[page]] == []
        assert all(f"## `{name}`" in pages[page] for name in schema["$defs"])
    # Strict: a link or a page that is missing fails the build.
    build(tmp_path / "site")
    assert (tmp_path / "site/findings/C7.html").read_text(encoding="utf-8").count("<h2") >= 4
    assert (tmp_path / "site/tutorial.html").is_file()
    # Nothing is fetched from elsewhere: the picture lies beside the page.
    assert 'src="gate.svg"' in (tmp_path / "site/index.html").read_text(encoding="utf-8")
    assert (tmp_path / "site/gate.svg").is_file()
