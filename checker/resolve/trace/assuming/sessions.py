"""Roles that scripts take on by themselves, and which of them a later call acts as.

Beside the login action, a role is taken on by a call of STS whose keys are put into the environment, by variables that
name a role and a file with a token, and by a profile that names a role. Source: AWS SDKs and Tools Reference Guide,
"Assume role credential provider" and "Environment variables" (keys in the environment come before all others); AWS CLI
User Guide, "Using an IAM role in the AWS CLI".
"""

from __future__ import annotations

import configparser
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker import lazy_re
from checker.data.actions import CREDENTIALS
from checker.model.answers import NO, YES, Answer, yes_if
from checker.model.pipeline.jobs import WORKSPACE, Credentials, EffectiveStep
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Command
from checker.model.possible import Possible, Scalar, call_behind, open_text, options, shown
from checker.model.values import ABSENT, Absent, Unknown
from checker.resolve.shell.printing import output_of
from checker.resolve.trace.assuming.token_asked import audience_asked

_KEY: Final = "AWS_ACCESS_KEY_ID"
_ROLE: Final = "AWS_ROLE_ARN"
_FILES: Final = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")
_PRESENTED: Final = "AWS_WEB_IDENTITY_TOKEN_FILE"
_WEB_IDENTITY: Final = "AssumeRoleWithWebIdentity"
_ASSUMING: Final = frozenset({_WEB_IDENTITY, "AssumeRole", "AssumeRoleWithSAML"})
_CONFIG: Final = lazy_re.compile(
    r"(?:^|/)\.aws/(?:config|credentials)$|^\$\{?AWS_(?:CONFIG|SHARED_CREDENTIALS)_FILE\}?$"
)
_SECRET: Final = lazy_re.compile(r"\bsecrets\.", re.IGNORECASE)
# A value by such a name is the key that the job has already, put where it is.
_SAME_KEY: Final = lazy_re.compile(r"access[_-]?key[_-]?id", re.IGNORECASE)
_DEFAULT: Final = "default"
_AWS: Final = "sts.amazonaws.com"
_UNSET: Final = open_text(f"${{{_KEY}}}")  # on a way on which a script did not set it


