"""The emulator as a process: started, waited for, ended by its own process id.

``.checker/lab.json`` remembers the one lab of a project. A process id alone could be somebody else's by now, so the
process's command line must name this module and the port as well before anything is ended.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from msgspec import Struct, to_builtins

from checker.errors import CheckerError, UsageError, install_with

HOST: Final = "127.0.0.1"
STATE: Final = Path(".checker/lab.json")
FOLDER: Final = Path(".checker/lab")
"""Below the project: the emulator's log and files, and the assembly as it was deployed."""
_MODULE: Final = "checker.lab.emulator"
_START_SECONDS: Final = 20.0
_STOP_SECONDS: Final = 3.0


class LabError(CheckerError):
    """The lab could not be started, filled or ended."""


class Lab(Struct, frozen=True, kw_only=True):
    """One running lab."""

    pid: int
    port: int
    account: str
    region: str

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"


def require() -> None:
    """Raise :class:`UsageError` where the lab's packages are not installed."""
    missing = [name for name in ("ministack", "boto3") if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"the lab needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed",
            install_with("lab"),
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def start(folder: Path, *, account: str, region: str, port: int = 0, enforce: bool = False) -> Lab:
    """Start the emulator with its files in ``folder`` and wait until it answers.

    With ``enforce`` it refuses what a caller's policies do not allow. Raises :class:`LabError`.
    """
    require()
    port = port or free_port()
    with socket.socket() as probe:
        if probe.connect_ex((HOST, port)) == 0:
            raise LabError(f"port {port} is taken", "Leave --port out, or name a free one.")
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "emulator.log"
    # Not subprocess: the process is to outlive this one, and is known by its id from here on.
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", _MODULE, str(port), str(folder)],
        _environment(folder, account, region, enforce=enforce),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    lab = Lab(pid=pid, port=port, account=account, region=region)
    try:
        _wait_until_ready(lab, log)
    except BaseException:
        stop(lab)
        raise
    return lab


def _environment(folder: Path, account: str, region: str, *, enforce: bool) -> dict[str, str]:
    """Nothing of the caller's: no credentials, no proxy, no endpoint."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "MINISTACK_ACCOUNT_ID": account,
        "MINISTACK_REGION": region,
        "S3_DATA_DIR": str(folder / "s3"),
        "AUTH": "true" if enforce else "false",
    }


def _wait_until_ready(lab: Lab, log: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if _has_ended(lab.pid):
            raise LabError("the emulator ended before it was ready", f"Its log says why: {log}")
        try:
            with opener.open(f"{lab.endpoint}/_ministack/health", timeout=1):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    raise LabError(f"the emulator was not ready within {_START_SECONDS:g} s", f"Its log says more: {log}")


def stop(lab: Lab) -> bool:
    """End the lab's own process, by force where it has not gone after 3 s. False where it was gone already."""
    if not is_running(lab):
        return False
    os.kill(lab.pid, signal.SIGTERM)
    if not _gone_within(lab, _STOP_SECONDS):
        os.kill(lab.pid, signal.SIGKILL)
        if not _gone_within(lab, _STOP_SECONDS):
            raise LabError(f"process {lab.pid} does not end", "End it by hand.")
    return True


def _gone_within(lab: Lab, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if _has_ended(lab.pid) or not is_running(lab):
            return True
        time.sleep(0.02)
    return False


def _has_ended(pid: int) -> bool:
    """Of a child of this very process, which stays as a zombie until it is waited for. False of any other."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False


def is_running(lab: Lab) -> bool:
    """Whether the process is there and is the emulator on the lab's port."""
    words = _command_line(lab.pid)
    return _MODULE in words and str(lab.port) in words


def _command_line(pid: int) -> list[str]:
    file = Path(f"/proc/{pid}/cmdline")
    try:
        if file.parent.parent.joinpath("self").exists():
            return file.read_bytes().decode(errors="replace").split("\0")
        ask = ["ps", "-o", "command=", "-p", str(pid)]
        shown = subprocess.run(ask, capture_output=True, text=True, check=False)  # noqa: S603 - a number of ours
    except OSError:
        return []
    return shown.stdout.split()


def remember(project: Path, lab: Lab) -> None:
    file = project / STATE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(to_builtins(lab)), encoding="utf-8")


def forget(project: Path) -> None:
    (project / STATE).unlink(missing_ok=True)


def remembered(project: Path) -> Lab | None:
    """The project's lab as it was started, whether it still runs or not."""
    try:
        raw = json.loads((project / STATE).read_text(encoding="utf-8"))
        return Lab(pid=int(raw["pid"]), port=int(raw["port"]), account=str(raw["account"]), region=str(raw["region"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabError(
            f"{STATE} cannot be read: {error}", "Delete it; a lab that still runs must be ended by hand."
        ) from error


def running(project: Path) -> Lab:
    """The project's lab. Raises :class:`UsageError` where none runs."""
    lab = remembered(project)
    if lab is None or not is_running(lab):
        raise UsageError("no lab runs for this project", "Start one: checker lab up.")
    return lab
