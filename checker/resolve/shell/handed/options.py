"""Options whose value is a command: ``tar --to-command``, ``rsync -e``, ``split --filter``.

Sources: GNU tar manual, "Option Summary" and "Checkpoints"; rsync(1); GNU coreutils manual, "split invocation" and
"sort invocation"; zip(1); scp(1), sftp(1), ssh_config(5); ncat(1); cpio(1); dpkg(1); apt.conf(5); GNU Wget manual;
GnuPG manual; ``go help build``, ``go help test``; Helm documentation, "Advanced Helm Techniques"; Protocol Buffers,
``protoc --help`` (``--plugin``); Bash Reference Manual, "Bash Builtin Commands" (``mapfile``, ``hash``, ``enable``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from checker import lazy_re
from checker.model.possible import Possible, shown
from checker.resolve.shell.handed.kinds import Handed, Told, command, connecting, filled, given, plain

_TAR: Final = (
    *("--to-command", "--use-compress-program", "-I", "--info-script", "--new-volume-script", "-F", "--rsh-command"),
    "--rmt-command",
)  # fmt: skip
_LINES: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("tar", "gtar", "bsdtar"), _TAR),
    "split": ("--filter",),
    "sort": ("--compress-program",),
    "zip": ("-TT", "--unzip-command"),
    "rsync": ("-e", "--rsh"),
    "scp": ("-S",),
    "sftp": ("-S",),
    "nc": ("-e",),
    "netcat": ("-e",),
    "ncat": ("-e", "--exec", "-c", "--sh-exec"),
    "cpio": ("--rsh-command",),
    "dpkg": ("--pre-invoke", "--post-invoke"),
    "wget": ("--use-askpass",),
    **dict.fromkeys(("gpg", "gpg2"), ("--photo-viewer",)),
    **dict.fromkeys(("mapfile", "readarray"), ("-C",)),
    "install": ("--strip-program",),
    "go": ("-exec", "-toolexec", "-vettool"),
    "helm": ("--post-renderer",),
    "openssl": ("-engine", "-provider-path"),
}
_ACTION: Final = lazy_re.compile(r"exec=(.+)", re.DOTALL)
_INVOKE: Final = lazy_re.compile(
    r"\w[\w-]*(?:::[\w-]+)*::(?:Pre|Post)-[\w-]*(?:Invoke|Pkgs)[\w-]*(?:::)?=(.+)", re.DOTALL | re.IGNORECASE
)
_PLUGIN: Final = lazy_re.compile(r"(?:[^=]*=)?(.*/.*)", re.DOTALL)  # one without a folder is installed
_NETS: Final = frozenset({"nc", "netcat", "ncat"})
_SHELL: Final = lazy_re.compile(r"(?:/\S*/)?(?:ba|da|z|k|a)?sh(?:\s+-[a-z]+)*")
_CONNECTS: Final = frozenset({"scp", "sftp", "rsync"})
_CONFIGURED: Final = lazy_re.compile(
    r"^\s*(?:ProxyCommand|LocalCommand|KnownHostsCommand)\s+(?!none\b)(.+)$", re.MULTILINE | re.IGNORECASE
)


def by_options(told: Told) -> Iterator[Handed]:
    """The commands that options of a program hand to it."""
    words = told.words[1:]
    for value in given(words, _LINES.get(told.name, ())):
        yield from command(value)
        if told.name in _NETS and _SHELL.fullmatch(shown(value)):
            yield "a shell does what comes in from the network"
    if told.name in _CONNECTS:
        yield from connecting(words)
        for file in given(words, ("-F",)):
            for match in _CONFIGURED.finditer(told.text_of(file) or ""):
                yield from command(match[1])
    if told.name == "protoc":
        for value in given(words, ("--plugin",)):
            yield from _behind(_PLUGIN, value)
    if told.name in {"tar", "gtar"}:
        for value in given(words, ("--checkpoint-action",)):
            yield from _behind(_ACTION, value)
    if told.name in {"apt", "apt-get"}:
        for value in given(words, ("-o", "--option")):
            yield from _behind(_INVOKE, value)
    if (told.name, "-p") == ("hash", next(iter(map(shown, words)), "")) or (told.name == "enable" and "-f" in words):
        yield f"`{told.name}` puts another program in the place of a known one: it was not followed"


def _behind(pattern: re.Pattern[str], value: Possible) -> Iterator[Handed]:
    written = plain(value)
    if written is not None and (match := pattern.fullmatch(written[0])):
        yield from command(filled(match[1].strip("\"'"), written[1]))


NAMES: Final = frozenset({*_LINES, "apt", "apt-get", "hash", "enable", "rsync", "protoc"})
