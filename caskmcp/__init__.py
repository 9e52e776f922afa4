"""CaskMCP: recorded traffic and specs in, a small, typed, signed MCP tool surface out.

Importing the package imports nothing else, so that `cask --help` starts fast.
"""

from typing import Final

__version__: Final = "0.1.0"
