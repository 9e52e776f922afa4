"""What the installed `cask` script does, for the Python that runs the tests.

Alone in its folder, so that nothing beside it shadows a module. A process that is started for a piece of the work imports this file as well,
and must not begin the whole command again: installed scripts have the same guard.
"""

import sys

from caskmcp.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
