"""Waivers: what they cover, what they never cover, their states, and how faults of the file are told."""

from __future__ import annotations

import re
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from checker.collect.config.register import load_register
from checker.errors import ConfigError
from checker.model.settings import Settings
from checker.model.verdicts import (
    Location,
    Outcome,
    Severity,
    Subject,
    SubjectKind,
    Surface,
    Verdict,
    WaiverState,
)
from checker.run.request import Request
from checker.waivers import Waiver, apply, load_waivers, parse_waivers

FINDINGS = dict.fromkeys(("C1", "C7", "W6", "W8"))
REQUIREMENTS = {
    **FINDINGS,
    "C7": ("at-rest", "auth", "client=*", "in-transit"),
    "W6": ("environment-protection", "environment-refs", "reach", "trust"),
    "W8": (),
}
TODAY = date(2026, 12, 1)
ENTRY: dict[str, Any] = {
    "finding": "C7",
    "environments": ["*"],
    "resource": "*",
    "reason": "Looked at.",
    "owner": "platform-team",
    "approved-on": "2026-11-20",
    "expires-on": "2027-05-20",
}


def waivers(*entries: dict[str, Any]) -> tuple[Waiver, ...]:
    text = yaml.safe_dump({"waivers": [{**ENTRY, **entry} for entry in entries]}, sort_keys=False)
    return parse_waivers(text, "waivers.yaml", findings=FINDINGS)


def verdict(
    outcome: Outcome = Outcome.FAIL, finding: str = "C7", sub: str | None = None, environment: str = "production"
) -> Verdict:
    subject = Subject(
        SubjectKind.RESOURCE, "Cache", "AWS::X::Y", "Prod", "Cache", "doc-cache", "Prod/Data/Cache/Resource"
    )
    at = Location("data.py", 3)
    return Verdict(finding, Severity.CRITICAL, outcome, Surface.TEMPLATE, environment, subject, at, sub)


def outcome_of(given: Verdict, *entries: dict[str, Any]) -> Outcome:
    (result,), _ = apply([given], waivers(*entries), TODAY)
    return result.outcome


# --- what is covered


def test_a_failure_is_excused_and_says_by_whom_and_until_when() -> None:
    (result,), (status,) = apply([verdict(sub="at-rest")], waivers({}), TODAY)
    assert result.outcome is Outcome.WAIVED
    assert result.waiver is not None
    assert (result.waiver.owner, result.waiver.expires_on, result.waiver.days_left) == (
        "platform-team",
        "2027-05-20",
        170,
    )
    assert replace(result, outcome=Outcome.FAIL, waiver=None) == verdict(sub="at-rest")
    assert (status.state, status.detail) == (WaiverState.ACTIVE, "excuses 1 failure")
    assert str(status.location) == "waivers.yaml:2"


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.ERROR, Outcome.PASS, Outcome.NOT_APPLICABLE])
def test_nothing_but_a_failure_is_excused(outcome: Outcome) -> None:
    result, _ = apply([verdict(outcome)], waivers({}), TODAY)
    assert result == [verdict(outcome)]


@pytest.mark.parametrize(
    ("finding", "sub", "covered"),
    [
        ("C7", None, True),
        ("C7", "at-rest", True),
        ("C7[at-rest]", "at-rest", True),
        ("C7[at-rest]", "in-transit", False),
        ("C7[at-rest]", None, False),
        ("C7[*]", "at-rest", True),
        ("C7[*]", None, False),
        ("C7[client=*]", "client=REDIS_URL", True),
        ("C7[at-res?]", "at-rest", True),
        ("C7[at.rest]", "at-rest", False),
        ("C7[job=[x]]", "job=[x]", True),
        ("C1", "at-rest", False),
    ],
)
def test_a_waiver_is_as_narrow_as_its_sub_id(finding: str, sub: str | None, covered: bool) -> None:
    assert (outcome_of(verdict(sub=sub), {"finding": finding}) is Outcome.WAIVED) is covered


@pytest.mark.parametrize(
    ("resource", "covered"),
    [
        ("Cache", True),
        ("Prod/Cache", True),
        ("Prod/Data/*", True),
        ("doc-cache", True),
        ("Cach", False),
        ("cache", False),
        ("C[a]che", False),
        ("Prod", False),
        ("*", True),
    ],
)
def test_a_resource_has_several_names(resource: str, covered: bool) -> None:
    assert (outcome_of(verdict(), {"resource": resource}) is Outcome.WAIVED) is covered


