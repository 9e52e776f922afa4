"""Builds the world from the real adapters, once a run."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import platformdirs

from caskmcp.errors import CaskError
from caskmcp.ports import World
from caskmcp.report.console import TerminalConsole
from caskmcp.store.clock import SystemClock
from caskmcp.store.credentials import ReferencedCredentials
from caskmcp.store.entropy import SystemEntropy
from caskmcp.store.files import LocalFiles

FETCHING = (
    *("UV_CACHE_DIR", "UV_CONFIG_FILE", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_INDEX", "UV_INDEX_URL"),
    *("UV_NATIVE_TLS", "UV_OFFLINE", "UV_SYSTEM_CERTS", "UV_TOOL_DIR", "XDG_CACHE_HOME", "XDG_DATA_HOME", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
)
"""What `uvx` is told, if that has to bring mitmdump: where it keeps what it fetched, and how it reaches the index."""
READ = ("CASK_TRUST_PIN", "CASK_MITMDUMP", "CASK_CHROMIUM", "NO_COLOR", "CI", "SSH_AUTH_SOCK", "XDG_CONFIG_HOME", "HOME", "PATH", *FETCHING)
"""The environment variables that `cask` reads; credentials are read by reference alone."""

SYSTEM = Path("/etc/caskmcp")


def build(options: Mapping[str, Any]) -> World:
    """The world of this process. options: the global options that were given."""
    plain = bool(options.get("plain")) or "NO_COLOR" in os.environ
    files, config = LocalFiles(), config_folder(os.environ)
    return World(
        clock=SystemClock(),
        entropy=SystemEntropy(),
        files=files,
        console=TerminalConsole(plain=plain, whole=not options.get("plain") and _whole_screen(os.environ)),
        credentials=ReferencedCredentials(os.environ, files, config),
        cwd=_working_directory(),
        config=config,
        data=_folder(os.environ, "XDG_DATA_HOME", platformdirs.user_data_dir),
        state=_folder(os.environ, "XDG_STATE_HOME", platformdirs.user_state_dir),
        system=SYSTEM,
        uid=os.getuid() if hasattr(os, "getuid") else -1,
        environ={name: os.environ[name] for name in READ if name in os.environ},
        root=options.get("root"),
        toolpack=options.get("toolpack"),
    )


def _whole_screen(environ: Mapping[str, str]) -> bool:
    """Whether a program may use the whole screen: the terminal takes orders, and no variable steers the library that gives them.

    Textual takes keys to press, a driver to import and a file to log to from `TEXTUAL_*`: nobody but the person decides in a review.
    """
    return environ.get("TERM", "dumb") not in ("", "dumb", "unknown") and not any(name.startswith("TEXTUAL") for name in environ)


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError as cause:
        raise CaskError("CASK-I002", "the working directory was removed", mend="cd") from cause


def config_folder(environ: Mapping[str, str]) -> Path:
    """`$XDG_CONFIG_HOME/caskmcp` where that is set to an absolute path, else the platform's place."""
    return _folder(environ, "XDG_CONFIG_HOME", platformdirs.user_config_dir)


def _folder(environ: Mapping[str, str], name: str, platform: Callable[..., str]) -> Path:
    given = environ.get(name, "")
    return Path(given) / "caskmcp" if given.startswith("/") else Path(platform("caskmcp", appauthor=False))
