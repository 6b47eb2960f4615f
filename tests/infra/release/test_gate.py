"""The gate as the pipeline asks it: on an assembly with a real account's ids, of which a stack is about to be deployed.

The project's own gate sees example ids. What it could decide there and not here would stop every deployment.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from infra.build import ROOT, add_stacks, new_app

REAL = {
    "hostedZoneId": "Z0123456789ABC",
    "certificateArn": "arn:aws:acm:us-west-2:123456789012:certificate/12345678-1234-1234-1234-123456789012",
    "alarmEmail": "ops@specboard.io",
}


@pytest.mark.parametrize(
    "context",
    [
        {"env": "all", "imageTag": "a" * 40},
        {"env": "all", "bootstrap": "true"},
    ],
    ids=["released", "bootstrap"],
)
def test_the_gate_lets_our_own_deployments_through(tmp_path: Path, context: dict[str, str]) -> None:
    built = tmp_path / "github-sync"
    built.mkdir()
    (built / "index.js").write_text("exports.handler = async () => {};", encoding="utf-8")
    out = tmp_path / "cdk.out"
    app = new_app(outdir=str(out), context={**REAL, **context, "syncCode": str(built)})
    add_stacks(app)
    app.synth()
    gate = str(Path(sys.executable).with_name("checker"))
    done = subprocess.run(
        [gate, "gate", "--assembly", str(out), "--quiet"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
