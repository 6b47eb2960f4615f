"""The gate as the pipeline asks it: on an assembly with a real account's ids, of which a stack is about to be deployed.

The project's own gate sees example ids. What it could decide there and not here would stop every deployment.
"""

import re
import subprocess
import sys
from pathlib import Path

from infra.build import ROOT, add_stacks, new_app

REAL = {
    "hostedZoneId": "Z0123456789ABC",
    "certificateArn": "arn:aws:acm:us-west-2:123456789012:certificate/12345678-1234-1234-1234-123456789012",
    "alarmEmail": "ops@specboard.io",
}


def verdict(tmp_path: Path, context: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    built = tmp_path / "github-sync"
    built.mkdir()
    (built / "index.js").write_text("exports.handler = async () => {};", encoding="utf-8")
    out = tmp_path / "cdk.out"
    app = new_app(outdir=str(out), context={**REAL, **context, "syncCode": str(built)})
    add_stacks(app)
    app.synth()
    gate = str(Path(sys.executable).with_name("checker"))
    return subprocess.run(
        [gate, "gate", "--assembly", str(out), "--quiet"], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_the_gate_lets_our_own_deployments_through(tmp_path: Path) -> None:
    done = verdict(tmp_path, {"env": "all", "imageTag": "a" * 40})
    assert done.returncode == 0, done.stdout


def test_of_a_bootstrap_the_gate_refuses_the_counts_and_nothing_else(tmp_path: Path) -> None:
    """So the pipeline asks it of what comes after: the same with a commit named."""
    done = verdict(tmp_path, {"env": "all", "bootstrap": "true"})
    refused = re.findall(r" ([A-Z]\d+(?:\[\S+\])?) (?:critical|warning|suggestion):", done.stdout)
    assert set(refused) == {"P13[count]"}, done.stdout
