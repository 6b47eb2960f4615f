"""Task files, commands and rules of alarms made to take a pattern long: they end as others do."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from checker.cli import run
from tests.work import HANG_SECONDS

SPACES = " " * 20_000
WORKFLOW = """
on: push
permissions: {id-token: write}
jobs:
  ship:
    runs-on: ubuntu-latest
    steps:
      - run: RUN
"""
ALARM = {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {"AlarmName": "all", "AlarmRule": "ALARM(" + SPACES}}
FILES = {
    "a goal of Maven": {"RUN": f"mvn jib:b{'in' * 200}uild"},
    "defaults of just's recipe": {"RUN": "just ship", "justfile": "ship" + ' a="b(" ' * 300 + '" =\n  aws s3 ls\n'},
    "a library that is loaded first": {"RUN": f"LD_PRELOAD='{'a' * 300}!' ls"},
    "what is printed where a call fails": {"RUN": f"aws s3 ls $x || echo {'$abcdefghij' * 60}'`x`"},
    "a path as long as a secret": {"RUN": f"aws s3 rm s3://x{'/apgaabc/nitaxyz/1ddjabc' * 40}="},
    "a recipe of just": {"RUN": "just ship", "justfile": f"ship{' a' * 200} =\n  aws s3 ls\n"},
    "a place in a justfile": {"RUN": "just ship", "justfile": f"ship:\n  aws s3 ls {'{{' * 20_000}\n"},
    "a place in a Taskfile": {
        "RUN": "task ship",
        "Taskfile.yml": f"version: '3'\ntasks:\n  ship:\n    cmds:\n      - 'aws s3 ls {{{{{SPACES}'\n",
    },
    "places in a Taskfile": {
        "RUN": "task ship",
        "Taskfile.yml": f"version: '3'\ntasks:\n  ship:\n    cmds:\n      - 'aws s3 ls {'{{' * 20_000}'\n",
    },
    "an alarm's rule": {"RUN": "true", "stack.template.json": json.dumps({"Resources": {"All": ALARM}})},
    "a line that is shown": {"RUN": f"aws s3 rm 's3://b' --recursive; a:{SPACES}x"},
    "an import": {"RUN": "python a.py", "a.py": f"from{SPACES}", "migrate.ts": f"// .sql readdir\nfrom{SPACES}"},
}


@pytest.mark.parametrize("files", FILES.values(), ids=FILES)
def test_what_is_made_to_take_long_ends(
    files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = {".github/workflows/cd.yml": WORKFLOW.replace("RUN", json.dumps(files["RUN"])), **files}
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    began = time.process_time()
    run(["gate", "--project", str(tmp_path), "--format", "json"])
    assert json.loads(capsys.readouterr().out)["totals"]["error"] == 0
    assert time.process_time() - began < HANG_SECONDS
