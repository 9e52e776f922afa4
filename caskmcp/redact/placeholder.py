"""Placeholders: what stands in a capture where a value was cut. Typed, keyed, and from ranges that belong to nobody.

A placeholder keeps the form of what it stands for (an e-mail address stays one), has a length that no key changes and, under one key, is the
same for the same value, so that what belongs together still links. Where a range is too small for that (phone numbers, cards, addresses,
numbers), the full-width `fingerprint` beside it links. `kind_of` knows each placeholder without the key, and `keyfree` takes the key out of
encoded bytes: nothing behind the capture may depend on it.

Ranges: example.com (RFC 2606), 192.0.2.0/24 (RFC 5737), 2001:db8::/32 (RFC 3849), +1 202 555 01xx (NANP fiction range), card networks' test
numbers, 987-65-4320 to 4329 (set aside by the SSA), version 8 UUIDs (RFC 9562), Point Nemo for a place; for numbers of people in other
countries those that their authorities, or all handbooks, use as examples.
"""

import base64
import hmac
import re
from collections.abc import Callable
from typing import Any, Final

import re2

SECRET: Final = "secret"
"""Kind of anything opaque. Its placeholder has the value's own form where that is a UUID, a JWT or hexadecimal digits."""

_CARDS: Final = (
    "378282246310005",
    "371449635398431",
    "30569309025904",
    "38520000023237",
    "4111111111111111",
    "4012888888881881",
    "4222222222222220",
    "5555555555554444",
    "5105105105105100",
    "5200828282828210",
    "6011111111111117",
    "3530111333300000",
)
NEMO: Final = -48.876667
"""Latitude of the place in the sea that is furthest from any land; as a longitude it is in the sea as well."""
NUMBERS: Final[dict[str, float]] = {
    "phone": 12025550100,
    "card": 4111111111111111,
    "ssn": 987654320,
    "account": 900000000000002,
    "geo": NEMO,
    SECRET: 900000000000001,
}
"""Kind -> the one number that stands for every cut number of it; other kinds take that of `secret`."""
_NATIONAL: Final = (
    # form of the value                             example of that form
    (r"[A-Z]{2}\s?(?:[0-9]{2}\s?){3}[A-D]", "QQ123456C"),
    (r"[XYZ]-?[0-9]{7}-?[A-Z]", "X0000000T"),
    (r"[0-9]{8}-?[A-Z]", "00000000T"),
    (r"[A-Z]{6}\w{2}[A-Z]\w{2}[A-Z]\w{3}[A-Z]", "MRTMTT91D08F205J"),
    (r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", "000.000.001-91"),
    (r"756\.?[0-9]{4}\.?[0-9]{4}\.?[0-9]{2}", "756.9217.0769.85"),
    (r"[0-9]{4}[ -][0-9]{4}[ -][0-9]{4}", "9999 9999 0019"),
    (r"[0-9]{3}[ -][0-9]{3}[ -][0-9]{3}", "046 454 286"),
    (r"[12](?: ?[0-9AB]){14}", "100019999999980"),
    (r"(?:[0-9] ?){10}[0-9]", "02476291358"),
    (r"[0-9]{6,8}[-+][0-9]{4}", "121212-1212"),
    (r"[0-9]{17}[0-9Xx]", "11010519491231002X"),
)
"""Numbers of people: the first form that a value has says which example stands for it, so that its check digits still hold."""

_HEX_MARK: Final = "ca5cca5c"
_JWT_HEAD: Final = "eyJhbGciOiJub25lIn0"
"""`{"alg":"none"}`."""
_JWT_BODY: Final = "eyJyZWRhY3RlZCI6I"
"""What the base64url of `{"redacted":"` begins with."""


def _no_groups() -> Any:
    options = re2.Options()
    options.never_capture = True
    return options


_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_HEX: Final = re.compile(r"(?=.*[0-9])(?:[0-9a-f]{20,}|[0-9A-F]{20,})")
_JWT: Final = re.compile(r"eyJ[\w-]+\.[\w-]+(?:\.[\w-]*){1,3}", re.ASCII)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]{5,}(?:Z|[+-][0-9:]{2,5})?")

