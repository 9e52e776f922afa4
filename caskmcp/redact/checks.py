"""Checks on what a form or a name found: is it really a card number, an IBAN, an address, a random token?

Each is a pure predicate on one text; the table of detectors names them. A form alone finds too much: the check keeps look-alikes.
"""

import base64
import binascii
import ipaddress
import math
import re
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from caskmcp.redact import national
from caskmcp.redact.national import luhn

_NOTHING: Final = frozenset({"", "null", "none", "nil", "undefined", "true", "false", "n/a", "-", "0", "bearer", "basic"})
_MASK: Final = re.compile(r"(?:[*•#x.]{3,}[\s-]*)+[0-9]{0,4}|<[^>]*>|\$?\{+[^}]*\}+|\[[^\]]*\]", re.IGNORECASE)
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HEX: Final = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_ULID: Final = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_SLUG: Final = re.compile(r"(?:[A-Z]?[a-z]+|[A-Z]+|[0-9]{1,6})(?:[-_/+](?:[A-Z]?[a-z]+|[A-Z]+|[0-9]{1,6}))*")
_NUMBER: Final = re.compile(r"[0-9.,_-]+")
_WORDS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_CARD: Final = re.compile(
    r"4[0-9]{15}|4[0-9]{18}|5[1-5][0-9]{14}|2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[689][0-9])[0-9]{11}|"
    r"6(?:011|5[0-9]{2}|4[4-9][0-9])[0-9]{12}|35[0-9]{14}|62[0-9]{14}|(?:5[068]|67)[0-9]{14}"
)
_WORDS_FOR_SCHEMES: Final = (
    "basic bearer digest token negotiate ntlm hawk apikey api-key key mac aws dpop hmac jwt oauth ssws splunk bot gnap hoba scram"
)
_SCHEMES: Final = frozenset(_WORDS_FOR_SCHEMES.split())
"""Schemes of an `Authorization` header: IANA's, and those that services made up."""
_DATE: Final = re.compile(r"[12][0-9]{3}-[01][0-9]-[0-3][0-9].*")
_PHONE: Final = re.compile(r"[0-9+()./\sx-]*(?:ext\.?\s*[0-9]+)?")
_PLACE: Final = re.compile(r"-?[0-9]{1,3}\.[0-9]{3,}(?:[,; ]{1,3}-?[0-9]{1,3}\.[0-9]{3,})?")
_MAC: Final = re.compile(r"[0-9a-fA-F]{2}(?:[:.-]?[0-9a-fA-F]{2}){5}")
_HEX_TOKEN: Final = 32
"""Hexadecimal digits from which a run is a token. Shorter ones are ids of common databases (24: MongoDB) and short digests."""
_TOKEN: Final = 20
"""Characters from which a run without other signs can be a token."""


@lru_cache(maxsize=256)
def predicate(name: str) -> Callable[[str], bool]:
    """The check of a name in the table, here or in `national`. AttributeError is our bug."""
    found: Callable[[str], bool] = globals()[name] if name in globals() else getattr(national, name)
    return found


def something(text: str) -> bool:
    """There is a value at all: not empty, not `null`, not a mask like `****4242` or a template like `<TOKEN>`."""
    bare = text.strip()
    return bare.lower() not in _NOTHING and not _MASK.fullmatch(bare)


def opaque(text: str) -> bool:
    """Looks made by a machine: eight characters or more without a space, with letters and digits or signs of base64."""
    bare = text.strip()
    if len(bare) < 8 or re.search(r"\s", bare) or not something(bare):
        return False
    has_digit = any(letter.isdigit() for letter in bare)
    return (has_digit and any(letter.isalpha() for letter in bare)) or (len(bare) >= 16 and (has_digit or not bare.islower()))


def authorized(text: str) -> bool:
    """The value of an `Authorization` header: a scheme with something behind it, or something opaque."""
    scheme, space, rest = text.strip().partition(" ")
    return opaque(text) or (bool(space) and scheme.lower() in _SCHEMES and something(rest))


def connected(text: str) -> bool:
    """Says how to connect to something: a URL, or a list of settings."""
    return something(text) and ("://" in text or "=" in text)


def assigned(text: str) -> bool:
    """Holds a name with a value: `a=b`."""
    name, equals, value = text.partition("=")
    return bool(name.strip() and equals) and something(value.partition(";")[0])


def located(text: str) -> bool:
    """One coordinate, or two: a number with three decimals or more, about a hundred metres."""
    return _PLACE.fullmatch(text.strip()) is not None


def hardware(text: str) -> bool:
    """Twelve hexadecimal digits, with or without signs between them (IEEE 802)."""
    return _MAC.fullmatch(text.strip()) is not None


