"""Where traces and metrics of calls go: the address that the person who starts a server gave, and nowhere without one."""

import ipaddress
from urllib.parse import urlsplit

from caskmcp.errors import AGAIN, CaskError
from caskmcp.load import load
from caskmcp.runtime.conduct import Watch
from caskmcp.text import visible


def watch(address: str | None) -> Watch | None:
    """What watches calls; None without an address. Raises CASK-I010 for an address that is none, CASK-W002 where the extra is missing."""
    if address is None:
        return None
    at = checked(address)
    try:
        made: Watch = load("runtime.telemetry:Telemetry")(at)
    except ImportError as cause:
        raise CaskError("CASK-W002", "traces and metrics need the extra `otel`", mend="pip install 'caskmcp[otel]'") from cause
    return made


def checked(address: str) -> str:
    """The address without a slash at its end. HTTPS, or HTTP to this machine: what is told of calls is nobody else's on the way."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    fits = parts.scheme == "https" or (parts.scheme == "http" and _is_here(host))
    if not host or not fits or parts.username is not None or parts.query or parts.fragment:
        what = f"`{visible(address)}` is no address of a collector: https://HOST:PORT, or http:// on this machine"
        raise CaskError("CASK-I010", what, mend=f"{AGAIN} --otel http://127.0.0.1:4318")
    return address.rstrip("/")


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
