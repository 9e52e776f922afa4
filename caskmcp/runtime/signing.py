"""Signatures of our own table (`auth:` with the scheme `hmac`): HMAC over the parts of a request that the signed rule names, in a header.

Promises: what is signed are the bytes as they stand on the wire, in the order of the rule; the key goes nowhere.
"""

import hashlib
import hmac
from base64 import b64decode, b64encode
from binascii import Error, unhexlify
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from caskmcp.errors import CaskError
from caskmcp.model.auth import Hmac
from caskmcp.runtime.plan import PreparedRequest


def signed(request: PreparedRequest, rule: Hmac, secret: str, at: str) -> PreparedRequest:
    """The request with its signature. at: RFC 3339 in UTC with seconds. Raises CASK-R009 for a key that is not written as the rule says."""
    time = CLOCKS[rule.clock](at)
    parts = [PARTS[part](request, time) for part in rule.parts]
    mac = hmac.new(_key(rule, secret), rule.joined.encode("utf-8").join(parts), rule.algorithm).digest()
    dated = request.with_header(rule.timestamp, time) if rule.timestamp is not None else request
    return dated.with_header(rule.header, (rule.prefix + ENCODINGS[rule.encoding](mac)).strip())


def _key(rule: Hmac, secret: str) -> bytes:
    try:
        return KEYS[rule.key](secret)
    except (Error, ValueError) as cause:
        raise CaskError("CASK-R009", f"the key that the signature wants is not written as {rule.key}") from cause


def _host(request: PreparedRequest, _: str) -> bytes:
    return next((value for name, value in request.headers if name == "Host"), request.host).encode("ascii")


def _unix(at: str) -> int:
    return int(datetime.fromisoformat(at).timestamp())


PARTS: Final[Mapping[str, Callable[[PreparedRequest, str], bytes]]] = {
    "method": lambda request, _: request.method.encode("ascii"),
    "path": lambda request, _: request.target.partition(b"?")[0],
    "query": lambda request, _: request.target.partition(b"?")[2],
    "target": lambda request, _: request.target,
    "host": _host,
    "timestamp": lambda _, time: time.encode("ascii"),
    "body": lambda request, _: request.body,
    "body_sha256": lambda request, _: hashlib.sha256(request.body).hexdigest().encode("ascii"),
}
CLOCKS: Final[Mapping[str, Callable[[str], str]]] = {
    "unix": lambda at: str(_unix(at)),
    "unix_ms": lambda at: f"{_unix(at)}000",
    "rfc3339": lambda at: at,
}
ENCODINGS: Final[Mapping[str, Callable[[bytes], str]]] = {"hex": bytes.hex, "base64": lambda mac: b64encode(mac).decode("ascii")}
KEYS: Final[Mapping[str, Callable[[str], bytes]]] = {
    "text": lambda secret: secret.encode("utf-8"),
    "hex": unhexlify,
    "base64": lambda secret: b64decode(secret, validate=True),
}
