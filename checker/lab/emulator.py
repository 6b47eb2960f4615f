"""The emulator's own process: ``python -m checker.lab.emulator PORT FOLDER``.

ministack with the CloudFormation types that it lacks, made from its own services, so that a stack deploys whole and
``GetTemplate`` and ``ListStackResources`` say the truth. It listens on loopback alone, and runs no containers: an
account to look at needs none, and images of a judged project must never run.
"""

from __future__ import annotations

import os
import sys
from typing import Final

_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


def main() -> None:
    sys.addaudithook(_refuse_other_interfaces)
    os.chdir(sys.argv.pop(2))
    # Without it the emulator listens on every interface, so this process sets it whoever starts it.
    os.environ["BIND_HOST"] = "127.0.0.1"
    os.environ["GATEWAY_PORT"] = sys.argv.pop(1)
    # A second listener, for a service that no rule looks at; it would not heed BIND_HOST.
    os.environ["IOT_MTLS_PORT"] = "off"
    # An import of this name now fails, and the emulator then keeps tasks as records.
    sys.modules["docker"] = None  # type: ignore[assignment]

    from ministack.app import main as serve

    from checker.lab import corrections, supplements

    corrections.apply()
    supplements.register()
    serve()


def _refuse_other_interfaces(event: str, arguments: tuple[object, ...]) -> None:
    """Whatever the emulator may come to listen on, no socket of this process is bound to another interface."""
    if event == "socket.bind" and isinstance(arguments[1], tuple) and arguments[1][0] not in _LOOPBACK:
        raise PermissionError(f"the lab listens on loopback only, not on {arguments[1][0]!r}")


if __name__ == "__main__":
    main()
