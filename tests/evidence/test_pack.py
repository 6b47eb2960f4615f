"""A pack is made, verified, damaged in every way that a hostile hand has, and refused by name."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from checker.cli import run as command
from checker.errors import ExitCode
from checker.evidence import archive
from checker.evidence.verify import verify
from checker.model.verdicts import Outcome, Run
from checker.reports import render
from tests.reports.sample import RUN

DIGEST = "sha256:" + "ab" * 32
REGISTRY = "111111111111.dkr.ecr.us-west-2.amazonaws.com"
SNAPSHOT: dict[str, Any] = {
    "schema": "checker-snapshot/1",
    "account": "111111111111",
    "region": "us-west-2",
    "taken_at": "2026-11-26T10:00:00Z",
    "facts": {
        "tasks": [
            {"lastStatus": "RUNNING", "containers": [{"image": "registry:5000/api:1.0", "imageDigest": DIGEST}]},
            {"lastStatus": "RUNNING", "containers": [{"image": f"mcp@{DIGEST}"}]},
            {"lastStatus": "RUNNING", "containers": [{"image": "sidecar:latest"}]},
            {
                "lastStatus": "RUNNING",
                "containers": [{"image": f"{REGISTRY}/web/app:v1"}, {"image": f"{REGISTRY}/gone:v1"}],
            },
            {"lastStatus": "STOPPED", "containers": [{"image": "old:1", "imageDigest": DIGEST}]},
        ],
        "images": {"web/app": [{"digest": DIGEST, "tags": ["v1", "latest"]}, {"digest": "sha256:0", "tags": ["v0"]}]},
    },
}


def stored(folder: Path, name: str, run: Run, **project: Any) -> Path:
    file = folder / f"{name}.json"
    file.write_text(render(replace(run, command=name, project=replace(run.project, **project)), "json"))
    return file


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    stored(tmp_path, "gate", RUN)
    stored(tmp_path, "audit", RUN)
    (tmp_path / "snapshot.json").write_text(json.dumps(SNAPSHOT))
    return tmp_path


def make(*more: str, out: str = "pack") -> int:
    arguments = ["evidence", "gate.json", "audit.json", "--snapshot", "snapshot.json", "--tag", "v1.2.3"]
    return command([*arguments, "--out", out, *more])


def test_the_same_input_is_the_same_bytes_as_folder_and_as_zip(here: Path) -> None:
    assert make() == make(out="again") == 0
    assert (here / "pack.zip").read_bytes() == (here / "again.zip").read_bytes()
    files = {each.relative_to(here / "pack").as_posix(): each for each in (here / "pack").rglob("*.*")}
    assert {name: file.read_bytes() for name, file in files.items()} == verify(here / "pack.zip").files
    assert command(["evidence", "verify", "pack"]) == command(["evidence", "verify", "pack.zip"]) == 0


def test_the_page_says_what_the_release_is(here: Path) -> None:
    make()
    page = json.loads((here / "pack/evidence.json").read_text())
    statement = json.loads((here / "pack/statement.json").read_text())
    names = [f"{REGISTRY}/web/app", "mcp", "registry:5000/api"]
    assert page["images"] == [{"digest": DIGEST, "name": name} for name in names]
    unknown = [f"the digest of {each}, which runs" for each in (f"{REGISTRY}/gone:v1", "sidecar:latest")]
    assert page["not_in_this_pack"] == ["no drift run", *unknown]
    assert page["runs"][0]["file"] == "runs/gate.json"
    assert page["previous"] == {"state": "none"}
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    named = [each["name"] for each in statement["subject"]]
    assert named == [*names, *(f"assembly/{name}" for name in sorted(page["assemblies"]))]


def test_the_difference_against_the_release_before(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(out="first")
    fewer = [each for each in RUN.verdicts if each.outcome is not Outcome.FAIL]
    failing = next(each for each in RUN.verdicts if each.outcome is Outcome.FAIL)
    mended = replace(failing, outcome=Outcome.PASS)
    stored(here, "gate", replace(RUN, verdicts=(*fewer, mended)))
    assert make("--previous", "first.zip", out="second") == 0
    difference = json.loads((here / "second/difference.json").read_text())["gate"]
    assert difference["new"] == []
    assert [each["finding"] for each in difference["fixed"]] == [failing.id]
    assert "gate since v1.2.3: 0 new, 1 fixed" in capsys.readouterr().out


@pytest.mark.parametrize("previous", ["nowhere.zip", "text.zip", "damaged.zip"])
def test_a_previous_pack_that_cannot_be_read_stops_nothing_and_is_said(
    here: Path, previous: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make(out="first")
    raw = bytearray((here / "first.zip").read_bytes())
    raw[200] ^= 1
    (here / "damaged.zip").write_bytes(raw)
    (here / "text.zip").write_text("no zip")
    assert make("--previous", previous, out="second") == 0
    page = json.loads((here / "second/evidence.json").read_text())
    assert page["previous"]["state"] == "unreadable"
    assert any(each.startswith("the previous release's run: ") for each in page["not_in_this_pack"])
    assert "cannot be read" in capsys.readouterr().err
    assert command(["evidence", "verify", "second.zip"]) == 0


def test_any_byte_of_the_zip_that_changes_is_seen(here: Path) -> None:
    make()
    raw = (here / "pack.zip").read_bytes()
    names = verify(here / "pack.zip").files
    # Every 97th byte, and every byte of the directory at its end: flipping each of them would take long.
    for position in [*range(0, len(raw), 97), *range(len(raw) - 700, len(raw))]:
        damaged = bytearray(raw)
        damaged[position] ^= 0x20
        (here / "damaged.zip").write_bytes(damaged)
        faults = verify(here / "damaged.zip").faults
        assert faults, position
        at = next(
            (name for name in names if raw.find(names[name]) <= position < raw.find(names[name]) + len(names[name])), ""
        )
        assert not at or any(at in each for each in faults), (position, at, faults)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda pack: (pack / "runs/gate.json").write_text("{}"), "runs/gate.json was changed"),
        (lambda pack: (pack / "runs/gate.json").unlink(), "runs/gate.json is missing"),
        (lambda pack: (pack / "runs/more.json").write_text("{}"), "runs/more.json was added"),
        (lambda pack: (pack / "link").symlink_to("/etc/hosts"), "link was added: not a regular file"),
        (lambda pack: (pack / "folder").symlink_to("/etc"), "folder was added: a link"),
        (lambda pack: (pack / "manifest.json").unlink(), "manifest.json is missing"),
        (lambda pack: (pack / "statement.json").unlink(), "statement.json is missing"),
        (lambda pack: (pack / "manifest.json").write_text("[" * 100_000), "manifest.json was changed"),
        (
            lambda pack: (pack / "statement.json").write_text(
                (pack / "statement.json").read_text().replace(DIGEST[7:], "cd" * 32)
            ),
            "statement.json was changed: it does not follow from evidence.json",
        ),
        (
            lambda pack: (pack / "manifest.json").write_text(
                (pack / "manifest.json").read_text().replace('"bytes"', '"bytes" ')
            ),
            "the statement names another manifest",
        ),
    ],
)
def test_what_was_done_to_a_folder_is_named(
    here: Path, change: Callable[[Path], object], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make()
    change(here / "pack")
    assert command(["evidence", "verify", "pack"]) == ExitCode.FAILED
    assert said in capsys.readouterr().out


def zipped(*entries: tuple[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(stream, "w", compression) as made:
        for name, content in entries:
            made.writestr(zipfile.ZipInfo(name), content, compression)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (zipped(("../../etc/passwd", b"x")), "is no name of a file"),
        (zipped(("/etc/passwd", b"x")), "is no name of a file"),
        (zipped(("a\\..\\b", b"x")), "is no name of a file"),
        (zipped(("runs/", b"")), "is no name of a file"),
        (zipped(("evidence.json", b"1"), ("evidence.json", b"2")), "stands in the zip twice"),
        (zipped(("bomb.json", b"0" * 1_000_000), compression=zipfile.ZIP_DEFLATED), "is compressed"),
        (zipped(*((f"f{n}", b"") for n in range(archive.MAX_FILES + 1))), "over the limit"),
        (b"", "damaged"),
        (b"PK\x05\x06" + b"\xff" * 18, "damaged"),
    ],
)
def test_a_hostile_zip_is_refused(here: Path, raw: bytes, said: str) -> None:
    (here / "hostile.zip").write_bytes(raw)
    faults = verify(here / "hostile.zip").faults
    assert any(said in each for each in faults), faults


def test_bytes_before_or_behind_a_zip_are_seen(here: Path) -> None:
    make()
    raw = (here / "pack.zip").read_bytes()
    for other in (b"#!/bin/sh\n" + raw, raw + b"more"):
        (here / "other.zip").write_bytes(other)
        assert verify(here / "other.zip").faults


def test_a_pack_that_fits_itself_is_held_against_the_hash_that_others_keep(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make()
    digest = verify(here / "pack.zip").zip_sha256
    assert command(["evidence", "verify", "pack.zip", "--sha256", f"sha256:{digest}"]) == 0
    make("--image", f"other@{DIGEST}")
    assert command(["evidence", "verify", "pack.zip"]) == 0
    assert command(["evidence", "verify", "pack.zip", "--sha256", digest]) == ExitCode.FAILED
    assert "this is another pack" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["audit.json", "--out", "pack"], "needs a gate run"),
        (["gate.json", "gate.json", "--out", "pack"], "two runs of gate"),
        (["gate.json", "other.json", "--out", "pack"], "of several commits"),
        (["gate.json", "--out", "pack", "--image", "api:latest"], "no image with its digest"),
        (["gate.json", "--out", "pack", "--assembly", "template.yaml"], "is not what the gate judged"),
        (["gate.json", "--out", "full"], "not empty, and no evidence pack"),
        (["missing.json", "--out", "pack"], "missing.json: no such file"),
        (["verify", "missing.zip"], "no such pack"),
        (["verify", "pack.txt", "more"], "unexpected extra argument"),
    ],
)
def test_what_does_not_fit_together_makes_no_pack(
    here: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    other = stored(here, "preflight", RUN, commit="f" * 40)
    other.rename(here / "other.json")
    (here / "template.yaml").write_text("Resources:\n  Topic: {Type: AWS::SNS::Topic}\n")
    (here / "full").mkdir()
    (here / "full/file").write_text("kept")
    assert command(["evidence", *arguments]) == ExitCode.USAGE
    assert said in capsys.readouterr().err
    assert not (here / "pack.zip").exists()
    assert (here / "full/file").read_text() == "kept"
