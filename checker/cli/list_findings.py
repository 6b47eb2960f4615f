"""``checker list``."""

from __future__ import annotations

import click


@click.command(name="list")
def list_findings() -> None:
    """All findings, with surfaces, severities and whether a rule judges them yet."""
    from checker.collect.config.register import load_register
    from policies.rules import MODULES

    entries = load_register().entries.values()
    width = max(len(entry.title) for entry in entries)
    for entry in entries:
        state = "judged" if entry.id in MODULES else "no rule yet"
        click.echo(f"{entry.id:4} {entry.severity:10} {entry.surfaces:12} {entry.title:{width}}  {state}")
