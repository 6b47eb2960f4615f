"""``checker completion``."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """The completion script of a shell: commands, options and their values.

    \b
    bash:  checker completion bash > ~/.local/share/bash-completion/completions/checker
    zsh:   checker completion zsh > "${fpath[1]}/_checker"
    fish:  checker completion fish > ~/.config/fish/completions/checker.fish
    """
    from click.shell_completion import get_completion_class

    from checker.cli import main

    made = get_completion_class(shell)
    assert made is not None
    # The version check asks the shell itself, which need not be installed here.
    source = made(main, {}, "checker", "_CHECKER_COMPLETE")
    click.echo(source.source_template % source.source_vars())
