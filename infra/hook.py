"""The CDK app of the deploy hook: `cdk deploy --app "python -m infra.hook"`, by a person, after `make hook`.

Contexts: `account` and `region`; `package` (build/hook); `fails` (`closed` or `open`); `mode` (`FAIL`, or `WARN` to see
what would be refused).
"""

import sys
from pathlib import Path

import aws_cdk as cdk

from infra import naming, node
from infra.environments import REGION
from infra.stacks.hook import DeployHook


def build(app: cdk.App) -> DeployHook:
    """Add the stack. Raises `ValueError` for contexts that do not fit."""
    package = Path(str(app.node.try_get_context("package") or "build/hook"))
    fails = str(app.node.try_get_context("fails") or "closed")
    mode = str(app.node.try_get_context("mode") or "FAIL")
    if fails not in ("closed", "open") or mode not in ("FAIL", "WARN"):
        raise ValueError("fails is closed or open, mode is FAIL or WARN")
    if not (package / "checker").is_dir():
        raise ValueError(f"{package} holds no package: run make hook first")
    place = cdk.Environment(
        account=app.node.try_get_context("account"), region=str(app.node.try_get_context("region") or REGION)
    )
    return DeployHook(app, naming.HOOK_STACK, env=place, package=package, fails=fails, mode=mode)


def main() -> int:
    node.choose()
    app = cdk.App(analytics_reporting=False)
    try:
        build(app)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 2
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