@pytest.mark.parametrize(
    ("environments", "covered"),
    [(["production"], True), (["staging"], False), (["staging", "prod*"], True), (["prod"], False)],
)
def test_environments(environments: list[str], covered: bool) -> None:
    assert (outcome_of(verdict(), {"environments": environments}) is Outcome.WAIVED) is covered


def test_the_first_waiver_that_holds_is_named() -> None:
    expired = {"owner": "gone", "approved-on": "2026-01-01", "expires-on": "2026-02-01"}
    (result,), statuses = apply([verdict()], waivers(expired, {"owner": "first"}, {"owner": "second"}), TODAY)
    assert result.waiver is not None
    assert result.waiver.owner == "first"
    assert [status.state for status in statuses] == [WaiverState.EXPIRED, WaiverState.ACTIVE, WaiverState.ACTIVE]


# --- states


@pytest.mark.parametrize(
    ("today", "state", "outcome", "left"),
    [
        (date(2026, 11, 19), WaiverState.NOT_YET, Outcome.FAIL, 182),
        (date(2026, 11, 20), WaiverState.ACTIVE, Outcome.WAIVED, 181),
        (date(2027, 5, 20), WaiverState.ACTIVE, Outcome.WAIVED, 0),
        (date(2027, 5, 21), WaiverState.EXPIRED, Outcome.FAIL, -1),
    ],
)
def test_it_holds_from_its_first_day_to_its_last(today: date, state: WaiverState, outcome: Outcome, left: int) -> None:
    (result,), (status,) = apply([verdict()], waivers({}), today)
    assert (result.outcome, status.state, status.days_left) == (outcome, state, left)


@pytest.mark.parametrize(
    ("verdicts", "state", "detail"),
    [
        ([verdict(Outcome.PASS)], WaiverState.PASSING, "what it excuses passes: delete it"),
        ([verdict(Outcome.PASS), verdict()], WaiverState.ACTIVE, "excuses 1 failure"),
        ([verdict(Outcome.UNKNOWN)], WaiverState.ACTIVE, "nothing fails, but 1 verdict could not be decided"),
        ([verdict(Outcome.PASS), verdict(Outcome.ERROR)], WaiverState.ACTIVE, "nothing fails, but 1 verdict could"),
        ([verdict(Outcome.NOT_APPLICABLE)], WaiverState.UNMATCHED, "nothing of the kind exists"),
        ([], WaiverState.UNMATCHED, "C7 was not judged in this run"),
        ([verdict(finding="C1")], WaiverState.UNMATCHED, "C7 was not judged in this run"),
    ],
)
def test_what_it_finds_decides_its_state(verdicts: list[Verdict], state: WaiverState, detail: str) -> None:
    _, (status,) = apply(verdicts, waivers({}), TODAY)
    assert status.state is state
    assert status.detail.startswith(detail)


@pytest.mark.parametrize(
    ("entry", "detail"),
    [
        ({"resource": "Gone"}, "no subject is called Gone: delete it, or correct its pattern"),
        ({"environments": ["staging"]}, "this run did not look at staging"),
    ],
)
def test_why_it_matches_nothing(entry: dict[str, Any], detail: str) -> None:
    _, (status,) = apply([verdict()], waivers(entry), TODAY)
    assert (status.state, status.detail) == (WaiverState.UNMATCHED, detail)


def test_a_waiver_for_another_environment_is_told_where_it_would_match() -> None:
    judged = [verdict(environment="staging"), verdict(finding="C1"), verdict(Outcome.PASS, environment="shared")]
    _, (status,) = apply(judged, waivers({"environments": ["production"]}), TODAY)
    said = "what it names is in staging alone: delete it, or correct its environments"
    assert (status.state, status.detail) == (WaiverState.UNMATCHED, said)


def test_an_expired_waiver_is_told_even_where_nothing_fails_any_more() -> None:
    expired = {"approved-on": "2026-01-01", "expires-on": "2026-02-01"}
    _, (status,) = apply([verdict(Outcome.PASS)], waivers(expired), TODAY)
    assert status.state is WaiverState.EXPIRED
    assert "delete it" in status.detail


def test_expired_and_broken_fail_the_gate_and_no_other_state_does() -> None:
    assert [s for s in WaiverState if s.fails_gate] == [WaiverState.EXPIRED, WaiverState.CONDITION_BROKEN]


# --- conditions

CONDITION = {"finding": "W6", "holds_while": "W6[protection]"}


