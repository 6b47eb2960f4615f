"""Builds ``checker/data/own_calls.json``: the AWS calls that this project's own commands make.

A pipeline that runs ``checker audit`` is followed like any other; what the command asks of AWS is known from the table
that it reads accounts with. Run it after a change of what is read::

    python -m tools.own_calls
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from checker.collect.account.needs import AUDIT, DRIFT, PREFLIGHT, operations

TARGET: Final = Path(__file__).resolve().parent.parent / "checker" / "data" / "own_calls.json"
_NEEDS: Final = {"audit": AUDIT, "drift": DRIFT, "preflight": PREFLIGHT}


def text() -> str:
    """The file as it should be."""
    calls = {
        name: sorted({f"{each.service}:{each.name}" for each in operations(needs)}) for name, needs in _NEEDS.items()
    }
    return json.dumps(calls, indent=1) + "\n"


def main() -> int:
    TARGET.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"wrote {TARGET.name}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
