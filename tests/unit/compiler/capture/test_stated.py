"""What a request that a person wrote down may leave open: the host, values of its path, its answer."""

import pytest

from caskmcp.compiler.capture import stated
from caskmcp.compiler.capture.intake import Intake
from caskmcp.compiler.capture.sources.interface import Recorded, RecordedBody
from caskmcp.model.exchange import Exchange, Skipped
from caskmcp.redact.cut import Redactor
from tests.support.capturing import KEY

HOSTS = ("api.example.com", "files.example.com")


def take(url: str, **more: object) -> Exchange | Skipped:
    recorded = Recorded("request 0", "GET", url, **{"stated": True, **more})  # type: ignore[arg-type]
    taken = Intake(HOSTS, Redactor(KEY)).take(recorded)
    return taken if isinstance(taken, Skipped) else taken[0]


def kept(url: str, **more: object) -> Exchange:
    taken = take(url, **more)
    assert isinstance(taken, Exchange)
    return taken


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https:///orders", "https://api.example.com/orders"),
        ("http:///orders?x=1", "http://api.example.com/orders?x=1"),
        ("https://", "https://api.example.com"),
        ("https://?x=1", "https://api.example.com?x=1"),
        ("https://other.example/orders", "https://other.example/orders"),
        ("https://https:///x", "https://https:///x"),
        ("file:///etc/passwd", "file:///etc/passwd"),
    ],
)
def test_a_host_that_is_left_open_is_the_first_party(url: str, expected: str) -> None:
    assert stated.with_host(url, "api.example.com") == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/orders/%7Bid%7D", ("/orders/%7Bid%7D", ((1, "id"),))),
        ("/orders/%7Bid=17%7D/items/%7Bitem%7D", ("/orders/17/items/%7Bitem%7D", ((1, "id"), (3, "item")))),
        ("/orders/%7Bid=%7D", ("/orders/%7Bid%7D", ((1, "id"),))),
        ("/orders/%7Bid=a%2Fb%7D", ("/orders/a%2Fb", ((1, "id"),))),
        ("/%7Bname%7D.json", ("/%7Bname%7D.json", ())),
        ("/%7B$guid%7D", ("/%7B$guid%7D", ())),
        ("/orders", ("/orders", ())),
        ("/%7Ba=users%7D/%7Bb=export%7D", ("/users/export", ())),
        ("/%7Ba%7D/", ("/%7Ba%7D/", ())),
    ],
)
def test_a_segment_in_braces_is_a_parameter(path: str, expected: tuple[str, tuple[tuple[int, str], ...]]) -> None:
    assert stated.parameters(path) == expected


def test_what_was_never_sent_is_kept_without_a_status() -> None:
    found = kept("https:///orders/{id=17}", request=RecordedBody("application/json", text='{"sku": "mug"}'))
    assert found == Exchange(
        "GET",
        "https",
        "api.example.com",
        0,
        "/orders/17",
        named=((1, "id"),),
        request=found.request,
    )
    assert found.request is not None
    assert found.request.value == {"sku": "mug"}


def test_a_call_that_failed_is_still_left_out() -> None:
    assert take("https:///orders", stated=False) == Skipped("request 0", "broken", detail="the URL has no host")
    assert take("https://api.example.com/orders", stated=False) == Skipped("request 0", "no response")
    assert take("https:///orders", status=999) == Skipped("request 0", "no response")


def test_braces_mean_nothing_in_a_recording() -> None:
    assert kept("https://api.example.com/orders/{id=17}", stated=False, status=200).path == "/orders/%7Bid=17%7D"


def test_credentials_beside_the_request_are_ways_and_no_values_and_their_echoes_are_cut() -> None:
    body = RecordedBody("text/plain", text="x")
    found = kept(
        "https:///orders",
        headers=(("X-Note", "use pa55-w0rd-7 here"),),
        credentials=(("header:x-odd", "pa55-w0rd-7"), ("bearer", "")),
        request=body,
    )
    assert found.auth == ("bearer", "header:x-odd")
    assert "pa55-w0rd-7" not in str(found)


def test_the_name_of_a_parameter_is_looked_through_like_any_other() -> None:
    token = "ghp_" + "dx9iIPwmy4vlgGD6on0tRealpbrZC4VD4bCp"
    assert token not in str(kept(f"https:///orders/{{{token}}}"))
