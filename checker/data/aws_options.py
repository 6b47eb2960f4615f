"""Options that every command of the AWS CLI takes. Source: AWS CLI Command Reference, "Global options"."""

from __future__ import annotations

from typing import Final

GLOBAL_FLAGS: Final = frozenset(
    {"debug", "no-verify-ssl", "no-paginate", "no-sign-request", "no-cli-pager", "cli-auto-prompt",
     "no-cli-auto-prompt"}
)  # fmt: skip
GLOBAL_VALUES: Final = frozenset(
    {"endpoint-url", "output", "query", "profile", "region", "version", "color", "ca-bundle", "cli-read-timeout",
     "cli-connect-timeout", "cli-binary-format"}
)  # fmt: skip
