"""Requests over HTTP that a pipeline makes: with curl, wget, HTTPie, from Python, and by actions that check health.

Sources: curl's and wget's manuals (``--fail`` makes an HTTP error a failure, which curl takes for a success without it;
``--retry``, ``--tries``, of which 0 and inf are without end, and, for what was answered, ``--retry-on-http-error``),
HTTPie's documentation
(``--check-status``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, either
from checker.model.pipeline.handling import Stream
from checker.model.pipeline.retrying import AGAIN, Retried
from checker.model.pipeline.scripts import Command
from checker.model.possible import Possible, Scalar, options, shown, truth
from checker.model.values import Hole, Text, as_count, pieces, text
from checker.reason.deploys.paths import At, DeployPath, fails_here

_CURL_VALUES: Final = frozenset(
    {"-o", "-w", "-X", "-H", "-d", "-u", "-A", "-e", "-b", "-c", "-m", "-x", "-K", "-T", "-F", "-E", "-r", "-y", "-Y",
     "-z", "-C", "-Q", "-t", "-D", "-P", "--output", "--write-out", "--request", "--header", "--data", "--data-raw",
     "--data-binary", "--data-urlencode", "--json", "--user", "--user-agent", "--retry", "--retry-delay",
     "--retry-max-time", "--max-time", "--connect-timeout", "--cacert", "--capath", "--cert", "--key", "--proxy",
     "--resolve", "--connect-to", "--form", "--cookie", "--cookie-jar", "--referer", "--url-query", "--config",
     "--expect100-timeout", "--limit-rate", "--speed-limit", "--speed-time", "--stderr", "--dump-header", "--interface"}
)  # fmt: skip
_WGET_VALUES: Final = frozenset({"-O", "-o", "-t", "-T", "-U", "-w", "--tries", "--timeout", "--output-document",
                                 "--waitretry", "--header", "--method", "--body-data", "--post-data",
                                 "--retry-on-http-error"})  # fmt: skip
_NOT_READY: Final = lazy_re.compile(r"\b50[234]\b")  # what a load balancer answers for a service that is still starting
_CODES: Final = lazy_re.compile(r"[\d,\s]*")  # without signs that stand for others
_OPEN: Final = Open("which answers it is tried again for")
_OF_WGET: Final = "20"  # so often without an option
_SOME: Final = "2"  # at least, by an action that is told no number
_WITHOUT_END: Final = frozenset({"0", "inf"})
_HEALTH_ACTION: Final = lazy_re.compile(r"health[-_]?check|check[-_]?health|wait[-_]?for[-_]?(?:url|http|response|200)")


# Of HTTPie and xh, which are read as a request in code is.
_PROGRAMS: Final = ("http ", "https ", "xh ")


class Request(Struct, frozen=True):
    """One request. ``checks_status``: whether an HTTP error makes the command fail, or what was answered is looked at.

    ``by_itself`` is how often the command itself tries.
    """

    at: At | None  # None: made by an action that is not followed
    url: Possible
    method: str
    checks_status: bool
    by_itself: Retried
    command: Command | None
    only_read: bool = False  # an HTTP error is no failure of the command: what it prints has to be looked at

    def paths(self) -> tuple[str, ...] | None:
        """The paths it can ask for, ``None`` where that is not known."""
        each = options(self.url)
        if each is None:
            return None
        found = [path_of(option) for option in each]
        return None if None in found else tuple(path for path in found if path is not None)

    @property
    def retried(self) -> Retried:
        """Whether it is tried again, and not for ever."""
        found = self._around()
        if found is not Retried.NEVER:
            return found
        return Retried.BOUNDED if self.by_itself is Retried.FOR_EVER and self._stopped else self.by_itself

    @property
    def _stopped(self) -> bool:
        """Whether the command is ended when it takes too long: by ``timeout``, or by its step's."""
        if self.command is None:
            return False
        step = self.command.step
        return self.command.handling.bounded or (
            step is not None and isinstance(step.timeout_minutes, int | float | str)
        )

    def _around(self) -> Retried:
        """The same, of what is around the command."""
        if self.command is None:
            return Retried.NEVER
        around = self.command.reached.loops
        loops = [loop for loop in around if loop.kind in {"retry", "while"}]
        taken = self.command.handling
        # An answer that is an error may lead to another try, and `timeout` ends what is tried without end; not every
        # library's decorator is gone through as often as it tries.
        open_ = taken.captured or taken.piped or taken.inside or taken.bounded or any(each.by_library for each in loops)
        if not loops and self.command.program == "http" and taken.repeated is YES:
            return Retried.BOUNDED  # a decorator tries again
        if not loops or (not open_ and taken.repeated is NO):
            return Retried.NEVER
        return Retried.BOUNDED if all(loop.bounded for loop in loops) or self._stopped else Retried.FOR_EVER

    @property
    def fails(self) -> bool:
        """Whether the job fails when the answer stays bad."""
        if self.command is None or self.at is None:
            return True  # an action that checks health does nothing else
        if self._in_code and not isinstance(self.command.handling.ends, Open):
            # One that is content with 404 is content where nobody answers for the path.
            return fails_here(self.at) is YES and self.command.handling.notices is not NO
        if self.only_read and self.command.handling.notices is NO:
            return False
        by_itself = self.command.program != "http" or "--check-status" in self.command.words
        return self.checks_status and fails_here(self.at, by_itself=by_itself) is YES

    @property
    def _in_code(self) -> bool:
        """Whether a program in Python or JavaScript asks: there an answer with an error is an answer, and what follows
        has to look at it."""
        command = self.command
        return command is not None and command.program == "http" and not command.source.startswith(_PROGRAMS)

    @property
    def doubt(self) -> str:
        """Why it is not known whether an answer that is an error ends the job badly, where a script looks at it; empty
        where that is known, or a filter behind a pipe looks for what is to be there."""
        if self.command is None or not self.fails:
            return ""
        if self._in_code and isinstance(ends := self.command.handling.ends, Open):
            return ends.why
        if not self.only_read or self.command.handling.piped:
            return ""
        notices = self.command.handling.notices
        return notices.why if isinstance(notices, Open) else ""


