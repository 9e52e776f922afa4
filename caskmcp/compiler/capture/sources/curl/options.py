"""The options of curl as a table, and one command line as the requests that it would send. Source: `curl --help all`, curl(1), to 8.11.

An option that is in no list makes its command `Unread`: whether it takes the next word is not known, and a guess could make a URL of a secret.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote_plus

from caskmcp.compiler.capture.sources.collection.request import FORM, JSON, MULTIPART, OCTETS, Sent
from caskmcp.model.exchange import Pair


class Unread(ValueError):
    """A command that cannot be read as a request; the text says why, in our words."""


@dataclass
class Call:
    """What one command line (to `--next`) asks for."""

    stdin: str | None = None
    method: str = ""
    urls: list[str] = field(default_factory=list)
    headers: list[Pair] = field(default_factory=list)
    data: list[str | None] = field(default_factory=list)
    """Pieces of the body; None for a file's content."""
    is_json: bool = False
    form: list[Pair] = field(default_factory=list)
    in_query: bool = False
    query: list[str] = field(default_factory=list)
    head: bool = False
    upload: bool = False
    user: str | None = None
    way: str = "basic"
    bearer: str | None = None
    secrets: list[Pair] = field(default_factory=list)
    """As `Recorded.secrets`: what authenticates to a proxy or opens a certificate's key."""

    @property
    def verb(self) -> str:
        """The method as curl chooses it."""
        chosen = ((self.head, "HEAD"), (self.upload, "PUT"), (bool(self.form) or (bool(self.data) and not self.in_query), "POST"))
        return self.method or next((verb for holds, verb in chosen if holds), "GET")

    def targets(self) -> Iterator[str]:
        """The URLs, with what options add to the query."""
        added = [piece or "" for piece in self.data] if self.in_query else []
        more = "&".join([*added, *self.query])
        for url in self.urls:
            yield url if not more else f"{url}{'&' if '?' in url else '?'}{more}"

    def body(self) -> Sent | None:
        """What is sent."""
        if self.form:
            return Sent(MULTIPART, pairs=tuple(self.form))
        if self.upload or None in self.data:
            return Sent(OCTETS if self.upload else self._media)
        if not self.data or self.in_query:
            return None
        return Sent(self._media, ("" if self.is_json else "&").join(piece or "" for piece in self.data))

    @property
    def _media(self) -> str:
        return JSON if self.is_json else FORM

    def credentials(self) -> tuple[Pair, ...]:
        """Ways to authenticate, as `Recorded.credentials`."""
        found = [] if self.user is None else [(self.way, self.user.partition(":")[2])]
        return tuple(found if self.bearer is None else [*found, ("bearer", self.bearer)])


# ---------------------------------------------------------------- what options do
def _data(call: Call, value: str) -> None:
    if not value.startswith("@"):
        call.data.append(value)
    elif value == "@-" and call.stdin is not None:
        call.data.append(call.stdin.replace("\n", "").replace("\r", ""))
    else:
        call.data.append(None)


def _binary(call: Call, value: str) -> None:
    call.data.append(call.stdin if value == "@-" else None if value.startswith("@") else value)


def _encoded(call: Call, value: str) -> None:
    call.data.append(_quoted(value))


def _quoted(value: str) -> str | None:
    """`content`, `=content`, `name=content`, or a file's content."""
    match = re.match(r"[^=@]*[=@]", value)
    if match is None:
        return quote_plus(value)
    name, content = match[0][:-1], value[match.end() :]
    if match[0].endswith("@"):
        return None
    return f"{name}={quote_plus(content)}" if name else quote_plus(content)


def _query(call: Call, value: str) -> None:
    call.query.append(value[1:] if value.startswith("+") else _quoted(value) or "")


def _json(call: Call, value: str) -> None:
    call.is_json = True
    _binary(call, value)


def _form(call: Call, value: str) -> None:
    name, _, content = value.partition("=")
    call.form.append((name, "" if content.startswith(("@", "<")) else content.partition(";type=")[0]))


def _form_string(call: Call, value: str) -> None:
    name, _, content = value.partition("=")
    call.form.append((name, content))


def _header(call: Call, value: str) -> None:
    name, colon, content = value.partition(":")
    if colon and name.strip() and not value.startswith("@"):
        call.headers.append((name.strip(), content.strip()))


def _cookie(call: Call, value: str) -> None:
    if "=" in value:  # else the name of a file
        call.headers.append(("Cookie", value))


def _method(call: Call, value: str) -> None:
    call.method = value


