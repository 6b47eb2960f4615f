"""What makes a lock's key another one in each run."""

from __future__ import annotations

import re
from typing import Final

# What is another in each run, or each session.
VARYING: Final = re.compile(
    r"\b(?:random|randint|randrange|uuid\d?|getpid|pid|time|now|hostname|gethostname|token_hex|urandom|environ|getenv"
    r"|pg_backend_pid|clock_timestamp|gen_random_uuid|txid_current|inet_client_port|monotonic)\b",
    re.IGNORECASE,
)