def requests_of(path: DeployPath) -> Iterator[Request]:
    """Every request that a path's scripts make."""
    for at in path.actions():
        if isinstance(at.action, Command):
            found = request_of(at.action, at)
            if found is not None:
                yield found


def request_of(command: Command, at: At | None = None) -> Request | None:
    """The request that a command makes, ``None`` where it makes none."""
    words = list(command.words[1:])
    match command.program:
        case "curl":
            return _curl(words, command, at)
        case "wget":
            url, given = _split(words, _WGET_VALUES)
            if url is None:
                return None
            tries = _times(given.get("--tries", given.get("-t", _OF_WGET)), without_end=_WITHOUT_END)
            codes = _answers(given.get("--retry-on-http-error", ""))
            again = (
                tries if codes is YES else Retried.NEVER if codes is NO or tries is Retried.NEVER else Retried.UNTOLD
            )
            return Request(at, url, shown(given.get("--method", "GET")), True, again, command)
        case "http" | "https" | "xh":
            plain = [word for word in words if not (isinstance(word, str) and word.startswith("-"))]
            first = plain[0] if plain else ""
            verb = first if isinstance(first, str) and first.isupper() else ""
            rest = plain[1:] if verb or not _looks_like_url(first) else plain
            # Code looks at what it gets; on a command line only --check-status does.
            checks = command.source.startswith(("http ", "https ", "xh ")) is False or "--check-status" in words
            told = next((each for each in words if isinstance(each, str) and each.startswith(AGAIN)), "")
            by_itself = Retried(told.removeprefix(AGAIN)) if told else Retried.NEVER
            return Request(at, _over(rest), verb or "GET", checks, by_itself, command) if rest else None
    return None


def _over(words: list[Possible]) -> Possible:
    """HTTPie's URL, with the host that is given beside its path."""
    host = next((each for each in words[1:] if isinstance(each, str) and each.startswith("Host:")), "")
    path = words[0]
    return f"https://{host.removeprefix('Host:')}{path}" if host and isinstance(path, str) and path[:1] == "/" else path


def _curl(words: list[Possible], command: Command, at: At | None) -> Request | None:
    url, given = _split(words, _CURL_VALUES)
    if url is None:
        return None
    sends = any(name in given for name in ("-d", "--data", "--data-raw", "--json", "-F", "--form", "--data-binary"))
    method = shown(given.get("-X", given.get("--request", "POST" if sends else "GET")))
    fails = any(name in given for name in ("-f", "--fail", "--fail-with-body"))
    looked_at = any(name in given for name in ("-w", "--write-out")) or command.handling.piped
    looked_at = looked_at or (bool(command.handling.captured) and command.handling.stdout is not Stream.DISCARDED)
    tries = _times(given.get("--retry", "0"), first=1)
    return Request(at, url, method, fails or looked_at, tries, command, only_read=not fails)


