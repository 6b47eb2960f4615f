"""checker.toml: every key, every fault with its line, and documentation that knows every key."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.collect.config.settings_file import KEYS, KINDS, load_settings, parse_settings, project_settings
from checker.errors import ConfigError
from checker.model.environments import EnvironmentKind
from checker.model.settings import EnvironmentSettings, Settings, SubjectForm
from infra import naming
from infra.environments import ENVIRONMENTS, REPOSITORY

ROOT = Path(__file__).parents[3]
EVERYTHING = """
repository = "kcjonson/doc-platform"
subject_form = "immutable"
owner_id = 12
repository_id = "34"
default_branch = "trunk"
protected_refs = ["refs/heads/trunk", "refs/tags/r*"]
github_environments = ["live"]
bootstrap_tags = ["boot"]
release_tag_patterns = ["r*"]
script_folders = ["deploy"]
migration_folders = ["db/sql"]
synthesis_command = ["npx", "cdk", "synth"]
synthesis_inputs = ["lib/**/*.ts"]
rules = ["ours"]
max_waiver_days = 90
rule_seconds = 5
account = "222222222222"
region = "us-west-2"

[stacks]
Docs = "live"

[environment_kinds]
live = "production"

[parameters.Docs]
Size = "large"
Count = 2
Encrypt = true

[synthesis_context]
stage = "all"

[exclude]
"examples/*.yaml" = "shown in the manual"

[environments.trial]
kind = "staging"
stacks = ["Trial"]
account = "111111111111"
region = "eu-west-1"

