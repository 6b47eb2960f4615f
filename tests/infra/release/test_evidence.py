"""The evidence pack of a release, as GitHub takes it and does not: published, draft, immutable."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.release.cli import main
from tests.infra.release.fakes import FakeAccount, FakeEcs, HandClock
from tests.infra.release.loopback import REPOSITORY, Answers, serving

PACK = b"the pack"
HASH = hashlib.sha256(PACK).hexdigest()
BASE = f"/repos/{REPOSITORY}"
UPLOAD = f"POST {BASE}/releases/7/assets?name=evidence-v1.1.0.zip"


@pytest.fixture
def github() -> Iterator[Answers]:
    with serving(Answers()) as answers:
        answers.routes[f"PATCH {BASE}/releases/7"] = (200, {})
        answers.routes[UPLOAD] = (201, {"id": 1})
        yield answers


def release(tag: str = "v1.1.0", number: int = 7, **more: Any) -> dict[str, Any]:
    return {"id": number, "tag_name": tag, "body": "Notes.", "draft": False, "immutable": False, "assets": [], **more}


def there(github: Answers, found: dict[str, Any]) -> None:
    found["upload_url"] = f"{github.url}{BASE}/releases/7/assets{{?name,label}}"
    if found["draft"]:
        github.routes[f"GET {BASE}/releases?per_page=100"] = (200, [release("v1.0.0", 6), found])
    else:
        github.routes[f"GET {BASE}/releases/tags/v1.1.0"] = (200, found)


def command(github: Answers, *arguments: str) -> int:
    environ = {
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_TOKEN": "secret-token",
        "GITHUB_API_URL": github.url,
        "GITHUB_RUN_ID": "99",
    }
    return main([*arguments, "--tag", "v1.1.0"], environ, clock=HandClock(), account=FakeAccount(FakeEcs()))


def publish(github: Answers, folder: Path, *more: str) -> int:
    (folder / "pack.zip").write_bytes(PACK)
    return command(github, "publish-evidence", "--pack", str(folder / "pack.zip"), *more)


def body(github: Answers) -> str:
    (written,) = [
        str(sent["body"]) for call, sent in github.seen if call.startswith("PATCH") and isinstance(sent, dict)
    ]
    return written


def uploads(github: Answers) -> list[object]:
    return [sent for call, sent in github.seen if call.startswith("POST")]


@pytest.mark.parametrize("draft", [False, True])
@pytest.mark.parametrize("immutable", [False, True])
def test_a_release_that_takes_it_gets_it(github: Answers, tmp_path: Path, draft: bool, immutable: bool) -> None:
    there(github, release(draft=draft, immutable=immutable))
    assert publish(github, tmp_path, "--attestation", "https://github.com/o/r/attestations/1") == 0
    attached = draft or not immutable
    assert uploads(github) == ([PACK] if attached else [])
    assert body(github).startswith("Notes.\n\n<!-- evidence of v1.1.0 -->\n**Evidence** `evidence-v1.1.0.zip`, ")
    assert f"`sha256:{HASH}`" in body(github)
    assert ("attached to this release" in body(github)) is attached
    assert (f"https://github.com/{REPOSITORY}/actions/runs/99" in body(github)) is not attached
    assert "[attestation](https://github.com/o/r/attestations/1)" in body(github)


def test_a_release_that_turns_out_to_be_immutable_gets_the_hash(github: Answers, tmp_path: Path) -> None:
    there(github, release())
    github.routes[UPLOAD] = (422, {"message": "Cannot upload asset to an immutable release."})
    assert publish(github, tmp_path) == 0
    assert "kept by [the run that made it]" in body(github)
    assert "not signed" in body(github)


def test_repeating_it_changes_nothing(github: Answers, tmp_path: Path) -> None:
    there(github, release())
    assert publish(github, tmp_path) == 0
    asset = {"id": 3, "name": "evidence-v1.1.0.zip", "digest": f"sha256:{HASH}"}
    there(github, release(body=body(github), assets=[asset]))
    github.seen.clear()
    assert publish(github, tmp_path) == 0
    assert [call for call, _ in github.seen if not call.startswith("GET")] == []


def test_evidence_is_not_replaced(github: Answers, tmp_path: Path) -> None:
    """A draft that was deployed and is then published is deployed again: the first pack stays, with its hash."""
    block = "<!-- evidence of v1.1.0 -->\nfirst\n<!-- end of evidence -->"
    assets = [{"id": 3, "name": "evidence-v1.1.0.zip", "digest": None}]
    there(github, release(body=block, assets=assets))
    github.routes[f"GET {BASE}/releases/assets/3"] = (200, b"another pack")
    assert publish(github, tmp_path) == 0
    assert uploads(github) == []
    assert body(github).startswith(f"{block}\n\n<!-- evidence of v1.1.0 99 -->\n")
    assert "evidence is not replaced" in body(github)


def test_no_token_is_sent_to_another_host(github: Answers, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there(github, release())
    found = release(upload_url="http://evil.example/upload{?name}")
    github.routes[f"GET {BASE}/releases/tags/v1.1.0"] = (200, found)
    assert publish(github, tmp_path) == 71
    assert "no token is sent there" in capsys.readouterr().err


def previous(github: Answers, file: Path, *releases: dict[str, Any]) -> int:
    github.routes[f"GET {BASE}/releases?per_page=100"] = (200, list(releases))
    return command(github, "previous-evidence", "--out", str(file))


def asset(tag: str, number: int = 3) -> list[dict[str, Any]]:
    return [{"id": number, "name": f"evidence-{tag}.zip"}]


def test_the_pack_of_the_release_before_comes_from_where_github_sends_us(github: Answers, tmp_path: Path) -> None:
    github.routes[f"GET {BASE}/releases/assets/3"] = (302, f"{github.url}/storage/x?sig=1")
    github.routes["GET /storage/x?sig=1"] = (200, PACK)
    earlier = [
        release("v1.0.9", 1, assets=asset("v1.0.9", 9)),
        release("v1.0.10", 2, assets=asset("v1.0.10")),
        release("v1.0.11", 3, draft=True),
        release("v1.0.12", 4, prerelease=True),
        release("v2.0.0", 5),
        release("nightly", 6),
    ]
    assert previous(github, tmp_path / "previous.zip", release(), *earlier) == 0
    assert (tmp_path / "previous.zip").read_bytes() == PACK
    assert github.headers[-2]["Authorization"] == "Bearer secret-token"
    assert "Authorization" not in github.headers[-1]


def test_a_first_release_and_one_whose_predecessor_has_no_pack_are_told_apart(
    github: Answers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "previous.zip"
    assert previous(github, file, release()) == 0
    assert "first=true" in capsys.readouterr().out
    assert not file.exists()
    assert previous(github, file, release(), release("v1.0.0", 6)) == 0
    assert "first=false" in capsys.readouterr().out
    assert file.read_bytes() == b"no pack is attached to the release"
    assert previous(github, file, release(), release("v1.0.0", 6, assets=asset("v1.0.0"))) == 0
    assert b"could not be fetched" in file.read_bytes()
