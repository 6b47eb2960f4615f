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
class Release:
    id: int
    tag: str
    body: str


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
        check_tag(tag)
        return _release(self._get(f"releases/tags/{quote(tag, safe='')}", missing=f"{tag} has no published release"))

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
        """Errors of the server and of the network are tried again: all our calls may be repeated.

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
                return _object(text, path)
            problem = f"{status}: {text[:500]}"
            if status == 404:
                if missing is None:
                    return {}
                # GitHub also answers so where the token may not look.
                raise FailedError(missing, fix="Check the name, and that the token may read this repository.")
            if status < 500 and status != 429:
                break
        raise CallError(f"GitHub refused {method} {path}: {problem}", fix="Check GITHUB_TOKEN's permissions.")

    def _send(self, method: str, path: str, body: Mapping[str, object] | None) -> tuple[int, str]:
        parts = urlsplit(self.api)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise UsageError("GITHUB_API_URL is no http(s) URL")
        connection = (
            http.client.HTTPSConnection(
                parts.hostname, parts.port, timeout=_TIMEOUT_SECONDS, context=ssl.create_default_context()
            )
            if parts.scheme == "https"
            else http.client.HTTPConnection(parts.hostname, parts.port, timeout=_TIMEOUT_SECONDS)
        )
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "User-Agent": "doc-platform-release",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        try:
            connection.request(method, parts.path.rstrip("/") + path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        finally:
            connection.close()


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
    return Release(int(found["id"]), str(found["tag_name"]), str(found.get("body") or ""))
