"""The rounds of a loop that are gone through one by one, since what each of them goes over is known."""

from __future__ import annotations

from msgspec import Struct, field
from msgspec.structs import replace

from checker.model.pipeline.scripts import Loop
from checker.model.pipeline.shell import Block
from checker.model.possible import Possible
from checker.model.sources import Spot
from checker.resolve.shell.process import Shell
from checker.resolve.shell.state import Context, Flow, Result, State
from checker.resolve.shell.syntax_facts import sleeps


class Turns(Struct):
    """The rounds of one loop over ``values``, which are in the variable ``name``; ``broken`` are the states at its
    breaks so far."""

    shell: Shell
    body: Block
    spot: Spot
    name: str
    values: tuple[Possible, ...]
    broken: list[State] = field(default_factory=list)

    def turn(self, index: int, state: State, context: Context) -> Result | None:
        """Go through a round that does the same as the others with a value of its own."""
        loop = Loop("each", self.spot, self.name, self.values, index, None, sleeps(self.body))
        return self.go(state, replace(context, loops=(*context.loops, loop)))

    def go(self, state: State, context: Context) -> Result | None:
        """Go through a round: how the loop ends where no way leads to the next one, ``None`` where one does."""
        with self.shell.inside(Flow.BREAK) as breaking, self.shell.inside(Flow.CONTINUE) as leaving:
            result = self.shell.block(self.body, state, context)
        self.broken.extend(breaking.states)
        after = [*leaving.states, *([state.fork()] if result.flow is Flow.NEXT else ())]
        if after:
            state.join(after)
            return None
        if not self.broken:
            return result
        state.join(self.broken)
        return Result()

    def done(self, state: State) -> Result:
        """The loop ends after its last round, or at one of its breaks."""
        state.join([*self.broken, state.fork()] if self.broken else ())
        return Result()
