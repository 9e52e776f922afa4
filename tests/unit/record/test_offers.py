"""What pages say to the browser's own process: bounded in number and size, with the site of the frame that says it."""

from types import SimpleNamespace
from typing import Any

import pytest

from caskmcp.record.frames import Frame, Offered

pytest.importorskip("playwright", reason="needs Playwright: pip install 'caskmcp[browser]'")
from caskmcp.record import offers


def heard(*said: Any, url: str = "https://Shop.example/app?x") -> list[Frame]:
    sent: list[Frame] = []
    taker = offers.Offers(sent.append)
    for text in said:
        taker._take({"frame": SimpleNamespace(url=url)}, text)
    return sent


def test_what_a_frame_says_goes_on_with_its_site() -> None:
    assert heard('{"name": "a"}') == [Offered("https://shop.example", '{"name": "a"}')]
    assert heard("{}", url="about:blank") == [Offered("", "{}")]


def test_what_is_no_text_is_made_one_and_half_a_character_is_replaced() -> None:
    assert heard(7, None, "\ud800") == [Offered("https://shop.example", text) for text in ("7", "None", "?")]


def test_a_long_text_is_cut_beyond_what_anybody_takes() -> None:
    (found,) = heard("x" * 1_000_000)
    assert isinstance(found, Offered)
    assert len(found.text) == 66_560


def test_a_page_that_offers_without_end_is_heard_so_many_times() -> None:
    assert len(heard(*["{}"] * 5010)) == 5000
