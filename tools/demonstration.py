"""The demonstration of the live commands, on the lab: audit, three things broken by hand, audit again, drift.

``make audit`` runs it. Every command is shown as a person would type it, and ends as it would for them; the
demonstration itself fails where one ends otherwise than it should.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
CHECKER: Final = Path(sys.executable).with_name("checker")
_ON_THE_LAB: Final = ("--env", "production", "--assembly", ".checker/lab/assembly")
# Exit codes: 0 clean, 1 a failure, 3 incomplete. Without a token for GitHub the repository's settings are unknown.
STEPS: Final[tuple[tuple[tuple[str, ...], tuple[int, ...]], ...]] = (
    (("audit", *_ON_THE_LAB, "--quiet"), (0, 3)),
    (("lab", "break", "W8"), (0,)),
    (("lab", "break", "S5"), (0,)),
    (("lab", "break", "drift-changed"), (0,)),
    (("audit", *_ON_THE_LAB, "--quiet"), (1,)),
    (("drift", *_ON_THE_LAB), (1,)),
)


def main() -> int:
    show("lab", "up")
    started = subprocess.run([CHECKER, "lab", "up"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 - our own
    if started.returncode:
        return started.returncode
    try:
        environment = pointed(started.stdout)
        wrong = [step for step, wanted in STEPS if run(step, environment) not in wanted]
    finally:
        run(("lab", "down"), dict(os.environ))
    for step in wrong:
        print(f"error: `checker {' '.join(step)}` did not end as it should", file=sys.stderr)
    return 1 if wrong else 0


def pointed(printed: str) -> dict[str, str]:
    """The environment after a shell has evaluated what ``lab up`` printed."""
    environment = dict(os.environ)
    for line in printed.splitlines():
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").partition("=")
            environment[name] = value
        elif line.startswith("unset "):
            environment.pop(line.removeprefix("unset "), None)
    return environment


def run(step: tuple[str, ...], environment: dict[str, str]) -> int:
    show(*step)
    code = subprocess.run([CHECKER, *step], cwd=ROOT, env=environment, check=False).returncode  # noqa: S603 - our own
    print(f"[exit code {code}]", flush=True)
    return code


def show(*words: str) -> None:
    print(f"\n$ checker {' '.join(words)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
