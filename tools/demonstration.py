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

from checker.errors import ExitCode
from checker.lab import server, up

ROOT: Final = Path(__file__).resolve().parent.parent
CHECKER: Final = Path(sys.executable).with_name("checker")
_ON_THE_LAB: Final = ("--env", "production", "--assembly", ".checker/lab/assembly")
# Without a token for GitHub the repository's settings are unknown, and the run is incomplete.
_CLEAN: Final = (ExitCode.CLEAN, ExitCode.INCOMPLETE)
STEPS: Final[tuple[tuple[tuple[str, ...], tuple[ExitCode, ...]], ...]] = (
    (("audit", *_ON_THE_LAB, "--quiet"), _CLEAN),
    (("lab", "break", "W8"), (ExitCode.CLEAN,)),
    (("lab", "break", "S5"), (ExitCode.CLEAN,)),
    (("lab", "break", "drift-changed"), (ExitCode.CLEAN,)),
    (("audit", *_ON_THE_LAB, "--quiet"), (ExitCode.FAILED,)),
    (("drift", *_ON_THE_LAB), (ExitCode.FAILED,)),
)


def main() -> int:
    environment = {name: value for name, value in os.environ.items() if name not in up.UNSET}
    try:
        show("lab", "up")
        started = _checker("lab", "up", out=subprocess.DEVNULL)
        if started:
            return started
        environment |= up.variables(server.running(ROOT))
        wrong = [step for step, wanted in STEPS if run(step, environment) not in wanted]
    finally:
        show("lab", "down")
        _checker("lab", "down")
    for step in wrong:
        print(f"error: `checker {' '.join(step)}` did not end as it should", file=sys.stderr)
    return 1 if wrong else 0


def run(step: tuple[str, ...], environment: dict[str, str]) -> int:
    show(*step)
    code = _checker(*step, environment=environment)
    print(f"[exit code {code}]", flush=True)
    return code


def _checker(*step: str, environment: dict[str, str] | None = None, out: int | None = None) -> int:
    done = subprocess.run([CHECKER, *step], cwd=ROOT, env=environment, stdout=out, check=False)  # noqa: S603 - our own
    return done.returncode


def show(*words: str) -> None:
    print(f"\n$ checker {' '.join(words)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
