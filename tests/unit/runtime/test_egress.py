"""Where calls may go: hosts in their one form, the table of networks, environments, redirects."""

import pytest

from caskmcp.errors import CaskError
from caskmcp.model.project import EnvironmentHost
from caskmcp.runtime import egress, networks
from caskmcp.runtime.egress import Destination
from caskmcp.runtime.plan import prepare
from tests.support.calls import HOST, tool

PLACE = Destination("https", HOST, 443)


def code(error: pytest.ExceptionInfo[CaskError]) -> str:
    return error.value.code


# ---------------------------------------------------------------- hosts
@pytest.mark.parametrize(
    ("host", "form"),
    [
        ("api.example.com", "api.example.com"),
        ("API.Example.COM", "api.example.com"),
        ("api.example.com.", "api.example.com"),
        ("xn--strae-oqa.example", "xn--strae-oqa.example"),
        ("192.example.com", "192.example.com"),
        ("localhost.example.com", "localhost.example.com"),
        ("93.184.216.34", "93.184.216.34"),
        ("[2606:4700:4700::1111]", "2606:4700:4700::1111"),
        ("2606:4700:4700::1111", "2606:4700:4700::1111"),
        ("a_b.example.com", "a_b.example.com"),
    ],
)
def test_a_host_has_one_form(host: str, form: str) -> None:
    assert egress.strict_host(host) == form


@pytest.mark.parametrize(
    "host",
    [
        "", ".", "a..b", "-a.example", "a-.example", "2130706433", "0x7f000001", "0x7f.0x0.0x0.0x1", "017700000001", "127.1", "0x7f.1", "127.000.000.001",
        "1.2.3.4.5", "1.2.3.256", "127.0.0.1.", "a.0x", "127。0。0。1", "１０.０.０.１", "ⓛocalhost", "straße.example", "fe80::1%lo", "[fe80::1%25lo]",
        "[127.0.0.1]", "a b", "a\tb", "a\nb", "user@host", "host:80", "host/x", "host?x", "host#x", "host\\x", "a%2eb", "*", "*.example.com", "x" * 64 + ".example",
        ".".join(["a" * 60] * 5), "[::1", "::1]",
    ],
)  # fmt: skip
def test_what_is_no_name_and_no_strict_address_is_refused(host: str) -> None:
    with pytest.raises(CaskError) as error:
        egress.strict_host(host)
    assert code(error) == "CASK-E004"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "app.localhost", "ip6-localhost", "localhost.localdomain"])
def test_names_of_this_machine_need_a_private_environment(host: str) -> None:
    with pytest.raises(CaskError) as error:
        egress.strict_host(host)
    assert code(error) == "CASK-E003"
    assert egress.strict_host(host, private=True) == host.lower().removesuffix(".")


# ---------------------------------------------------------------- networks
def first_of(network: str) -> str:
    return str(networks.ipaddress.ip_network(network)[0])


@pytest.mark.parametrize("row", networks.DENIED, ids=lambda row: row.network)
def test_each_row_of_the_table_is_refused_and_opens_as_it_says(row: networks.Network) -> None:
    with pytest.raises(CaskError) as error:
        egress.check_address(first_of(row.network), private=False)
    assert code(error) == "CASK-E003"
    if row.opens:
        egress.check_address(first_of(row.network), private=True)
    else:
        with pytest.raises(CaskError):
            egress.check_address(first_of(row.network), private=True)


def test_the_table_is_the_one_that_was_reviewed() -> None:
    assert [(row.network, row.opens) for row in networks.DENIED] == [
        ("169.254.169.254/32", False), ("169.254.170.2/32", False), ("100.100.100.200/32", False), ("168.63.129.16/32", False),
        ("192.0.0.192/32", False), ("fd00:ec2::/32", False), ("fd20:ce::254/128", False), ("0.0.0.0/8", False), ("10.0.0.0/8", True),
        ("100.64.0.0/10", True), ("127.0.0.0/8", True), ("169.254.0.0/16", False), ("172.16.0.0/12", True), ("192.0.0.0/24", False),
        ("192.0.2.0/24", False), ("192.88.99.0/24", False), ("192.168.0.0/16", True), ("198.18.0.0/15", False), ("198.51.100.0/24", False),
        ("203.0.113.0/24", False), ("224.0.0.0/4", False), ("240.0.0.0/4", False), ("::1/128", True), ("::/96", False),
        ("64:ff9b:1::/48", False), ("2001::/23", False), ("2001:db8::/32", False), ("3fff::/20", False), ("fc00::/7", True),
        ("fe80::/10", False), ("fec0::/10", False), ("ff00::/8", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "address",
    [
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2606:4700::5efe:a00:1", "2606:4700::200:5efe:7f00:1", "5f00::1", "4000::1", "100::1", "::",
    ],
)  # fmt: skip
def test_an_address_inside_an_address_is_judged_as_well(address: str) -> None:
    with pytest.raises(CaskError) as error:
        egress.check_address(address, private=False)
    assert code(error) == "CASK-E003"


@pytest.mark.parametrize("address", ["::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::", "::ffff:100.100.100.200"])
def test_nothing_opens_a_wrapped_metadata_address(address: str) -> None:
    with pytest.raises(CaskError):
        egress.check_address(address, private=True)


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "11.22.33.44",
        "172.33.0.1",
        "100.129.1.1",
        "192.169.5.5",
        "223.1.1.1",
        "2606:4700:4700::1111",
        "64:ff9b::101:101",
        "::ffff:8.8.8.8",
    ],
)
def test_public_addresses_are_reached(address: str) -> None:
    egress.check_address(address, private=False)


