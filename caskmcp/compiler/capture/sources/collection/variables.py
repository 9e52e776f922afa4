"""`{{name}}`, filled in from what the file itself gives; a name that nobody gives a value stays as it is.

Promises that cycles end, that a value is no longer than `LONGEST`, that one text grows by no more than `GROWTH` and a whole file by no more
than `BUDGET` (CASK-C005): hostile files multiply. Functions (`{{$guid}}`) and the environment of this process are never asked.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from caskmcp.errors import CaskError
from caskmcp.model.exchange import Pair

LONGEST: Final = 1 << 16
"""Characters that the value of a variable may have once its own references are filled in."""
GROWTH: Final = 1 << 20
"""Characters by which variables may make one text longer."""
BUDGET: Final = 64 << 20
"""Characters that variables may add in a whole file."""
DEEPEST: Final = 20
"""Variables inside variables."""
_REFERENCE: Final = re.compile(r"\{\{([^{}]{1,200})\}\}")
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\{\{[^{}]{1,200}\}\}', re.DOTALL)


class Variables:
    """The values of one scope and those around it."""

    def __init__(self, values: Mapping[str, str], spent: list[int] | None = None) -> None:
        self._values = dict(values)
        self._known: dict[str, str | None] = {}
        self._spent = [0] if spent is None else spent

    def within(self, values: Mapping[str, str]) -> "Variables":
        """An inner scope, whose values win."""
        return Variables({**self._values, **values}, self._spent) if values else self

    def assign(self, values: Mapping[str, str]) -> None:
        """Give variables a value, from here on."""
        if values:
            self._values.update(values)
            self._known.clear()

    def fill(self, text: str) -> str:
        """The text with the values that are known."""
        return self._fill(text, (), GROWTH) if "{{" in text else text

    def fill_json(self, text: str) -> str:
        """As `fill`; a reference outside of quotes that has no value becomes null, so that the rest can be read."""
        filled = self.fill(text)
        return _QUOTED.sub(lambda match: "null" if match[0].startswith("{{") else match[0], filled) if "{{" in filled else filled

    def used(self, texts: Iterable[str]) -> tuple[Pair, ...]:
        """Names and values of the variables that the texts refer to, and those that these refer to; sorted."""
        found: dict[str, str] = {}
        left = [text for text in texts if "{{" in text]
        while left:
            for match in _REFERENCE.finditer(left.pop()):
                name = name_of(match[1])
                if name in self._values and name not in found:
                    found[name] = self._value(name, ()) or ""
                    left.append(self._values[name])
        return tuple(sorted(found.items()))

    def _fill(self, text: str, above: tuple[str, ...], room: int) -> str:
        out, end, grown = [], 0, 0
        for match in _REFERENCE.finditer(text):
            value = self._value(name_of(match[1]), above)
            if value is None or grown + len(value) > room:
                continue
            out += [text[end : match.start()], value]
            end, grown = match.end(), grown + len(value)
        self._spend(grown)
        return "".join((*out, text[end:]))

    def _value(self, name: str, above: tuple[str, ...]) -> str | None:
        if name in above or len(above) >= DEEPEST or name not in self._values:
            return None
        if name not in self._known:
            value = self._fill(self._values[name], (*above, name), LONGEST)
            self._known[name] = value if len(value) <= LONGEST else None
        return self._known[name]

    def _spend(self, grown: int) -> None:
        self._spent[0] += grown
        if self._spent[0] > BUDGET:
            what = f"its variables make more than {BUDGET >> 20} MiB of text"
            raise CaskError("CASK-C005", what, mend="remove variables that are made of one another")


def name_of(reference: str) -> str:
    """The name in a reference: Insomnia writes `_.name`, and `_['name']` for odd ones."""
    name = reference.strip()
    return name[3:-2] if name.startswith(("_['", '_["')) and name.endswith(("']", '"]')) else name.removeprefix("_.")
