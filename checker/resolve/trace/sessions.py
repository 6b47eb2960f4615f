"""Roles that scripts take on by themselves, and which of them a later call acts as.

Beside the login action, a role is taken on by a call of STS whose keys are put into the environment, by variables that
name a role and a file with a token, and by a profile that names a role. Source: AWS SDKs and Tools Reference Guide,
"Assume role credential provider" and "Environment variables" (keys in the environment come before all others); AWS CLI
User Guide, "Using an IAM role in the AWS CLI".
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker import lazy_re
from checker.data.actions import CREDENTIALS
from checker.model.answers import NO, YES, Answer, yes_if
from checker.model.pipeline.jobs import Credentials, EffectiveStep
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Command
from checker.model.possible import Possible, shown
from checker.model.sources import Spot
from checker.model.values import ABSENT, Absent
from checker.resolve.shell.printing import output_of

_KEY: Final = "AWS_ACCESS_KEY_ID"
_ROLE: Final = "AWS_ROLE_ARN"
_PRESENTED: Final = "AWS_WEB_IDENTITY_TOKEN_FILE"
_SETTING: Final = frozenset({"export", "declare", "typeset", "eval", "source", ".", "read"})
_WEB_IDENTITY: Final = "AssumeRoleWithWebIdentity"
_ASSUMING: Final = frozenset({_WEB_IDENTITY, "AssumeRole", "AssumeRoleWithSAML"})
_CONFIG: Final = lazy_re.compile(
    r"(?:^|/)\.aws/(?:config|credentials)$|^\$\{?AWS_(?:CONFIG|SHARED_CREDENTIALS)_FILE\}?$"
)
_SECRET: Final = lazy_re.compile(r"\bsecrets\.", re.IGNORECASE)
_DEFAULT: Final = "default"


class _Held(Struct, frozen=True):
    """A session whose keys are in the environment: of one step's script, or (``step`` is ``None``) of all the rest."""

    session: Credentials
    step: EffectiveStep | None
    spot: Spot


class Sessions(Struct):
    """What one job has taken on so far. Commands and calls are noted in the order in which they run."""

    found: list[Credentials] = field(default_factory=list)
    _variables: dict[str, Possible] = field(default_factory=dict)  # of AWS, as the running script has them
    _obtained: Credentials | None = None  # by the last call of STS: its keys may be used, or not
    _held: _Held | None = None
    _at_place: dict[tuple[str, int], Credentials] = field(default_factory=dict)  # by the place of the call of STS
    _last: Command | None = None
    _profiles: dict[str, dict[str, Possible]] = field(default_factory=dict)
    _profile_begun: str = ""  # the section of a configuration that was written last
    _of_profile: dict[str, Credentials] = field(default_factory=dict)
    _by_variables: dict[str, Credentials] = field(default_factory=dict)

    def begin(self, environment: Mapping[str, Possible]) -> None:
        """Another step begins, with these variables: what a script before it set for itself is gone."""
        self._variables = {name: value for name, value in environment.items() if name.startswith("AWS_")}
        if self._held is not None and self._held.step is not None:
            self._held = None

    def acting(self, call: AwsCall | CdkCommand, current: Credentials | None) -> Credentials | None:
        """Whose a call is, where ``current`` is what the job's login steps obtained; notes what the call obtains."""
        who = self._who(call, current)
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
        self._last = command
        if command.program == "export":
            self._variables.update({k: v for k, v in command.environment.items() if k.startswith("AWS_")})
        elif command.program == "unset":
            names = {word for word in command.words[1:] if isinstance(word, str)}
            if _KEY in names:
                self._held = None
            self._variables = {name: value for name, value in self._variables.items() if name not in names}
        elif command.words[:3] == ("aws", "configure", "set"):
            self._configure(command)
        written = [shown(write.target) for write in command.writes]
        files = [*written, *(map(shown, command.words[1:]) if command.program == "tee" else ())]
        if any(_CONFIG.search(target) for target in files):
            self._read_config(command)
        if self._obtained is None or not _speaks_of_key(command):
            return
        if any(target in {"${GITHUB_ENV}", "$GITHUB_ENV"} for target in written):
            self._held = _Held(self._obtained, None, command.spot)
        elif command.program in _SETTING:
            self._held = _Held(self._obtained, command.step, command.spot)

    # -- who acts ----------------------------------------------------------------------------------

    def _who(self, call: AwsCall | CdkCommand, current: Credentials | None) -> Credentials | None:
        given = self._last.environment if self._last is not None and self._last.spot == call.spot else {}
        if isinstance(call, AwsCall) and call.keys_of is not None:
            handed = self._at_place.get((call.keys_of.file, call.keys_of.line))
            if handed is not None:
                return handed
        if _KEY in given and self._obtained is not None:
            return self._obtained
        profile = call.profile if isinstance(call, AwsCall) else call.options.get("profile", ABSENT)
        if isinstance(profile, Absent):
            profile = given.get("AWS_PROFILE", self._variables.get("AWS_PROFILE", ABSENT))
        if isinstance(profile, str) and profile and (found := self._profile(profile, call, current)) is not None:
            return found
        if self._held is not None and self._reaches(self._held, call):
            return self._held.session
        if current is None and _KEY not in self._variables and call.step is not None:
            return self._named_by_variables(call.step, given) or self._profile(_DEFAULT, call, current)
        return current

    @staticmethod
    def _reaches(held: _Held, call: AwsCall | CdkCommand) -> bool:
        """Whether a script's own variables are there for a call: a script that another starts keeps its to itself."""
        return held.step is None or (held.step is call.step and held.spot.file == call.spot.file)

    def _named_by_variables(self, step: EffectiveStep, given: Mapping[str, Possible]) -> Credentials | None:
        role, token = (given.get(name, self._variables.get(name, "")) for name in (_ROLE, _PRESENTED))
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
        region = self._variables.get("AWS_REGION", self._variables.get("AWS_DEFAULT_REGION", ABSENT))
        made = Credentials(step, role, region, seconds, chained, oidc)
        known = next((each for each in self.found if replace(each, region=region) == made), None)
        if known is None:
            self.found.append(made)
        return known or made

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
        parser = configparser.RawConfigParser(strict=False)
        written = shown(text)
        if self._profile_begun and not written.lstrip().startswith("["):
            written = f"[{self._profile_begun}]\n{written}"  # a file that is written line by line
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
