"""AWS Signature Version 4 over a request that is ready to be sent.

Source: "Create a signed AWS API request", docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. Promises: the bytes of
path, query and body are signed as they stand on the wire, with every header that no proxy may change. Checked against the published test suite.
"""

import hashlib
import hmac
import posixpath
from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import quote, unquote_to_bytes

from caskmcp.model.auth import SigV4
from caskmcp.runtime.plan import PreparedRequest

ALGORITHM: Final = "AWS4-HMAC-SHA256"
UNSIGNED: Final = frozenset({"accept", "accept-encoding", "authorization", "connection", "content-length", "expect", "user-agent"})
"""Headers that a proxy may change."""
ONCE: Final = frozenset({"s3", "s3-object-lambda", "s3-outposts"})
"""Services whose paths are signed as they are sent; all others want them encoded once more."""
Headers = Iterable[tuple[str, str]]


class Keys(NamedTuple):
    """Credentials of one account."""

    id: str
    secret: str
    session: str = ""


def signed(request: PreparedRequest, rule: SigV4, keys: Keys, at: str) -> PreparedRequest:
    """The request with date, session token and signature. at: RFC 3339 in UTC with seconds."""
    digest = hashlib.sha256(request.body).hexdigest()
    dated = request.with_header("X-Amz-Date", amz_date(at))
    if keys.session:
        dated = dated.with_header("X-Amz-Security-Token", keys.session)
    if rule.service in ONCE:
        dated = dated.with_header("X-Amz-Content-Sha256", digest)
    headers = [row for row in dated.headers if row[0].lower() not in UNSIGNED]
    names, asked = canonical(dated.method, dated.target, headers, digest, once=rule.service in ONCE)
    scope = f"{amz_date(at)[:8]}/{rule.region}/{rule.service}/aws4_request"
    mark = signature(keys.secret, scope, amz_date(at), asked)
    return dated.with_header("Authorization", f"{ALGORITHM} Credential={keys.id}/{scope}, SignedHeaders={names}, Signature={mark}")


def amz_date(at: str) -> str:
    """`20150830T123600Z`."""
    return at.replace("-", "").replace(":", "")


def canonical(method: str, target: bytes, headers: Headers, digest: str, *, once: bool = False) -> tuple[str, str]:
    """Names of the signed headers, and the canonical request. target: path and query as sent; digest: of the body; once: as `ONCE`."""
    path, _, query = target.partition(b"?")
    rows: dict[str, list[str]] = {}
    for name, value in headers:
        rows.setdefault(name.lower(), []).append(" ".join(value.split()))
    names = ";".join(sorted(rows))
    lines = [f"{name}:{','.join(rows[name])}" for name in sorted(rows)]
    where = path.decode("latin-1") if once else quote(_normal(path), safe="/-_.~")
    return names, "\n".join([method, where, _query(query), *lines, "", names, digest])


def signature(secret: str, scope: str, date: str, asked: str) -> str:
    """The signature of a canonical request, hexadecimal."""
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = _mac(key, part)
    return _mac(key, "\n".join([ALGORITHM, date, scope, hashlib.sha256(asked.encode("utf-8")).hexdigest()])).hex()


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode("utf-8"), hashlib.sha256).digest()


def _normal(path: bytes) -> bytes:
    """Without `.`, `..` and double slashes (RFC 3986 section 5.2.4); a slash at the end stays."""
    whole = posixpath.normpath(b"/" + path.lstrip(b"/"))
    return whole if whole == b"/" or not path.endswith(b"/") else whole + b"/"


def _query(query: bytes) -> str:
    pairs = [pair.partition(b"=")[::2] for pair in query.split(b"&") if pair]
    return "&".join(f"{name}={value}" for name, value in sorted((_strict(name), _strict(value)) for name, value in pairs))


def _strict(text: bytes) -> str:
    """Every byte but the unreserved ones percent-encoded, once."""
    return quote(unquote_to_bytes(text), safe="-_.~")
