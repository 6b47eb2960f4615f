"""From contexts to stacks: what app.py and the tests share."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import aws_cdk as cdk

from infra import naming
from infra.inputs import Inputs, read_inputs
from infra.stacks.doc_platform import DocPlatform
from infra.stacks.shared import Shared

# What the CDK command asks for by default: where in the tree, and from which asset, a resource came.
_METADATA: Final = {"aws:cdk:enable-path-metadata": True, "aws:cdk:enable-asset-metadata": True}

ROOT: Final = Path(__file__).resolve().parent.parent


def new_app(*, outdir: str | None = None, context: Mapping[str, object] | None = None) -> cdk.App:
    """An app with the feature flags of cdk.json, so that it gives the same bytes with the CDK command and without.

    Contexts of the command line win over those given here. CDK's own template validation is off: it takes longer than
    the synthesis, and cfn-lint judges the same templates with the same schemas.
    """
    pinned = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    return cdk.App(
        outdir=outdir,
        context={**_METADATA, **pinned, **(context or {})},
        analytics_reporting=False,
        builtin_cloud_formation_validation=False,
    )


def add_stacks(app: cdk.App) -> Inputs:
    """Add the shared stack and the chosen environments. Raises `ConfigurationError` for contexts that do not fit."""
    inputs = read_inputs(app.node.try_get_context, ROOT)
    place = cdk.Environment(account=inputs.account, region=inputs.region)
    Shared(app, naming.SHARED_STACK, env=place)
    for environment in inputs.environments:
        DocPlatform(app, environment.stack_name, env=place, config=environment, inputs=inputs)
    return inputs


def add_scanners(app: cdk.App) -> None:
    """CDK's template validation and cdk-nag, for a synthesis with the context ``scanners=on``.

    What they say is left in the assembly's validation report; it is for whoever reads that to refuse.
    """
    if app.node.try_get_context("scanners") == "on":
        from cdk_nag import AwsSolutionsChecks  # noqa: PLC0415 - installed for this alone

        cdk.Validations.of(app).add_plugins(cdk.CloudFormationValidatePlugin(), AwsSolutionsChecks(app))
