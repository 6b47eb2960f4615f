"""What a script that is gone through gives to ``trap``, and what runs of it.

Source: Bash Reference Manual, "Bourne Shell Builtins" (``trap``: signals by their names in any case, with SIG or
without it, or by number; ``-`` resets; ``exit`` without a status at the script's end, in a trap: the one that the
script has by then), "Job Control Builtins" (``kill``: TERM without an option), "Exit Status" (128 and the signal's
number); signal(7), "Standard signals".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from checker.model.answers import YES
from checker.model.pipeline.shell import Script
from checker.model.possible import Possible, shown
from checker.model.sources import Spot
from checker.resolve.shell.process import Shell
from checker.resolve.shell.starting import marked
from checker.resolve.shell.state import ERR, INHERITS, Context, Flow, Result, State, ends_with

# No variable can be called these: what runs at the script's end, and the status that it has by then.
EXIT: Final = "trap EXIT"
LEAVING: Final = "trap EXIT $?"
_KEPT: Final = {"EXIT": EXIT, "0": EXIT, "ERR": ERR}
# Likewise: that a signal runs something, and what.
_KILL: Final = "KILL"
SIGNALLED: Final = "trap signals"
_NUMBERS: Final = {
    "1": "HUP",
    "2": "INT",
    "3": "QUIT",
    "6": "ABRT",
    "9": "KILL",
    "10": "USR1",
    "12": "USR2",
    "15": "TERM",
}
_ENDING: Final = frozenset(_NUMBERS.values())  # those that end a process which has no trap for them
_OWN: Final = frozenset({"$$", "${BASHPID}"})


def _trap_of(signal: str) -> str:
    """Where what a trap runs for a signal is kept."""
    return f"trap {signal}"


def killed(signal: str, state: State, run: Callable[[str], bool]) -> Result:
    """By a signal that it sends itself, unless a trap takes that, which none does for KILL. ``run`` runs what a trap
    holds, and says whether that ended the script."""
    if signal != _KILL and _trap_of(signal) in state.variables:
        return Result(Flow.EXIT) if run(_trap_of(signal)) else ends_with("0", state)
    number = next(each for each, name in _NUMBERS.items() if name == signal)
    state.set("?", str(128 + int(number)))
    return Result(Flow.EXIT)


def signal_to_itself(words: Sequence[Possible]) -> str:
    """The signal by which a script's ``kill`` ends the script; empty where it is another process's, or ends none."""
    given = list(map(shown, words[1:]))
    signal = "TERM"
    if given[:1] and given[0] in {"-s", "-n"}:
        signal, given = (given[1:2] or [""])[0], given[2:]
    elif given[:1] and given[0].startswith("-") and given[0] != "--":
        signal, given = given[0][1:], given[1:]
    own = given if given[:1] != ["--"] else given[1:]
    signal = _signal(signal)
    return signal if own and set(own) <= _OWN and signal in _ENDING else ""


def _signal(written: str) -> str:
    return _NUMBERS.get(written, written.upper().removeprefix("SIG"))


def note_signals(signals: Sequence[Possible], state: State) -> None:
    """Note that something is run when a signal comes."""
    if any(not isinstance(each, str) or _signal(each) not in _NO_SIGNALS for each in signals):
        state.set(SIGNALLED, "1")


_NO_SIGNALS: Final = frozenset({*_KEPT, "DEBUG", "RETURN"})


def set_trap(words: list[Possible], state: State, spot: Spot, spots: dict[str, Spot]) -> Result:
    """Keep what a trap is given, and where."""
    words = [word for index, word in enumerate(words) if index != 1 or word != "--"]
    if len(words) > 2:
        text = marked(words[1])
        for signal in words[2:]:
            written = _signal(signal) if isinstance(signal, str) else ""
            name = _KEPT.get(written) or (_trap_of(written) if written in _ENDING else "")
            if name and text is not None and text[0] != "-":
                state.set(name, text[0])
                spots[text[0]] = spot
            elif name:
                state.variables.pop(name, None)
    return Result(Flow.NEXT, YES)


def leave_no_trap(state: State) -> None:
    """A process of its own begins without the traps of the one that starts it."""
    state.variables.pop(EXIT, None)
    state.variables.pop(LEAVING, None)
    state.without_trap()


def inherits(state: State, context: Context) -> bool:
    """Whether a failure ends a substitution where it ends the script: in ``sh``, and in bash where ``inherit_errexit``
    is on, unless something asks how it ends (Bash Reference Manual, "The Shopt Builtin"; dash manual, ``-e``)."""
    told = INHERITS in state.variables and not context.handling.tested
    return state.errexit and (bool(state.dialect) or told)


def trap_text(shell: Shell, text: str, spot: Spot) -> Script:
    """What a trap runs, as a script that stands where the trap was set: there its commands are found again."""
    return shell.library.shell_text(text, spot.file, tuple(spot.line for _ in range(text.count("\n") + 1)))
