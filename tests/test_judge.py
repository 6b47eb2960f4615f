"""What the judge makes of rules: crashes and time are outcomes, worlds are merged, silence is said."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from checker.collect.documents import parse_yaml
from checker.model.answers import yes_if
from checker.model.environments import Environment, EnvironmentKind, Project
from checker.model.judgements import Judgement
from checker.model.resources import Stack
from checker.model.rules import Rule
from checker.model.settings import Settings
from checker.model.verdicts import Finding, Outcome, Severity, Verdict
from checker.run.judging import judge_stacks

FINDINGS = {"X1": Finding("X1", "Topics are encrypted", Severity.WARNING)}
TEMPLATE = """
Parameters: {Env: {Type: String}}
Conditions: {IsProd: !Equals [!Ref Env, prod]}
Resources:
  Plain: {Type: AWS::SNS::Topic, Properties: {KmsMasterKeyId: key}}
  Choice: {Type: AWS::SNS::Topic, Properties: {KmsMasterKeyId: !If [IsProd, key, !Ref AWS::NoValue]}}
  Either: {Type: AWS::SNS::Topic, Properties: {KmsMasterKeyId: !If [IsProd, key, other]}}
  Sometimes: {Type: AWS::SNS::Topic, Condition: IsProd}
"""


def rule(check: object) -> Rule:
    return Rule(
        id="X1",
        looked_for="topic (AWS::SNS::Topic)",
        check=check,  # type: ignore[arg-type]
    )


def stack(template: str = TEMPLATE) -> Stack:
    document = parse_yaml(template, "t.yaml")
    return Stack("s", "s", "production", document.data, document)


def judged(check: object, template: str = TEMPLATE, **more: object) -> list[Verdict]:
    kinds = {"production": EnvironmentKind.PRODUCTION}
    return judge_stacks([stack(template)], kinds, [rule(check)], FINDINGS, **more)  # type: ignore[arg-type]


def encrypted(environment: Environment) -> Iterator[Judgement]:
    for topic in environment.resources("AWS::SNS::Topic"):
        yield topic["KmsMasterKeyId"].must(
            lambda key: yes_if(bool(key)), expected="a key", violation="No key.", fix="Set one."
        )


def test_worlds_are_merged() -> None:
    outcomes = {verdict.subject.name: verdict.outcome for verdict in judged(encrypted)}
    assert outcomes == {
        "Plain": Outcome.PASS,
        "Choice": Outcome.UNKNOWN,
        "Either": Outcome.PASS,
        "Sometimes": Outcome.UNKNOWN,
    }


def test_an_unknown_says_in_which_world_it_fails() -> None:
    (choice,) = [verdict for verdict in judged(encrypted) if verdict.subject.name == "Choice"]
    assert choice.violation == "No key. (It depends: so it is with another Env.)"


def test_parameters_of_one_name_are_told_apart_by_their_stacks() -> None:
    document = parse_yaml(TEMPLATE, "t.yaml")
    stacks = [Stack(f"t@{name}", name, "production", document.data, document) for name in ("one", "two")]
    kinds = {"production": EnvironmentKind.PRODUCTION}
    verdicts = judge_stacks(stacks, kinds, [rule(encrypted)], FINDINGS)
    said = {verdict.violation for verdict in verdicts if verdict.subject.name == "Choice"}
    assert "No key. (It depends: so it is with Env of one = prod and with another Env of two.)" in said


def test_a_crash_is_an_error_that_names_rule_line_and_resource() -> None:
    def crashing(environment: Environment) -> Iterator[Judgement]:
        for topic in environment.resources("AWS::SNS::Topic"):
            yield topic.passes("first")
            raise KeyError("oops")

    passed, crashed = judged(crashing, "Resources: {Topic: {Type: AWS::SNS::Topic}}")
    assert (passed.outcome, crashed.outcome) == (Outcome.PASS, Outcome.ERROR)
    assert crashed.subject.name == "Topic"
    assert crashed.violation.startswith("The rule crashed at test_judge.py:")


def test_a_rule_past_its_budget_is_unknown() -> None:
    ticks = count()

    def endless(environment: Environment) -> Iterator[Judgement]:
        for number in count():
            for topic in environment.resources("AWS::SNS::Topic"):
                yield topic.passes(f"sub-{number}")

    verdicts = judged(
        endless,
        "Resources: {Topic: {Type: AWS::SNS::Topic}}",
        settings=Settings(rule_seconds=20.0),
        clock=lambda: float(next(ticks)),
    )
    assert verdicts[-1].outcome is Outcome.UNKNOWN
    assert "used up its 20 s" in verdicts[-1].violation


def test_a_rule_that_resolves_for_ever_is_stopped_too() -> None:
    ticks = count()

    def resolving(environment: Environment) -> Iterator[Judgement]:
        (topic,) = environment.resources("AWS::SNS::Topic")
        while True:
            topic.scope.resolve([1])
        yield topic.passes()

    verdicts = judged(resolving, "Resources: {Topic: {Type: AWS::SNS::Topic}}", clock=lambda: float(next(ticks)))
    assert [verdict.outcome for verdict in verdicts] == [Outcome.UNKNOWN]


def test_silence_is_said() -> None:
    (verdict,) = judged(encrypted, "Resources: {Queue: {Type: AWS::SQS::Queue}}")
    assert verdict.outcome is Outcome.NOT_APPLICABLE
    assert verdict.violation == "There is no topic (AWS::SNS::Topic)."


def test_an_undecidable_condition_past_the_bound_on_worlds() -> None:
    """Forty open conditions are too many worlds: what hangs on them cannot fail for sure, and never passes for it."""
    parameters = "\n".join(f"  P{n}: {{Type: String}}" for n in range(40))
    conditions = "\n".join(f"  C{n}: !Equals [!Ref P{n}, x]" for n in range(40))
    resources = "\n".join(f"  T{n}: {{Type: AWS::SNS::Topic, Condition: C{n}}}" for n in range(40))
    template = f"Parameters:\n{parameters}\nConditions:\n{conditions}\nResources:\n{resources}\n"
    outcomes = {verdict.outcome for verdict in judged(encrypted, template)}
    assert outcomes == {Outcome.UNKNOWN}


@pytest.mark.parametrize("exists", [True, False])
def test_project_rules_see_every_environment(exists: bool) -> None:
    def compare(project: Project) -> Iterator[Judgement]:
        topics = list(project.resources("AWS::SNS::Topic"))
        for topic in topics if len(topics) > 1 else ():
            yield topic.fails(None, "Two topics.", fix="Keep one.")

    whole = Rule(id="X1", looked_for="topics", check_project=compare)
    text = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
    one, two = parse_yaml(text, "1.yaml"), parse_yaml(text if exists else "Resources: {}", "2.yaml")
    stacks = [Stack("a", "a", "production", one.data, one), Stack("b", "b", "staging", two.data, two)]
    kinds = {"production": EnvironmentKind.PRODUCTION, "staging": EnvironmentKind.STAGING}
    outcomes = [(verdict.environment, verdict.outcome) for verdict in judge_stacks(stacks, kinds, [whole], FINDINGS)]
    expected = Outcome.FAIL if exists else Outcome.NOT_APPLICABLE
    assert outcomes == [("production", expected), ("staging", expected)]


@pytest.mark.parametrize(
    ("account", "why", "hint"),
    [
        ("", "whether 1 is ${AWS::AccountId}", " Or say account in checker.toml, which may decide it."),
        (
            "",
            "in ${AWS::Region} of ${AWS::AccountId}",
            " Or say account and region in checker.toml, which may decide it.",
        ),
        ("1", "whether 1 is ${AWS::AccountId}", ""),
        ("", "whether 1 is ${Owner}", ""),
    ],
)
def test_what_hangs_on_the_place_of_a_stack_says_who_may_tell_it(account: str, why: str, hint: str) -> None:
    def open_(environment: Environment) -> Iterator[Judgement]:
        for topic in environment.resources("AWS::SNS::Topic"):
            yield topic.undecided(None, why, fix="Set one.")

    document = parse_yaml("Resources: {Topic: {Type: AWS::SNS::Topic}}", "t.yaml")
    placed = Stack("s", "s", "production", document.data, document, account=account)
    kinds = {"production": EnvironmentKind.PRODUCTION}
    (verdict,) = judge_stacks([placed], kinds, [rule(open_)], FINDINGS)
    assert verdict.fix == f"Set one.{hint}"
