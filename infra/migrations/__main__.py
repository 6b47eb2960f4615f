"""`python -m infra.migrations`."""

import os
import sys

from infra.migrations.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
