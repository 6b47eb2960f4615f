"""What becomes of a program when one of its calls fails, never comes to an end, or is not made."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.model.pipeline.scripts import AwsCall
from checker.resolve.python.rehearsal.gone import Gone
from checker.resolve.python.rehearsal.standins import Mode
from checker.resolve.python.rehearsal.ways import Rehearsals
from tests.answers import said
from tests.pipelines import trace_of

HEAD = "import sys, time\nimport boto3\necs = boto3.client('ecs')\n"


def call_of(root: Path, program: str, operation: str = "UpdateService") -> AwsCall:
    trace = trace_of(root, "python p.py", {"p.py": HEAD + program})
    return next(
        each
        for each in trace.actions
        if isinstance(each, AwsCall) and each.operation.replace("_", "").lower() == operation.lower()
    )


UPDATE = "ecs.update_service(cluster='c', service='s', forceNewDeployment=True)"


@pytest.mark.parametrize(
    ("program", "ends"),
    [
        (f"{UPDATE}\n", True),
        (f"try:\n    {UPDATE}\nexcept Exception:\n    pass\n", False),
        (f"try:\n    {UPDATE}\nexcept Exception as error:\n    print(error)\n    sys.exit(1)\n", True),
        (f"try:\n    {UPDATE}\nexcept KeyError:\n    pass\n", True),  # catches something else
        (
            (
                f"def go():\n    try:\n        {UPDATE}\n    except Exception:\n        return 1\n    return 0\n"
                "sys.exit(go())\n"
            ),
            True,
        ),
        (
            f"def go():\n    try:\n        {UPDATE}\n    except Exception:\n        return 1\n    return 0\ngo()\n",
            False,  # nobody looks at what it gave
        ),
        (f"try:\n    {UPDATE}\nfinally:\n    print('done')\n", True),
        (f"def go():\n    try:\n        {UPDATE}\n    finally:\n        return 0\ngo()\n", False),
        (f"try:\n    {UPDATE}\nexcept Exception:\n    if input():\n        sys.exit(1)\n", False),  # it may go on
    ],
)
def test_whether_a_failure_ends_the_program(program: str, ends: bool, tmp_path: Path) -> None:
    assert said(call_of(tmp_path, program).handling.ends) is ends


LOOK = "ecs.describe_services(cluster='c', services=['s'])['services'][0]['deployments'][0]['rolloutState']"


@pytest.mark.parametrize(
    ("program", "notices"),
    [
        (
            (
                f"for _ in range(60):\n    state = {LOOK}\n    if state == 'COMPLETED':\n        sys.exit(0)\n"
                "    time.sleep(10)\nsys.exit(1)\n"
            ),
            True,
        ),
        (
            f"for _ in range(60):\n    if {LOOK} == 'COMPLETED':\n        break\n    time.sleep(10)\n",
            False,  # its bound is no failure
        ),
    ],
)
def test_whether_a_program_notices_that_what_it_waits_for_failed(program: str, notices: bool, tmp_path: Path) -> None:
    assert said(call_of(tmp_path, program, "DescribeServices").handling.notices) is notices


@pytest.mark.parametrize(
    ("program", "lasts"),
    [
        (f"while {LOOK} != 'COMPLETED':\n    time.sleep(10)\n", True),
        (
            f"for _ in range(60):\n    if {LOOK} == 'COMPLETED':\n        break\n    time.sleep(10)\n",
            False,
        ),
        (
            (
                "end = time.monotonic() + 900\n"
                f"while {LOOK} != 'COMPLETED':\n    if time.monotonic() > end:\n"
                "        sys.exit(1)\n    time.sleep(10)\n"
            ),
            False,
        ),
    ],
)
def test_whether_a_program_waits_without_end(program: str, lasts: bool, tmp_path: Path) -> None:
    assert said(call_of(tmp_path, program, "DescribeServices").handling.lasts) is lasts


@pytest.mark.parametrize(
    ("program", "missed"),
    [
        (f"{UPDATE}\n", False),
        (f"if input() == 'yes':\n    {UPDATE}\n", True),
        (f"if input() != 'yes':\n    sys.exit(1)\n{UPDATE}\n", False),  # without it, it does not end well
        (f"{UPDATE}\nif input() == 'yes':\n    print('thanks')\n", False),  # asked when it was made already
        (f"print('a' if input() else 'b')\n{UPDATE}\n", False),
    ],
)
def test_whether_a_program_can_end_well_without_a_call(program: str, missed: bool, tmp_path: Path) -> None:
    assert said(call_of(tmp_path, program).handling.missed) is missed


@pytest.mark.parametrize(
    ("program", "turns"),
    [
        (f"{UPDATE}\n", False),  # its failure ends it
        (f"try:\n    {UPDATE}\nexcept Exception:\n    ecs.create_service(cluster='c', serviceName='s')\n", True),
        (f"try:\n    {UPDATE}\nexcept Exception:\n    pass\n", False),  # it does nothing else then
        (
            f"try:\n    {UPDATE}\nexcept Exception:\n    ecs.list_services(cluster='c')\nelse:\n    pass\n",
            True,
        ),
    ],
)
def test_whether_a_failure_makes_a_program_do_something_else(program: str, turns: bool, tmp_path: Path) -> None:
    assert said(call_of(tmp_path, program).handling.turns) is turns


def test_questions_asked_behind_a_call_are_not_asked_whether_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone: list[tuple[bool, ...]] = []
    go = Rehearsals._go

    def counted(self: Rehearsals, call: AwsCall, mode: Mode, answers: list[bool], *more: frozenset[int]) -> Gone | None:
        gone.append(tuple(answers))
        return go(self, call, mode, answers, *more)

    monkeypatch.setattr(Rehearsals, "_go", counted)
    behind = "".join(f"if input() == '{number}':\n    print({number})\n" for number in range(12))
    assert said(call_of(tmp_path, f"if input():\n    print('go')\n{UPDATE}\n{behind}").handling.missed) is False
    assert len(gone) == 2  # the way that leads to it, and the one aside before it


def gone_with(*, met: bool) -> Gone:
    """A way of three questions, the first and the last by one asker, on which the second answer was turned."""
    return Gone(Mode.FAILED, frozenset({1}), met, True, False, 0, (True, False, True), (7, 8, 7), {0, 2}, 3, 9)


def test_a_way_is_another_where_what_is_wrong_was_met_or_a_turned_question_was_asked_again() -> None:
    assert gone_with(met=False).is_way_of(Mode.WAITING, {1})
    assert not gone_with(met=True).is_way_of(Mode.WAITING, {1})
    assert gone_with(met=True).is_way_of(Mode.FAILED, {1, 3})  # there was no fourth question
    assert gone_with(met=True).is_way_of(Mode.FAILED, set())
    assert not gone_with(met=True).is_way_of(Mode.FAILED, {1, 2})
