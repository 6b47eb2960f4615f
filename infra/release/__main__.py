"""`python -m infra.release`."""

import os
import sys

from infra.release.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
