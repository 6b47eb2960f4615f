"""Excerpts of sources: each file is read and searched once, however many verdicts point into it."""

from __future__ import annotations

from pathlib import Path

from checker.collect.excerpts import read_excerpts
from checker.model.verdicts import Location
from tests.work import lines_run

KEY = ["-----BEGIN RSA PRIVATE KEY-----", "MIIEowIBAAKCAQEA", "-----END RSA PRIVATE KEY-----"]  # gitleaks:allow


def test_an_excerpt_shows_the_lines_around_a_place_and_nothing_of_a_private_key(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n".join(["one", "two", *KEY, "six", "seven"]))
    (found,) = read_excerpts(tmp_path, [Location("a.txt", 6)])
    assert (found.first, found.lines) == (3, (None, None, None, "six", "seven"))
    one, other = read_excerpts(tmp_path, [Location("a.txt", 1), Location("a.txt", 7)])
    assert one.lines == ("one", "two", None, None)
    assert other.lines == (None, None, "six", "seven")


def test_many_places_in_one_long_source_cost_no_more_than_reading_it_once_and_each_of_them(tmp_path: Path) -> None:
    lines, places = 20_000, 200
    (tmp_path / "template.json").write_text("\n".join(f'"Resource{number}": {{}},' for number in range(lines)))
    wanted = [Location("template.json", number * (lines // places) + 1) for number in range(places)]
    assert lines_run(lambda: read_excerpts(tmp_path, wanted), limit=10 * lines + 1_500 * places) > 4 * lines
