"""Numbers that countries give to people, by their check digits: a form alone finds too many order numbers.

Each is a pure predicate on one text of the right form; separators do not count. Where a number has no check digit, there is nothing here.
"""

import re
from collections.abc import Sequence
from typing import Final

_VERHOEFF: Final = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    (1, 2, 3, 4, 0, 6, 7, 8, 9, 5),
    (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7),
    (4, 0, 1, 2, 3, 9, 5, 6, 7, 8),
    (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2),
    (7, 6, 5, 9, 8, 2, 1, 0, 4, 3),
    (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)
_SHUFFLE: Final = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
_NO_NINO: Final = frozenset(("BG", "GB", "KN", "NK", "NT", "TN", "ZZ"))
_DNI: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
_HETU: Final = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_ODD: Final = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)
"""Values of the signs at odd places of an Italian fiscal code (decree of 23 December 1976)."""


def luhn(digits: str) -> bool:
    """Luhn's check digit holds (ISO/IEC 7812-1 annex B)."""
    values = [int(digit) for digit in reversed(digits)]
    return sum(values[0::2]) % 10 == -sum(sum(divmod(2 * value, 10)) for value in values[1::2]) % 10


def at_svnr(text: str) -> bool:
    """Austria: the fourth digit is a weighted sum modulo 11."""
    found = _digits(text)
    return _sum(found[:3] + found[4:], (3, 7, 9, 5, 8, 4, 2, 1, 6)) % 11 == found[3]


def be_rrn(text: str) -> bool:
    """Belgium: 97 minus the rest of 97, with a 2 in front for who was born from 2000 on."""
    bare = _bare(text)
    return int(bare[9:]) in (97 - int(bare[:9]) % 97, 97 - int(f"2{bare[:9]}") % 97)


def br_cpf(text: str) -> bool:
    """Brazil: two digits modulo 11; eleven equal ones are no number of anybody."""
    found = _digits(text)
    if len(found) != 11 or len(set(found)) == 1:
        return False
    return all(_sum(found[:size], range(size + 1, 1, -1)) * 10 % 11 % 10 == found[size] for size in (9, 10))


def ca_sin(text: str) -> bool:
    """Canada: Luhn."""
    return luhn(_bare(text))


def ch_ahv(text: str) -> bool:
    """Switzerland: the check digit of an EAN-13."""
    found = _digits(text)
    return len(found) == 13 and _sum(found, (1, 3) * 6 + (1,)) % 10 == 0


def cn_id(text: str) -> bool:
    """China: ISO 7064 MOD 11-2 (GB 11643)."""
    found = _digits(text[:17])
    return "10X98765432"[_sum(found, (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)) % 11] == text[17].upper()


def de_idnr(text: str) -> bool:
    """Germany: of the first ten digits one stands there twice or three times and no other; ISO 7064 MOD 11,10."""
    found = _digits(text)
    counts = sorted(found[:10].count(digit) for digit in set(found[:10]))
    if counts[-1] not in (2, 3) or counts[:-1] != [1] * (10 - counts[-1]):
        return False
    product = 10
    for digit in found[:10]:
        product = (digit + product) % 10 or 10
        product = product * 2 % 11
    return (11 - product) % 10 == found[10]


def es_dni(text: str) -> bool:
    """Spain: the letter is the rest of 23; the letter in front of a foreigner's number counts as a digit."""
    bare = _bare(text).upper()
    number = str("XYZ".index(bare[0])) + bare[1:-1] if bare[0] in "XYZ" else bare[:-1]
    return number.isdigit() and _DNI[int(number) % 23] == bare[-1]


def fi_hetu(text: str) -> bool:
    """Finland: the last sign is the rest of 31."""
    return _HETU[int(text[:6] + text[7:10]) % 31] == text[10]


def fr_nir(text: str) -> bool:
    """France: 97 minus the rest of 97; Corsica's 2A and 2B count as 19 and 18."""
    bare = _bare(text).upper()
    return len(bare) == 15 and 97 - int(bare[:13].replace("2A", "19").replace("2B", "18")) % 97 == int(bare[13:])


def gb_nino(text: str) -> bool:
    """United Kingdom: no check digit, but prefixes that are never given."""
    return text[:2].upper() not in _NO_NINO


def in_aadhaar(text: str) -> bool:
    """India: Verhoeff."""
    check = 0
    for place, digit in enumerate(reversed(_digits(text))):
        shuffled = digit
        for _ in range(place % 8):
            shuffled = _SHUFFLE[shuffled]
        check = _VERHOEFF[check][shuffled]
    return check == 0


def it_fiscal_code(text: str) -> bool:
    """Italy: the last letter, from the values of the signs at odd and even places."""
    even = sum(int(sign) if sign.isdigit() else ord(sign) - 65 for sign in text[1:15:2])
    return chr(65 + (sum(_ODD[sign] for sign in text[0:15:2]) + even) % 26) == text[15]


def pl_pesel(text: str) -> bool:
    """Poland: a weighted sum modulo 10."""
    found = _digits(text)
    return len(found) == 11 and _sum(found, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def se_personnummer(text: str) -> bool:
    """Sweden: Luhn over the last ten digits."""
    return luhn(_bare(text)[-10:])


def _bare(text: str) -> str:
    return re.sub(r"[ ./+-]", "", text)


def _digits(text: str) -> list[int]:
    return [int(sign) for sign in text if sign.isdigit()]


def _sum(digits: Sequence[int], weights: Sequence[int]) -> int:
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=True))
