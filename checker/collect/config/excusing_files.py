"""Where a project keeps what excuses its failures: waivers, sorted results of scanners, drift decisions, baselines."""

from __future__ import annotations

from typing import Final

# Of each pair the first that is there counts.
WAIVER_FILES: Final = ("policies/waivers.yaml", "checker-waivers.yaml")
TRIAGE_FILES: Final = ("policies/scanners.yaml", "checker-scanners.yaml")
DRIFT_FILE: Final = "policies/drift.yaml"
# Where people keep a stored run: at the root, where `checker init` puts it, and beside the policies.
BASELINE_FOLDERS: Final = ("", "policies")
