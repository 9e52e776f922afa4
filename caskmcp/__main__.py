"""`python -m caskmcp` is `cask`."""

import sys

from caskmcp.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