@pytest.mark.parametrize(
    ("seen", "state", "outcome"),
    [
        ([Outcome.PASS], WaiverState.ACTIVE, Outcome.WAIVED),
        ([Outcome.PASS, Outcome.NOT_APPLICABLE], WaiverState.ACTIVE, Outcome.WAIVED),
        ([Outcome.FAIL], WaiverState.CONDITION_BROKEN, Outcome.FAIL),
        ([Outcome.PASS, Outcome.FAIL], WaiverState.CONDITION_BROKEN, Outcome.FAIL),
        ([Outcome.UNKNOWN, Outcome.FAIL], WaiverState.CONDITION_BROKEN, Outcome.FAIL),
        ([], WaiverState.CONDITION_UNVERIFIED, Outcome.WAIVED),
        ([Outcome.UNKNOWN], WaiverState.CONDITION_UNVERIFIED, Outcome.WAIVED),
        ([Outcome.PASS, Outcome.UNKNOWN], WaiverState.CONDITION_UNVERIFIED, Outcome.WAIVED),
        ([Outcome.PASS, Outcome.ERROR], WaiverState.CONDITION_UNVERIFIED, Outcome.WAIVED),
        ([Outcome.NOT_APPLICABLE], WaiverState.CONDITION_UNVERIFIED, Outcome.WAIVED),
    ],
)
def test_a_condition_holds_only_where_it_is_seen_to(seen: list[Outcome], state: WaiverState, outcome: Outcome) -> None:
    verdicts = [verdict(finding="W6", sub="one-role"), *(verdict(each, "W6", "protection") for each in seen)]
    results, (status,) = apply(verdicts, waivers(CONDITION), TODAY)
    assert (status.state, results[0].outcome) == (state, outcome)
    assert [each.outcome for each in results[1:]] == seen  # a waiver never excuses its own condition
    word = {"active": ", while", "condition-broken": "must pass", "condition-unverified": ", as long as"}[state]
    assert "W6[protection]" in status.detail
    assert word in status.detail


@pytest.mark.parametrize("surface", [Surface.SETTING, Surface.ACCOUNT])
@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.ERROR])
def test_a_condition_that_was_looked_at_and_not_seen_does_not_hold(surface: Surface, outcome: Outcome) -> None:
    unseen = replace(verdict(outcome, "W6", "protection"), surface=surface)
    results, (status,) = apply([verdict(finding="W6", sub="one-role"), unseen], waivers(CONDITION), TODAY)
    assert (status.state, results[0].outcome) == (WaiverState.CONDITION_BROKEN, Outcome.FAIL)
    assert "could not be decided" in status.detail


def test_a_condition_that_was_not_seen_matters_only_where_it_excuses_something() -> None:
    unseen = replace(verdict(Outcome.UNKNOWN, "W6", "protection"), surface=Surface.SETTING)
    _, (status,) = apply([verdict(Outcome.PASS, "W6", "one-role"), unseen], waivers(CONDITION), TODAY)
    assert status.state is WaiverState.PASSING


def test_a_condition_that_another_waiver_excuses_is_broken_all_the_same() -> None:
    verdicts = [verdict(finding="W6", sub="one-role"), verdict(finding="W8")]
    held = {"finding": "W6", "holds_while": "W8"}
    for entries in ((held, {"finding": "W8"}), ({"finding": "W8"}, held)):
        results, statuses = apply(verdicts, waivers(*entries), TODAY)
        assert [each.outcome for each in results] == [Outcome.FAIL, Outcome.WAIVED]
        assert {each.state for each in statuses} == {WaiverState.ACTIVE, WaiverState.CONDITION_BROKEN}


def test_a_condition_of_another_environment_says_nothing() -> None:
    verdicts = [verdict(finding="W6"), verdict(Outcome.PASS, "W8", environment="staging")]
    entry = {"finding": "W6", "holds_while": "W8", "environments": ["production"]}
    _, (status,) = apply(verdicts, waivers(entry), TODAY)
    assert status.state is WaiverState.CONDITION_UNVERIFIED


# --- what holds of any run

outcomes = st.sampled_from(list(Outcome))
subs = st.sampled_from([None, "a", "b"])
some_verdicts = st.lists(
    st.builds(
        verdict,
        outcomes.filter(lambda o: o is not Outcome.WAIVED),
        st.sampled_from(sorted(FINDINGS)),
        subs,
        st.sampled_from(["staging", "production"]),
    ),
    max_size=8,
)
entries = st.fixed_dictionaries(
    {
        "finding": st.sampled_from(["C7", "C7[a]", "W6", "W6[*]", "C1"]),
        "environments": st.sampled_from([["*"], ["staging"]]),
        "expires-on": st.sampled_from(["2026-11-25", "2027-01-01"]),
    },
    optional={"holds_while": st.sampled_from(["W8", "C1[b]"])},
)


