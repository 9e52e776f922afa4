"""The console's door: a browser's own request passes, one that lacks a single thing is stopped by the row for it, and by that row alone."""

from dataclasses import replace
from typing import Final

import pytest

from caskmcp.canon import Digest
from caskmcp.model.pack import AdmittedPack
from caskmcp.model.policy import Policy
from caskmcp.model.trust import Pin
from caskmcp.runtime.commands import Binding
from caskmcp.runtime.keeper import Challenge
from caskmcp.workflows.asked import Question
from caskmcp.workflows.console import door
from caskmcp.workflows.console.door import CHECKS, FORMS, GUESSES, Session, Visit, session
from tests.support.world import NOON, CountingEntropy

PORT: Final = 4711
HERE: Final = "http://127.0.0.1:4711"
ROW: Final = Challenge("c0ffee", Binding("shop", "w", "sha256:0", "sha256:1", "stdio"), "{}", NOON, "2026-11-21T12:10:00Z")
PACK: Final = AdmittedPack(
    "shop", Digest("sha256:1"), Digest("sha256:2"), 1, {}, (), {}, Policy(rules=()), {}, {}, {}, Pin(toolpack="shop", root="x")
)
TOLD: Final = Question(ROW, PACK, (("Tool", "w"),))


def fresh() -> Session:
    return session(PORT, CountingEntropy("console"), NOON)


def opened() -> tuple[Session, str]:
    """A session that somebody opened, with a form that was shown there."""
    of = replace(fresh(), opened=True)
    return of, of.form(TOLD, CountingEntropy("forms"))


def browser(of: Session, **other: str) -> tuple[tuple[str, str], ...]:
    """The headers that a browser sends from the console's own page."""
    own = {"Host": "127.0.0.1:4711", "Sec-Fetch-Site": "same-origin", "Origin": HERE, "Cookie": f"cask_console={of.cookie}"}
    return tuple((name, value) for name, value in (own | {key.replace("_", "-"): value for key, value in other.items()}).items() if value)


def grant(of: Session, form: str, **other: str) -> Visit:
    return Visit("POST", f"/{of.room}/", browser(of, **other), f"form={form}&verdict=grant".encode())


def stopped(visit: Visit, of: Session) -> str:
    row = door.refusal(visit, of)
    return row.name if row else ""


def test_a_form_of_the_console_s_own_page_passes() -> None:
    of, form = opened()
    assert stopped(grant(of, form), of) == ""
    assert door.shown(grant(of, form), of) is TOLD


def test_a_page_of_the_session_passes_typed_or_followed() -> None:
    of, _ = opened()
    for site in ("none", "same-origin"):
        assert stopped(Visit("GET", f"/{of.room}/c0ffee", browser(of, Sec_Fetch_Site=site, Origin="")), of) == ""


@pytest.mark.parametrize(
    ("row", "other"),
    [
        ("host", {"Host": "evil.test:4711"}),
        ("host", {"Host": "localhost:4711"}),
        ("host", {"Host": "127.0.0.1"}),
        ("host", {"Host": ""}),
        ("site", {"Sec_Fetch_Site": "cross-site"}),
        ("site", {"Sec_Fetch_Site": "same-site"}),
        ("site", {"Sec_Fetch_Site": "none"}),
        ("origin", {"Origin": "http://127.0.0.1:4712", "Sec_Fetch_Site": ""}),
        ("origin", {"Origin": "null", "Sec_Fetch_Site": ""}),
        ("origin", {"Origin": "", "Sec_Fetch_Site": ""}),
        ("cookie", {"Cookie": ""}),
        ("cookie", {"Cookie": "cask_console=" + "0" * 64}),
        ("cookie", {"Cookie": "other=1; cask_console="}),
    ],
)
def test_one_wrong_header_is_stopped_by_its_row_and_passes_without_it(
    monkeypatch: pytest.MonkeyPatch, row: str, other: dict[str, str]
) -> None:
    of, form = opened()
    visit = grant(of, form, **other)
    assert stopped(visit, of) == row
    monkeypatch.setattr(door, "CHECKS", tuple(check for check in CHECKS if check.name != row))
    assert stopped(visit, of) == ""