# fmt: off
_FORMS: Final = (
    # kind       form of its placeholders
    ("email",    r"redacted-[0-9a-f]{16}@example\.com"),
    ("uuid",     r"00000000-ca5c-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}"),
    ("hex",      r"ca5cca5c[0-9a-f]{12,}|CA5CCA5C[0-9A-F]{12,}"),
    ("jwt",      r"eyJhbGciOiJub25lIn0\.eyJyZWRhY3RlZCI6I[0-9A-Za-z_-]{25}\.redacted"),
    ("phone",    r"\+120255501[0-9]{2}"),
    ("card",     "|".join(_CARDS)),
    ("iban",     r"GB[0-9]{2}CASK[0-9]{14}"),
    ("ssn",      "|".join((r"987-65-432[0-9]", *(re.escape(example) for _, example in _NATIONAL)))),
    ("geo",      r"-48\.876667(?:,-123\.393333)?"),
    ("ipv4",     r"192\.0\.2\.[12][0-9]{2}"),
    ("ipv6",     r"2001:db8::[0-9a-f]{4}:[0-9a-f]{4}"),
    ("mac",      r"00:00:5e:00:53:[0-9a-f]{2}"),
    ("pem",      r"-----BEGIN REDACTED-----[0-9a-f]{16}-----END REDACTED-----"),
    ("date",     r"1900-01-01"),
    ("moment",   r"1900-01-01T00:00:00Z"),
    # Everything else is `redacted-<kind>-<sixteen digits>`.
    ("",         r"redacted-[a-z]+-[0-9a-f]{16}"),
)
# fmt: on
# Forms without a mark of their own are bounded, so that a look-alike inside a longer number is none.
_BARE: Final = frozenset(("phone", "card", "iban", "ssn", "geo", "ipv4", "date", "moment"))
_BOUNDED: Final = "|".join(f"((?<![0-9A-Za-z])(?:{form})(?![0-9A-Za-z]))" if kind in _BARE else f"({form})" for kind, form in _FORMS)
_IN_TEXT: Final = re.compile(_BOUNDED, re.ASCII)
_WHOLE: Final = re.compile("|".join(f"({form})" for _, form in _FORMS), re.ASCII)
# re2, since this one runs over every byte that is written; it has no look-around, so `keyfree` looks at the bounds itself, and without groups
# it never leaves its automaton, so that `keyfree` asks for the form of the few that were found.
_ANYWHERE: Final = re2.compile("|".join(f"(?:{form})" for _, form in _FORMS).encode("ascii"), _no_groups())
BEGINNINGS: Final = frozenset(
    {"reda", "0000", "ca5c", "CA5C", "eyJh", "+120", "987-", "192.", "2001", "00:0", "----", "1900", "-48."}
    | {example[:4] for _, example in _NATIONAL}
    | {number[:4] for number in _CARDS}
    | {f"GB{check:02}" for check in range(100)}
)
"""What a placeholder can begin with: almost no other text does, and most texts are asked."""
# A text of digits is read as a number by whoever reads a query or a form: it stays a placeholder then.
_DIGITS: Final = {int(text): "card" for text in _CARDS} | {int(text): "ssn" for _, text in _NATIONAL if text.isdecimal()}
_NUMBER_KINDS: Final[dict[float, str]] = _DIGITS | {number: kind for kind, number in NUMBERS.items()}


def kind_of(value: str | int | float) -> str | None:
    """The kind of a placeholder, or None for anything else; a text that only contains one is something else."""
    if not isinstance(value, str):
        return _NUMBER_KINDS.get(value)
    if value[:4] not in BEGINNINGS or (match := _WHOLE.fullmatch(value)) is None:
        return None
    return _FORMS[(match.lastindex or 1) - 1][0] or value.split("-")[1]


def spans(text: str) -> list[tuple[int, int]]:
    """(from, to) of each placeholder in a text."""
    return [match.span() for match in _IN_TEXT.finditer(text)]


def contains(text: str) -> bool:
    """Whether a placeholder stands anywhere in a text."""
    return _IN_TEXT.search(text) is not None


def keyfree(encoded: bytes) -> bytes:
    """Encoded text with what the key made of each placeholder taken out; equal for any two keys."""
    pieces, end = [], 0
    for match in _ANYWHERE.finditer(encoded):
        low, high = match.span()
        kind = _form(encoded[low:high].decode("ascii"))
        if kind not in _BARE or not (encoded[low - 1 : low].isalnum() or encoded[high : high + 1].isalnum()):
            pieces += [encoded[end:low], b"~%s %d~" % (kind.encode("ascii"), high - low if kind == "hex" else 0)]
            end = high
    return b"".join((*pieces, encoded[end:])) if pieces else encoded


