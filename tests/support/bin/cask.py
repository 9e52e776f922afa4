"""What the installed `cask` script does, for the Python that runs the tests.

Alone in its folder, so that nothing beside it shadows a module. A process that is started for a piece of the work imports this file as well,
and must not begin the whole command again: installed scripts have the same guard.
"""

import sys

from caskmcp.cli.main import main

if __name__ == "__main__":
    if sys.argv[1:3] == ["keys", "new"]:
        # As in `tests/conftest.py`: the passphrases of tests are no secrets, and opening such a key takes 0.6 s each time.
        from caskmcp.govern import keys

        keys.ROUNDS = 1  # type: ignore[misc]  # it is final for everybody else
    sys.exit(main())