@pytest.mark.parametrize("form", ["", "0" * 64, "é", "\ud800"])
def test_a_guessed_form_is_stopped_and_passes_without_the_row(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    of, _ = opened()
    visit = Visit("POST", f"/{of.room}/", browser(of), f"form={form}&verdict=deny".encode("utf-8", "surrogatepass"))
    assert stopped(visit, of) == "form"
    monkeypatch.setattr(door, "CHECKS", CHECKS[:-1])
    assert stopped(visit, of) == ""
    assert door.shown(visit, of) is None  # nothing that could be answered, all the same


def test_two_host_headers_are_one_too_many() -> None:
    of, form = opened()
    visit = grant(of, form)
    assert stopped(replace(visit, headers=(*visit.headers, ("host", "evil.test"))), of) == "host"


def test_the_link_opens_once() -> None:
    of = fresh()
    link = Visit("GET", f"/{of.link}", browser(of, Sec_Fetch_Site="none", Origin="", Cookie=""))
    assert stopped(link, of) == ""
    of.opened = True
    assert stopped(link, of) == "path"


@pytest.mark.parametrize("target", ["/", "/favicon.ico", "/" + "0" * 64, "/" + "0" * 64 + "/", "//evil.test/", "http://127.0.0.1:4711/"])
def test_other_paths_lead_nowhere(target: str) -> None:
    of, _ = opened()
    assert stopped(Visit("GET", target, browser(of, Origin="")), of) == "path"


def test_the_room_is_closed_until_the_link_was_opened_whatever_cookie_comes() -> None:
    of = fresh()
    assert stopped(Visit("GET", f"/{of.room}/", browser(of, Origin="")), of) == "cookie"


def test_a_link_that_is_followed_from_another_site_is_not_used_up() -> None:
    of = fresh()
    assert stopped(Visit("GET", f"/{of.link}", browser(of, Sec_Fetch_Site="cross-site", Origin="")), of) == "site"
    assert of.opened is False


def test_a_link_is_not_opened_by_a_form() -> None:
    of = fresh()
    assert stopped(Visit("POST", f"/{of.link}", browser(of)), of) == "path"


def test_a_cookie_that_another_port_has_set_beside_ours_does_no_harm() -> None:
    of, form = opened()
    assert stopped(grant(of, form, Cookie=f"cask_console={of.cookie}; cask_console=theirs"), of) == ""
    assert stopped(grant(of, form, Cookie=f"cask_console=theirs; cask_console={of.cookie}"), of) == ""


def test_the_three_secrets_of_a_session_differ_and_have_32_bytes() -> None:
    of = fresh()
    assert len({of.link, of.room, of.cookie}) == 3
    assert {len(bytes.fromhex(secret)) for secret in (of.link, of.room, of.cookie)} == {32}


def test_a_session_ends_after_a_quarter_of_an_hour_or_five_wrong_passphrases() -> None:
    of, _ = opened()
    assert not of.over("2026-11-21T12:15:00Z")
    assert of.over("2026-11-21T12:15:01Z")
    assert [replace(of, wrong=count).over(NOON) for count in (GUESSES - 1, GUESSES)] == [False, True]


def test_of_many_forms_the_latest_are_remembered() -> None:
    of, first = opened()
    entropy = CountingEntropy("many")
    later = [of.form(TOLD, entropy) for _ in range(FORMS)]
    assert len(of.forms) == FORMS
    assert (first in of.forms, later[0] in of.forms, later[-1] in of.forms) == (False, True, True)


def test_a_body_that_is_no_form_has_no_fields() -> None:
    assert Visit("POST", "/", (), b"&".join(b"a=1" for _ in range(50))).fields == {}
    assert Visit("POST", "/", (), b"\xff\xfe").fields == {"\ufffd\ufffd": ""}
    assert Visit("POST", "/", (), b"form=a&passphrase=two+words%21").fields == {"form": "a", "passphrase": "two words!"}