@given(some_verdicts, st.lists(entries, max_size=4))
def test_waiving_only_ever_turns_failures_into_waived(
    before: list[Verdict], given_entries: list[dict[str, Any]]
) -> None:
    after, statuses = apply(before, waivers(*given_entries), TODAY)
    assert len(statuses) == len(given_entries)
    for old, new in zip(before, after, strict=True):
        if new != old:
            assert (old.outcome, new.outcome) == (Outcome.FAIL, Outcome.WAIVED)
            assert new.waiver is not None
            assert new.waiver.days_left >= 0
            assert replace(new, outcome=old.outcome, waiver=None) == old


# --- the file


def test_an_empty_file_holds_no_waiver() -> None:
    assert parse_waivers("", "w.yaml", findings=FINDINGS) == ()
    assert parse_waivers("waivers:\n", "w.yaml", findings=FINDINGS) == ()
    assert parse_waivers("waivers: []\n", "w.yaml", findings=FINDINGS) == ()


def test_findings_of_outside_scanners_can_be_waived() -> None:
    for finding in ("E3012", "CKV_AWS_116", "CKV2_AWS_5", "cfn-lint:W3005"):
        assert str(waivers({"finding": finding})[0].covers) == finding


@pytest.mark.parametrize(
    ("entry", "message", "hint"),
    [
        ({"finding": "C77"}, "w.yaml:2: there is no finding 'C77'", "Did you mean C7?"),
        ({"finding": "*"}, "w.yaml:2: there is no finding '*'", ""),
        ({"finding": "C7[at-rest"}, "w.yaml:2: 'C7[at-rest' is no finding", "C7[at-rest]"),
        ({"finding": "C7[]"}, "w.yaml:2: 'C7[]' is no finding", ""),
        ({"finding": 7}, "w.yaml:2: finding is not text", ""),
        ({"environments": "production"}, "environments is not a list of names", '["*"]'),
        ({"environments": [1]}, "w.yaml:3: environments is not a list of names", ""),
        ({"environments": []}, "w.yaml:2: the entry lacks environments", ""),
        ({"reason": "  "}, "w.yaml:5: reason is not text", ""),
        ({"owner": None}, "w.yaml:2: the entry lacks owner", "None may be left out."),
        ({"approved-on": "20.11.2026"}, "w.yaml:7: approved-on is no date", "2026-11-20"),
        ({"approved-on": "2026-02-30"}, "w.yaml:7: approved-on is no date", ""),
        ({"approved-on": "2026-W01-1"}, "w.yaml:7: approved-on is no date", ""),
        ({"expires-on": 20270520}, "w.yaml:8: expires-on is no date", ""),
        ({"expires-on": "2026-11-19"}, "w.yaml:8: it ends before it begins (approved-on)", "Check both dates."),
        ({"expires-on": "2027-11-21"}, "w.yaml:8: it would hold for 366 days, and 365 are allowed", "earlier day"),
        ({"expire-on": "2027-01-01"}, "w.yaml:9: an entry has no key 'expire-on'", "Did you mean expires-on?"),
        ({"holds_while": "W66"}, "w.yaml:9: there is no finding 'W66'", "Did you mean W6?"),
        ({"holds_while": "W6[nope]"}, "w.yaml:9: W6 has no requirement 'nope'", "Known: environment-protection,"),
        ({"holds_while": "W6[trst]"}, "w.yaml:9: W6 has no requirement 'trst'", "Did you mean trust?"),
        ({"holds_while": "W8[trust]"}, "w.yaml:9: W8 has no requirement 'trust'", "name W8 alone"),
        ({"finding": "C7[at-rets]"}, "w.yaml:2: C7 has no requirement 'at-rets'", "Did you mean at-rest?"),
        ({"finding": "C7[clients=*]"}, "w.yaml:2: C7 has no requirement 'clients=*'", "Did you mean client=*?"),
        ({"finding": "C7[AUTH]"}, "w.yaml:2: C7 has no requirement 'AUTH'", "Did you mean auth?"),
        ({"holds_while": "C7"}, "w.yaml:9: it would hold while nothing needs it", "Name another check."),
    ],
)
def test_faults_are_told_with_their_line(entry: dict[str, Any], message: str, hint: str) -> None:
    text = yaml.safe_dump({"waivers": [{**ENTRY, **entry}]}, sort_keys=False, default_flow_style=None)
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        parse_waivers(text, "w.yaml", findings=REQUIREMENTS)
    assert hint in caught.value.hint


