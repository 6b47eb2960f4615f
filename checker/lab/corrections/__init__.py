"""Where the emulator leaves out what a template says, and AWS would not.

Runs inside the emulator's process only. Each correction is held by a test that reads the value back through the
service's own API.
"""

from __future__ import annotations


def apply() -> None:
    """Correct the running emulator. Its modules are imported here: no other process has them."""
    from checker.lab.corrections import answers, cloud_control, names, network, storage, tasks

    for subject in (names, network, storage, tasks, answers, cloud_control):
        subject.apply()
