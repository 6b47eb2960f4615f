"""What of an AWS call's answer a program shows, by its code."""

from __future__ import annotations

import ast

import pytest

from checker.model.answers import NO, YES
from checker.resolve.python.libraries.shown_answers import may_be_shown

SHOWN = [
    "print(ecs.ask())",
    "found = ecs.ask()\nprint(found['services'][0]['taskDefinition'])",
    "found = ecs.ask()\nfor each in found['services']:\n    log.error('%s: %s', each['a'], each['taskDefinition'])",
    "found = ecs.ask()['services']\nprint({each['serviceName']: each['deployments'] for each in found})",
    "rows = []\nfor each in ecs.ask()['services']:\n    rows.append(each['taskDefinition'])\nprint('\\n'.join(rows))",
    "state = {}\nfor each in ecs.ask().get('services', []):\n    state['a'] = each.get('taskDefinition')\nprint(state)",
    "found = ecs.ask()\nraise SystemExit(f'{found}')",
    "def state():\n    return ecs.ask()['services']\nprint(state())",
    "class State:\n    def read(self):\n        self.found = ecs.ask()",
    "def read():\n    global found\n    found = ecs.ask()\nread()\nprint(found)",
    "report(ecs.ask())",
    "if (found := ecs.ask()):\n    print(*found['services'], sep='\\n')",
    "name, running = [(each['a'], each['taskDefinition']) for each in ecs.ask()['services']][0]\nprint(running)",
    "async def read():\n    print((await ecs.ask())['services'])",
    "found = ecs.ask()\nwith open('state.json', 'w') as file:\n    json.dump(found, file)",
]
NOT_SHOWN = [
    "ecs.ask()",
    "found = ecs.ask()\nprint('failed')",
    "found = ecs.ask()\nprint(len(found['services']))",
    "found = ecs.ask()\nfor each in found['services']:\n    print(each['serviceName'], each['status'])",
    "for each in ecs.ask()['services']:\n    status = each['status']\n    print(f'{status}: {each[\"runningCount\"]}')",
    "found = ecs.ask()\nif found['services'][0]['taskDefinition'] != wanted:\n    print('another one')",
    "print([each['status'] for each in ecs.ask()['services']])",
    "states = sorted(each.get('deployments')[0].get('rolloutState') for each in ecs.ask()['services'])\nprint(states)",
]


@pytest.mark.parametrize("code", SHOWN)
def test_shown(code: str) -> None:
    assert may_be_shown(*_call(code)) is YES


@pytest.mark.parametrize("code", NOT_SHOWN)
def test_not_shown(code: str) -> None:
    assert may_be_shown(*_call(code)) is NO


def _call(code: str) -> tuple[ast.Module, ast.Call]:
    tree = ast.parse(code)
    calls = (each for each in ast.walk(tree) if isinstance(each, ast.Call))
    return tree, next(each for each in calls if isinstance(each.func, ast.Attribute) and each.func.attr == "ask")
