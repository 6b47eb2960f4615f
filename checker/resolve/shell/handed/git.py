"""What git starts: aliases, programs that its settings, variables and options name, hooks of a folder.

Sources: git-config(1); git(1), "Environment Variables"; githooks(5); git-rebase(1) (``--exec``), git-filter-branch(1),
git-bisect(1) (``run``), git-difftool(1), git-grep(1), git-remote-ext(1). A pager starts
on a terminal alone, and a step has none: what is set as one is followed all the same, as it may be given one.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from checker import lazy_re
from checker.model.pipeline.jobs import WORKSPACE
from checker.model.pipeline.scripts import Command
from checker.model.possible import Possible, joined, shown
from checker.model.values import Text
from checker.resolve.shell.handed.kinds import Handed, Told, command, given, line, unknown

# Options of git itself whose value is the next word.
_VALUES: Final = frozenset(
    {"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--config-env", "--super-prefix", "--attr-source"}
)
# Settings that hold a line of shell.
_RUNS: Final = lazy_re.compile(
    r"core\.(?:sshcommand|editor|pager|askpass|gitproxy|fsmonitor|alternaterefscommand)|sequence\.editor|diff\.external"
    r"|diff\..+\.(?:command|textconv)|(?:difftool|mergetool|browser|man)\..+\.cmd|merge\..+\.driver|pager\..+"
    r"|filter\..+\.(?:clean|smudge|process)|gpg\.(?:.+\.)?program|gpg\.ssh\.defaultkeycommand|interactive\.difffilter"
    r"|uploadpack\.packobjectshook|remote\..+\.(?:uploadpack|receivepack)|sendemail\..*cmd|trailer\..+\.(?:command|cmd)",
    re.IGNORECASE,
)
_ALIAS: Final = lazy_re.compile(r"alias\.(.+)", re.IGNORECASE)
_HELPER: Final = lazy_re.compile(r"credential\.(?:.+\.)?helper", re.IGNORECASE)
_INCLUDED: Final = lazy_re.compile(r"include(?:if\..+)?\.path", re.IGNORECASE)
_HOOKS: Final[Mapping[str, tuple[str, ...]]] = {
    "commit": ("pre-commit", "prepare-commit-msg", "commit-msg", "post-commit"),
    "merge": ("pre-merge-commit", "prepare-commit-msg", "commit-msg", "post-merge"),
    "pull": ("pre-merge-commit", "prepare-commit-msg", "commit-msg", "post-merge"),
    "push": ("pre-push", "reference-transaction"),
    "rebase": ("pre-rebase", "post-rewrite", "post-checkout"),
    "am": ("applypatch-msg", "pre-applypatch", "post-applypatch"),
    **dict.fromkeys(("checkout", "switch", "clone", "worktree"), ("post-checkout",)),
}
_ALL_HOOKS: Final = frozenset(hook for each in _HOOKS.values() for hook in each)
_NETWORK: Final = frozenset({"fetch", "pull", "push", "clone", "ls-remote", "submodule", "remote", "lfs"})
_EDITS: Final = frozenset(
    {"commit", "merge", "tag", "rebase", "revert", "cherry-pick", "notes", "am", "config", "branch"}
)
_HAS_TEXT: Final = frozenset({"-m", "--message", "-F", "--file", "--no-edit", "-C", "--reuse-message", "-am", "--list"})
_DIFFS: Final = frozenset({"diff", "log", "show", "stash", "format-patch"})
_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "rebase": ("-x", "--exec"),
    "difftool": ("-x", "--extcmd"),
    "grep": ("-O", "--open-files-in-pager"),
    "clone": ("-u", "--upload-pack"),
    "fetch": ("--upload-pack",),
    "fetch-pack": ("--upload-pack", "--exec"),
    "ls-remote": ("--upload-pack", "--exec"),
    "push": ("--receive-pack", "--exec"),
    "archive": ("--exec",),
    "send-email": ("--to-cmd", "--cc-cmd", "--header-cmd", "--sendmail-cmd"),
    "filter-branch": (
        *("--setup", "--subdirectory-filter-cmd", "--env-filter", "--tree-filter", "--index-filter", "--parent-filter"),
        *("--msg-filter", "--commit-filter", "--tag-name-filter"),
    ),
}  # fmt: skip


def settings_of(words: Sequence[Possible]) -> tuple[str, tuple[Possible, ...], tuple[tuple[str, Possible], ...]]:
    """The verb of a command of git, the words behind it, and the settings that it is given with ``-c``."""
    found: list[tuple[str, Possible]] = []
    rest = list(words[1:])
    while rest:
        word = rest[0]
        if not isinstance(word, str) or not word.startswith("-"):
            break
        if word == "-c" and len(rest) > 1:
            found.extend(_pair(rest[1]))
        rest = rest[2:] if word in _VALUES else rest[1:]
    verb = rest[0] if rest and isinstance(rest[0], str) else ""
    if verb == "clone":
        for value in given(rest[1:], ("-c", "--config")):
            found.extend(_pair(value))
    return verb, tuple(rest[1:]), tuple(found)


def _pair(word: Possible) -> Iterator[tuple[str, Possible]]:
    first, rest = (word.parts[0], word.parts[1:]) if isinstance(word, Text) else (word, ())
    if isinstance(first, str) and "=" in first:
        name, _, value = first.partition("=")
        yield name, joined([value, *(part if isinstance(part, str) else Text((part,)) for part in rest)])


def configured(words: Sequence[Possible]) -> tuple[str, Possible] | None:
    """The setting that ``git config`` makes for later commands."""
    verb, rest, _ = settings_of(words)
    if verb != "config":
        return None
    plain = [word for word in rest if not (isinstance(word, str) and word.startswith("-"))]
    if any(word in {"-f", "--file", "--blob"} for word in rest):
        plain = plain[1:]
    if plain[:1] in (["set"], ["add"]):
        plain = plain[1:]
    return (plain[0], plain[1]) if len(plain) > 1 and isinstance(plain[0], str) else None


_PLACES: Final = lazy_re.compile(r"(?:.*/)?\.git/hooks(?:/(?P<hook>[a-z-]*))?")
_COPIES: Final = frozenset({"cp", "ln", "mv", "install", "rsync"})
_HOOK: Final = "hook "  # no setting can be called this


def placed(command: Command) -> Iterator[tuple[str, Possible]]:
    """The hooks that a command puts where git looks for them, as settings: by copying, linking or writing them."""
    for write in command.writes:
        at = _PLACES.fullmatch(write.target) if isinstance(write.target, str) and write.operator[:1] == ">" else None
        if at is not None and at["hook"]:
            yield f"{_HOOK}{at['hook']}", _whole(str(write.target), command.folder)
    if command.program not in _COPIES:  # by far the most
        return
    plain = [word for word in command.words[1:] if not (isinstance(word, str) and word.startswith("-"))]
    to = plain[-1] if len(plain) > 1 else None
    at = _PLACES.fullmatch(to) if isinstance(to, str) else None
    for source in plain[:-1] if at is not None else ():
        if not isinstance(source, str) or command.folder is None:
            yield "core.hookspath", source if not isinstance(source, str) else None
            continue
        linked = command.program == "ln" and any(
            re.fullmatch("-[a-zA-Z]*s[a-zA-Z]*|--symbolic", str(word)) for word in command.words
        )
        inside = posixpath.dirname(str(to)) if at is not None and (at["hook"] or at["hook"] is None) else str(to)
        path = posixpath.normpath(posixpath.join(command.folder, inside if linked else "", source))
        path = path if path.startswith("/") else f"{WORKSPACE}/{path}"
        hook = (at["hook"] if at is not None else "") or posixpath.basename(path)
        if hook in _ALL_HOOKS:
            yield f"{_HOOK}{hook}", path
        else:
            yield "core.hookspath", posixpath.dirname(path) if "*" in hook else path


def _whole(path: str, folder: str | None) -> Possible:
    """A path that says the same from any folder."""
    if path.startswith("/"):
        return path
    return f"{WORKSPACE}/{posixpath.normpath(posixpath.join(folder, path))}" if folder is not None else None


def _all_settings(told: Told, own: Sequence[tuple[str, Possible]]) -> list[tuple[str, Possible]]:
    found = [*told.settings, *own]
    count = told.variable("GIT_CONFIG_COUNT")
    for index in range(min(int(count), 50) if isinstance(count, str) and count.isdecimal() else 0):
        name = told.variable(f"GIT_CONFIG_KEY_{index}")
        if isinstance(name, str):
            found.append((name, told.variable(f"GIT_CONFIG_VALUE_{index}")))
    return found


def alias(told: Told) -> list[Possible] | None:
    """What a command of git is that is an alias: a line of shell, or another command of git."""
    verb, rest, own = settings_of(told.words)
    value: Possible = None
    for name, each in _all_settings(told, own):
        match = _ALIAS.fullmatch(name)
        if match is not None and match[1].lower() == verb.lower():
            value = each
    if value is None:
        return None
    first = shown(value)
    if isinstance(value, str) and not first.startswith("!"):
        before = told.words[1 : len(told.words) - len(rest) - 1]
        return ["git", *before, *value.split(), *rest]
    text = value[1:] if isinstance(value, str) else joined([first[1:]]) if not isinstance(value, Text) else _cut(value)
    return ["sh", "-c", joined([text, ' "$@"']), "git", *rest]


def _cut(value: Text) -> Possible:
    first = value.parts[0]
    if not isinstance(first, str):
        return value
    return joined(
        [first.removeprefix("!"), *(each if isinstance(each, str) else Text((each,)) for each in value.parts[1:])]
    )


def git(told: Told) -> Iterator[Handed]:
    """The commands that git starts for one of its own."""
    verb, rest, own = settings_of(told.words)
    if verb == "config" and configured(told.words) is not None:
        return
    yield from _by_settings(told, verb, _all_settings(told, own))
    yield from _by_variables(told, verb, rest)
    for value in given(rest, _OPTIONS.get(verb, ())):
        yield from command(value)
    if (verb, rest[:1]) == ("bisect", ("run",)) and rest[1:]:
        yield list(rest[1:])
    for word in rest if verb in _NETWORK else ():
        if shown(word).startswith("ext::"):
            yield line(word[5:]) if isinstance(word, str) else unknown("what git connects through")
    if any(isinstance(word, str) and word.startswith("--exec-path=") for word in told.words[1:]):
        yield "git takes its commands from another folder: they were not followed"


def _by_settings(told: Told, verb: str, settings: Sequence[tuple[str, Possible]]) -> Iterator[Handed]:
    for name, value in settings:
        if name.startswith(_HOOK):
            if name.removeprefix(_HOOK) in _HOOKS.get(verb, ()):
                yield ["sh", value] if told.is_file(value) else "a hook that was put in place was not followed"
            continue
        if value in {None, "", "true", "false", "/dev/null"}:
            continue
        if name.lower() == "core.hookspath":
            yield from _hooks(told, verb, value)
        elif _INCLUDED.fullmatch(name):
            yield "settings of git that another file holds were not followed"
        elif _HELPER.fullmatch(name):
            text = shown(value)
            if text.startswith(("!", "/", "./")):
                yield line(
                    joined([value[1:] if isinstance(value, str) and text.startswith("!") else _plain(value), " get"])
                )
        elif _RUNS.fullmatch(name) and not _is_known(value):
            yield from command(value)


def _plain(value: Possible) -> Possible:
    return _cut(value) if isinstance(value, Text) else value


def _hooks(told: Told, verb: str, folder: Possible) -> Iterator[Handed]:
    for hook in _HOOKS.get(verb, ()):
        if not isinstance(folder, str):
            yield "the hooks of a folder that is not known were not followed"
            return
        path = posixpath.join(folder, hook)
        if told.is_file(path):
            yield ["sh", path] if told.text_of(path) is None else [path if "/" in path else f"./{path}"]


# What people edit and read with: none of it ends by itself in a step, and none starts anything.
_TOOLS: Final = frozenset(
    {"vi", "vim", "nvim", "nano", "emacs", "ed", "ex", "code", "subl", "micro", "hx", "pico", "joe", "less", "more",
     "most", "bat", "delta", "diff-so-fancy", "diff-highlight", "cat", "true", "false", ":", "gpg", "gpg2", "git-lfs"}
)  # fmt: skip


def _is_known(value: Possible) -> bool:
    words = value.split() if isinstance(value, str) else []
    return (
        bool(words)
        and words[0].rpartition("/")[2] in _TOOLS
        and not any(word.startswith(("-c", "+", "!")) for word in words)
    )


def _by_variables(told: Told, verb: str, rest: Sequence[Possible]) -> Iterator[Handed]:
    names: list[str] = ["GIT_PAGER", "PAGER"]
    if verb in _NETWORK:
        names += ["GIT_SSH_COMMAND", "GIT_SSH", "GIT_PROXY_COMMAND", "GIT_ASKPASS", "SSH_ASKPASS"]
    if verb in _EDITS and not any(word in _HAS_TEXT or str(word).startswith(("--message=", "-m")) for word in rest):
        names += ["GIT_EDITOR", "VISUAL", "EDITOR"]
    if verb == "rebase":
        names.append("GIT_SEQUENCE_EDITOR")
    if verb in _DIFFS:
        names.append("GIT_EXTERNAL_DIFF")
    for name in names:
        value = told.variable(name)
        if value not in {None, ""} and not _is_known(value):
            yield from command(value)
    for name in ("GIT_EXEC_PATH", "GIT_CONFIG_PARAMETERS", "GIT_TEMPLATE_DIR"):
        if told.variable(name) not in {None, ""}:
            yield f"what {name} has git run was not followed"
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        if told.variable(name) not in {None, "", "/dev/null"}:
            yield "settings of git that another file holds were not followed"
