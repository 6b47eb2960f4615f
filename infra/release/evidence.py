"""A release's evidence pack: found at the release before, and put where this release's readers look.

A pack is attached while that is possible. What is published in a repository with immutable releases takes no more
assets, and its text stays editable (GitHub Docs, immutable releases): there the text has the pack's hash and the run
that keeps it. A draft takes assets, whatever the repository's setting.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.release.errors import CallError, FailedError, UsageError
from infra.release.github import TAG, GitHub, Release

MAX_BYTES: Final = 256 * 1024 * 1024
_END: Final = "<!-- end of evidence -->"


def name_of(tag: str) -> str:
    """The asset's name: one for each tag, so that nobody has to guess which of several counts."""
    return f"evidence-{tag}.zip"


def previous(github: GitHub, tag: str, file: Path, say: Callable[[str], None]) -> bool:
    """Fetch the pack of the release before `tag` into `file`. Whether there is such a release at all.

    False means that this is the first release. A release before it whose pack cannot be had is another thing: `file`
    then says why, which whoever reads it as a pack reports.
    """
    before = _before(github.releases(), tag)
    if before is None:
        say(f"{tag} is the first release")
        return False
    asset = next((each for each in before.assets if each.name == name_of(before.tag)), None)
    if asset is None:
        say(f"{before.tag} has no {name_of(before.tag)}")
        file.write_bytes(b"no pack is attached to the release")
        return True
    try:
        content = github.download(asset, MAX_BYTES)
    except CallError as error:
        say(str(error))
        file.write_bytes(b"the pack that is attached to the release could not be fetched")
        return True
    file.write_bytes(content)
    say(f"{before.tag}: {asset.name}, {len(content)} bytes, sha256:{_sha256(content)}")
    return True


def _before(releases: list[Release], tag: str) -> Release | None:
    """The highest released version below this one's: a fix of an older line may have been published later."""
    ours = _version(tag)
    earlier = [each for each in releases if not each.draft and not each.prerelease and TAG.fullmatch(each.tag)]
    below = [each for each in earlier if _version(each.tag) < ours]
    return max(below, key=lambda each: _version(each.tag), default=None)


def _version(tag: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", tag.partition("-")[0])))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    file: Path
    attestation: str
    """Where the signature can be seen; empty where there is none."""
    run_url: str


def publish(github: GitHub, release: Release, pack: Pack, say: Callable[[str], None]) -> None:
    """Attach the pack, where the release takes it, and write its hash into the release's text."""
    content = pack.file.read_bytes()
    if len(content) > MAX_BYTES:
        raise UsageError(f"{pack.file} has {len(content)} bytes: that is no evidence pack")
    digest, name = _sha256(content), name_of(release.tag)
    kept = _attach(github, release, name, content)
    say(f"{name} sha256:{digest}: {kept or 'attached'}")
    text = written(release.body, tag=release.tag, digest=digest, kept=kept, pack=pack)
    if text != release.body:
        github.set_body(release, text)


_IMMUTABLE: Final = "the release is immutable"
_ANOTHER: Final = "an earlier run's is attached, and evidence is not replaced"


def _attach(github: GitHub, release: Release, name: str, content: bytes) -> str:
    """Why the pack stays with the run that made it; empty where it is attached."""
    there = next((each for each in release.assets if each.name == name), None)
    if there is not None:
        same = there.digest == f"sha256:{_sha256(content)}" or github.download(there, MAX_BYTES) == content
        return "" if same else _ANOTHER
    if release.immutable and not release.draft:
        return _IMMUTABLE
    try:
        github.upload(release, name, content)
    except FailedError as error:
        # The setting may be newer than what the release says of itself.
        if "immutable" in str(error).lower():
            return _IMMUTABLE
        raise
    return ""


def written(body: str, *, tag: str, digest: str, kept: str, pack: Pack) -> str:
    """The release's text with the block about this evidence: one for what is attached, one for each run's besides."""
    which = f"{tag} {pack.run_url.rpartition('/')[2]}" if kept == _ANOTHER else tag
    start = f"<!-- evidence of {which} -->"
    rest = re.sub(rf"\n*{re.escape(start)}.*?{re.escape(_END)}\n*", "\n", body, flags=re.DOTALL).rstrip()
    where = f"kept by [the run that made it]({pack.run_url}): {kept}" if kept else "attached to this release"
    signed = (
        f"signed: [attestation]({pack.attestation})"
        if pack.attestation
        else "not signed: this hash and the run vouch for it"
    )
    block = f"{start}\n**Evidence** `{name_of(tag)}`, {where}; {signed}\n`sha256:{digest}`\n{_END}\n"
    return f"{rest}\n\n{block}" if rest else block


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
