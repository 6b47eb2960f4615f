"""Libraries that call a function again until it works, and what they make of it where it never does.

Each is written in Python and followed as the program's own code is; two attempts stand for all, which fail alike. What
calls itself stamina, or retry, raises what the last attempt raised, and needs no stand-in. Sources: tenacity
documentation, "Error Handling", "Retrying code block", "Other examples" (``retry_error_callback``); backoff
documentation, "@backoff.on_exception" (``giveup``, ``raise_on_giveup``); retrying documentation, "Features".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TEXT: Final = """
class RetryError(Exception):
    def __init__(self, last_attempt=None):
        self.last_attempt = last_attempt

    def reraise(self):
        if self.last_attempt is not None and self.last_attempt.failed:
            raise self.last_attempt.error
        raise self


class Attempted(Future):
    def __init__(self, value, error):
        self.failed = error is not None
        self.value = value
        self.error = error


class RetryState:
    fn = None
    attempt_number = 1

    def __init__(self, outcome, function, given, named):
        self.outcome = outcome
        self.fn = function
        self.args = given
        self.kwargs = named


class OfKinds:
    def __init__(self, exception_types=Exception):
        self.kinds = exception_types

    def takes(self, error):
        try:
            raise error
        except self.kinds:
            return True
        except BaseException:
            return False

    def wants(self, value):
        return False


class OfOtherKinds(OfKinds):
    def takes(self, error):
        try:
            raise error
        except self.kinds:
            return False
        except BaseException:
            return True


class ByError:
    def __init__(self, predicate):
        self.predicate = predicate

    def takes(self, error):
        return self.predicate(error)

    def wants(self, value):
        return False


class ByResult:
    def __init__(self, predicate):
        self.predicate = predicate

    def takes(self, error):
        return False

    def wants(self, value):
        return self.predicate(value)


class ByOtherResult(ByResult):
    def wants(self, value):
        return not self.predicate(value)


class Retrying:
    def __init__(self, *given, retry=None, reraise=False, retry_error_cls=RetryError, retry_error_callback=None,
                 **others):
        self.endless = len(given) < 2 and "stop" not in others
        retry = given[3] if len(given) > 3 else retry
        self.asked = OfKinds(Exception) if retry is None else retry
        self.reraise = reraise
        self.kind = retry_error_cls
        self.callback = retry_error_callback

    def around(self, function, given, named):
        try:
            value = function(*given, **named)
        except BaseException as error:
            if self.asked.takes(error):
                return self.given_up(Attempted(None, error), function, given, named)
            raise
        if self.asked.wants(value):
            return self.given_up(Attempted(value, None), function, given, named)
        return value

    def given_up(self, outcome, function, given, named):
        while self.endless:
            pass
        if function is not None:
            try:
                function(*given, **named)
            except BaseException:
                pass
        if self.callback is not None:
            return self.callback(RetryState(outcome, function, given, named))
        if self.reraise and outcome.failed:
            raise outcome.error
        raise self.kind(outcome)

    def __call__(self, function, *given, **named):
        return self.around(function, given, named)

    def call(self, function, *given, **named):
        return self.around(function, given, named)

    def __iter__(self):
        return [Attempt(self)]


class Retry(Retrying):
    def __call__(self, function):
        def wrapped(*given, **named):
            return self.around(function, given, named)

        return wrapped


class Attempt:
    def __init__(self, retrying):
        self.retrying = retrying

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is None or not self.retrying.asked.takes(error):
            return False
        self.retrying.given_up(Attempted(None, error), None, (), {})
        return True


class OlderRetrying(Retrying):
    def __init__(self, stop=None, stop_max_attempt_number=None, stop_max_delay=None, retry_on_exception=None,
                 retry_on_result=None, wrap_exception=False, stop_func=None, **others):
        self.endless = stop is None and stop_max_attempt_number is None and stop_max_delay is None and stop_func is None
        self.by_error = retry_on_exception
        self.by_result = retry_on_result
        self.asked = self
        self.reraise = not wrap_exception
        self.kind = RetryError
        self.callback = None

    def takes(self, error):
        if self.by_error is None:
            return True
        return self.by_error(error)

    def wants(self, value):
        return self.by_result is not None and self.by_result(value)


class OlderRetry(OlderRetrying):
    def __call__(self, function):
        def wrapped(*given, **named):
            return self.around(function, given, named)

        return wrapped


class OnException:
    def __init__(self, wait_gen=None, exception=Exception, max_tries=None, max_time=None, jitter=None, giveup=None,
                 on_success=None, on_backoff=None, on_giveup=None, raise_on_giveup=True, **others):
        self.kinds = exception
        self.giveup = giveup
        self.endless = max_tries is None and max_time is None
        self.told = on_giveup
        self.raises = raise_on_giveup

    def around(self, function, given, named):
        try:
            return function(*given, **named)
        except self.kinds as error:
            while self.endless and (self.giveup is None or not self.giveup(error)):
                pass
            try:
                function(*given, **named)
            except BaseException:
                pass
            if self.told is not None:
                self.told({"target": function, "args": given, "kwargs": named, "tries": 1, "exception": error})
            if self.raises:
                raise
            return None

    def __call__(self, function):
        def wrapped(*given, **named):
            return self.around(function, given, named)

        return wrapped
"""
# What each is called in Python -> its stand-in.
LENT: Final[Mapping[str, str]] = {
    **{
        f"tenacity.{name}": standin
        for name, standin in {
            "retry": "Retry",
            **dict.fromkeys(("Retrying", "AsyncRetrying", "TornadoRetrying"), "Retrying"),
            **dict.fromkeys(("asyncio.AsyncRetrying", "_asyncio.AsyncRetrying"), "Retrying"),
            "RetryError": "RetryError",
            "retry_if_exception_type": "OfKinds",
            "retry_if_not_exception_type": "OfOtherKinds",
            "retry_if_exception": "ByError",
            "retry_if_result": "ByResult",
            "retry_if_not_result": "ByOtherResult",
        }.items()
    },
    "retrying.retry": "OlderRetry",
    "retrying.Retrying": "OlderRetrying",
    "backoff.on_exception": "OnException",
}