def _url(call: Call, value: str) -> None:
    call.urls.append(value)


def _user(call: Call, value: str) -> None:
    call.user = value


def _bearer(call: Call, value: str) -> None:
    call.bearer = value


def _password(call: Call, value: str) -> None:
    """`name:password`; a password may have colons."""
    call.secrets.append(("password", value.partition(":")[2]))


def _phrase(call: Call, value: str) -> None:
    call.secrets.append(("password", value))


def _to_proxy(call: Call, value: str) -> None:
    name, _, content = value.partition(":")
    call.secrets.append((name.strip(), content.strip()))


def _upload(call: Call, _: str) -> None:
    call.upload = True


def _signed(call: Call, _: str) -> None:
    call.way = "header:authorization"


def _nothing(_: Call, __: str) -> None:
    """Says how to send, not what."""


def _get(call: Call) -> None:
    call.in_query = True


def _head(call: Call) -> None:
    call.head = True


def _digest(call: Call) -> None:
    call.way = "digest"


def _negotiated(call: Call) -> None:
    call.way = "header:authorization"


VALUED: Final[dict[str, Callable[[Call, str], None]]] = {
    "data": _data, "data-ascii": _data, "data-raw": lambda call, value: call.data.append(value), "data-binary": _binary, "data-urlencode": _encoded,
    "json": _json, "form": _form, "form-string": _form_string, "header": _header, "cookie": _cookie, "request": _method, "url": _url, "user": _user,
    "oauth2-bearer": _bearer, "upload-file": _upload, "url-query": _query, "aws-sigv4": _signed,
    "proxy-user": _password, "cert": _password, "proxy-cert": _password, "pass": _phrase, "proxy-pass": _phrase, "tlspassword": _phrase,
    "proxy-tlspassword": _phrase, "proxy-header": _to_proxy,
}  # fmt: skip
"""Options with a value that change what is sent, or hold a secret that may be in it."""
FLAGS: Final[dict[str, Callable[[Call], None]]] = {
    "get": _get, "head": _head, "digest": _digest, "ntlm": _negotiated, "negotiate": _negotiated, "anyauth": _negotiated,
}  # fmt: skip
"""Options without a value that change what is sent."""
REFUSED: Final = frozenset(
    {"config", "request-target", "variable", "expand-url", "expand-data", "expand-header", "expand-json", "expand-form"}
)
"""Options that take the request from elsewhere."""
_NAMES_VALUED: Final = """
abstract-unix-socket alt-svc cacert capath cert cert-type ciphers connect-timeout connect-to continue-at cookie-jar create-file-mode crlfile
curves delegation dns-interface dns-ipv4-addr dns-ipv6-addr dns-servers doh-url dump-header ech egd-file engine etag-compare etag-save
expect100-timeout ftp-account ftp-alternative-to-user ftp-method ftp-port ftp-ssl-ccc-mode happy-eyeballs-timeout-ms haproxy-clientip
hostpubmd5 hostpubsha256 hsts interface ip-tos ipfs-gateway keepalive-cnt keepalive-time key key-type krb libcurl limit-rate local-port
login-options mail-auth mail-from mail-rcpt max-filesize max-redirs max-time netrc-file noproxy output output-dir parallel-max pass pinnedpubkey
preproxy proto proto-default proto-redir proxy proxy-cacert proxy-capath proxy-cert proxy-cert-type proxy-ciphers proxy-crlfile proxy-header
proxy-key proxy-key-type proxy-pass proxy-pinnedpubkey proxy-service-name proxy-tls13-ciphers proxy-tlsauthtype proxy-tlspassword proxy-tlsuser
proxy-user proxy1.0 pubkey quote random-file range rate referer resolve retry retry-delay retry-max-time sasl-authzid service-name
signature-algorithms socks4 socks4a socks5 socks5-gssapi-service socks5-hostname speed-limit speed-time stderr telnet-option tftp-blksize
time-cond tls-max tls13-ciphers tlsauthtype tlspassword tlsuser trace trace-ascii trace-config unix-socket user-agent vlan-priority write-out
"""
_OTHER_VALUED: Final = frozenset(_NAMES_VALUED.split())
_NAMES_FLAGS: Final = """
append basic buffer ca-native cert-status compressed compressed-ssh create-dirs crlf disable disable-eprt disable-epsv disallow-username-in-url
doh-cert-status doh-insecure eprt epsv fail fail-early fail-with-body false-start form-escape ftp-create-dirs ftp-pasv ftp-pret ftp-skip-pasv-ip
ftp-ssl-ccc ftp-ssl-control globoff haproxy-protocol http0.9 http1.0 http1.1 http2 http2-prior-knowledge http3 http3-only
ignore-content-length include insecure ipv4 ipv6 junk-session-cookies keepalive list-only location location-trusted mail-rcpt-allowfails manual
metalink mptcp netrc netrc-optional ntlm-wb no-alpn no-npn parallel parallel-immediate path-as-is post301 post302 post303 progress-bar
progress-meter proxy-anyauth proxy-basic proxy-ca-native proxy-digest proxy-http2 proxy-insecure proxy-negotiate proxy-ntlm
proxy-ssl-allow-beast proxy-ssl-auto-client-cert proxy-tlsv1 proxytunnel raw remote-header-name remote-name remote-name-all remote-time
remove-on-error retry-all-errors retry-connrefused sasl-ir sessionid show-error show-headers silent skip-existing socks5-basic socks5-gssapi
socks5-gssapi-nec ssl ssl-allow-beast ssl-auto-client-cert ssl-no-revoke ssl-reqd ssl-revoke-best-effort sslv2 sslv3 styled-output
suppress-connect-headers tcp-fastopen tcp-nodelay tftp-no-options tls-earlydata tlsv1 tlsv1.0 tlsv1.1 tlsv1.2 tlsv1.3 tr-encoding trace-ids
trace-time use-ascii verbose version xattr clobber help
"""
_OTHER_FLAGS: Final = frozenset(_NAMES_FLAGS.split())
SHORT: Final = {
    "d": "data", "F": "form", "H": "header", "b": "cookie", "X": "request", "u": "user", "T": "upload-file", "K": "config", "G": "get", "I": "head",
    "E": "cert", "C": "continue-at", "c": "cookie-jar", "D": "dump-header", "P": "ftp-port", "m": "max-time", "o": "output", "Q": "quote",
    "r": "range", "e": "referer", "Y": "speed-limit", "y": "speed-time", "t": "telnet-option", "z": "time-cond", "A": "user-agent",
    "w": "write-out", "U": "proxy-user", "x": "proxy", "a": "append", "q": "disable", "f": "fail", "g": "globoff", "0": "http1.0", "i": "include",
    "k": "insecure", "4": "ipv4", "6": "ipv6", "j": "junk-session-cookies", "l": "list-only", "L": "location", "M": "manual", "n": "netrc",
    "N": "no-buffer", "Z": "parallel", "#": "progress-bar", "p": "proxytunnel", "J": "remote-header-name", "O": "remote-name", "R": "remote-time",
    "S": "show-error", "s": "silent", "2": "sslv2", "3": "sslv3", "1": "tlsv1", "B": "use-ascii", "v": "verbose", "V": "version", "h": "help",
}  # fmt: skip


