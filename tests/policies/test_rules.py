"""What holds for every rule, whoever adds one: its page, its register entry, its cases and its seeded defects."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path
from typing import Final

import pytest

from checker.collect.config.register import load_register
from checker.model.rules import Rule
from checker.model.verdicts import Surface
from checker.pages import HEADINGS
from checker.policies.rules import MODULES, load
from tests.policies.case import CASES, Case, cases

DEFECTS: Final = Path(__file__).parents[1] / "matrix" / "defects"
OUTCOMES: Final = {"pass", "fail", "unknown", "not_applicable", "waived"}
# Outcomes that a rule cannot give, and why.
CANNOT: Final[Mapping[str, Mapping[str, str]]] = {
    "C4": {"not_applicable": "An environment has at least one stack, and every stack is judged."},
}
RULES: Final = load()
JUDGING: Final = {"fails", "passes", "undecided", "not_applicable"}


def _page(rule: Rule) -> str:
    return inspect.getdoc(import_module(f"checker.policies.rules.{MODULES[rule.id]}")) or ""


def _outcomes(rule: Rule) -> dict[str, int]:
    found: dict[str, int] = {}
    for case in _cases(rule):
        for subjects in case.expect.values():
            for outcome in subjects.values():
                found[outcome] = found.get(outcome, 0) + 1
    return found


def _cases(rule: Rule) -> list[Case]:
    return cases(CASES / f"{rule.id}.yaml")


def _tree(rule: Rule) -> ast.Module:
    return ast.parse(inspect.getsource(import_module(f"checker.policies.rules.{MODULES[rule.id]}")))


def _literal_requirements(rule: Rule) -> set[str]:
    """The sub-ids that its module writes out where it judges."""
    calls = [node for node in ast.walk(_tree(rule)) if isinstance(node, ast.Call)]
    judging = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr in JUDGING]
    first = [call.args[0] for call in judging if call.args]
    named = [each.value for call in calls for each in call.keywords if each.arg == "sub"]
    given = [each.value for each in (*first, *named) if isinstance(each, ast.Constant)]
    return {each for each in given if isinstance(each, str)}


def _texts(rule: Rule) -> set[str]:
    found = [node.value for node in ast.walk(_tree(rule)) if isinstance(node, ast.Constant)]
    return {each for each in found if isinstance(each, str)}


def test_modules_stand_in_the_register_s_order() -> None:
    listed = list(load_register().entries)
    assert list(MODULES) == [finding for finding in listed if finding in MODULES]
    assert len(set(MODULES.values())) == len(MODULES)


def test_every_module_is_in_the_table() -> None:
    folder = Path(__file__).parents[2] / "checker" / "policies" / "rules"
    written = {file.stem for file in folder.glob("*.py")} - {"__init__"}
    assert {name for name in written if re.match(r"[cwsp]\d+_", name)} == set(MODULES.values())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
class TestRule:
    def test_module_is_called_after_its_finding(self, rule: Rule) -> None:
        assert MODULES[rule.id].startswith(f"{rule.id.lower()}_")

    def test_page_has_the_headings_in_order(self, rule: Rule) -> None:
        lines = _page(rule).splitlines()
        assert tuple(line for line in lines[1:] if line and not line.startswith(" ")) == HEADINGS
        for heading in HEADINGS:
            assert lines[lines.index(heading) + 1].startswith("    "), f"nothing stands under {heading}"

    def test_it_judges_the_register_s_requirements_and_no_others(self, rule: Rule) -> None:
        known = load_register().entries[rule.id].requirements
        expected = {key.partition("[")[2].removesuffix("]") for case in _cases(rule) for key in case.expect} - {""}
        said = expected | _literal_requirements(rule)
        assert {each for each in said if not any(fnmatchcase(each, name) for name in known)} == set()
        said |= _texts(rule)
        assert {name for name in known if not any(fnmatchcase(each, name) for each in said)} == set()

    def test_title_is_the_page_s_first_line_and_the_register_s(self, rule: Rule) -> None:
        assert load_register().entries[rule.id].title == _page(rule).splitlines()[0].removesuffix(".")

    def test_title_states_the_compliant_state(self, rule: Rule) -> None:
        title = load_register().entries[rule.id].title
        assert not re.search(r"\b(should|ensure|missing)\b", title, re.IGNORECASE)

    def test_it_checks_on_the_surfaces_of_the_register(self, rule: Rule) -> None:
        judged_on = load_register().entries[rule.id].judged_on
        pipeline = {Surface.WORKFLOW, Surface.SCRIPT, Surface.MIGRATION}
        assert bool(judged_on & pipeline) == (rule.check_pipeline is not None)
        assert (Surface.SETTING in judged_on) == (rule.check_settings is not None)
        if rule.check is not None or rule.check_project is not None:
            assert judged_on & {Surface.TEMPLATE, Surface.ACCOUNT}

    def test_it_says_what_it_looked_for(self, rule: Rule) -> None:
        said = rule.looked_for_in_pipeline if rule.check_pipeline is not None else rule.looked_for
        if rule.check is not None or rule.check_project is not None:
            said = said and rule.looked_for
        assert said
        assert not f"{rule.looked_for}{rule.looked_for_in_pipeline}".endswith(".")

    def test_cases_cover_every_outcome(self, rule: Rule) -> None:
        assert OUTCOMES - set(_outcomes(rule)) == set(CANNOT.get(rule.id, {}))

    def test_cases_are_hostile_and_innocent_too(self, rule: Rule) -> None:
        kinds = [case.kind for case in _cases(rule)]
        assert set(kinds) == {"plain", "hostile", "innocent"}

    def test_cases_have_names_of_their_own(self, rule: Rule) -> None:
        names = [case.name for case in _cases(rule)]
        assert sorted(set(names)) == sorted(names)

    def test_it_has_seeded_defects(self, rule: Rule) -> None:
        if rule.check is not None or rule.check_project is not None:
            assert (DEFECTS / f"{rule.id}.yaml").is_file()
