"""Reading an emulated account with 80 ms of latency before every call: calls, seconds, memory, beside what is possible.

The bound is that of the same run: the longest chain of calls that need each other's answers, or all calls through the
places that there are, whichever is longer. Every run is a whole process; of several the fastest is shown, because what
else a machine does only ever makes a run slower.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import once, row
from checker.lab import server, stacks
from checker.lab.clients import Clients
from checker.lab.server import Lab
from checker.lab.up import fill, variables
from checker.model.settings import Settings

LATENCY: Final = 0.08  # seconds before each call
_DEPTH: Final = 4  # clusters, services, descriptions, task definitions
_RUNS: Final = 5
_STACKS: Final = 10
_OF_EACH_TYPE: Final = 100
_ANYBODY: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
_ALARM: Final = {
    "Namespace": "AWS/Lambda",
    "MetricName": "Errors",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanThreshold",
}
# Types that the audit reads: the property that names one, and what else it must have.
_TYPES: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "AWS::CloudWatch::Alarm": ("AlarmName", _ALARM),
    "AWS::ECR::Repository": ("RepositoryName", {}),
    "AWS::IAM::Role": ("RoleName", {"AssumeRolePolicyDocument": _ANYBODY}),
    "AWS::Logs::LogGroup": ("LogGroupName", {"RetentionInDays": 30}),
    "AWS::SNS::Topic": ("TopicName", {}),
}
# What our stacks use, by Prowler's names.
_SERVICES: Final = (
    *(
        "acm",
        "cloudwatch",
        "ecr",
        "ecs",
        "elasticache",
        "elbv2",
        "iam",
        "rds",
        "route53",
        "s3",
        "secretsmanager",
        "sns",
    ),
    *("vpc", "wafv2"),
)
# Reads an account in a process of its own, each call delayed; prints what it cost.
_READER: Final = """
import json, re, resource, sys, time
from pathlib import Path
from botocore.httpsession import URLLib3Session
send = URLLib3Session.send
def late(self, request):
    time.sleep(float(sys.argv[1]))
    return send(self, request)
URLLib3Session.send = late
from checker.collect.account import Reader, Target
from checker.collect.account.target import Limits
started = time.monotonic()
stacks = tuple(sys.argv[2].split(",")) if sys.argv[2] else None
reading = Reader(Target(stacks=stacks)).read()
wall = time.monotonic() - started
usage = resource.getrusage(resource.RUSAGE_SELF)
peak = int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
slow = [call.seconds for call in reading.calls]
print(json.dumps({
    "calls": len(reading.calls), "wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak": peak,
    "latency": sum(slow) / len(slow), "places": Limits().concurrency,
    "resources": sum(each.stack in stacks if stacks else each.stack is not None for each in reading.snapshot.resources),
    "unread": sorted({f"{each.what}: {each.why}" for each in reading.snapshot.unread}),
}))
"""


@contextmanager
def _lab(assembly: Path) -> Iterator[tuple[Lab, Clients, Path]]:
    """The assembly deployed into an emulated account, with a folder beside it for what a run leaves behind."""
    with tempfile.TemporaryDirectory() as folder:
        lab = server.start(Path(folder) / "emulator", account="111111111111", region="us-west-2", port=0)
        try:
            copy = Path(folder) / "assembly"
            subprocess.run(["cp", "-r", str(assembly), str(copy)], check=True)
            clients = Clients(lab)
            fill(clients, copy, Settings(), lambda _: None)
            yield lab, clients, copy
        finally:
            server.stop(lab)


def account(assembly: Path) -> None:
    """One environment of the lab, the same in an account of 5,000 more resources, and all of that account."""
    with _lab(assembly) as (lab, clients, _):
        print(f"reading an account, {LATENCY * 1000:.0f} ms before each call")
        _row("one environment", _fastest(variables(lab), "DocPlatformProd"))
        for number in range(_STACKS):
            stacks.create(clients, f"Many{number}", json.dumps({"Resources": _many(number)}), {})
        more = f"{_STACKS * _OF_EACH_TYPE * len(_TYPES):,} more"
        _row(f"the same, beside {more}", _fastest(variables(lab), "DocPlatformProd"))
        _row(f"all stacks, with {more}", _read(variables(lab), ""))


def audits(assembly: Path, project: Path) -> None:
    """The whole of `checker audit` beside Prowler on the services that our stacks use, where it is on the path."""
    with _lab(assembly) as (lab, _, copy):
        given = ["env", *(f"{name}={value}" for name, value in variables(lab).items())]
        audit = [sys.executable, "-m", "checker", "audit", "--env", "production", "--assembly", str(copy), "--quiet"]
        print("one environment on the lab, each command once")
        print(row("checker audit", [once([*given, *audit], project)]))
        if (prowler := shutil.which("prowler")) is None:
            print("prowler is not on the path: not measured")
            return
        chosen = ["--services", *_SERVICES, "--region", "us-west-2", "--no-banner"]
        written = ["--output-formats", "json-ocsf", "--output-directory", str(copy.parent / "prowler")]
        print(row("prowler", [once([*given, prowler, "aws", *chosen, *written], project)]))


def _many(number: int) -> dict[str, Any]:
    """A stack's resources, of each type as many."""
    return {
        f"{kind.rpartition('::')[2]}{index}": {"Type": kind, "Properties": {**more, name: f"many-{number}-{index}"}}
        for kind, (name, more) in _TYPES.items()
        for index in range(_OF_EACH_TYPE)
    }


def _fastest(environment: Mapping[str, str], names: str) -> dict[str, Any]:
    return min((_read(environment, names) for _ in range(_RUNS)), key=lambda found: float(found["wall"]))


def _read(environment: Mapping[str, str], names: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", _READER, str(LATENCY), names],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _row(name: str, found: Mapping[str, Any]) -> None:
    bound = max(_DEPTH * found["latency"], found["calls"] * found["latency"] / found["places"])
    print(
        f"{name:28} {found['calls']:4} calls  wall {found['wall']:6.2f} s (bound {bound:5.2f} s)  "
        f"cpu {found['cpu']:5.2f} s  peak {found['peak']:6.1f} MiB  {found['resources']} resources of the stacks"
    )
    for each in found["unread"]:
        print(f"  not read: {each}")
