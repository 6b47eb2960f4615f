"""The fuzz target: any bytes become a located error or verdicts, never a traceback, and no rule crashes.

Run by ``make fuzz`` (ten minutes) and by a test (short). The last argument is the folder that the corpus grows in::

    python -m tests.fuzz.target -len_control=0 -max_total_time=600 .checker/fuzz

The first byte picks how the rest is read: as JSON text, as YAML text, or as choices that build a template of the
resource types that rules look at, which finds more per second than text does.
"""

from __future__ import annotations

import json
import random
import re
import resource
import sys
from pathlib import Path
from typing import Any, Final

import atheris

with atheris.instrument_imports(include=["checker"]):
    from checker.collect.config.register import load_register
    from checker.collect.documents import Document, parse_json, parse_yaml
    from checker.errors import InputError
    from checker.model.resources import Stack
    from checker.model.settings import Settings
    from checker.model.verdicts import Outcome, Surface
    from checker.policies.rules import load
    from checker.resolve.templates.discovery import assign
    from checker.run.judging import judge_stacks

    # The table imports the rules when they are wanted: here, so that they are watched too.
    RULES: Final = [rule for rule in load() if Surface.TEMPLATE in rule.surfaces]

ROOT: Final = Path(__file__).parents[2]
SOURCES: Final = [*(ROOT / "checker").rglob("*.py")]
WORDS: Final = sorted({word for file in SOURCES for word in re.findall(r'"([A-Z][A-Za-z]{2,40})"', file.read_text())})
TYPES: Final = sorted({word for file in SOURCES for word in re.findall(r"AWS::\w+::\w+", file.read_text())})
FUNCTIONS: Final = ["Ref", "Fn::GetAtt", "Fn::Sub", "Fn::Join", "Fn::If", "Fn::Select", "Fn::Split", "Fn::FindInMap"]
LEAVES: Final[list[Any]] = [
    None, True, False, 0, -1, 14, 2000, 0.5, "", "*", "true", "arn:aws:iam::111111111111:role/x", "10.0.0.0/8",
    "0.0.0.0/0", "A", "B", "C", "Open", "AWS::Region", "AWS::NoValue", "${A}", "${A.Arn}:*", "{{resolve:ssm:x}}",
    "redis://", "latest", "staging", "production", "repo:o/r:*", "sts:AssumeRoleWithWebIdentity", "iam:PassRole",
    "Retain", "{}", "{", "-1",
]  # fmt: skip
FINDINGS: Final = load_register().findings
DATA_LIMIT: Final = 3 << 30
"""Bytes of memory that this process may write to; beyond it Python raises ``MemoryError``, which is a find."""


def value(choose: atheris.FuzzedDataProvider, depth: int) -> Any:
    """A leaf, an intrinsic, a list or an object, as the data chooses."""
    kind = choose.ConsumeIntInRange(0, 5) if depth < 6 else 0
    if kind <= 1:
        return choose.PickValueInList(LEAVES)
    if kind == 2:
        argument = value(choose, depth + 1)
        return {choose.PickValueInList(FUNCTIONS): argument}
    if kind == 3:
        return [value(choose, depth + 1) for _ in range(choose.ConsumeIntInRange(0, 3))]
    keys = [choose.PickValueInList(WORDS) for _ in range(choose.ConsumeIntInRange(0, 5))]
    return {key: value(choose, depth + 1) for key in keys}


def template(choose: atheris.FuzzedDataProvider) -> dict[str, Any]:
    """A template of up to four resources of types that rules look at."""
    resources = {}
    for name in "ABCD"[: choose.ConsumeIntInRange(1, 4)]:
        resources[name] = {"Type": choose.PickValueInList(TYPES), "Properties": value(choose, 0)}
        if choose.ConsumeBool():
            resources[name]["Condition"] = "IsOpen"
    return {
        "Parameters": {"Open": {"Type": "String"}},
        "Conditions": {"IsOpen": {"Fn::Equals": [{"Ref": "Open"}, "x"]}},
        "Outputs": {"O": {"Value": value(choose, 3)}},
        "Resources": resources,
    }


def one_input(data: bytes) -> None:
    """Raises where a rule crashed or anything but an :class:`InputError` came out."""
    choose = atheris.FuzzedDataProvider(data)
    mode = choose.ConsumeIntInRange(0, 3)
    try:
        if mode >= 2:
            built = template(choose)
            document = Document("built.json", built, json.dumps(built))
        else:
            text = choose.ConsumeUnicodeNoSurrogates(100_000)
            document = parse_json(text, "t.json") if mode == 0 else parse_yaml(text, "t.yaml")
            if not isinstance(document.data.get("Resources"), dict):
                return
    except InputError:
        return
    name = choose.PickValueInList(["production", "staging", "shared", "x"])
    stack = Stack(name, name, "", document.data, document, region="us-west-2")
    assigned = assign([stack], {}, {})
    verdicts = judge_stacks(assigned.stacks, assigned.kinds, RULES, FINDINGS, settings=Settings(rule_seconds=5.0))
    crashed = [f"{verdict.id}: {verdict.violation}" for verdict in verdicts if verdict.outcome is Outcome.ERROR]
    if crashed:
        raise AssertionError(f"{crashed[0]}\n{json.dumps(document.data)}")


def sow(folder: Path, count: int = 64) -> None:
    """Seeds long enough to build whole templates from: left alone, the fuzzer starts with a handful of bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    source = random.Random(7)
    for number in range(count):
        (folder / f"seed-{number:02}").write_bytes(source.randbytes(source.randint(200, 2000)))


def main() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (DATA_LIMIT, DATA_LIMIT))
    sow(Path(sys.argv[-1]))
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