@pytest.mark.parametrize("named", ["C7[client=api]", "C7[client=*]", "C7[*]", "C7[at-*]", "C7[a*]", "W6", "W6[?each]"])
@pytest.mark.parametrize("key", ["finding", "holds_while"])
def test_requirements_are_named_by_patterns_as_well(key: str, named: str) -> None:
    text = yaml.safe_dump({"waivers": [{**ENTRY, "finding": "C1", key: named}]}, sort_keys=False)
    (waiver,) = parse_waivers(text, "w.yaml", findings=REQUIREMENTS)
    assert str(waiver.covers if key == "finding" else waiver.holds_while) == named


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- finding: C7", "w.yaml:1: the top level is not a mapping"),
        ("waivers: {}", "w.yaml:1: waivers is not a list"),
        ("waivers: [C7]", "w.yaml:1: an entry is a mapping"),
        ("waiver: []", "w.yaml:1: the file has no key 'waiver'"),
        ("waivers:\n  - finding: C7\n    finding: C7", "w.yaml:3: the key 'finding' stands twice"),
        ("waivers: ]", "w.yaml:1: not valid YAML"),
    ],
)
def test_files_that_are_no_waivers(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        parse_waivers(text, "w.yaml", findings=FINDINGS)


def test_a_list_alone_is_told_which_key_it_lacks() -> None:
    with pytest.raises(ConfigError) as refused:
        parse_waivers("- finding: C7", "w.yaml", findings=FINDINGS)
    assert refused.value.hint == "Begin the file with `waivers:`, and list the entries below it."


@pytest.mark.parametrize("key", ["owner", "reason", "resource", "finding"])
@pytest.mark.parametrize("sign", ["\u200b", "\u2060", "\u202e", "\u00ad", "\x1b", "\u3164", "\u2800"])
def test_text_that_nobody_sees_is_refused(key: str, sign: str) -> None:
    for value in (sign, f"a{sign}b"):
        with pytest.raises(ConfigError, match=rf"{key} holds a character that nobody sees \(U\+{ord(sign):04X}\)"):
            waivers({key: value})


def test_an_environment_s_name_that_nobody_sees_is_refused() -> None:
    with pytest.raises(ConfigError, match="nobody sees"):
        waivers({"environments": ["prod\u200buction"]})


@pytest.mark.parametrize("key", ["owner", "reason"])
def test_an_owner_or_a_reason_without_a_word_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match=f"{key} says nothing"):
        waivers({key: "\ufe0f - \ufe0f"})


@pytest.mark.parametrize(("sub", "said"), [("nothing-such", True), ("at-rest", False), ("at-*", False)])
def test_a_condition_that_nothing_is_called_by_is_said_to_be_one(sub: str, said: bool) -> None:
    others = [verdict(Outcome.PASS, finding="C1", sub="at-rest"), verdict(Outcome.PASS, finding="C1", sub="in-transit")]
    _, (status,) = apply([verdict(), *others], waivers({"holds_while": f"C1[{sub}]"}), TODAY)
    assert status.state is (WaiverState.CONDITION_UNVERIFIED if said else WaiverState.ACTIVE)
    assert ("nothing is judged by that name here, but C1[at-rest], C1[in-transit]" in status.detail) is said


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "UTC"])
def test_no_time_zone_moves_a_waiver_s_end(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert Request(project=Path(), settings=Settings()).today == datetime.now(UTC).date()
    finally:
        monkeypatch.undo()
        time.tzset()


def test_words_of_any_language_may_be_an_owner_and_a_reason() -> None:
    (waiver,) = waivers({"owner": "Zoë Müller-Øst", "reason": "予算が足りない ⚠\ufe0f"})
    assert (waiver.owner, waiver.reason) == ("Zoë Müller-Øst", "予算が足りない ⚠\ufe0f")


# --- this repository's own


def test_own_waivers_are_accepted_findings_and_within_bounds() -> None:
    root = Path(__file__).parent.parent
    register = load_register()
    own = load_waivers(root / "policies/waivers.yaml", "policies/waivers.yaml", findings=register.requirements)
    assert own
    for waiver in own:
        assert register.entries[waiver.covers.finding].disposition == "accepted"


@pytest.mark.parametrize(
    ("given", "left"),
    [(Outcome.UNKNOWN, Outcome.WAIVED), (Outcome.FAIL, Outcome.FAIL), (Outcome.ERROR, Outcome.ERROR)],
)
def test_what_cannot_be_decided_is_excused_by_its_own_kind_of_waiver(given: Outcome, left: Outcome) -> None:
    assert outcome_of(verdict(outcome=given), {"outcome": "unknown"}) is left


def test_the_outcome_of_a_waiver_is_fail_or_unknown() -> None:
    with pytest.raises(ConfigError, match="outcome is 'pass'"):
        waivers({"outcome": "pass"})
