"""Our own app with one property overridden behind everybody's back, as an escape hatch can do. Run by the tests."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
os.environ["JSII_HOST_STACK_TRACES"] = "1"
from infra import node  # noqa: E402

node.choose()

import aws_cdk as cdk  # noqa: E402
from aws_cdk import aws_rds as rds  # noqa: E402

from checker.cdk_plugin import attach  # noqa: E402
from infra.build import add_stacks, new_app  # noqa: E402

app = new_app()
gate = attach(app, ROOT)
add_stacks(app)
databases = [each for each in app.node.find_all() if isinstance(each, rds.CfnDBInstance)]
databases[0].add_property_override("StorageEncrypted", False)
if app.node.try_get_context("acknowledge"):
    cdk.Validations.of(app).acknowledge(cdk.Acknowledgment(id="checker::C8", reason="as CDK would have it"))
try:
    app.synth()
except RuntimeError as error:  # what CDK raises when a plug-in refused and no CDK command is there to say so
    sys.stderr.write(f"{str(error).splitlines()[0]}\n")
sys.exit(gate.code)
