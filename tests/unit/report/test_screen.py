"""The review on the whole screen: what a person sees and what each key does, on a terminal that is only drawn in memory."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from textual import events
from textual.content import Content
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from caskmcp.report import screen
from caskmcp.report.screen import KEYS, ReviewScreen
from caskmcp.workflows.approve import Request
from caskmcp.workflows.review import Board, Item, Review, Said, Section

CORPUS: Final = Path(__file__).parents[3] / "fixtures" / "hostile" / "injection.jsonl"
HOSTILE: Final = [row["value"] for row in map(json.loads, CORPUS.read_text(encoding="utf-8").splitlines()) if "term_inert" in row["must"]]
UNSEEN: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")

SHARED = Item("policy", "policy", "", "pending", "not approved yet", ())
CALM = Item("tool:list_orders", "list_orders", "low", "pending", "not approved yet", (), sections=(Section("tool", ("GET /orders",)),))
HIGH = Item("tool:delete_order", "delete_order", "high", "pending", "changed since it was approved", (), needs_reason=True)
BARRED = Item("tool:refund", "refund", "critical", "pending", "not approved yet", (), needs_reason=True, barred="no key here may")
ITEMS = (SHARED, CALM, HIGH, BARRED)

Typed = Pilot[str]


def shown(app: ReviewScreen) -> str:
    """What stands on the terminal, line by line."""
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


def told(app: ReviewScreen) -> str:
    return str(app.query_one("#told", Static).content)


def review(play: Callable[[ReviewScreen, Typed], Awaitable[None]], *items: Item, size: tuple[int, int] = (100, 30)) -> ReviewScreen:
    """Play on a fresh screen over these items; the screen as it is afterwards."""
    app = ReviewScreen(Board(Review(items or ITEMS)))

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await play(app, pilot)
            await pilot.pause()

    asyncio.run(run())
    return app


CHARACTERS: Final = {"slash": "/", "question_mark": "?", "space": " ", "enter": "\r"}


async def press(pilot: Typed, *keys: str) -> None:
    """Press keys as fast as a program can, and wait until all of them are done."""
    for key in keys:
        pilot.app.post_message(events.Key(key, CHARACTERS.get(key, key if len(key) == 1 else None)))
    await pilot.pause()


def outcome(app: ReviewScreen) -> tuple[Request | None, dict[str, tuple[str, ...]]]:
    assert isinstance(app.board, Board)
    found = app.board.review.outcome(key="alice")
    return found.allow, dict(found.block)


def test_keys_end_in_the_same_request_as_the_answers_to_prompts() -> None:
    async def play(app: ReviewScreen, pilot: Typed) -> None:
        await press(pilot, "a")  # the shared one needs no reason
        await press(pilot, "b", *"leaks", "enter")
        await press(pilot, "a", *"PR 9", "enter")
        assert "1 to sign" not in told(app)
        await press(pilot, "s")
        assert told(app) == "all are decided: 2 to sign, 1 to block; press Enter"
        await press(pilot, "enter")

    app = review(play)
    said = {
        "policy": Said("allow"),
        "tool:list_orders": Said("block", "leaks"),
        "tool:delete_order": Said("allow", "PR 9"),
        "tool:refund": Said("skip"),
    }
    assert isinstance(app.board, Board)
    assert app.return_value == "kept"
    assert app.board.review == Review(ITEMS, said, ended=True)
    assert outcome(app) == (
        Request(("policy", "tool:delete_order"), reasons={"policy": "", "tool:delete_order": "PR 9"}, key="alice"),
        {"leaks": ("tool:list_orders",)},
    )


def test_the_list_the_sheet_and_the_keys_are_shown_and_move_together() -> None:
    async def play(app: ReviewScreen, pilot: Typed) -> None:
        first = shown(app)
        assert first.splitlines()[0].startswith("cask gate review: 4 wait, 0 to sign, 0 to block")
        assert [line.split()[:2] for line in first.splitlines()[2:5]] == [
            ["low", "list_orders"],
            ["high", "delete_order"],
            ["critical", "refund"],
        ]
        assert "a allow  b block  s skip  r reason  / filter  Enter sign  q quit  ? help" in first
        await press(pilot, "j")
        await pilot.pause()
        assert "list_orders  low  pending: not approved yet" in shown(app)
        assert "GET /orders" in shown(app)
        await press(pilot, "down", "down", "up")
        await pilot.pause()
        assert "delete_order  high  pending: changed since it was approved" in shown(app)
        await press(pilot, "question_mark")
        await pilot.pause()
        assert all(key.says[:20] in shown(app) for key in KEYS if key.typed)
        await press(pilot, "a")
        assert app.board.said("tool:delete_order") == ("", ""), "a key that ends the help does nothing else"

    review(play)


def test_typing_after_a_slash_filters_by_name_tier_and_status_and_escape_ends_it() -> None:
    async def play(app: ReviewScreen, pilot: Typed) -> None:
        await press(pilot, "slash", *"order hi")
        await pilot.pause()
        assert app.query_one(OptionList).option_count == 1
        assert "delete_order  high" in shown(app)
        await press(pilot, "enter", "a", *"why", "enter")
        assert app.board.said("tool:delete_order") == ("allow", "why")
        await press(pilot, "slash", *"zzz")
        await pilot.pause()
        assert "nothing that waits has these words" in shown(app)
        await press(pilot, "escape")
        assert app.query_one(OptionList).option_count == 4
        await press(pilot, "slash", *"shared", "enter", "s")
        assert app.board.said("policy") == ("skip", "")

    review(play)


def test_what_cannot_be_allowed_and_a_missing_reason_say_so_and_decide_nothing() -> None:
    async def play(app: ReviewScreen, pilot: Typed) -> None:
        await press(pilot, "enter")
        assert told(app) == "nothing is decided yet; q leaves"
        await press(pilot, "r")
        assert told(app) == "allow or block it first"
        await press(pilot, "j", "j", "a", "space", "enter")
        assert told(app) == "a reason is needed for delete_order"
        await press(pilot, "a", *"x", "escape")
        assert not app.query_one("#line").display
        await press(pilot, "j", "a")
        assert told(app) == "refund cannot be allowed here: no key here may"
        await pilot.pause()
        assert "cannot be allowed here: no key here may" in shown(app)
        assert outcome(app) == (None, {})
        await press(pilot, "b", "enter", "slash", *"refund", "enter", "r", *"late", "enter", "r", "backspace", "y", "enter")
        assert app.board.said("tool:refund") == ("block", "laty"), "the reason that there is can be mended"

    assert outcome(review(play)) == (None, {"laty": ("tool:refund",)})


@pytest.mark.parametrize(("keys", "result", "blocked"), [("q", "dropped", {}), ("enter", "kept", {"": ("policy",)})])
def test_leaving_asks_before_it_drops_what_was_decided(keys: str, result: str, blocked: dict[str, tuple[str, ...]]) -> None:
    async def play(app: ReviewScreen, pilot: Typed) -> None:
        await press(pilot, "b", "enter", "q")
        await pilot.pause()
        assert told(app).startswith("0 to sign, 1 to block: press Enter to do that, q to drop it")
        await press(pilot, keys)

    app = review(play)
    assert (app.return_value, outcome(app)) == (result, (None, blocked))


def test_ctrl_c_leaves_at_once_and_nothing_was_decided() -> None:
    async def play(_: ReviewScreen, pilot: Typed) -> None:
        await press(pilot, "a", "b", "ctrl+c")

    app = review(play)
    assert (app.return_value, outcome(app)) == ("interrupted", (None, {}))


def test_keys_that_come_at_once_mean_what_they_mean_one_by_one() -> None:
    """A paste into the terminal, or fast hands: no letter of a reason is an order, none of a name, and nothing after the end counts."""

    async def play(app: ReviewScreen, pilot: Typed) -> None:
        await press(
            pilot, "slash", *"list", "enter", "b", *"bad: as is", "enter", "slash", "ctrl+u", "escape", "down", "s", "enter", "a", "a"
        )
        app.post_message(events.Paste("aaa\r"))

    assert outcome(review(play)) == (None, {"bad: as is": ("tool:list_orders",)})


def test_a_pasted_reason_is_one_line_and_a_paste_elsewhere_is_nothing() -> None:
    async def play(app: ReviewScreen, pilot: Typed) -> None:
        app.post_message(events.Paste("sss"))
        await press(pilot, "b")
        app.post_message(events.Paste("see\nPR \x1b[2J\n"))
        await press(pilot, "enter", "enter")

    assert outcome(review(play)) == (None, {"see PR \\u{1b}[2J": ("policy",)})


def test_any_size_can_be_drawn() -> None:
    async def play(app: ReviewScreen, pilot: Typed) -> None:
        for size in ((20, 5), (1, 1), (300, 100), (60, 15)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            await press(pilot, "j", "k", "pagedown", "pageup", "ctrl+z")
        assert "Enter sign" in shown(app)

    review(play)


def test_a_sheet_that_is_longer_than_the_terminal_is_turned_page_by_page() -> None:
    long = replace(CALM, sections=(Section("tool", tuple(f"line {number} of it" for number in range(60))),))

    async def play(app: ReviewScreen, pilot: Typed) -> None:
        assert ("line 0 of it" in shown(app), "line 59 of it" in shown(app)) == (True, False)
        await press(pilot, "space", "pagedown", "pagedown", "pagedown")
        await pilot.pause()
        assert ("line 0 of it" in shown(app), "line 59 of it" in shown(app)) == (False, True)
        await press(pilot, "pageup", "s")
        await pilot.pause()
        assert "line 0 of it" in shown(app), "after a decision the next one is shown from its beginning"

    review(play, long)


# ---------------------------------------------------------------- hostile texts
def hostile(value: str) -> Item:
    """Each text of a sheet is that value."""
    return replace(CALM, name=value, status=value, why=value, barred=value, sections=(Section(value, (value, f"title: {value}")),))


def drawn(*values: str) -> list[str]:
    """What is on the terminal when each of them is looked at and has been blocked."""
    pages: list[str] = []

    async def play(app: ReviewScreen, pilot: Typed) -> None:
        for at in range(len(values)):
            app.board.decide(f"tool:{at}", "block", values[at])
            app._list(f"tool:{at}")
            await pilot.pause()
            pages.append(shown(app))

    review(play, *[replace(hostile(value), subject=f"tool:{at}") for at, value in enumerate(values)])
    return pages


def test_no_text_of_a_tool_steers_the_terminal() -> None:
    pages = drawn(*HOSTILE)
    assert [UNSEEN.search(lines) for lines in pages] == [None] * 6
    assert all(lines.startswith("cask gate review: 6 wait") for lines in pages)
    assert "title: [red]ok[/red]" in pages[HOSTILE.index("[red]ok[/red]")], "markup is shown as it stands"


def test_a_text_of_any_length_is_drawn_and_says_how_much_is_left_out() -> None:
    assert screen.inert("y" * 30_000, 10) == "yyyyyyyyyy… (29990 more characters)"
    assert (screen.inert("low\rhigh\n"), screen.inert("a" * 60, 60)) == ("low\\u{d}high ", "a" * 60)


def test_without_making_texts_inert_the_terminal_would_be_steered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "inert", lambda text, most=0: text)
    assert any(UNSEEN.search(lines) for lines in drawn(*[value for value in HOSTILE if "\x1b" in value]))


def test_with_markup_read_the_words_of_a_tool_would_be_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*parts: str | Content | tuple[str, str]) -> Content:
        return Content.from_markup("".join(str(part[0] if isinstance(part, tuple) else part) for part in parts))

    monkeypatch.setattr(Content, "assemble", staticmethod(read))
    assert "[red]ok[/red]" in HOSTILE
    assert "[red]ok[/red]" not in drawn("[red]ok[/red]")[0]


def test_a_fault_of_ours_comes_out_as_it_is() -> None:
    class Broken(Board):
        def decide(self, subject: str, verdict: str, reason: str) -> None:
            raise RuntimeError("broken board")

    app = ReviewScreen(Broken(Review(ITEMS)))

    async def run() -> None:
        async with app.run_test() as pilot:
            await press(pilot, "a")

    with pytest.raises(RuntimeError, match="broken board"):
        asyncio.run(run())
    assert app._exit_renderables == [], "no traceback with the values of variables"
