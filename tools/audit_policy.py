"""Builds ``infra/constructs/audit_policy.json``: what the audit role in the shared stack may read.

It is what ``checker permissions`` prints: the stacks know nothing of the checker, so they take its answer as a file.
Run it after a change of what is read::

    python -m tools.audit_policy
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from checker.collect.account.needs import AUDIT, DRIFT, PREFLIGHT
from checker.collect.account.permissions import policy

TARGET: Final = Path(__file__).resolve().parent.parent / "infra" / "constructs" / "audit_policy.json"


def text() -> str:
    """The file as it should be."""
    return json.dumps(policy(AUDIT, PREFLIGHT, DRIFT), indent=2) + "\n"


def main() -> int:
    TARGET.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"wrote {TARGET.name}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
