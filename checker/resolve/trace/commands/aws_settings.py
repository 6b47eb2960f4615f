"""Settings of the AWS CLI and the SDKs that have other programs run: where a command makes one.

Sources: AWS SDKs and Tools Reference Guide, "Process credential provider" (``credential_process``); AWS CLI User Guide,
"Creating and using aliases" (``~/.aws/cli/alias``: a line that begins with ``!`` is a shell's); AWS CLI, the section
``[plugins]`` of its configuration.
"""

from __future__ import annotations

import re
from typing import Final

from checker import lazy_re
from checker.model.pipeline.scripts import Command
from checker.model.possible import shown
from checker.resolve.shell.printing import output_of

_ALIASES: Final = lazy_re.compile(r"(?:^|/)\.?aws/cli/alias$")
_SETTINGS: Final = lazy_re.compile(r"(?:^|/)\.aws/(?:config|credentials)$|AWS_(?:CONFIG|SHARED_CREDENTIALS)_FILE")
# Makers of credentials that do nothing else.
_KNOWN: Final = lazy_re.compile(
    r"(?:\S*/)?(?:aws_signing_helper|aws-vault|saml2aws|aws-sso-util|aws-sso|granted|gimme-aws-creds)\b"
)
_PROCESS: Final = lazy_re.compile(r"^\s*credential_process\s*=\s*(.*)$", re.MULTILINE)
_PLUGINS: Final = lazy_re.compile(r"^\s*(?:\[plugins\]|cli_legacy_plugin_path\s*=)", re.MULTILINE)
_PUTS: Final = frozenset({"cp", "mv", "ln", "install", "tee", "rsync"})


def started_by_settings(command: Command) -> str:
    """What a setting that a command makes has run, where nobody knows that; empty where it has nothing run."""
    words = [shown(word) for word in command.words]
    if words[:3] == ["aws", "configure", "set"] and len(words) > 4:
        name = words[3]
        if name.endswith("credential_process") and not _KNOWN.match(words[4]):
            return "the program that `credential_process` names"
        return "a plug-in of the AWS CLI" if "plugin" in name else ""
    targets = [shown(write.target) for write in command.writes if write.operator.startswith(">")]
    targets += words[1:] if command.program in _PUTS else []
    if any(map(_ALIASES.search, targets)):
        return "what aliases of the AWS CLI stand for"
    if not any(map(_SETTINGS.search, targets)):
        return ""
    text = next((each.target for each in command.writes if each.operator.startswith("<<")), None)
    written = shown(output_of(command) if text is None else text)
    if any(not _KNOWN.match(match[1]) for match in _PROCESS.finditer(written)):
        return "the program that `credential_process` names"
    return "a plug-in of the AWS CLI" if _PLUGINS.search(written) else ""
