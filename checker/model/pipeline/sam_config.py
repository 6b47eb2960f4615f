"""A SAM project's configuration file (``samconfig.toml``, ``.yaml``), read already: what it says to a command.

Source: AWS SAM Developer Guide, "AWS SAM CLI configuration file": a table per environment and command, below
``parameters`` what the command's options would say; ``global`` is for every command, and the command's own table goes
before it.
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-cli-config.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# In the order in which SAM looks for them, beside the template (the same page, "Specify a configuration file").
NAMES: Final = ("samconfig.toml", "samconfig.yaml", "samconfig.yml")


def said_to(command: str, environment: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a command in an environment (as ``--config-env`` names it), under their names in the file."""
    commands = data.get(environment)
    said: dict[str, Any] = {}
    for name in ("global", command):
        table = commands.get(name) if isinstance(commands, dict) else None
        given = table.get("parameters") if isinstance(table, dict) else None
        said |= given if isinstance(given, dict) else {}
    return said
