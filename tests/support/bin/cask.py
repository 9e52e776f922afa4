"""What the installed `cask` script does, for the Python that runs the tests.

Alone in its folder, so that nothing beside it shadows a module.
"""

import sys

from caskmcp.cli.main import main

sys.exit(main())
