"""Scripts that a shell runs in its own process: sourced files, what comes in, and what ``trap`` keeps for later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from checker import lazy_re
from checker.model.pipeline.shell import Simple
from checker.model.possible import Possible, shown
from checker.model.sources import Spot, brief
from checker.resolve.shell.process import Shell
from checker.resolve.shell.starting import Call, faults, marked, not_known
from checker.resolve.shell.state import Context, Flow, Result, State

# Files of tools on the runner that give a shell their functions and paths: version managers and their kin.
_OF_A_TOOL: Final = lazy_re.compile(
    r"(?:bin|Scripts)/activate"
    r"|(?:^|/)(?:nvm|asdf|conda|mamba|rvm|sdkman-init|virtualenvwrapper|gvm|chruby|emsdk_env)\.sh$"
    r"|^(?:~|\$\{HOME\})/\.[\w.-]+/(?:bin/)?env$|/profile\.d/nix(?:-daemon)?\.sh$"
    r"|/path\.bash\.inc$|/scripts/(?:rvm|gvm)$|\.(?:bashrc|bash_profile|profile)$|/completion$"
)
_INPUT: Final = frozenset({"/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"})


def source(follower: Shell, words: list[Possible], call: Call) -> Result:
    """``source file``: another script in this very process."""
    state, name = call.state, words[1] if len(words) > 1 else ""
    if name in _INPUT:
        return _sourced_input(follower, call)
    path = state.path(name)
    script = follower.library.as_shell(path) if path else None
    kept_marks = state.marks
    if state.written is not None and state.written.has(name, state.folder):
        text = state.written.text(name, state.folder)
        if text is None:
            not_known(follower, name, call)
            return Result()
        written = marked(text)
        script = None
        if written is not None:
            lines = tuple(call.spot.line for _ in range(written[0].count("\n") + 1))
            script = follower.library.shell_text(written[0], call.spot.file, lines)
            state.marks = {**state.marks, **written[1]}
    if script is None:
        of_tool = _OF_A_TOOL.search(shown(name)) is not None or name == "/dev/null"
        # What a file says that nobody has read may be any variable's value.
        state.closed = state.closed and of_tool
        if not of_tool and not (isinstance(name, str) and name.startswith(("/etc/", "/usr/"))):
            what = f"a sourced file cannot be found in the repository: {brief(shown(name), 60)}"
            follower.problem(call.spot, what, "Name it relative to the script.")
        return Result()
    if not follower.enter(call.spot, script.file):
        return Result()
    kept = (state.script, state.via, state.positional)
    state.script, state.via = script, (*state.via, call.spot)
    if len(words) > 2:
        state.positional = tuple(words[2:])
    follower.note(faults(state))
    with follower.inside(Flow.RETURN) as leaving:
        result = follower.returned(follower.block(script.body, state, call.context), leaving, state)
    state.script, state.via = kept[:2]
    state.marks = kept_marks
    if len(words) > 2:
        state.positional = kept[2]
    follower.depth -= 1
    return result


def _sourced_input(follower: Shell, call: Call) -> Result:
    """``source /dev/stdin``: what comes in is a script for this very process."""
    given = next((each for each in reversed(call.context.writes) if each.operator.startswith("<")), None)
    text = given.target if given is not None and given.operator.startswith("<<") else None
    if given is None and call.state.fed is not None:
        text = call.state.fed.text
    written = marked(text) if text is not None else None
    if written is None:
        follower.problem(call.spot, "a shell runs what comes in: it was not followed", "Put it in a file.")
        if text is not None:
            follower.emit(["eval", text], Simple((), (), (), 0, 0, ""), call.spot, call.state, call.context, {})
        return Result()
    if not follower.enter(call.spot, "what comes in"):
        return Result()
    state, kept = call.state, (call.state.script, call.state.marks)
    lines = tuple(call.spot.line for _ in range(written[0].count("\n") + 1))
    state.script = follower.library.shell_text(written[0], call.spot.file, lines)
    state.marks = {**state.marks, **written[1]}
    result = follower.block(state.script.body, state, call.context)
    state.script, state.marks = kept
    follower.depth -= 1
    return result


def trap(
    follower: Shell, written: tuple[str, Mapping[str, Possible]], spot: Spot, state: State, context: Context
) -> None:
    """What ``trap`` runs later: after a failure or at the end, as the context says, else when a signal comes."""
    text, marks = written
    lines = tuple(spot.line for _ in range(text.count("\n") + 1))
    fork = state.fork()
    fork.script = follower.library.shell_text(text, state.script.file, lines)
    fork.marks = {**state.marks, **marks}
    if follower.enter(fork.script.spot(0), "a trap"):
        with follower.inside(*Flow):
            follower.block(fork.script.body, fork, replace(context, certain=False, on_failure=True))
        follower.depth -= 1