def calls(words: Iterable[str], stdin: str | None = None) -> list[Call]:
    """The calls of a command line, without its first word. Raises `Unread`."""
    left = iter(words)
    found = [Call(stdin)]
    for word in left:
        if word in ("--next", "-:"):
            found.append(Call(stdin))
        elif word == "--":
            found[-1].urls.extend(left)
        elif word.startswith("--"):
            _long(found[-1], word[2:], left)
        elif word.startswith("-") and len(word) > 1:
            _cluster(found[-1], word[1:], left)
        else:
            found[-1].urls.append(word)
    return [call for call in found if call.urls]


def _cluster(call: Call, letters: str, left: Iterator[str]) -> None:
    """Short options behind one dash; the first that takes a value takes the rest, or the next word."""
    for index, letter in enumerate(letters):
        if letter not in SHORT:
            raise Unread("an option of curl that is not known here")
        name, rest = SHORT[letter], letters[index + 1 :]
        if _takes_value(name):
            _long(call, name, iter([rest]) if rest else left)
            return
        _long(call, name, iter(()))


def _takes_value(name: str) -> bool:
    return name in VALUED or name in _OTHER_VALUED or name in REFUSED


def _long(call: Call, name: str, left: Iterator[str]) -> None:
    if name in REFUSED:
        raise Unread("an option of curl that takes the request from elsewhere")
    if name in FLAGS:
        FLAGS[name](call)
    elif _takes_value(name):
        value = next(left, None)
        if value is None:
            raise Unread("an option of curl without its value")
        VALUED.get(name, _nothing)(call, value)
    elif name.removeprefix("no-") not in _OTHER_FLAGS and name not in _OTHER_FLAGS:
        raise Unread("an option of curl that is not known here")
