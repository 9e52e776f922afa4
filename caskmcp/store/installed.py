"""What is installed on this machine: this Python, and the libraries that the package asks for with the version that is there."""

import re
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from operator import eq, ge, gt, le, lt, ne
from typing import Final, NamedTuple

DISTRIBUTION: Final = "caskmcp"

_REQUIREMENT: Final = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*\(?([^;)]*)\)?\s*(?:;(.*))?")
_OPERATORS: Final = {">=": ge, "<=": le, ">": gt, "<": lt, "==": eq, "!=": ne}


class Library(NamedTuple):
    """One requirement of the package."""

    name: str
    wanted: str
    """As the package says it, e.g. `>=2.3,<3`."""
    extra: str
    """The extra that brings it; empty for the base."""
    found: str
    """The version that is installed; empty if none is."""

    @property
    def fits(self) -> bool:
        """Whether what is installed lies in the range."""
        return bool(self.found) and within(self.found, self.wanted)


def python() -> tuple[int, int, int]:
    """The version of this Python."""
    return sys.version_info[:3]


def libraries() -> tuple[Library, ...]:
    """What the installed package asks for on this Python; empty where the program runs from a checkout that is not installed."""
    try:
        wanted = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        wanted = []
    return tuple(_libraries(wanted))


def _libraries(wanted: Iterable[str]) -> Iterator[Library]:
    for text in wanted:
        found = _REQUIREMENT.fullmatch(text.strip())
        if found is None or found[1].lower() == DISTRIBUTION or not _applies(found[3] or ""):
            continue
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", found[3] or "")
        yield Library(found[1], found[2].replace(" ", ""), extra[1] if extra else "", version(found[1]))


def version(name: str) -> str:
    """The installed version of a distribution; empty if there is none."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def within(found: str, wanted: str) -> bool:
    """Whether a version lies in a range such as `>=2.3,<3`. Only the numbers count, as our own ranges name numbers alone."""
    return all(_holds(found, part) for part in wanted.split(",") if part.strip())


def _holds(found: str, part: str) -> bool:
    match = re.fullmatch(r"\s*(>=|<=|==|!=|>|<)\s*([0-9][0-9A-Za-z.+!-]*)\s*", part)
    return match is not None and bool(_OPERATORS[match[1]](_numbers(found), _numbers(match[2])))


def _numbers(text: str) -> tuple[int, ...]:
    found = re.match(r"[0-9]+(?:\.[0-9]+)*", text)
    numbers = [int(part) for part in found[0].split(".")] if found else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def _applies(marker: str) -> bool:
    """Whether a marker on the Python version holds; other conditions are the extra's."""
    bound = re.search(r"python_version\s*(>=|<=|==|!=|>|<)\s*['\"]([0-9.]+)['\"]", marker)
    return bound is None or bool(_OPERATORS[bound[1]](_numbers(".".join(map(str, sys.version_info[:2]))), _numbers(bound[2])))
