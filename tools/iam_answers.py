"""Builds ``tests/reason/iam/iam_answers.json``: what another evaluator of IAM answers to random policies.

The evaluator is ``@cloud-copilot/iam-simulate`` 0.1.173, which shares no code with this project. It is not among the
project's dependencies: install it in a folder of its own, and name that folder::

    npm install --prefix /tmp/simulator @cloud-copilot/iam-simulate@0.1.173
    python -m tools.iam_answers /tmp/simulator
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from tools.random_policies import digest, scenarios

TARGET: Final = Path(__file__).resolve().parent.parent / "tests" / "reason" / "iam" / "iam_answers.json"
SEED: Final = 2
COUNT: Final = 3000
_PROGRAM: Final = """
import { readFileSync } from 'node:fs'
import { runSimulation } from '@cloud-copilot/iam-simulate'
let answers = ''
for (const each of JSON.parse(readFileSync(0, 'utf8'))) {
  const found = await runSimulation({
    request: {
      principal: 'arn:aws:iam::111111111111:role/deploy',
      action: each.action,
      resource: { resource: each.resource, accountId: '111111111111' },
      contextVariables: each.context,
    },
    identityPolicies: each.policies.map((policy, index) => ({ name: `p${index}`, policy })),
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    permissionBoundaryPolicies: each.boundary ? [{ name: 'boundary', policy: each.boundary }] : undefined,
  }, { simulationMode: 'Strict' })
  if (found.resultType === 'error') throw new Error(JSON.stringify(found.errors))
  answers += found.overallResult === 'Allowed' ? 'A' : 'D'
}
console.log(answers)
"""


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m tools.iam_answers FOLDER-WITH-THE-SIMULATOR", file=sys.stderr)
        return 2
    made = list(scenarios(SEED, COUNT))
    command = ["node", "--input-type=module", "--eval", _PROGRAM]
    done = subprocess.run(  # noqa: S603 - our own program
        command, input=json.dumps(made), cwd=arguments[0], capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        return 1
    answers = done.stdout.strip()
    TARGET.write_text(
        json.dumps({"seed": SEED, "digest": digest(made), "answers": answers}, indent=1) + "\n", encoding="utf-8"
    )
    print(f"{TARGET.name}: {answers.count('A')} allowed, {answers.count('D')} denied")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
