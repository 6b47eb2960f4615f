"""Programs that start the one which stands behind them, and what of their words is their own.

Sources: each program's manual: GNU Coreutils, util-linux, moreutils, daemontools, s6, runit, strace, systemd, tini and
others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_DOCKERIZE: Final = frozenset(
    {"-wait", "-timeout", "-template", "-stdout", "-stderr", "-wait-http-header", "-wait-retry-interval", "-delims",
     "-env", "-env-section"}
)  # fmt: skip
# Name -> options that take a value, and how many plain words come before the program.
PLAIN: Final[Mapping[str, tuple[frozenset[str], int]]] = {
    "env": (frozenset({"-u", "-C", "--unset", "--chdir"}), 0),
    "sudo": (frozenset({"-u", "-g", "-C", "-h", "-p"}), 0),
    "command": (frozenset(), 0),
    "builtin": (frozenset(), 0),
    "exec": (frozenset({"-a"}), 0),
    "time": (frozenset({"-f", "-o"}), 0),
    "nice": (frozenset({"-n"}), 0),
    "ionice": (frozenset({"-c", "-n"}), 0),
    "nohup": (frozenset(), 0),
    "setsid": (frozenset(), 0),
    "chronic": (frozenset(), 0),
    "coproc": (frozenset(), 0),
    "ssh-agent": (frozenset({"-a", "-t", "-P", "-E", "-O"}), 0),
    "dockerize": (_DOCKERIZE, 0),
    "unbuffer": (frozenset(), 0),
    "stdbuf": (frozenset({"-i", "-o", "-e"}), 0),
    "timeout": (frozenset({"-k", "-s", "--signal", "--kill-after"}), 1),
    "gtimeout": (frozenset({"-k", "-s", "--signal", "--kill-after"}), 1),
    "flock": (frozenset({"-w", "--timeout", "-E"}), 1),
    "xargs": (frozenset({"-n", "-P", "-I", "-L", "-d", "-a", "-s", "-E"}), 0),
    "retry": (frozenset({"-t", "-s", "-m", "-d", "--times", "--delay", "--sleep"}), 0),
    "cross-env": (frozenset(), 0),
    "env-cmd": (frozenset({"-f", "-e"}), 0),
    "aws-vault": (frozenset(), 2),
    **dict.fromkeys(("dotenv", "dotenv-cli"), (frozenset({"-f", "-e", "-c"}), 0)),
    "dotenvx": (frozenset({"-f"}), 1),
    "doppler": (frozenset(), 0),
    "chamber": (frozenset(), 2),
    "chrt": (frozenset({"-T", "-P", "-D", "--sched-runtime", "--sched-period", "--sched-deadline"}), 1),
    "taskset": (frozenset(), 1),
    "doas": (frozenset({"-u", "-C"}), 0),
    "prlimit": (frozenset(), 0),
    "numactl": (frozenset({"-N", "-m", "-C", "-i", "-p"}), 0),
    "unshare": (frozenset({"-R", "-w", "-S", "-G", "--root", "--wd", "--map-user", "--map-group"}), 0),
    "nsenter": (frozenset({"-t", "--target", "-S", "-G"}), 0),
    "setpriv": (frozenset({"--reuid", "--regid", "--groups", "--inh-caps", "--ambient-caps", "--bounding-set"}), 0),
    "systemd-run": (
        frozenset(
            {
                "-p",
                "--property",
                "-u",
                "--unit",
                "-E",
                "--setenv",
                "-M",
                "-H",
                "--description",
                "--slice",
                "--uid",
                "--gid",
                "--nice",
                "--working-directory",
                "--service-type",
            }
        ),
        0,
    ),
    "strace": (frozenset({"-e", "-o", "-p", "-s", "-u", "-E", "-a", "-b", "-I", "-O", "-S", "-X", "-P"}), 0),
    "ltrace": (frozenset({"-e", "-o", "-p", "-s", "-u", "-n", "-l", "-a", "-A", "-D", "-F"}), 0),
    "tini": (frozenset({"-p", "-e"}), 0),
    "xvfb-run": (frozenset({"-n", "-s", "-f", "-e", "-p", "-w", "--server-num", "--server-args"}), 0),
    "fakeroot": (frozenset({"-l", "-i", "-s", "-b", "-u", "--lib", "--faked"}), 0),
    "chpst": (
        frozenset({"-u", "-U", "-b", "-/", "-n", "-l", "-L", "-m", "-d", "-o", "-p", "-f", "-c", "-r", "-t", "-e"}),
        0,
    ),
    "softlimit": (frozenset({"-m", "-d", "-s", "-l", "-a", "-o", "-p", "-f", "-c", "-r", "-t"}), 0),
    "envconsul": (frozenset({"-config", "-prefix", "-secret", "-consul-addr", "-vault-addr", "-log-level"}), 0),
    "sem": (frozenset({"-j", "--jobs", "--id", "--semaphorename", "--timeout", "--semaphoretimeout", "--st"}), 0),
    "torsocks": (frozenset({"-u", "-p", "-a", "-P"}), 0),
    "proxychains": (frozenset({"-f"}), 0),
    "proxychains4": (frozenset({"-f"}), 0),
    "tsp": (frozenset({"-D", "-L", "-N", "-E"}), 0),
    **dict.fromkeys(
        ("gosu", "su-exec", "s6-setuidgid", "setuidgid", "setlock", "envdir", "faketime"), (frozenset(), 1)
    ),
    **dict.fromkeys(
        (
            "dumb-init",
            "catatonit",
            "catchsegv",
            "run-one",
            "run-this-one",
            "keep-one-running",
            "with-contenv",
            "linux32",
            "linux64",
            "i386",
            "x86_64",
            "rlwrap",
            "eatmydata",
            "firejail",
            "dbus-run-session",
            "annotate-output",
            "busybox",
            "toybox",
            "fakechroot",
        ),
        (frozenset(), 0),
    ),
}
