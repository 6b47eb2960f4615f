"""The requests that command lines make, and the paths of their URLs."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.model.values import Hole, Parameter, text
from checker.reason.deploys.http_requests import path_of, request_of
from tests.pipelines import trace_of

HOST = Parameter("Host", "shop")


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        (["https://shop.dev/health/?deep=1#top"], "/health"),
        (["shop.dev/health"], "/health"),
        (["/health"], "/health"),
        (["https://[shop.dev/health"], None),  # a bracket, which curl takes for a range
        (["https://shop.dev"], "/"),
        (["https://", HOST], None),
        (["https://", HOST, "/health?deep=1"], "/health"),
        (["https://", HOST, "/health#top"], "/health"),
        (["https://", HOST, ".example.org/health/"], "/health"),
        (["https://", HOST, ".example.org"], "/"),
        (["https://shop.dev/", HOST, "/health"], None),
    ],
)
def test_paths(parts: list[str | Hole], path: str | None) -> None:
    assert path_of(text(parts)) == path


@pytest.mark.parametrize(
    ("line", "url", "method", "checks", "tries"),
    [
        ("curl -f https://shop.dev/a", "https://shop.dev/a", "GET", True, "once"),
        ("curl https://shop.dev/a", "https://shop.dev/a", "GET", False, "once"),
        ("curl -f --json '{}' https://shop.dev/a", "https://shop.dev/a", "POST", True, "once"),
        ("curl -f --data-raw x --url https://shop.dev/a", "https://shop.dev/a", "POST", True, "once"),
        ("curl -f --url=https://shop.dev/a -X PUT", "https://shop.dev/a", "PUT", True, "once"),
        ("wget -q https://shop.dev/a", "https://shop.dev/a", "GET", True, "once"),
        ("wget --tries=3 https://shop.dev/a", "https://shop.dev/a", "GET", True, "once"),
        ("wget --retry-on-http-error=502,503 https://shop.dev/a", "https://shop.dev/a", "GET", True, "several times"),
        ("wget --retry-on-http-error 429 https://shop.dev/a", "https://shop.dev/a", "GET", True, "once"),
        ("wget -t 1 --retry-on-http-error 503 https://shop.dev/a", "https://shop.dev/a", "GET", True, "once"),
        ("curl -f --retry 5 https://shop.dev/a", "https://shop.dev/a", "GET", True, "several times"),
        ("http shop.dev/a", "shop.dev/a", "GET", False, "once"),
        ("https POST shop.dev/a", "shop.dev/a", "POST", False, "once"),
        ("xh --check-status shop.dev/a", "shop.dev/a", "GET", True, "once"),
    ],
)
def test_command_lines(line: str, url: str, method: str, checks: bool, tries: str, tmp_path: Path) -> None:
    request = request_of(trace_of(tmp_path, line).commands[0])
    assert request is not None
    assert (request.url, request.method, request.checks_status) == (url, method, checks)
    assert request.by_itself.value == tries
