"""What becomes of a program when a request that it makes is answered with an error, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.answers import said
from tests.pipelines import trace_of

HEAD = "import sys, time, urllib.error, urllib.request\nimport requests\nURL = 'https://example.org/health'\n"
LOOP = """
for _ in range(5):
    try:
        urllib.request.urlopen(URL, timeout=5)
        break
    except OSError:
        time.sleep(5)
"""
PREPARED = """
def answers(url):
    asked = urllib.request.Request(url, headers={"accept": "text/plain"})
    try:
        return urllib.request.urlopen(asked, timeout=3).status == 200
    except OSError:
        return False
"""


@pytest.mark.parametrize(
    ("program", "ends"),
    [
        # urllib raises an answer that is an error (Python documentation, "urllib.error"); Requests does when asked to.
        ("urllib.request.urlopen(URL)", True),
        ("with urllib.request.urlopen(URL) as answer:\n    print(answer.status)", True),
        ("print(requests.get(URL).status_code)", False),
        ("requests.get(URL).raise_for_status()", True),
        (LOOP, False),
        (LOOP + "else:\n    sys.exit(1)", True),
        (
            "try:\n    urllib.request.urlopen(URL)\nexcept urllib.error.HTTPError as error:\n    print(error.code)",
            False,
        ),
        ("try:\n    urllib.request.urlopen(URL)\nexcept urllib.error.HTTPError as error:\n    sys.exit(1)", True),
        ("try:\n    urllib.request.urlopen(URL)\nexcept urllib.error.URLError:\n    print('not there')", False),
        # A request that is prepared first fails where it is sent.
        (PREPARED + "if not answers(URL):\n    sys.exit(1)", True),
        (PREPARED + "answers(URL)", False),
        ("asked = urllib.request.Request(URL)\n" + LOOP.replace("URL", "asked"), False),
        ("asked = urllib.request.Request(URL)\n" + LOOP.replace("URL", "asked") + "else:\n    sys.exit(1)", True),
    ],
)
def test_whether_an_answer_that_is_an_error_ends_the_program(program: str, ends: bool, tmp_path: Path) -> None:
    trace = trace_of(tmp_path, "python p.py", {"p.py": f"{HEAD}{program}\n"})
    assert [said(each.handling.ends) for each in trace.commands if each.program == "http"] == [ends]
