"""``checker evidence RUN.json… --out DIR`` and ``checker evidence verify PACK``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from checker.cli.options import file_that_can_be, progress

if TYPE_CHECKING:
    from checker.evidence.contents import Image, StoredRun, StoredSnapshot

_PATH = click.Path(path_type=Path)


class _MakeOrVerify(click.Group):
    """``verify`` is a command of its own; whatever else comes first is what a pack is made of."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "-h", "--help"}:
            args = ["make", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_MakeOrVerify, context_settings={"help_option_names": ["-h", "--help"]})
def evidence() -> None:
    """A release's evidence: `checker evidence RUN.json… --out DIR` makes the pack, `verify` checks one, offline."""


@evidence.command()
@click.argument("runs", type=_PATH, nargs=-1, required=True, metavar="RUN.json…")
@click.option("--out", type=_PATH, required=True, metavar="DIR", help="The pack's folder; DIR.zip is made beside it.")
@click.option("--snapshot", "snapshots", type=_PATH, multiple=True, help="The account as it is: what runs there.")
@click.option("--assembly", "assemblies", type=_PATH, multiple=True, help="What is deployed: must be what was judged.")
@click.option("--image", "images", multiple=True, metavar="NAME@sha256:…", help="An image of the release. Repeatable.")
@click.option("--tag", default="", help="The release's tag.")
@click.option("--commit", default="", help="The commit; the runs must be of it.")
@click.option(
    "--previous", type=_PATH, metavar="PACK", help="The previous release's pack.  [this is the first release]"
)
@click.option(
    "--subjects",
    type=_PATH,
    callback=file_that_can_be,
    metavar="FILE",
    help="Also write what is attested, as sha256sum writes it.",
)
def make(runs: tuple[Path, ...], out: Path, **options: Any) -> None:
    """Collect stored runs into a pack: a folder and one zip, the same bytes for the same input."""
    from checker.collect.outputs import write_whole_bytes
    from checker.evidence import archive
    from checker.evidence.contents import STATEMENT, Release, files, sha256
    from checker.evidence.previous import read_previous

    previous = read_previous(options["previous"])
    if previous.state == "unreadable":
        click.echo(f"warning: the previous pack cannot be read: {previous.why}", err=True)
        click.echo("  the new pack says so, and has no difference.", err=True)
    stored = [_run(path) for path in runs]
    _are_what_was_judged(options["assemblies"], stored)
    release = Release(
        runs=stored,
        snapshots=[_snapshot(path) for path in options["snapshots"]],
        images=[_image(each) for each in options["images"]],
        tag=options["tag"],
        commit=options["commit"],
        previous=previous,
    )
    found = files(release)
    target = out.with_name(f"{out.name}.zip")
    _empty(out)
    for name, content in found.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        write_whole_bytes(out / name, content)
    packed = archive.pack(found)
    write_whole_bytes(target, packed)
    if options["subjects"]:
        write_whole_bytes(options["subjects"], _subjects(found[STATEMENT], target.name, sha256(packed)))
    _tell(found, target, sha256(packed))


@evidence.command()
@click.argument("pack", type=_PATH)
@click.option("--sha256", "expected", default="", metavar="HASH", help="The zip's hash as the release's text has it.")
def verify(pack: Path, expected: str) -> None:
    """Check a pack, a zip or a folder, offline. Exit code 1 names every file that changed, is missing or was added."""
    from checker.errors import ExitCode, UsageError, printable
    from checker.evidence.verify import verify as verified

    found = verified(pack)
    faults = list(found.faults)
    if expected:
        if not found.zip_sha256:
            raise UsageError("--sha256 is about a zip, and this is a folder", "Name the zip.")
        if expected.removeprefix("sha256:").lower() != found.zip_sha256:
            faults.append(f"the zip's SHA-256 is {found.zip_sha256}, not the expected one: this is another pack")
    for fault in faults:
        click.echo(f"{pack}: {printable(fault, 500)}")
    if faults:
        sys.exit(ExitCode.FAILED)
    evidence_of = found.evidence
    said = f" of {evidence_of['tag']}" if evidence_of.get("tag") else ""
    commit = f" at {str(evidence_of['commit'])[:12]}" if evidence_of.get("commit") else ""
    click.echo(printable(f"{pack}: whole: {len(found.files)} files, the evidence{said}{commit}"))
    for each in evidence_of["not_in_this_pack"]:
        click.echo(printable(f"  not in it: {each}"))
    if expected:
        click.echo("  and it is the one that was expected")
    else:
        click.echo(f"  statement sha256:{found.statement_sha256}")
        click.echo("  It fits itself. That it is the release's own: --sha256, or `gh attestation verify`.")


