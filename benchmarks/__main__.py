"""``make bench``: run everything, print tables. ``python -m benchmarks PART`` runs one part of it:
``peers``, ``workflows``, ``synthesis``, ``size``, ``account`` or ``audits``."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.account import account, audits
from benchmarks.measure import in_turn, once, row
from benchmarks.sizes import grown
from checker.collect.templates.synthesis import own_assembly
from checker.run.request import request_for

ROOT = Path(__file__).parents[1]
BIN = ROOT / ".venv" / "bin"
GUARD = ROOT / "node_modules" / "@cdklabs" / "cdk-validator-cfnguard"
SIZES = (150, 500, 1_500, 5_000, 15_000, 50_000)


def peers(assembly: Path, project: Path, runs: int) -> None:
    """The gate on our three templates beside cfn-lint, checkov and cfn-guard on the same files, in turn.

    ``project`` holds our settings and waivers and no workflows: the peers do not read those either.
    """
    templates = sorted(map(str, assembly.glob("*.template.json")))
    guard = next(iter(sorted(GUARD.glob("bin/ubuntu/x86_64/cfn-guard"))), None)
    commands = {
        "checker --help": [str(BIN / "checker"), "--help"],
        "checker gate": [
            str(BIN / "checker"),
            "gate",
            "--no-cache",
            "--project",
            str(project),
            "--assembly",
            str(assembly),
        ],
        "cfn-lint": [str(BIN / "cfn-lint"), "--region", "us-west-2", "--", *templates],
        "checkov": [str(BIN / "checkov"), "--framework", "cloudformation", "--compact", "--quiet", "--skip-download"]
        + [word for template in templates for word in ("-f", template)],
    }
    if guard is not None:
        rules = GUARD / "rules" / "control-tower"
        data = [word for template in templates for word in ("--data", template)]
        commands["cfn-guard, Control Tower rules"] = [str(guard), "validate", "--rules", str(rules), *data]
    samples = in_turn(commands, ROOT, runs)
    print(f"own three templates, median of {runs} runs in turn; the ratio is CPU against `checker gate`, pair by pair")
    for name, taken in samples.items():
        print(row(name, taken, samples["checker gate"]))


def workflows(runs: int) -> None:
    """The gate on this whole repository beside zizmor on its workflows: all anew, with release programs as an earlier
    run has followed them, and where nothing has changed since.

    They ask different things of them: what is shown is what each costs.
    """
    commands = {
        "checker gate, a file changed": [
            "sh",
            "-c",
            'touch "$1"; exec "$0" gate',
            str(BIN / "checker"),
            str(ROOT / ".checker/changed"),
        ],
        "checker gate --no-cache": [str(BIN / "checker"), "gate", "--no-cache"],
        "zizmor, offline": [str(BIN / "zizmor"), "--offline", "--quiet", "--no-exit-codes", ".github"],
    }
    samples = in_turn(commands, ROOT, runs)
    print(f"own workflows, median of {runs} runs in turn")
    for name, taken in samples.items():
        print(row(name, taken, samples["checker gate, a file changed"]))
    for name, taken in in_turn({"checker gate, nothing changed": [str(BIN / "checker"), "gate"]}, ROOT, runs).items():
        print(row(name, taken))


def synthesis(runs: int) -> None:
    """What CDK's validation and cdk-nag add to the synthesis of our stacks, which they run inside of."""
    plain = {"env": "all", "gate": "off", "@aws-cdk/core:failSynthOnValidationErrors": False}
    with tempfile.TemporaryDirectory() as folder:

        def command(name: str, context: dict[str, object]) -> list[str]:
            chosen = [f"CDK_OUTDIR={folder}/{name}", f"CDK_CONTEXT_JSON={json.dumps(context)}"]
            return ["env", *chosen, str(BIN / "python"), "app.py"]

        commands = {
            "synthesis": command("plain", plain),
            "... with CDK's and cdk-nag": command("scanned", {**plain, "scanners": "on"}),
        }
        samples = in_turn(commands, ROOT, runs)
    print(f"synthesis of our three stacks, median of {runs} runs in turn")
    for name, taken in samples.items():
        print(row(name, taken, samples["synthesis"]))


def size(assembly: Path) -> None:
    """The gate on one template from 150 to 50,000 resources: time, memory, and whether every defect was found."""
    template = json.loads((assembly / "DocPlatformProd.template.json").read_text(encoding="utf-8"))
    print("one template of growing size; `found` counts broken databases reported of those seeded")
    with tempfile.TemporaryDirectory() as folder:
        for wanted in SIZES:
            file, out = Path(folder) / f"{wanted}.json", Path(folder) / f"{wanted}.run.json"
            broken = grown(template, wanted, file)
            command = [str(BIN / "checker"), "gate", "--project", folder, "--assembly", f"production={file}"]
            sample = once([*command, "--format", f"json={out}"], ROOT)
            verdicts = json.loads(out.read_text(encoding="utf-8"))["verdicts"]
            found = sum(1 for each in verdicts if each["finding"] == "C8" and each["outcome"] == "fail")
            megabytes = file.stat().st_size / 1e6
            print(f"{row(f'{wanted:,} resources', [sample])}  {megabytes:6.1f} MB  found {found} of {2 * broken}")


def main() -> int:
    parts = sys.argv[1:] or ["peers", "workflows", "synthesis", "size", "account", "audits"]
    request = request_for(ROOT)
    assembly = own_assembly(ROOT, request.settings, lambda message: print(message, file=sys.stderr))
    if "peers" in parts:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "policies").mkdir()
            shutil.copy(ROOT / "policies" / "waivers.yaml", Path(folder) / "policies")
            settings = (ROOT / "checker.toml").read_text(encoding="utf-8").splitlines()
            # Folders of scripts and migrations are named for the project that has them.
            kept = [line for line in settings if not line.startswith(("migration_folders", "script_folders"))]
            (Path(folder) / "checker.toml").write_text("\n".join(kept), encoding="utf-8")
            peers(assembly, Path(folder), runs=5)
    if "workflows" in parts:
        workflows(runs=5)
    if "synthesis" in parts:
        synthesis(runs=3)
    if "size" in parts:
        size(assembly)
    if "account" in parts:
        account(assembly)
    if "audits" in parts:
        audits(assembly, ROOT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
