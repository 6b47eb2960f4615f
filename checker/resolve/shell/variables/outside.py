"""Variables that a shell has beside those that its script, its step and its job set."""

from __future__ import annotations

from typing import Final

# Those that the runner or an action sets beside what the workflow says.
RUNNER_PREFIXES: Final = ("GITHUB_", "RUNNER_", "AWS_", "ACTIONS_", "CDK_")
RUNNER_NAMES: Final = frozenset({"HOME", "PATH", "USER", "CI", "PWD", "SHELL", "TMPDIR", "HOSTNAME", "LANG"})
# Those of the images of GitHub's own runners (actions/runner-images, "Environment variables"), of the tools that are
# set up on them, and of the shell itself (Bash Reference Manual, "Bash Variables").
_OTHER_PREFIXES: Final = (
    "ANDROID_", "BASH", "CHROME", "CONDA", "DOTNET_", "EPOCH", "GOROOT", "HOMEBREW_", "Image", "JAVA_HOME", "LC_",
    "NVM_", "PIPX_", "POWERSHELL_", "SSH_", "VCPKG_", "VIRTUAL_ENV", "XDG_",
)  # fmt: skip
_OTHER_NAMES: Final = frozenset(
    {"AGENT_TOOLSDIRECTORY", "DEBIAN_FRONTEND", "EDGEWEBDRIVER", "EUID", "GECKOWEBDRIVER", "GRADLE_HOME", "HOSTTYPE",
     "IFS", "INVOCATION_ID", "LINENO", "LOGNAME", "MACHTYPE", "OLDPWD", "OSTYPE", "PPID", "RANDOM", "SECONDS", "SHLVL",
     "SRANDOM", "SWIFT_PATH", "TERM", "TZ", "UID"}
)  # fmt: skip


def may_be_there(name: str) -> bool:
    """Whether a variable may be set although neither the workflow nor a script sets it."""
    return name in RUNNER_NAMES | _OTHER_NAMES or name.startswith((*RUNNER_PREFIXES, *_OTHER_PREFIXES))
