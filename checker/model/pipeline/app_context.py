"""Which context keys the code of a CDK app reads.

``--context KEY=VALUE`` is no option that anything checks: a key that nothing reads is taken without a word. Source: AWS
CDK Developer Guide, "Context values and the AWS CDK".
https://docs.aws.amazon.com/cdk/v2/guide/context.html
"""

from __future__ import annotations

from msgspec import Struct

from checker.model.answers import NO, YES, Answer, Open


class AppContext(Struct, frozen=True):
    """``named`` are the keys that the app's code asks for by name. ``handed_on`` says that it also asks for keys that
    it gets from elsewhere in its code (a constant, a function of its own), ``written`` which keys stand in that code
    as texts or members. ``doubt`` is why it may read others still; empty where it reads none."""

    named: frozenset[str]
    handed_on: bool = False
    written: frozenset[str] = frozenset()
    doubt: str = ""

    def reads(self, key: str) -> Answer:
        """Whether a key that is given reaches the app's code."""
        if key in self.named or (self.handed_on and key in self.written):
            return YES
        if self.doubt:
            return Open(self.doubt)
        if not (self.named or self.handed_on):
            return Open("no code in the repository reads any context, and a library's may")
        return NO