def long_opaque(text: str) -> bool:
    """As `opaque`, sixteen characters or more."""
    return len(text.strip()) >= 16 and opaque(text)


def lettered(text: str) -> bool:
    """Holds a letter and is short enough for a name or an address."""
    return len(text) <= 300 and something(text) and any(letter.isalpha() for letter in text) and not _UUID.fullmatch(text)


def placed(text: str) -> bool:
    """A postal address rather than an address of another kind: words with a space or a digit, no URL."""
    return lettered(text) and "://" not in text and "@" not in text and (" " in text.strip() or any(letter.isdigit() for letter in text))


def mailed(text: str) -> bool:
    """Holds an `@` with something on both sides."""
    local, at, domain = text.partition("@")
    return bool(local.strip() and at and domain.strip())


def dated(text: str) -> bool:
    """Holds four digits or more: a date in some form."""
    return sum(letter.isdigit() for letter in text) >= 4


def phone(text: str) -> bool:
    """Seven to fifteen digits (E.164), and nothing but what people write between them."""
    if not _PHONE.fullmatch(text):  # most texts end here
        return False
    return 7 <= sum(letter.isdigit() for letter in text) <= 15 and not _DATE.fullmatch(text)


def numbered(text: str) -> bool:
    """Holds five digits or more."""
    return sum(letter.isdigit() for letter in text) >= 5 and len(text) <= 64


def postal(text: str) -> bool:
    """Three to twelve signs with a digit: `10115`, `SW1A 1AA`."""
    return 3 <= len(text.strip()) <= 12 and any(letter.isdigit() for letter in text)


def card_digits(text: str) -> bool:
    """Twelve to nineteen digits with spaces or dashes: what stands under a card's name is one, whatever its check digit."""
    digits = re.sub(r"[ -]", "", text)
    return digits.isdigit() and 12 <= len(digits) <= 19


def card(text: str) -> bool:
    """The prefix and length of a card network, and Luhn's check digit (ISO/IEC 7812-1)."""
    digits = re.sub(r"[ -]", "", text)
    return _CARD.fullmatch(digits) is not None and luhn(digits)


def iban(text: str) -> bool:
    """The check digits of ISO 13616 hold."""
    bare = text.replace(" ", "").upper()
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[0-9A-Z]{11,30}", bare):
        return False
    return int("".join(str(int(letter, 36)) for letter in bare[4:] + bare[:4])) % 97 == 1


def ip(text: str) -> bool:
    """An address of some machine: not loopback, unspecified, a network, a netmask or a version that looks like one."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or text.startswith("255.") or text.endswith(".0"))


def random(text: str) -> bool:
    """A run of letters and digits that nobody would write or say: long, mixed and of high entropy, no id of a common kind."""
    bare = text.strip("=-_")
    if (
        len(bare) < _TOKEN
        or _UUID.fullmatch(bare)
        or _ULID.fullmatch(bare)
        or _NUMBER.fullmatch(bare)
        or _SLUG.fullmatch(bare)
        or readable(text)
    ):
        return False
    if _HEX.fullmatch(bare):
        return len(bare) >= _HEX_TOKEN and _entropy(bare.lower()) >= 2.8
    return _mixed(bare) and _entropy(bare) >= 3.5


def _mixed(text: str) -> bool:
    """Letters and digits alternate too often for words with numbers: fewer than three letters a word on average, digits included."""
    if not any(letter.isdigit() for letter in text) or not any(letter.isalpha() for letter in text):
        return len(text) >= 32 and text.isalpha() and not text.islower() and not text.isupper() and _broken(text) < 2.6
    return _broken(text) < 3.2


def _broken(text: str) -> float:
    found = _WORDS.findall(text)
    return sum(map(len, found)) / max(len(found), 1)


def _entropy(text: str) -> float:
    """Shannon's entropy in bits a character."""
    size = len(text)
    return -sum(count / size * math.log2(count / size) for count in Counter(text).values())


def readable(text: str) -> bool:
    """Base64 of plain text, such as a cursor or a global id: it hides nothing that a scan of the decoded text would not find."""
    return decoded(text) is not None


def decoded(text: str) -> str | None:
    """The plain text that a base64 run carries, or None."""
    bare = text.rstrip("=")
    if len(bare) < 8 or len(bare) % 4 == 1:
        return None
    try:
        data = base64.b64decode(bare.replace("-", "+").replace("_", "/") + "=" * (-len(bare) % 4), validate=True)
        plain = data.decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    return plain if plain.isprintable() or all(letter.isprintable() or letter in "\r\n\t" for letter in plain) else None
