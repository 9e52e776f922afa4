"""Records are checked from JSON: every value of a document gets there as it is, or is refused."""

from typing import Any

import pytest

from caskmcp.errors import CaskError
from caskmcp.model.record import Record
from caskmcp.text import Document


class Held(Record):
    """A record of any value."""

    value: Any


@pytest.mark.parametrize(
    "value", [10**30, -(10**30), 1e22, 5e-324, 0.1, -0.0, 1.0, True, None, "\u2028 é \x7f", {"é": [{}, [], ""]}, {"$int": "1"}]
)
def test_a_value_is_checked_as_it_stands_in_the_document(value: Any) -> None:
    assert repr(Held.of(Document("x", {"value": value}, {})).value) == repr(value)


def test_half_a_character_is_refused_and_its_document_named_by_a_code() -> None:
    with pytest.raises(CaskError) as caught:
        Held.of(Document("x", {"value": "\ud800"}, {}))
    assert caught.value.code == "CASK-I003"
    assert "lone surrogate" in caught.value.what
