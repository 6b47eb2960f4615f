"""Builds ``infra/constructs/audit_policy.json``: what the audit role in the shared stack may read.

It is what ``checker permissions`` prints: the stacks know nothing of the checker, so they take its answer as a file.
Run it after a change of what is read, or when the stacks have a type that they had not::

    python -m tools.audit_policy
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from checker.collect.account.needs import AUDIT, DRIFT, PREFLIGHT
from checker.collect.account.permissions import policy
from checker.collect.config.settings_file import project_settings
from checker.collect.templates.assembly import read_assembly
from checker.collect.templates.synthesis import own_assembly

ROOT: Final = Path(__file__).resolve().parent.parent
TARGET: Final = ROOT / "infra" / "constructs" / "audit_policy.json"


def text(assembly: Path) -> str:
    """The file as it should be, for the types in an assembly of our stacks."""
    stacks = read_assembly(assembly, ROOT).stacks
    types = {each["Type"] for stack in stacks for each in stack.template["Resources"].values()}
    return json.dumps(policy(AUDIT, PREFLIGHT, DRIFT, types=types), indent=2) + "\n"


def main() -> int:
    TARGET.write_text(text(own_assembly(ROOT, project_settings(ROOT), lambda _: None)), encoding="utf-8")
    sys.stdout.write(f"wrote {TARGET.name}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
