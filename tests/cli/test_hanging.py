"""An account that does not answer: a preflight ends at its deadline, and says what it lacks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from checker.cli import account, run
from tests.loopback import listening

WHO = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111111111111:user/u</Arn>"
    "<UserId>u</UserId><Account>111111111111</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
)


@pytest.fixture
def address() -> Iterator[str]:
    """AWS STS says who asks; every other service takes the question and says nothing."""
    released = threading.Event()

    class _Silent(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            if "GetCallerIdentity" not in asked:
                released.wait(60)
                self.close_connection = True
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(WHO)))
            self.end_headers()
            self.wfile.write(WHO.encode())

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            return

    with listening(_Silent) as found:
        try:
            yield f"http://{found}"
        finally:
            released.set()


def test_a_preflight_ends_at_its_deadline(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert account.PREFLIGHT_SECONDS < 60
    monkeypatch.setattr(account, "PREFLIGHT_SECONDS", 8.0)  # enough for the first call on a busy machine
    words = ["--project", str(tmp_path), "--region", "us-west-2", "--endpoint-url", address]
    assert run(["preflight", *words]) == 3
    assert "cloudformation:DescribeStacks: no time was left for it" in " ".join(capsys.readouterr().out.split())