def _times(told: Possible, *, first: int = 0, without_end: frozenset[str] = frozenset()) -> Retried:
    """How often something is tried, by the number that it is told, beside so many first ones."""
    found: set[Retried] = set()
    for each in options(told) or (None,):
        number = as_count(shown(each)) if each is not None and not isinstance(each, Text) else None
        if each is not None and shown(each) in without_end:
            found.add(Retried.FOR_EVER)
        elif number is None:
            found.add(Retried.UNTOLD)
        else:
            found.add(Retried.BOUNDED if number + first > 1 else Retried.NEVER)
    return found.pop() if len(found) == 1 else Retried.UNTOLD


def _answers(told: Possible) -> Answer:
    """Whether a list of codes has those that say that a service is not ready."""
    each = options(told)
    found = [_holds(one) for one in each] if each is not None else [_OPEN]
    return either(found) if NO not in found or YES not in found else _OPEN


def _holds(codes: object) -> Answer:
    if _NOT_READY.search(shown(codes)):
        return YES
    return _OPEN if isinstance(codes, Text) or not _CODES.fullmatch(shown(codes)) else NO


def _split(words: list[Possible], with_value: frozenset[str]) -> tuple[Possible | None, dict[str, Possible]]:
    """A command's URL, and its options; single-letter ones taken apart (``-fsSo /dev/null``)."""
    url: Possible | None = None
    given: dict[str, Possible] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        first, *more = pieces(word) if isinstance(word, str | Text) and word else ("",)
        written = first if isinstance(first, str) else ""
        if not written.startswith("-") or word == "-":
            if url is None or not _looks_like_url(url):
                url = word
            continue
        name, has_value, start = written.partition("=")
        inline = text([start, *more])
        if written.startswith("--"):
            if name == "--url":
                url = inline if has_value else (rest.pop(0) if rest else None)
            elif has_value:
                given[name] = inline
            else:
                given[name] = rest.pop(0) if name in with_value and rest else ""
            continue
        letters = written[1:]
        for index, letter in enumerate(letters):
            option = f"-{letter}"
            if option in with_value:
                tail = text([letters[index + 1 :], *more])
                given[option] = tail or (rest.pop(0) if rest else "")
                break
            given[option] = ""
    return url, given


def _looks_like_url(value: Possible) -> bool:
    return not isinstance(value, str) or "://" in value or "/" in value or "." in value


def path_of(url: Scalar) -> str | None:
    """The path of a URL, as far as it is written out after what is open; ``None`` where it can be any."""
    if isinstance(url, str):
        spelled = url if "://" in url or url.startswith("/") else f"http://{url}"
        try:
            return urlsplit(spelled).path.rstrip("/") or "/"
        except ValueError:  # "Invalid IPv6 URL": a bracket, which curl takes for a range
            return None
    if not isinstance(url, Text):
        return None
    parts = pieces(url)
    tail = parts[-1]
    if isinstance(tail, Hole):
        return None
    before = parts[-2] if len(parts) > 1 else ""
    path = re.split(r"[?#]", tail)[0].rstrip("/")
    if not path.startswith("/"):
        # `https://` + host + `.example.org/health`
        path = path[path.find("/") :] if "/" in path else ""
    head = "".join(part for part in parts[:-2] if isinstance(part, str))
    if isinstance(before, Hole) and re.search(r"://[^/]*/", head):
        return None  # the hole stands in the path itself
    return path or "/"


def health_actions(path: DeployPath) -> Iterator[Request]:
    """Steps that use an action which asks a URL until it answers, by its name; what is known to be a command is not
    among them."""
    for job, trace in zip(path.jobs, path.traces, strict=True):
        for step in job.steps:
            if not step.uses or step.runs is NO or not _HEALTH_ACTION.search(step.step.action.lower()):
                continue
            url = next((value for name, value in step.with_.items() if "url" in name.lower()), None)
            if url is None or truth(step.continue_on_error) is not NO:
                continue
            if any(action.step is step for action in trace.actions):
                continue
            before = [
                index
                for index, action in enumerate(trace.actions)
                if action.step is not None and action.step.index < step.index
            ]
            at = At(job, trace, before[-1]) if before else None
            tries = next((value for name, value in step.with_.items() if "attempt" in name or "retr" in name), _SOME)
            yield Request(at, url, "GET", True, _times(tries), None)
