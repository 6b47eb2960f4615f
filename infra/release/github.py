"""GitHub's REST API: what a tag names, and the text of a release."""

from __future__ import annotations

import http.client
import json
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

from infra.release.console import Clock
from infra.release.errors import CallError, FailedError, RefusedError, UsageError

TAG: Final = re.compile(r"v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")
"""A release's tag: semantic version. It also becomes an image's tag, and matches the rule that keeps those."""
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")
_TIMEOUT_SECONDS: Final = 20.0
_ATTEMPTS: Final = 4
_NESTED_TAGS: Final = 5


@dataclass(frozen=True, slots=True)
class Asset:
    id: int
    name: str
    digest: str = ""
    """`sha256:…`; empty where GitHub does not say."""


@dataclass(frozen=True, slots=True)
class Release:
    id: int
    tag: str
    body: str
    draft: bool = False
    prerelease: bool = False
    immutable: bool = False
    upload_url: str = ""
    assets: tuple[Asset, ...] = ()


@dataclass(frozen=True, slots=True)
class GitHub:
    """One repository. The token is sent, and never shown."""

    repository: str
    token: str
    clock: Clock
    api: str = "https://api.github.com"

    def commit_of_tag(self, tag: str) -> str:
        """The commit that a tag names in the end: an annotated tag's reference names a tag object first."""
        check_tag(tag)
        found = self._get(f"git/ref/tags/{quote(tag, safe='')}", missing=f"there is no tag {tag}")["object"]
        for _ in range(_NESTED_TAGS):
            if found["type"] == "commit":
                return str(found["sha"])
            if found["type"] != "tag":
                break
            found = self._get(f"git/tags/{found['sha']}", missing=f"tag object {found['sha']} is gone")["object"]
        raise FailedError(f"{tag} names a {found['type']}, not a commit", fix="Tag a commit of main.")

    def head_of(self, branch: str) -> str:
        path = f"git/ref/heads/{quote(branch, safe='')}"
        return str(self._get(path, missing=f"there is no branch {branch}")["object"]["sha"])

    def release_of_tag(self, tag: str) -> Release:
        """Published, or a draft: only published ones have an address of their tag (GitHub REST API, releases)."""
        check_tag(tag)
        found = self._call("GET", f"releases/tags/{quote(tag, safe='')}", missing=None)
        if found:
            return _release(found)
        draft = next((each for each in self.releases() if each.tag == tag), None)
        if draft is None:
            raise FailedError(f"{tag} has no release", fix="Check the name, and that the token may read releases.")
        return draft

    def releases(self) -> list[Release]:
        """The newest hundred; drafts too, for a token that may write (GitHub REST API, list releases)."""
        text = self._text("GET", "releases?per_page=100", missing="there are no releases to read")
        try:
            found = json.loads(text)
        except ValueError as error:
            raise CallError("GitHub answered releases with something that is not JSON") from error
        if not isinstance(found, list):
            raise CallError("GitHub answered releases with something that is not a list")
        return [_release(each) for each in found]

    def download(self, asset: Asset, limit: int) -> bytes:
        """An asset's bytes, from where GitHub sends us: the token goes to the API alone."""
        path = f"/repos/{self.repository}/releases/assets/{asset.id}"
        answer = self._transfer(self.api, "GET", path, accept="application/octet-stream", limit=limit)
        if answer.status in (301, 302, 307, 308):
            parts = urlsplit(answer.location)
            if parts.scheme != urlsplit(self.api).scheme:
                raise CallError(f"GitHub sends {asset.name} over {parts.scheme or 'nothing'}")
            origin, rest = f"{parts.scheme}://{parts.netloc}", f"{parts.path}?{parts.query}".rstrip("?")
            answer = self._transfer(origin, "GET", rest, accept="application/octet-stream", limit=limit, token=False)
        if answer.status != 200:
            raise CallError(f"GitHub did not give {asset.name}: {answer.status}")
        return answer.content

    def upload(self, release: Release, name: str, content: bytes) -> None:
        """Attach a file. Not tried again: a second asset of one name is refused."""
        url = release.upload_url.partition("{")[0]
        parts, ours = urlsplit(url), urlsplit(self.api)
        if parts.scheme != ours.scheme or not _same_site(parts.hostname or "", ours.hostname or ""):
            raise CallError(
                f"release {release.id} takes uploads at {parts.hostname or 'no host'}: no token is sent there"
            )
        origin, path = f"{parts.scheme}://{parts.netloc}", f"{parts.path}?name={quote(name, safe='')}"
        answer = self._transfer(origin, "POST", path, body=content, content_type="application/zip", limit=1_000_000)
        if answer.status != 201:
            said = answer.content.decode("utf-8", "replace")[:500]
            raise FailedError(f"GitHub refused {name}: {answer.status}: {said}", fix="Check that the job may write.")

    def refuse_prerelease(self, tag: str) -> None:
        """By its tag, or by its release. A tag may have no release yet: a bootstrap comes before the first."""
        if "-" in tag:
            raise RefusedError(f"{tag} is a pre-release", fix="Release the commit under a tag of the form v1.2.3.")
        # Only published releases have an address of their tag (GitHub REST API, releases).
        found = self._call("GET", f"releases/tags/{quote(tag, safe='')}", missing=None)
        if found.get("prerelease"):
            raise RefusedError(f"{tag} is marked as a pre-release", fix="Publish it as a release, then run this.")

    def release(self, number: int) -> Release:
        return _release(self._get(f"releases/{number}", missing=f"there is no release {number}"))

    def set_body(self, release: Release, body: str) -> None:
        """By id: by its tag a release can only be read (GitHub REST API, releases)."""
        self._call("PATCH", f"releases/{release.id}", missing=f"release {release.id} is gone", body={"body": body})

    def _get(self, path: str, *, missing: str) -> Mapping[str, Any]:
        return self._call("GET", path, missing=missing)

    def _call(
        self, method: str, path: str, *, missing: str | None, body: Mapping[str, object] | None = None
    ) -> Mapping[str, Any]:
        return _object(self._text(method, path, missing=missing, body=body), path)

    def _text(self, method: str, path: str, *, missing: str | None, body: Mapping[str, object] | None = None) -> str:
        """Errors of the server and of the network are tried again: all these calls may be repeated.

        `missing` is what to say of something that is not there; with None that is an empty answer.
        """
        if not _REPOSITORY.fullmatch(self.repository):
            raise UsageError(f"{self.repository!r} is no repository", fix="Set GITHUB_REPOSITORY to OWNER/NAME.")
        problem = ""
        for attempt in range(_ATTEMPTS):
            if attempt:
                self.clock.sleep(2.0**attempt)
            try:
                status, text = self._send(method, f"/repos/{self.repository}/{path}", body)
            except (OSError, http.client.HTTPException) as error:
                problem = f"{type(error).__name__}: {error}"
                continue
            if status < 300:
                return text
            problem = f"{status}: {text[:500]}"
            if status == 404:
                if missing is None:
                    return "{}"
                # GitHub also answers so where the token may not look.
                raise FailedError(missing, fix="Check the name, and that the token may read this repository.")
            if status < 500 and status != 429:
                break
        raise CallError(f"GitHub refused {method} {path}: {problem}", fix="Check GITHUB_TOKEN's permissions.")

    def _send(self, method: str, path: str, body: Mapping[str, object] | None) -> tuple[int, str]:
        content = json.dumps(body).encode() if body else None
        answer = self._transfer(self.api, method, path, body=content, content_type="application/json")
        return answer.status, answer.content.decode("utf-8", "replace")

    def _transfer(
        self,
        origin: str,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        content_type: str = "",
        accept: str = "application/vnd.github+json",
        limit: int = 64 * 1024 * 1024,
        token: bool = True,
    ) -> _Answer:
        parts = urlsplit(origin)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise UsageError("GITHUB_API_URL is no http(s) URL")
        connection = (
            http.client.HTTPSConnection(
                parts.hostname, parts.port, timeout=_TIMEOUT_SECONDS, context=ssl.create_default_context()
            )
            if parts.scheme == "https"
            else http.client.HTTPConnection(parts.hostname, parts.port, timeout=_TIMEOUT_SECONDS)
        )
        headers = {"Accept": accept, "User-Agent": "doc-platform-release", "X-GitHub-Api-Version": "2022-11-28"}
        if token:
            headers["Authorization"] = f"Bearer {self.token}"
        if content_type:
            headers["Content-Type"] = content_type
        try:
            connection.request(method, parts.path.rstrip("/") + path, body, headers)
            answer = connection.getresponse()
            content = answer.read(limit + 1)
            if len(content) > limit:
                raise CallError(f"GitHub answers {method} {path} with more than {limit} bytes")
            return _Answer(answer.status, content, answer.getheader("Location") or "")
        finally:
            connection.close()


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    content: bytes
    location: str


def _same_site(host: str, api: str) -> bool:
    """`uploads.github.com` belongs to `api.github.com`, `host` to itself (GitHub Enterprise Server)."""
    return host == api or host == f"uploads.{api.removeprefix('api.')}"


def check_tag(tag: str) -> None:
    if not TAG.fullmatch(tag):
        raise UsageError(f"{tag!r} is no release tag", fix="Name one of the form v1.2.3.")


def _object(text: str, path: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise CallError(f"GitHub answered {path} with something that is not JSON") from error
    if not isinstance(found, dict):
        raise CallError(f"GitHub answered {path} with something that is not an object")
    return found


def _release(found: Mapping[str, Any]) -> Release:
    assets = found.get("assets")
    return Release(
        int(found["id"]),
        str(found["tag_name"]),
        str(found.get("body") or ""),
        draft=found.get("draft") is True,
        prerelease=found.get("prerelease") is True,
        immutable=found.get("immutable") is True,
        upload_url=str(found.get("upload_url") or ""),
        assets=tuple(
            Asset(int(each["id"]), str(each["name"]), str(each.get("digest") or ""))
            for each in (assets if isinstance(assets, list) else ())
        ),
    )
