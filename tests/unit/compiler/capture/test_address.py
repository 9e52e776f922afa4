"""URLs taken apart, and which of them belong to a first party."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caskmcp.compiler.capture.address import Address, FirstParties, address, named, pairs


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.example.com/a/b?x=1#top", Address("https", "api.example.com", 0, "/a/b", (("x", "1"),), False)),
        ("HTTPS://API.Example.COM:443", Address("https", "api.example.com", 0, "/", (), False)),
        ("http://api.example.com.:8080/", Address("http", "api.example.com", 8080, "/", (), False)),
        ("http://api.example.com:443/", Address("http", "api.example.com", 443, "/", (), False)),
        ("https://user:word@api.example.com/a", Address("https", "api.example.com", 0, "/a", (), True)),
        ("https://bücher.example/ä b", Address("https", "xn--bcher-kva.example", 0, "/%C3%A4%20b", (), False)),
        ("http://[2001:DB8::1]:8080/", Address("http", "[2001:db8::1]", 8080, "/", (), False)),
        ("https://api.example.com/a%2Fb/../c;v=1", Address("https", "api.example.com", 0, "/a%2Fb/../c;v=1", (), False)),
        ("https://api.example.com/$(touch x)", Address("https", "api.example.com", 0, "/$(touch%20x)", (), False)),
        ("wss://api.example.com/live", Address("wss", "api.example.com", 0, "/live", (), False)),
        ("file:///etc/shadow", Address("file", "", 0, "", (), False)),
        ("data:text/plain,hi", Address("data", "", 0, "", (), False)),
    ],
)
def test_a_url_is_taken_apart(url: str, expected: Address) -> None:
    assert address(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "https://",
        "https:///a",
        "https://a b/",
        "https://api.example.com:123456/",
        "https://api.example.com:x/",
        "https://[::1/",
        "https://a\nb/",
        "https://api.example.com/a\x00b",
        "http://..",
        "https://℀.example/",
    ],
)
def test_what_is_no_url_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(ValueError) as caught:
        address(url)
    assert str(caught.value) in (
        "the URL holds a control character",
        "the URL has no valid host and port",
        "the URL has no host",
        "the host is no name",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=1&a=2&b", (("a", "1"), ("a", "2"), ("b", ""))),
        ("q=blue+mug%20x&=v&&", (("q", "blue mug x"), ("", "v"))),
        ("=", ()),
        ("", ()),
        ("a=b=c;d", (("a", "b=c;d"),)),
        ("x=%ff%41", (("x", "\ufffdA"),)),
    ],
)
def test_a_query_has_pairs_in_order(text: str, expected: tuple[tuple[str, str], ...]) -> None:
    assert pairs(text) == expected


@pytest.mark.parametrize(
    ("hosts", "url", "first"),
    [
        (["api.example.com"], "https://api.example.com/", True),
        (["api.example.com"], "http://api.example.com:8080/", True),
        (["api.example.com:8080"], "http://api.example.com:8080/", True),
        (["api.example.com:8080"], "http://api.example.com/", False),
        (["api.example.com:443"], "https://api.example.com/", True),
        (["example.com"], "https://api.example.com/", False),
        (["api.example.com"], "https://api.example.com.evil.example/", False),
        (["API.Example.com."], "https://api.example.com/", True),
    ],
)
def test_a_host_without_a_port_means_every_port(hosts: list[str], url: str, first: bool) -> None:
    assert (address(url) in FirstParties(hosts)) is first


def test_a_report_names_a_port_that_is_not_the_schemes_own() -> None:
    assert named(address("https://a.example/")) == "a.example"
    assert named(address("http://a.example:81/")) == "a.example:81"


PARTS = (
    "/",
    "?",
    "#",
    "a",
    "B",
    "7",
    "-",
    ".",
    "_",
    "%20",
    "%",
    "[",
    "]",
    "@",
    ":",
    "80",
    ";",
    "=",
    "&",
    "+",
    "'",
    '"',
    "\\",
    "|",
    "é",
    " ",
    "\t",
    "orders",
)


@given(
    parts=st.lists(st.sampled_from(PARTS), max_size=12), host=st.sampled_from(["api.x.test", "a", "a.", "a-", "-a", "a.b:443", "a_b", ""])
)
def test_a_url_that_only_has_to_be_cut_in_pieces_is_what_the_long_way_makes_of_it(parts: list[str], host: str) -> None:
    rest = f"://{host}{''.join(parts)}"
    assert _outcome(f"https{rest}") == _outcome(f"HTTPS{rest}")  # a scheme in upper case goes the long way


def _outcome(url: str) -> Address | str:
    try:
        return address(url)
    except ValueError as cause:
        return str(cause)
