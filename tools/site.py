"""The documentation site: ``python -m tools.site OUT`` builds it with mkdocs from the pages and from the rules.

The source of a finding's page is its rule's docstring, that of the command reference the commands themselves: nothing
is written twice.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import click
import yaml

from checker.cli import main as commands
from checker.collect.config.register import Entry, load_register
from checker.policies.rules import MODULES

ROOT: Final = Path(__file__).resolve().parents[1]
SOURCE: Final = "https://github.com/kcjonson/doc-platform/blob/main"
# The documents of the checker, whose schemas are their reference.
_SCHEMAS: Final = {
    "run-document": "checker/reports/run_schema.json",
    "snapshot": "checker/collect/snapshot_schema.json",
}
_SECTIONS: Final = {
    "Begin": ("index", "tutorial", "adoption"),
    "How to": ("baselines", "waivers", "own-rules", "drift", "evidence", "lab", "hook", "repository-settings"),
    "Reference": (
        "commands",
        "checker-toml",
        "reports",
        *_SCHEMAS,
        "gate",
        "architecture",
        "comparison",
        "other-scanners",
        "mutants",
    ),
}


def sources() -> dict[str, str]:
    """Every page of the site as Markdown, by its name without ``.md``."""
    pages = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}
    pages = {name: _links(text, "") for name, text in pages.items()}
    pages["index"] = _links((ROOT / "README.md").read_text(encoding="utf-8"), "docs/")
    pages["commands"] = _reference()
    pages |= {
        name: schema_page(json.loads((ROOT / file).read_text(encoding="utf-8"))) for name, file in _SCHEMAS.items()
    }
    entries = load_register().entries
    for finding, module in MODULES.items():
        pages[f"findings/{finding}"] = _finding(entries[finding], module)
    pages["findings/index"] = _index(entries)
    return pages


def _finding(entry: Entry, module: str) -> str:
    """A rule's docstring as a page: its headings are the lines that stand alone at the margin."""
    text = import_module(f"checker.policies.rules.{module}").__doc__ or ""
    title, _, rest = text.strip().partition("\n")
    lines = [f"# {entry.id}: {title.rstrip('.')}", "", f"Severity: {entry.severity}", ""]
    lines += [f"## {line}\n" if line and not line.startswith(" ") else line.strip() for line in rest.splitlines()]
    return "\n".join(lines).replace("``", "`").rstrip() + "\n"


def _index(entries: Mapping[str, Entry]) -> str:
    rows = [f"| [{each.id}]({each.id}.md) | {each.severity} | {each.title} |" for each in entries.values()]
    return "\n".join(["# Findings", "", "| id | severity | what holds |", "|---|---|---|", *rows]) + "\n"


def _reference() -> str:
    """The help of every command."""
    parts = ["# Commands", "", "Exit codes: 0 clean, 1 a failure, 2 usage or configuration, 3 incomplete.", ""]
    top = click.Context(commands, info_name="checker", max_content_width=100)
    for name in commands.list_commands(top):
        command = commands.get_command(top, name)
        assert command is not None
        parts += [f"## checker {name}", "", "```text"]
        parts += [
            command.get_help(click.Context(command, info_name=name, parent=top, max_content_width=100)),
            "```",
            "",
        ]
        if isinstance(command, click.Group):
            for inner, each in command.commands.items():
                context = click.Context(each, info_name=f"{name} {inner}", parent=top, max_content_width=100)
                parts += [f"### checker {name} {inner}", "", "```text", each.get_help(context), "```", ""]
    return "\n".join(parts)


def schema_page(schema: Mapping[str, Any]) -> str:
    """A document's schema as a page: a table for its own keys, and one for each part that it is made of."""
    parts = [f"# {schema['title']}", "", schema["description"], ""]
    for name, each in (("The document", schema), *schema["$defs"].items()):
        heading = name if each is schema else f"`{name}`"
        parts += [f"## {heading}", ""]
        if each is not schema and each.get("description"):
            parts += [each["description"], ""]
        if "properties" in each:
            parts += ["| key | type | |", "|---|---|---|", *_keys(each, "")]
        else:
            parts += [_kind(each)]
        parts.append("")
    return "\n".join(parts)


def _keys(schema: Mapping[str, Any], prefix: str) -> Iterator[str]:
    required = schema.get("required", ())
    for key, each in schema["properties"].items():
        said = " ".join(filter(None, (each.get("description", ""), "" if key in required else "May be missing.")))
        yield f"| `{prefix}{key}` | {_kind(each)} | {said.replace('|', chr(92) + '|')} |"
        for inner, below in (
            (each, "."),
            (each.get("items", {}), "[]."),
            (each.get("additionalProperties", {}), ".*."),
        ):
            if isinstance(inner, dict) and "properties" in inner:
                yield from _keys(inner, f"{prefix}{key}{below}")


def _kind(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name})"
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    kinds = schema.get("type", "any value")
    kind = " or ".join([kinds] if isinstance(kinds, str) else kinds)
    if "items" in schema and "properties" not in schema["items"]:
        return f"{kind} of {_kind(schema['items'])}"
    more = schema.get("additionalProperties")
    if isinstance(more, dict) and "properties" not in more:
        return f"{kind}, each value {_kind(more)}"
    return kind


def _links(text: str, prefix: str) -> str:
    """Links to pages and pictures lead to those of the site, all other files to the repository."""

    def changed(found: re.Match[str]) -> str:
        target = found[1].removeprefix(prefix)
        if re.match(r"[a-z]+:|#", found[1]):
            return found[0]
        if target.startswith("../README.md"):
            return f"](index.md{target.removeprefix('../README.md')})"
        if found[1].startswith(prefix) and re.fullmatch(r"[\w.-]+\.(?:md(?:#[\w-]*)?|svg)", target):
            return f"]({target})"
        return f"]({SOURCE}/{found[1] if prefix else found[1].removeprefix('../')})"

    return re.sub(r"\]\(([^)\s]+)\)", changed, text)


def configuration(pages: dict[str, str], source: Path, out: Path) -> str:
    named = {name for names in _SECTIONS.values() for name in names}
    nav: list[dict[str, list[str]]] = [{title: [f"{name}.md" for name in names]} for title, names in _SECTIONS.items()]
    nav.append({"Findings": [f"{name}.md" for name in ("findings/index", *(f"findings/{each}" for each in MODULES))]})
    rest = sorted(name for name in pages if "/" not in name and name not in named)
    nav.append({"doc-platform": [f"{name}.md" for name in rest]})
    return yaml.safe_dump(
        {
            "site_name": "doc-platform checker",
            "docs_dir": str(source),
            "site_dir": str(out),
            "theme": {"name": "mkdocs", "highlightjs": False},
            "use_directory_urls": False,
            "nav": nav,
            "validation": {"links": {"not_found": "warn", "anchors": "warn", "unrecognized_links": "warn"}},
        },
        sort_keys=False,
    )


def build(out: Path) -> None:
    """Build the site; a link that leads nowhere fails it."""
    pages = sources()
    with TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        for name, text in pages.items():
            (source / f"{name}.md").parent.mkdir(parents=True, exist_ok=True)
            (source / f"{name}.md").write_text(text, encoding="utf-8")
        for picture in (ROOT / "docs").glob("*.svg"):
            shutil.copy(picture, source)
        file = Path(folder) / "mkdocs.yml"
        file.write_text(configuration(pages, source, out.resolve()), encoding="utf-8")
        subprocess.run(  # noqa: S603 - our own generator
            [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--config-file", str(file)], check=True
        )


if __name__ == "__main__":
    build(Path(sys.argv[1]))
