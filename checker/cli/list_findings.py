"""``checker list``."""

from __future__ import annotations

import textwrap

import click


@click.command(name="list")
@click.option("--actions", is_flag=True, help="The GitHub actions that are followed, and those that change nothing.")
def list_findings(*, actions: bool) -> None:
    """All findings, with surfaces, severities and whether a rule judges them yet."""
    if actions:
        _list_actions()
        return
    from checker.collect.config.register import load_register
    from checker.policies.rules import MODULES

    entries = load_register().entries.values()
    width = max(len(entry.title) for entry in entries)
    for entry in entries:
        state = "judged" if entry.id in MODULES else "no rule yet"
        click.echo(f"{entry.id:4} {entry.severity:10} {entry.surfaces:12} {entry.title:{width}}  {state}")


def _list_actions() -> None:
    from checker.data.actions import KNOWN
    from checker.data.harmless import harmless_actions

    followed = {action.name for action in KNOWN}
    width = max(map(len, followed))
    click.echo("Followed: what it does, and the inputs that are read")
    for action in KNOWN:
        inputs = f" ({', '.join(action.inputs)})" if action.inputs else ""
        click.echo(f"  {action.name:{width}}  {action.does}{inputs}")
    for reason, names in harmless_actions().items():
        others = [name + ("*" if name.endswith("/") else "") for name in names if name not in followed]
        if others:
            click.echo(f"\nChanges nothing that is judged: {reason}")
            click.echo(textwrap.fill(" ".join(others), 100, initial_indent="  ", subsequent_indent="  ",
                                     break_on_hyphens=False, break_long_words=False))  # fmt: skip
    click.echo("\nAny other action is not followed: what it is handed something to act with for is named as not read.")