class Sessions(Struct):
    """What one job has taken on so far. Commands and calls are noted in the order in which they run."""

    text_of: Callable[[str], str | None] = lambda _: None  # a file's, as the job has it by now
    found: list[Credentials] = field(default_factory=list)
    _variables: Mapping[str, Possible] = field(default_factory=dict)  # of AWS, as the running step begins with them
    _around: Mapping[str, Possible] = field(default_factory=dict)  # what a program was given whose calls are taken
    _obtained: Credentials | None = None  # by the last call of STS: its keys may be used, or not
    _handed_on: Credentials | None = None  # whose keys were written to the environment of the steps that follow
    _keys: dict[Scalar, Credentials | None] = field(default_factory=dict)  # value of a key -> whose it is
    _at_place: dict[tuple[str, int], Credentials] = field(default_factory=dict)  # by the place of the call of STS
    _audiences: list[Possible] = field(default_factory=list)  # that GitHub was asked to make tokens for
    _profiles: dict[str, dict[str, Possible]] = field(default_factory=dict)
    _profile_begun: str = ""  # the section of a configuration that was written last
    _files: set[str] = field(default_factory=set)  # configurations that were read
    _of_profile: dict[str, Credentials] = field(default_factory=dict)
    _by_variables: dict[str, Credentials] = field(default_factory=dict)

    def begin(self, environment: Mapping[str, Possible]) -> None:
        """Another step begins, with these variables: what a script before it set for itself is gone."""
        self._variables = {name: value for name, value in environment.items() if name.startswith("AWS_")}
        key = self._variables.get(_KEY)
        known = {each: self._keys[each] for each in _each(key) if each in self._keys}
        self._keys = known or (dict.fromkeys(_each(key), self._handed_on) if self._handed_on is not None else {})

    def logged_in(self) -> None:
        """A login step has put its own keys into the environment of the steps that follow."""
        self._handed_on = None

    def obtained(self, session: Credentials) -> None:
        """A login step has obtained keys, and puts them into its outputs alone."""
        self._obtained = session

    @contextmanager
    def given(self, environment: Mapping[str, Possible]) -> Iterator[None]:
        """The calls of a program are taken that was started with these variables."""
        before, self._around = self._around, environment
        try:
            yield
        finally:
            self._around = before

    def acting(
        self, call: AwsCall | CdkCommand, current: Credentials | None, given: Mapping[str, Possible] | None
    ) -> Credentials | None:
        """Whose a call is, where ``current`` is what the job's login steps obtained; notes what the call obtains.
        ``given``: the variables that it is made with, ``None`` where they are the step's."""
        around = self._variables if given is None else {**self._around, **given}
        own = call.set_before if isinstance(call, AwsCall) else {}
        who = self._who(call, current, {**around, **own} if own else around)
        if (
            isinstance(call, AwsCall)
            and call.service == "sts"
            and call.operation in _ASSUMING
            and call.step is not None
            and call.step.step.action.lower() != CREDENTIALS  # what that obtains is the job's own
        ):
            self._obtained = self._session(call, call.step, who)
            self._at_place[call.spot.file, call.spot.line] = self._obtained
        return who

    def note(self, command: Command) -> None:
        """What a command does to the environment of those behind it."""
        if (asked := audience_asked(command)) is not None:
            self._audiences.append(asked)
        if command.program == "export" and (key := command.environment.get(_KEY)) is not None:
            self._keys.update((each, self._session_of(each)) for each in _each(key))
        elif command.words[:3] == ("aws", "configure", "set"):
            self._configure(command)
        written = [shown(write.target) for write in command.writes]
        files = [*written, *(map(shown, command.words[1:]) if command.program == "tee" else ())]
        if any(_CONFIG.search(target) for target in files):
            self._read_config(command)
        if any(target in {"${GITHUB_ENV}", "$GITHUB_ENV"} for target in written) and _speaks_of_key(command):
            self._handed_on = self._obtained or self._handed_on

    # -- who acts ----------------------------------------------------------------------------------

    def _who(
        self, call: AwsCall | CdkCommand, current: Credentials | None, given: Mapping[str, Possible]
    ) -> Credentials | None:
        if isinstance(call, AwsCall) and call.keys_of is not None:
            handed = self._at_place.get((call.keys_of.file, call.keys_of.line))
            if handed is not None:
                return handed
        asked = call.profile if isinstance(call, AwsCall) else call.options.get("profile", ABSENT)
        key = given.get(_KEY, "")
        if isinstance(asked, Absent) and key not in ("", None):
            return self._by_key(key, call, current)
        self._read_named(given, call.folder)
        profile = given.get("AWS_PROFILE", ABSENT) if isinstance(asked, Absent) else asked
        if isinstance(profile, str) and profile and (found := self._profile(profile, call, current)) is not None:
            return found
        if not isinstance(asked, Absent):
            return current
        if self._handed_on is not None:
            return self._handed_on
        if current is None and call.step is not None:
            return self._named_by_variables(call.step, given) or self._profile(_DEFAULT, call, current)
        return current

    def _by_key(self, key: Possible, call: AwsCall | CdkCommand, current: Credentials | None) -> Credentials | None:
        """Whose key a call is made with; nobody knows whose where it may be one of several."""
        found: dict[int, Credentials | None] = {}
        for each in _each(key):
            if each not in self._keys:
                self._keys[each] = self._session_of(each)
            who = self._keys[each]
            if who is None:
                who = current if _is_own(each) else self._somebody(call, current)
            found[id(who)] = who
        if len(found) != 1 and call.step is not None:
            return Credentials(call.step, Unknown("its key is one of several"), self._region(), ABSENT, NO, NO)
        return next(iter(found.values()), current)

    def _session_of(self, key: Scalar) -> Credentials | None:
        """The session that a key is of: of the call that it comes from, or else of the last one that gave any."""
        place = call_behind(key)
        if place is not None and (found := self._at_place.get((place.file, place.line))) is not None:
            return found
        if isinstance(key, str) or _SECRET.search(shown(key)) or key == _UNSET:
            return None
        return self._obtained

    def _somebody(self, call: AwsCall | CdkCommand, current: Credentials | None) -> Credentials | None:
        """Whoever has keys that no call of STS gave."""
        if current is None or call.step is None:
            return current
        return Credentials(call.step, ABSENT, self._region(), ABSENT, NO, NO)

    def _named_by_variables(self, step: EffectiveStep, given: Mapping[str, Possible]) -> Credentials | None:
        role, token = (given.get(name, "") for name in (_ROLE, _PRESENTED))
        if role in ("", None) or token in ("", None):
            return None
        key = shown(role)
        if key not in self._by_variables:
            self._by_variables[key] = self._add(step, role, seconds=ABSENT, chained=NO, oidc=YES)
        return self._by_variables[key]

    def _profile(self, name: str, call: AwsCall | CdkCommand, current: Credentials | None) -> Credentials | None:
        settings = self._profiles.get(name)
        if settings is None or call.step is None or "role_arn" not in settings:
            return self._of_profile.get(name)
        if name not in self._of_profile:
            oidc = "web_identity_token_file" in settings
            chained = not oidc and (current is None or not isinstance(current.role, Absent))
            seconds = settings.get("duration_seconds", ABSENT)
            session = self._add(
                call.step, settings["role_arn"], seconds=seconds, chained=yes_if(chained), oidc=yes_if(oidc)
            )
            self._of_profile[name] = session
        return self._of_profile[name]

    def _session(self, call: AwsCall, step: EffectiveStep, who: Credentials | None) -> Credentials:
        role = call.text("RoleArn")
        if isinstance(role, Absent) and not call.complete:
            role = Unknown("its arguments are in a file that was not read")
        oidc = call.operation == _WEB_IDENTITY
        by_keys = who is not None and isinstance(who.role, Absent)
        by_keys = by_keys or (who is None and bool(_SECRET.search(shown(self._variables.get(_KEY, "")))))
        chained = call.operation == "AssumeRole" and not by_keys
        return self._add(step, role, seconds=call.text("DurationSeconds"), chained=yes_if(chained), oidc=yes_if(oidc))

    def _add(
        self,
        step: EffectiveStep,
        role: Possible | Absent,
        *,
        seconds: Possible | Absent,
        chained: Answer,
        oidc: Answer,
    ) -> Credentials:
        region = self._region()
        made = Credentials(step, role, region, seconds, chained, oidc, self._audience() if oidc is YES else ABSENT)
        known = next((each for each in self.found if replace(each, region=region) == made), None)
        if known is None:
            self.found.append(made)
        return known or made

    def _audience(self) -> Possible | Absent:
        """Whom the token is made for that is presented, as far as a script asked for it."""
        each = [*dict.fromkeys(self._audiences)]
        if len(each) < 2:
            return next(iter(each), ABSENT)
        return _AWS if _AWS in each else Unknown("which of several tokens is presented")

    def _region(self) -> Possible | Absent:
        return self._variables.get("AWS_REGION", self._variables.get("AWS_DEFAULT_REGION", ABSENT))

    # -- profiles ----------------------------------------------------------------------------------

    def _configure(self, command: Command) -> None:
        """``aws configure set NAME VALUE --profile PROFILE``; a name may say the profile: ``profile.x.role_arn``."""
        words = list(command.words[3:])
        profile = _DEFAULT
        if "--profile" in words[:-1]:
            at = words.index("--profile")
            profile = shown(words[at + 1])
            del words[at : at + 2]
        if len(words) < 2 or not isinstance(words[0], str):
            return
        name = words[0]
        if name.startswith("profile.") and name.count(".") >= 2:
            _, profile, name = name.split(".", 2)
        self._profiles.setdefault(profile, {})[name] = words[1]
        if name == "aws_access_key_id" and self._obtained is not None:
            self._of_profile[profile] = self._obtained

    def _read_config(self, command: Command) -> None:
        text = next((each.target for each in command.writes if each.operator.startswith("<<")), None)
        text = output_of(command) if text is None else text
        written = shown(text)
        if self._profile_begun and not written.lstrip().startswith("["):
            written = f"[{self._profile_begun}]\n{written}"  # a file that is written line by line
        self._take_in(written)

    def _read_named(self, given: Mapping[str, Possible], folder: str | None) -> None:
        """Read the configurations that variables name (AWS SDKs and Tools Reference Guide, "Location of the shared
        config and credentials files")."""
        for path in (given.get(name) for name in _FILES):
            if isinstance(path, str) and path and path not in self._files:
                self._files.add(path)
                own = path.removeprefix(f"{WORKSPACE}/") if path.startswith(WORKSPACE) else None
                text = self.text_of(posixpath.normpath(own or posixpath.join(folder or "", path)))
                self._take_in(text or "")

    def _take_in(self, written: str) -> None:
        """Note the profiles of a configuration."""
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string(written)
        except configparser.Error:
            return
        for section in parser.sections():
            self._profile_begun = section
            name = section.removeprefix("profile ").strip()
            self._profiles.setdefault(name, {}).update(parser.items(section))
            if "aws_access_key_id" in parser[section] and self._obtained is not None:
                self._of_profile[name] = self._obtained


def _speaks_of_key(command: Command) -> bool:
    texts = [*map(shown, command.words), *(shown(write.target) for write in command.writes), *command.environment]
    return any(_KEY in text for text in texts)


def _each(key: Possible) -> tuple[Scalar, ...]:
    return () if key is None else options(key) or ()


def _is_own(key: Scalar) -> bool:
    """Whether a key is the one that the job has already: it goes by that name, and is no secret's."""
    return not isinstance(key, str) and not _SECRET.search(shown(key)) and bool(_SAME_KEY.search(shown(key)))