@pytest.mark.parametrize("address", ["", "x", "127.1", "2606:4700::1%eth0", "1.2.3.4/32", " 8.8.8.8"])
def test_what_is_no_plain_address_is_not_reached(address: str) -> None:
    with pytest.raises(CaskError) as error:
        egress.check_address(address, private=True)
    assert code(error) == "CASK-E003"


def test_every_answer_of_the_resolver_counts() -> None:
    assert egress.allowed(("8.8.8.8", "2606:4700:4700::1111"), PLACE) == ("8.8.8.8", "2606:4700:4700::1111")
    with pytest.raises(CaskError) as error:
        egress.allowed(("8.8.8.8", "127.0.0.1"), PLACE)
    assert code(error) == "CASK-E003"


# ---------------------------------------------------------------- places
def test_without_an_environment_the_place_is_the_plans() -> None:
    request = prepare(tool(port=8443), {"order_id": 1})
    assert egress.destination(request, f"{HOST}:8443", {}) == Destination("https", HOST, 8443)


def test_an_environment_moves_scheme_host_and_port_and_nothing_else() -> None:
    request = prepare(tool(), {"order_id": 1})
    place = egress.destination(request, HOST, {HOST: EnvironmentHost(url="http://127.0.0.1:8080", private=True)})
    assert place == Destination("http", "127.0.0.1", 8080, True)
    moved = egress.redirected(request, place)
    assert (moved.scheme, moved.host, moved.port) == ("http", "127.0.0.1", 8080)
    assert (moved.target, moved.headers, moved.body, moved.method) == (request.target, request.headers, request.body, request.method)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("file:///etc/passwd", "CASK-E001"),
        ("ftp://files.example.com", "CASK-E001"),
        ("gopher://127.0.0.1:70/", "CASK-E001"),
        ("https://api.example.com/path", "CASK-E001"),
        ("https://user:pass@api.example.com", "CASK-E001"),
        ("https://api.example.com:0", "CASK-E001"),
        ("https://api.example.com:70000", "CASK-E004"),
        ("https://", "CASK-E004"),
        ("https://2130706433", "CASK-E004"),
        ("http://[::1", "CASK-E004"),
        ("https://api.example.com\\@evil.test", "CASK-E001"),
    ],
)
def test_a_place_that_is_more_or_less_than_an_origin_is_refused(url: str, expected: str) -> None:
    with pytest.raises(CaskError) as error:
        egress.parse_origin(url, private=False)
    assert code(error) == expected


def test_an_error_shows_no_more_of_a_host_than_a_host_can_have() -> None:
    with pytest.raises(CaskError) as error:
        egress.strict_host("evil\x1b[31m\n" + "x" * 500)
    assert "\x1b" not in str(error.value)
    assert len(str(error.value)) < 200


@pytest.mark.parametrize(
    ("location", "where"),
    [
        ("/x", None),
        ("x?y", None),
        ("", None),
        (f"https://{HOST}/y", None),
        (f"https://{HOST}:443/y", None),
        (f"http://{HOST}/", HOST),
        (f"https://{HOST}:8443/", HOST),
        ("https://evil.test/", "evil.test"),
        ("//evil.test/", "evil.test"),
        ("\\\\evil.test", "????evil.test"[2:]),
        ("/\\evil.test", "??evil.test"),
        ("ftp://127.0.0.1/", "127.0.0.1"),
        ("javascript:alert(1)", "javascript:alert?1?"),
        ("http://[::1", "a place that cannot be read"),
    ],
)
def test_where_a_redirect_leads(location: str, where: str | None) -> None:
    assert egress.leaving(location, PLACE, HOST) == where


def test_an_address_that_was_let_through_is_no_pass_for_another_or_for_a_place_that_is_not_private() -> None:
    for _ in range(2):  # what was judged once is judged the same from memory
        egress.check_address("10.0.0.7", private=True)
        with pytest.raises(CaskError, match="CASK-E003"):
            egress.check_address("10.0.0.7", private=False)
        with pytest.raises(CaskError, match="CASK-E003"):
            egress.check_address("169.254.169.254", private=True)
        with pytest.raises(CaskError, match="CASK-E003"):
            egress.check_address("010.0.0.7", private=True)
