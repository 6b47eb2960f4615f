"""The CDK app: wiring only. Run by the CDK command (see cdk.json), or alone with `python app.py`."""

import os
import sys
from pathlib import Path

from infra import node


def main() -> int:
    # Read by the jsii runtime as each construct is made: the assembly then says which Python line made a resource.
    os.environ.setdefault("JSII_HOST_STACK_TRACES", "1")
    node.choose()

    from checker.cdk_plugin import attach
    from infra.build import add_scanners, add_stacks, new_app
    from infra.inputs import ConfigurationError

    app = new_app()
    gate = attach(app, Path(__file__).parent)
    try:
        add_stacks(app)
    except ConfigurationError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 2
    add_scanners(app)
    try:
        app.synth()
    except RuntimeError as error:
        # Faults that constructs and aspects annotated come back through jsii as one exception, its message the list.
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return gate.code or 1
    return gate.code


if __name__ == "__main__":
    sys.exit(main())
