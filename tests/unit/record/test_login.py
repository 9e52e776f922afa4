"""Whether a session that was brought along is still logged in."""

import pytest

from caskmcp.compiler.capture.sources.interface import Recorded
from caskmcp.record.login import Account

APP = "https://shop.example/app"
LOGIN = "https://accounts.example/login?next=%2Fapp"
REFUSED = "the API refused every call (401, 403)"
ASKED = "the page went to a login"


def call(status: int, kind: str = "fetch", host: str = "api.shop.example") -> Recorded:
    return Recorded("exchange", "GET", f"https://{host}/orders", status=status, kind=kind)


def problem(calls: tuple[Recorded, ...], *visited: tuple[int, str], url: str = APP, asks: bool = False) -> str:
    account = Account(url, ("api.shop.example", "shop.example"))
    for each in calls:
        account.see(each)
    return account.problem(visited, asks_password=asks)


@pytest.mark.parametrize("calls", [(call(401),), (call(403, "xhr"), call(401))])
def test_calls_that_are_all_refused_say_so(calls: tuple[Recorded, ...]) -> None:
    assert problem(calls, (0, APP)) == REFUSED


@pytest.mark.parametrize(
    "calls",
    [
        (call(401), call(200)),
        (call(401, "document"),),
        (call(401, host="tracker.example"),),
        (call(0),),
        (),
        (Recorded("exchange", "GET", "https://[/orders", status=401, kind="fetch"),),
    ],
)
def test_one_good_call_or_no_call_of_a_first_party_says_nothing(calls: tuple[Recorded, ...]) -> None:
    assert problem(calls, (0, APP)) == ""


@pytest.mark.parametrize(
    "url",
    [
        LOGIN,
        "https://shop.example/users/sign_in",
        "https://shop.example/signin",
        "https://shop.example/log-in/",
        "https://shop.example/account/logon.aspx",
        "https://sso.example/sso/start",
        "https://shop.example/session/new",
    ],
)
def test_a_page_that_ends_at_a_login_says_so(url: str) -> None:
    assert problem((), (0, "about:blank"), (1, url)) == ASKED


@pytest.mark.parametrize(
    "url", ["https://shop.example/blog/assign-inventory", "https://shop.example/logins-report/x", "https://shop.example/"]
)
def test_words_that_only_look_like_a_login_say_nothing(url: str) -> None:
    assert problem((), (0, url)) == ""


def test_a_field_for_a_password_on_another_page_than_the_asked_one_says_so() -> None:
    assert problem((), (0, "https://shop.example/welcome"), asks=True) == ASKED
    assert problem((), (0, APP), asks=True) == ""


def test_a_login_page_that_was_asked_for_is_none() -> None:
    assert problem((), (0, LOGIN), url=LOGIN, asks=True) == ""


def test_logging_in_again_is_no_problem() -> None:
    assert problem((call(401), call(200)), (1, LOGIN), (1, APP)) == ""


def test_logging_out_after_calls_that_went_well_is_no_problem() -> None:
    assert problem((call(200),), (0, APP), (1, "https://shop.example/login")) == ""


def test_a_login_page_that_makes_calls_of_its_own_is_still_a_login() -> None:
    assert problem((call(200),), (0, LOGIN)) == ASKED