def _run(path: Path) -> StoredRun:
    from checker.collect.documents import read_text
    from checker.evidence.contents import StoredRun
    from checker.reports.json_document import parse

    text = read_text(path, str(path))
    return StoredRun(parse(text, str(path)), path.read_bytes())


def _snapshot(path: Path) -> StoredSnapshot:
    from checker.collect.documents import read_text
    from checker.collect.snapshots import parse
    from checker.evidence.contents import StoredSnapshot

    return StoredSnapshot(parse(read_text(path, str(path)), str(path)), path.read_bytes())


def _image(value: str) -> Image:
    from checker.errors import UsageError
    from checker.evidence.contents import Image, is_digest, untagged

    name, _, digest = value.partition("@")
    if not name or not is_digest(digest):
        raise UsageError(f"--image {value}: no image with its digest", "Write it as NAME@sha256: and 64 digits.")
    return Image(untagged(name), digest)


def _are_what_was_judged(assemblies: tuple[Path, ...], runs: list[StoredRun]) -> None:
    from checker.collect.templates.assembly import read_assembly
    from checker.errors import InputError

    judged = {digest for each in runs if each.run.command == "gate" for digest in each.run.project.assemblies.values()}
    for path in assemblies:
        progress(f"reading {path}")
        digest = read_assembly(path.absolute(), Path.cwd()).digest
        if digest not in judged:
            raise InputError(
                f"{path} is not what the gate judged: its hash is {digest}", "Run the gate on what is deployed."
            )


def _empty(out: Path) -> None:
    """The folder, empty. What is in the way is removed only where it is a pack."""
    from checker.errors import UsageError
    from checker.evidence.contents import MANIFEST

    if out.is_dir() and any(out.iterdir()):
        if out.is_symlink() or not (out / MANIFEST).is_file():
            raise UsageError(f"--out {out}: not empty, and no evidence pack", "Name a folder that is not there yet.")
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)


def _subjects(statement: bytes, name: str, digest: str) -> bytes:
    """What is signed: images, assemblies and the zip, as ``sha256sum`` lists them."""
    import json

    lines = [f"{each['digest']['sha256']}  {each['name']}" for each in json.loads(statement)["subject"]]
    return "".join(f"{line}\n" for line in [*lines, f"{digest}  {name}"]).encode()


def _tell(found: dict[str, bytes], target: Path, digest: str) -> None:
    import json

    from checker.errors import printable
    from checker.evidence.contents import DIFFERENCE, EVIDENCE

    page = json.loads(found[EVIDENCE])
    click.echo(f"{target}: {len(found)} files, sha256:{digest}")
    for run in page["runs"]:
        totals = ", ".join(f"{number} {name}" for name, number in run["totals"].items() if number)
        totals = totals or ", ".join(f"{number} {name}" for name, number in run.get("drift", {}).items())
        click.echo(printable(f"  {run['file']}: {totals or 'nothing'}"))
    click.echo(f"  {len(page['assemblies'])} assemblies, {len(page['images'])} images")
    if DIFFERENCE in found:
        for name, each in json.loads(found[DIFFERENCE]).items():
            new, fixed = len(each["new"]), len(each["fixed"])
            since = page["previous"].get("tag") or "the previous release"
            click.echo(printable(f"  {name} since {since}: {new} new, {fixed} fixed"))
    for each in page["not_in_this_pack"]:
        click.echo(printable(f"  not in it: {each}"))
