"""The emulator's own process: ``python -m checker.lab.emulator PORT``.

ministack with the CloudFormation types that it lacks, made from its own services, so that a stack deploys whole and
``GetTemplate`` and ``ListStackResources`` say the truth. It listens on loopback alone, and runs no containers: an
account to look at needs none, and images of a judged project must never run.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    # Without it the emulator listens on every interface, so this process sets it whoever starts it.
    os.environ["BIND_HOST"] = "127.0.0.1"
    os.environ["GATEWAY_PORT"] = sys.argv.pop(1)
    # An import of this name now fails, and the emulator then keeps tasks as records.
    sys.modules["docker"] = None  # type: ignore[assignment]

    from ministack.app import main as serve

    from checker.lab import corrections, supplements

    corrections.apply()
    supplements.register()
    serve()


if __name__ == "__main__":
    main()
