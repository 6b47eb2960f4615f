"""What can end a command, each with its exit code.

    ReleaseError
    ├── FailedError       1   the answer is no, or the step failed; what is there now was printed
    ├── UsageError        2   arguments, environment variables or a stack's outputs do not fit: nothing was done
    ├── CallError        71   AWS or GitHub refused a call or did not answer: what it would have said is not known
    ├── RefusedError     72   it would not be safe now: nothing was changed
    ├── DeadlineError    73   the deadline passed
    ├── PartialError     74   services run different versions, and could not be brought back to one
    ├── SupersededError  75   another roll-out took over: this one stopped, and left what it found
    └── TaskError         *   a one-off task ended with this exit code, which is passed on

`migrate` and `seed` also pass on the exit code of the task that they ran; codes of our own start at 71 so that the two
can be told apart. 130 is an interruption.
"""

from typing import ClassVar


class ReleaseError(Exception):
    """`message` says what is wrong, `fix` what to do about it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix


class FailedError(ReleaseError):
    exit_code = 1


class UsageError(ReleaseError):
    exit_code = 2


class CallError(ReleaseError):
    exit_code = 71


class RefusedError(ReleaseError):
    exit_code = 72


class DeadlineError(ReleaseError):
    exit_code = 73


class PartialError(ReleaseError):
    exit_code = 74


class SupersededError(ReleaseError):
    exit_code = 75


class TaskError(ReleaseError):
    """A one-off task ended with a code of its own, which is passed on."""

    def __init__(self, message: str, *, code: int, fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.code = code
