"""Variables whose value a program takes for code, or for the name of code, before it does anything else.

Sources: Bash Reference Manual, "Bash Startup Files" (``BASH_ENV`` is expanded like a word: ``$(...)`` in it is run);
Node.js documentation, ``NODE_OPTIONS`` and ``--import`` (a ``data:`` URL holds the code itself); perlrun,
``PERL5OPT``; ruby(1), ``RUBYOPT``; git documentation, "git", Environment Variables; java, ``JDK_JAVA_OPTIONS`` and the
JVM's ``-XX:OnError``; ld.so(8), ``LD_PRELOAD``; Python documentation, "Environment variables".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from checker.model.pipeline.jobs import EffectiveJob, EffectiveStep
    from checker.model.possible import Possible

_OF_SCRIPTS: Final = frozenset({"BASH_ENV"})  # of shells, which only `run:` starts
_CODE: Final = frozenset({
    "NODE_OPTIONS", "PERL5OPT", "RUBYOPT", "GIT_SSH_COMMAND", "GIT_SSH", "GIT_EDITOR", "GIT_SEQUENCE_EDITOR",
    "GIT_PAGER", "GIT_EXTERNAL_DIFF", "GIT_PROXY_COMMAND", "GIT_ASKPASS", "SSH_ASKPASS", "GIT_CONFIG_PARAMETERS",
    "EDITOR", "VISUAL", "PAGER", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "MAVEN_OPTS", "GRADLE_OPTS",
    "LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP",
    "PERL5LIB", "RUBYLIB", "NODE_PATH", "CLASSPATH", "PATH",
})  # fmt: skip


def variables_of_code(job: EffectiveJob) -> Iterator[tuple[EffectiveStep, str, Possible]]:
    """The first step for which such a variable is set, its name and its value."""
    seen: set[tuple[str, str]] = set()
    for step in job.steps:
        for name, value in step.env.items():
            taken = name in _CODE or (name in _OF_SCRIPTS and step.run is not None)
            if taken and not isinstance(value, str) and (name, str(value)) not in seen:
                seen.add((name, str(value)))
                yield step, name, value
