"""Names of fields, headers and parameters: split into words, told apart where they name a person.

Knows how programs write names (`secretAccessKey`, `DD-API-KEY`, `_authToken`), nothing of values.
"""

import re
from functools import lru_cache
from typing import Final

LONGEST: Final = 80
"""Characters that a name can have; what is longer is data."""

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_a-zA-Z]+|[0-9]+")
_WORDS_FOR_PEOPLE: Final = """name names firstname lastname fullname surname nickname nick alias username user users login handle author authors owner owners
    customer customers contact contacts person people patient employee member recipient sender assignee guest passenger driver student
    teacher cardholder holder payer buyer seller candidate applicant subscriber email emails mail phone mobile tel telephone fax cell
    address addresses street city town zip postcode postal birthday dob birth ssn passport signature company employer spouse child
    mother father manager creator editor reviewer friend follower subject salutation initials bio about"""
_PERSON: Final = frozenset(_WORDS_FOR_PEOPLE.split())


@lru_cache(maxsize=1 << 14)
def words(name: str) -> tuple[str, ...]:
    """The words of a name in lower case, without numbers and versions at its end: `address_line2` is (address, line), `apiKeyV2` is (api, key)."""
    found = [word.lower() for word in _WORD.findall(name[:LONGEST])]
    size = len(found)
    while found and found[-1].isdigit():
        found.pop()
    if 1 < len(found) < size and found[-1] == "v":
        found.pop()
    return tuple(found)


@lru_cache(maxsize=1 << 14)
def is_name_like(key: str) -> bool:
    """Whether a field of this name may hold what a person is called, lives at or is reached by, so that its values never stand anywhere."""
    return not _PERSON.isdisjoint(words(key))


def compact(name: str) -> str:
    """A name without everything but letters and digits, in lower case: `X-Internal-Id` and `x_internal_id` are one."""
    return "".join(letter for letter in name.lower() if letter.isalnum())
