"""A call that its client and its server both report counts once."""

from itertools import permutations
from typing import Any

from caskmcp.compiler.capture.sources.otel.pairs import calls
from caskmcp.compiler.capture.sources.otel.span import CLIENT, SERVER, Span
from caskmcp.model.exchange import Skipped
from tests.support.otlp import called, served

URL = "https://api.example.com/orders/17?page=2"


def client(number: int, url: str = URL, status: int = 200, trace: str = "t") -> Span:
    return Span(f"span {number}", trace, f"{number:x}", "", CLIENT, called("GET", url, status))


def server(number: int, parent: int, path: str = "/orders/17", trace: str = "t", **more: Any) -> Span:
    return Span(f"span {number}", trace, f"{number:x}", f"{parent:x}" if parent else "", SERVER, served("GET", path, **more))


def found(*spans: Span | Skipped, window: int = 100) -> list[tuple[str, str, str]]:
    return sorted((each.place, each.url, each.route) for each in calls(spans, window) if not isinstance(each, Skipped))


def test_a_client_and_its_server_are_one_call_at_the_clients_address_with_the_servers_route() -> None:
    both = [client(1), server(2, 1, host="10.0.0.7", route="/orders/{id}")]
    for spans in permutations(both):
        assert found(*spans) == [("span 2", URL, "/orders/{id}")]


def test_a_client_or_a_server_alone_counts() -> None:
    assert found(client(1), server(2, 7), server(3, 0)) == [
        ("span 1", URL, ""),
        ("span 2", "https://api.example.com/orders/17", ""),
        ("span 3", "https://api.example.com/orders/17", ""),
    ]


def test_equal_ids_of_another_trace_are_another_call() -> None:
    assert len(found(client(1), server(2, 1, trace="u"))) == 2


def test_a_client_whose_server_says_no_host_gives_it_one() -> None:
    assert found(server(2, 1, host=""), client(1)) == [("span 2", URL, "")]


def test_behind_a_proxy_that_rewrites_paths_the_clients_path_is_what_can_be_called() -> None:
    assert found(client(1, "https://api.example.com/v1/orders/17"), server(2, 1, route="/orders/{id}")) == [
        ("span 1", "https://api.example.com/v1/orders/17", "")
    ]


def test_a_client_that_follows_a_redirect_by_itself_has_two_servers_in_any_order() -> None:
    spans = [client(1), server(2, 1, "/old"), server(3, 1)]
    expected = [("span 2", "https://api.example.com/old", ""), ("span 3", URL, "")]
    assert [found(*each) for each in permutations(spans)] == [expected] * 6


def test_calls_in_a_chain_of_services_all_count() -> None:
    chain = [client(1), server(2, 1), client(3, "http://stock.internal/17"), server(4, 3, "/17", host="stock.internal")]
    assert [url for _, url, _ in found(*chain)] == [URL, "http://stock.internal/17"]


def test_what_is_no_call_passes_and_forms_no_pair() -> None:
    database = Span("span 9", "t", "9", "1", CLIENT, {"db.system": "x"})
    assert list(calls([Skipped("span 0", "broken"), database])) == [Skipped("span 0", "broken"), Skipped("span 9", "not http")]


def test_the_window_bounds_what_waits_and_two_halves_further_apart_count_twice() -> None:
    others = [client(number) for number in range(10, 16)]
    assert len(found(client(1), *others, server(2, 1), window=10)) == 7
    assert len(found(client(1), *others, server(2, 1), window=5)) == 8


def test_a_thousand_servers_below_one_client_are_given_out_and_not_held() -> None:
    seen = []

    def spans() -> Any:
        for number in range(2, 1000):
            yield server(number, 1)
            seen.append(number)

    first = next(iter(calls(spans(), window=10)))
    assert (isinstance(first, Skipped), len(seen)) == (False, 10)
