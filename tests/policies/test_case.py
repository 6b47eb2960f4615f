"""Case files are read, put on their bases and changed; every mistake in one is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.policies.case import CaseError, cases

FILE = """\
bases:
  site:
    environments:
      staging: |
        Resources:
          Web: {Type: T, Properties: {Port: 80}}
      production: |
        Resources:
          Web: {Type: T, Properties: {Port: 80}}
    files:
      deploy.sh: |
        one
        two
    settings: {repository: acme/shop}
    names: {web: Resources/Web/Properties}
  other:
    from: site
    do: [{set: Resources/Web/Properties/Port, to: 81}]
cases:
- name: as it is
  from: site
  expect: {}
- name: changed
  kind: hostile
  from: other
  files: {more.sh: "three\\n"}
  do:
  - {set: "@web/Group", to: !Ref Group}
  - {stack: production, remove: Resources/Web/Properties/Port}
  - {file: deploy.sh, replace: two, with: 2}
  expect: {}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "case.yaml"


def test_a_case_starts_from_a_base(file: Path) -> None:
    file.write_text(FILE)
    plain, changed = cases(file)
    assert (plain.kind, changed.kind) == ("plain", "hostile")
    assert _properties(plain.input.stacks()) == {"staging": {"Port": 80}, "production": {"Port": 80}}
    assert plain.input.repository_files() == {"deploy.sh": "one\ntwo\n"}
    assert _properties(changed.input.stacks()) == {"staging": {"Port": 81, "Group": {"Ref": "Group"}}, "production": {}}
    assert changed.input.repository_files() == {"deploy.sh": "one\n2\n", "more.sh": "three\n"}
    assert plain.input.settings == changed.input.settings == {"repository": "acme/shop"}


def _properties(stacks: object) -> dict[str, object]:
    assert isinstance(stacks, dict)
    return {name: documents[0].data["Resources"]["Web"]["Properties"] for name, documents in stacks.items()}


def test_a_line_is_the_one_that_the_template_was_read_from(file: Path) -> None:
    file.write_text(FILE)
    (document,) = cases(file)[1].input.stacks()["staging"]
    assert document.line_of(("Resources", "Web", "Properties", "Group")) == 2


def _read_whole(file: Path) -> None:
    for case in cases(file):
        case.input.stacks()
        case.input.repository_files()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("from: other", "from: elsewhere", "25: no base 'elsewhere' above; there are: site, other"),
        ("from: site\n    do", "from: other\n    do", "17: no base 'other' above; there are: site"),
        ("kind: hostile", "kind: evil", "24: no kind 'evil'; there are: plain, hostile, innocent"),
        ("  kind: hostile", "  kint: hostile", "24: nothing is called 'kint' here"),
        ("- name: as it is\n  from", "- from", "20: a case without name"),
        ("bases:", "basis:", "1: a file is a list of cases, or has bases and cases"),
        ('Group", to: !Ref Group', 'Port", to: 81', "28: Resources/Web/Properties/Port: the step changes nothing"),
        ("remove: Resources/Web/Properties/Port", "remove: Resources/Api", "29: Resources/Api: there is no Api"),
        ("stack: production", "stack: prod", "29: there is no stack 'prod'; there are: staging, production"),
        ("replace: two", "replace: four", "30: deploy.sh does not have: four"),
        ("file: deploy.sh", "file: nowhere.sh", "30: nowhere.sh: no such file"),
        ("to: 81}", "to: 80}", "18: Resources/Web/Properties/Port: the step changes nothing"),
    ],
)
def test_a_mistake_is_named_with_its_line(file: Path, old: str, new: str, message: str) -> None:
    assert FILE.count(old) == 1
    file.write_text(FILE.replace(old, new))
    with pytest.raises(CaseError) as raised:
        _read_whole(file)
    assert str(raised.value).startswith(f"{file.parent.name}/case.yaml:{message}")