def _form(found: str) -> str:
    """The kind of the first form that fits the whole text, which `_ANYWHERE` found."""
    match = _WHOLE.fullmatch(found)
    return _FORMS[(match.lastindex if match and match.lastindex else 1) - 1][0]


def fingerprint(key: bytes, text: str) -> str:
    """64 hexadecimal digits: equal for equal values under one key, and nothing else is known of it."""
    return hmac.digest(key, text.encode("utf-8", "replace"), "sha256").hex()


def placeholder(key: bytes, kind: str, text: str) -> str:
    """What stands for `text`, a value of the kind."""
    mark = fingerprint(key, text)
    make = _MAKERS.get(kind)
    return make(text, mark) if make else _opaque(kind, text, mark)


def number(kind: str) -> float:
    """The number that stands for a cut number of the kind: an integer for all kinds but coordinates."""
    return NUMBERS.get(kind, NUMBERS[SECRET])


def is_narrow(made: str) -> bool:
    """Whether unequal values may have this placeholder, so that only the fingerprint links."""
    return kind_of(made) in _NARROW


def _opaque(kind: str, text: str, mark: str) -> str:
    if _UUID.fullmatch(text):
        return f"00000000-ca5c-8{mark[:3]}-8{mark[3:6]}-{mark[6:18]}"
    if _JWT.fullmatch(text):
        return _jwt(text, mark)
    if _HEX.fullmatch(text):
        digits = (_HEX_MARK + mark * (len(text) // len(mark) + 1))[: len(text)]
        return digits if text.islower() or text.isdigit() else digits.upper()
    return f"redacted-{kind}-{mark[:16]}"


def _jwt(_: str, mark: str) -> str:
    body = base64.urlsafe_b64encode(b'{"redacted":"%s"}' % mark[:16].encode("ascii")).decode("ascii").rstrip("=")
    return f"{_JWT_HEAD}.{body}.redacted"


def _date(text: str, _: str) -> str:
    if _DAY.fullmatch(text):
        return "1900-01-01"
    return "1900-01-01T00:00:00Z" if _MOMENT.fullmatch(text) else f"redacted-date-{'0' * 16}"


def _card(text: str, mark: str) -> str:
    size = sum(sign.isdigit() for sign in text)
    fitting = [number for number in _CARDS if len(number) == size] or [number for number in _CARDS if len(number) == 16]
    return fitting[int(mark[:8], 16) % len(fitting)]


def _national(text: str, mark: str) -> str:
    bare = text.strip()
    return next((example for form, example in _NATIONAL if re.fullmatch(form, bare, re.ASCII)), f"987-65-432{int(mark[:8], 16) % 10}")


def _iban(_: str, mark: str) -> str:
    account = f"{int(mark[:15], 16):014}"[-14:]
    digits = "".join(str(int(letter, 36)) for letter in f"CASK{account}GB00")  # ISO 13616: letters are numbers, check digits mod 97
    return f"GB{98 - int(digits) % 97:02}CASK{account}"


# fmt: off
_MAKERS: Final[dict[str, Callable[[str, str], str]]] = {
    "email": lambda _, mark: f"redacted-{mark[:16]}@example.com",
    "phone": lambda _, mark: f"+120255501{int(mark[:8], 16) % 100:02}",
    "card":  _card,
    "iban":  _iban,
    "ssn":   _national,
    "geo":   lambda text, _: f"{NEMO},-123.393333" if re.search("[,; ]", text.strip()) else str(NEMO),
    "ipv4":  lambda _, mark: f"192.0.2.{int(mark[:8], 16) % 155 + 100}",
    "ipv6":  lambda _, mark: f"2001:db8::{mark[:4]}:{mark[4:8]}",
    "mac":   lambda _, mark: f"00:00:5e:00:53:{mark[:2]}",
    "pem":   lambda _, mark: f"-----BEGIN REDACTED-----{mark[:16]}-----END REDACTED-----",
    "jwt":   _jwt,
    "date":  _date,
}
# fmt: on
_NARROW: Final = frozenset({"phone", "card", "ssn", "geo", "ipv4", "ipv6", "mac", "date", "moment"})
