"""The fields of an answer that the signed plan passes on; the rest never reaches an agent.

Promises: a list where the plan names fields of an object is taken item by item, and a single value where it names fields below is passed on: another
shape loses nothing that was approved. A field that is not named is never passed on, wherever else it turns up.
"""

from functools import lru_cache
from typing import Any

from caskmcp.model.place import ITEMS, tree


def projected(value: Any, keep: tuple[str, ...]) -> Any:
    """The value with the fields at these places; the value itself where there are none."""
    return _kept(value, _tree(keep)) if keep else value


@lru_cache(maxsize=4096)
def _tree(keep: tuple[str, ...]) -> dict[str, Any]:
    return tree(keep)


def _kept(value: Any, below: dict[str, Any]) -> Any:
    if not below:
        return value
    if isinstance(value, list):
        return [_kept(item, below.get(ITEMS, below)) for item in value]
    if isinstance(value, dict):
        named = below[ITEMS] if below.keys() == {ITEMS} else below
        return {key: _kept(item, named[key]) for key, item in value.items() if key in named} if named else value
    return value
