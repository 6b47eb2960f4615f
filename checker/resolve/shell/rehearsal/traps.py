"""What a script that is gone through gives to ``trap``, and what runs of it.

Source: Bash Reference Manual, "Bourne Shell Builtins" (``trap``: signals by their names in any case, ``-`` resets;
``exit`` without a status at the script's end, in a trap: the one that the script has by then).
"""

from __future__ import annotations

from typing import Final

from checker.model.answers import YES
from checker.model.pipeline.shell import Script
from checker.model.possible import Possible
from checker.model.sources import Spot
from checker.resolve.shell.process import Shell
from checker.resolve.shell.starting import marked
from checker.resolve.shell.state import ERR, INHERITS, Context, Flow, Result, State

# No variable can be called these: what runs at the script's end, and the status that it has by then.
EXIT: Final = "trap EXIT"
LEAVING: Final = "trap EXIT $?"
_KEPT: Final = {"EXIT": EXIT, "0": EXIT, "ERR": ERR}


def set_trap(words: list[Possible], state: State, spot: Spot, spots: dict[str, Spot]) -> Result:
    """Keep what a trap is given, and where."""
    words = [word for index, word in enumerate(words) if index != 1 or word != "--"]
    if len(words) > 2:
        text = marked(words[1])
        for signal in words[2:]:
            name = _KEPT.get(signal.upper() if isinstance(signal, str) else "")
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
