"""Where MCP clients of this user keep their configuration, and how this program is started. Reads the machine; changes nothing."""

import os
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import platformdirs


def claude_desktop() -> Path:
    """Claude Desktop's own file (modelcontextprotocol.io, "Connect to local MCP servers")."""
    return Path(platformdirs.user_config_dir("Claude", appauthor=False, roaming=True)) / "claude_desktop_config.json"


def cursor() -> Path:
    """Cursor's file for all projects."""
    return Path.home() / ".cursor" / "mcp.json"


def codex(environ: Mapping[str, str] = os.environ) -> Path:
    """Codex's file, `$CODEX_HOME/config.toml` or `~/.codex/config.toml`."""
    return Path(environ.get("CODEX_HOME") or Path.home() / ".codex") / "config.toml"


def gemini() -> Path:
    """Gemini CLI's settings of this user (geminicli.com, "Configuration")."""
    return Path.home() / ".gemini" / "settings.json"


def goose(environ: Mapping[str, str] = os.environ) -> Path:
    """Goose's file, `goose/config.yaml` below `$XDG_CONFIG_HOME` or `~/.config`, on macOS too (Goose, "Configuration Files")."""
    given = environ.get("XDG_CONFIG_HOME", "")
    return (Path(given) if given.startswith("/") else Path.home() / ".config") / "goose" / "config.yaml"


def command() -> tuple[str, ...]:
    """How a client starts `cask`: the installed script by its absolute path, or this Python where none is installed."""
    script = Path(sysconfig.get_path("scripts")) / "cask"
    return (str(script),) if script.exists() else (sys.executable, "-c", "import sys; from caskmcp.cli.main import main; sys.exit(main())")