[environments.trial.parameters]
Size = 1
"""


def test_every_key_is_a_field_and_every_field_has_a_key() -> None:
    assert set(KEYS) == {field.name for field in fields(Settings)} - {"places", "has_bootstrap", "origin"}


def test_every_kind_of_environment_can_be_said() -> None:
    assert set(KINDS) == {kind.value for kind in EnvironmentKind}


def test_everything_said() -> None:
    assert parse_settings(EVERYTHING) == Settings(
        repository="kcjonson/doc-platform",
        subject_form=SubjectForm.IMMUTABLE,
        owner_id="12",
        repository_id="34",
        default_branch="trunk",
        protected_refs=("refs/heads/trunk", "refs/tags/r*"),
        github_environments=("live",),
        stacks={"Docs": "live", "Trial": "trial"},
        environment_kinds={"live": "production", "trial": "staging"},
        parameters={"Docs": {"Size": "large", "Count": "2", "Encrypt": "true"}},
        bootstrap_tags=("boot",),
        has_bootstrap=True,
        release_tag_patterns=("r*",),
        script_folders=("deploy",),
        migration_folders=("db/sql",),
        synthesis_command=("npx", "cdk", "synth"),
        synthesis_inputs=("lib/**/*.ts",),
        synthesis_context={"stage": "all"},
        exclude={"examples/*.yaml": "shown in the manual"},
        account="222222222222",
        region="us-west-2",
        environments={
            "trial": EnvironmentSettings(
                kind="staging", stacks=("Trial",), account="111111111111", region="eu-west-1", parameters={"Size": "1"}
            )
        },
        rules=("ours",),
        max_waiver_days=90,
        rule_seconds=5.0,
    )
    assert {key for key in KEYS if re.search(rf"^\[?{key}\b", EVERYTHING, re.MULTILINE)} == set(KEYS)


def test_nothing_said() -> None:
    assert parse_settings("") == Settings()


def test_protected_refs_follow_the_default_branch() -> None:
    assert parse_settings('default_branch = "trunk"').protected_refs == ("refs/heads/trunk", "refs/tags/v*")


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ('repo = "a/b"', "checker.toml:1: no key 'repo'", "Did you mean re"),
        ('\n\nrepositry = "a/b"', "checker.toml:3: no key 'repositry'", "Did you mean repository?"),
        ("# a\n[stack]\nX = 'y'", "checker.toml:2: no key 'stack'", "Did you mean stacks?"),
        ("zzz = 1", "checker.toml:1: no key 'zzz'", "Known: repository, subject_form,"),
        ("repository = 3", "checker.toml:1: repository is not text", ""),
        ('repository = "b"', "checker.toml:1: repository is 'b'", '"OWNER/REPO"'),
        ('repository = "https://github.com/a/b"', "checker.toml:1: repository is", '"OWNER/REPO"'),
        ('default_branch = ""', "checker.toml:1: default_branch is not text", ""),
        ('default_branch = "a\\u001bb"', "checker.toml:1: default_branch is not text", ""),
        ('subject_form = "modern"', "checker.toml:1: subject_form is 'modern'", "classic, immutable"),
        ("subject_form = 1", "checker.toml:1: subject_form is 1", ""),
        ('\nsubject_form = "immutable"', "checker.toml:2: the immutable subject form needs owner_id", "gh api"),
        ("owner_id = true", "checker.toml:1: owner_id is True", ""),
        ('owner_id = "kcjonson"', "checker.toml:1: owner_id is 'kcjonson'", ""),
        ('protected_refs = ["main"]', "checker.toml:1: protected_refs holds 'main'", "refs/heads/main"),
        ("protected_refs = []", "checker.toml:1: protected_refs is empty", ""),
        ('protected_refs = "refs/heads/main"', "checker.toml:1: protected_refs is not a list of texts", ""),
        ("github_environments = [1]", "checker.toml:1: github_environments is not a list of texts", ""),
        ('script_folders = ["/etc"]', "checker.toml:1: script_folders holds '/etc'", "below the project"),
        ('migration_folders = ["a/../../b"]', "checker.toml:1: migration_folders holds", "below the project"),
        ('stacks = ["a"]', "checker.toml:1: stacks is not a table", ""),
        ('[stacks]\nA = "x"\nB = 1', "checker.toml:3: stacks gives B no text", ""),
        ("stacks.A = 1", "checker.toml:1: stacks gives A no text", ""),
        ('[environments.live]\nkind = "prod"', "checker.toml:2: environments says of live: kind is 'prod'", ""),
        ('[environments.live]\nacount = "1"', "checker.toml:2: environments has no key 'acount' of live", "account"),
        ("[environments]\nlive = 1", "checker.toml:1: environments is not a table per environment", ""),
        ('account = "12"', "checker.toml:1: account is '12'", ""),
        ('region = "Ireland"', "checker.toml:1: region is 'Ireland'", ""),
        ('[environment_kinds]\nlive = "prod"', "checker.toml:2: environment_kinds says 'prod' of live", ""),
        ("[parameters]\nA = 1", "checker.toml:1: parameters is not a table per stack", "[parameters.STACK]"),
        ("\n[parameters.Docs]\nA = [1]", "checker.toml:3: parameters gives Docs.A no plain value", ""),
        ("max_waiver_days = 0", "checker.toml:1: max_waiver_days is 0", "1 to 730"),
        ("max_waiver_days = true", "checker.toml:1: max_waiver_days is True", ""),
        ("max_waiver_days = 1.5", "checker.toml:1: max_waiver_days is 1.5", ""),
        ("rule_seconds = nan", "checker.toml:1: rule_seconds is nan", "0.1 to 600"),
        ("rule_seconds = inf", "checker.toml:1: rule_seconds is inf", ""),
        ("a = 1\nb = [", "checker.toml:2: not valid TOML", ""),
        ("a = 1\na = 2", "checker.toml:2: not valid TOML", ""),
        ("\n\n= 3", "checker.toml:3: not valid TOML", ""),
    ],
)
def test_faults_are_told_with_their_line(text: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        parse_settings(text)
    assert hint in caught.value.hint


@given(
    st.text(max_size=40) | st.sampled_from(sorted(KEYS)).flatmap(lambda k: st.text(max_size=20).map(f"{k} = ".__add__))
)
def test_any_text_is_settings_or_a_fault_with_a_line(text: str) -> None:
    said: Settings | str
    try:
        said = parse_settings(text)
    except ConfigError as error:
        said = error.message
    assert isinstance(said, Settings) or re.match(r"checker\.toml:\d+: ", said)


def test_a_project_without_a_file_has_the_defaults(tmp_path: Path) -> None:
    assert project_settings(tmp_path) == Settings()
    (tmp_path / "checker.toml").write_text("max_waiver_days = 30", encoding="utf-8")
    assert project_settings(tmp_path).max_waiver_days == 30
    with pytest.raises(ConfigError, match="no such file"):
        load_settings(tmp_path / "gone.toml")
    (tmp_path / "checker.toml").write_bytes(b"a\n\xff")
    with pytest.raises(ConfigError, match=r"checker\.toml:2: not UTF-8"):
        project_settings(tmp_path)


# --- this repository's own


def test_own_settings_say_what_the_stacks_are() -> None:
    settings = project_settings(ROOT)
    assert settings.repository == REPOSITORY
    assert dict(settings.stacks) == {
        naming.SHARED_STACK: "shared",
        **{each.stack_name: name for name, each in ENVIRONMENTS.items()},
    }
    assert settings.bootstrap_tags == (naming.BOOTSTRAP_TAG,)
    assert settings.release_tag_patterns == (naming.RELEASE_TAG_PATTERN,)
    assert set(settings.github_environments) == set(ENVIRONMENTS)


def test_the_documentation_knows_every_key_and_no_other() -> None:
    text = (ROOT / "docs/checker-toml.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `\[?([a-z_]+)(?:\.STACK|\.NAME)?\]?` \|", text, re.MULTILINE)
    assert named == list(KEYS)
    example, two = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert parse_settings(example).repository == REPOSITORY
    assert parse_settings(two).environments["production"].parameters == {"Stage": "production"}


@pytest.mark.parametrize(
    "key", ["default_branch", "bootstrap_tags", "release_tag_patterns", "max_waiver_days", "rule_seconds"]
)
def test_the_documentation_knows_the_defaults(key: str) -> None:
    text = (ROOT / "docs/checker-toml.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| `{key}` \|.*\| `(.*)` \|$", text, re.MULTILINE)
    value = getattr(Settings(), key)
    shown = list(value) if isinstance(value, tuple) else value
    assert row.replace('"', "'") == repr(shown)
