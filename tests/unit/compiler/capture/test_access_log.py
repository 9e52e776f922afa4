"""Access logs: what a line says, in text and in JSON; lines that say nothing are left out with a reason."""

import json
from typing import Any

import pytest

from caskmcp.compiler.capture.sources import lines
from caskmcp.compiler.capture.sources.access_log import NAMES, AccessLog
from caskmcp.compiler.capture.sources.interface import Recorded, RecordedBody
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Skipped
from tests.support.capturing import capture

HEAD = '198.51.100.7 - ann [20/Nov/2025:10:00:00 +0000] "'


def read(*rows: str | dict[str, Any]) -> list[Any]:
    text = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
    return list(AccessLog().read([text.encode()]))


def one(row: str | dict[str, Any]) -> Any:
    found, _ = read(row, f'{HEAD}GET /good HTTP/1.1" 200 7')
    return found


@pytest.mark.parametrize(
    ("line", "url", "status"),
    [
        (f'{HEAD}GET /orders?page=2 HTTP/1.1" 200 512 "-" "curl/8.1"', "https:///orders?page=2", 200),
        (f'{HEAD}GET /orders HTTP/1.1" 200 -', "https:///orders", 200),
        (f'{HEAD}GET /orders" 200 7', "https:///orders", 200),
        (f'{HEAD}GET /a\\x22b HTTP/1.1" 200 7 "https://x.example/?token=1" "A \\"quoted\\" agent"', "https:///a%22b", 200),
        (f'{HEAD}GET http://api.example.com/a HTTP/1.1" 200 7', "http://api.example.com/a", 200),
        (f'api.example.com:443 {HEAD}GET /a HTTP/1.1" 404 7 "-" "-"', "https://api.example.com:443/a", 404),
        (f'api.example.com:80 {HEAD}GET /a HTTP/1.1" 404 7 "-" "-"', "http://api.example.com:80/a", 404),
        (f'api.example.com {HEAD}GET /a HTTP/1.1" 404 7', "https://api.example.com/a", 404),
        (f'{HEAD}GET /a HTTP/1.1" 200 7 "-" "-" 12 "orders@docker" "http://10.0.0.7:8080" 3ms', "https:///a", 200),
        ('[2025-11-20T10:00:00.412Z] "GET /a?b=1 HTTP/2" 204 - 0 0 1 1 "-" "curl" "id" "api.example.com" "10.0.0.7:80"', "https://api.example.com/a?b=1", 204),
        ('[2025-11-20T10:00:00.412Z] "GET /a HTTP/1.1" 503 UH no_healthy_upstream - "-" 0 19 0 - "-" "curl" "id" "api.example.com" "-" - - 10.0.0.1:80 - -', "https://api.example.com/a", 503),
    ],
)  # fmt: skip
def test_a_line_of_text_is_a_call(line: str, url: str, status: int) -> None:
    found = one(line)
    assert (found.method, found.url, found.status, found.hostless) == ("GET", url, status, ":///" in url)


def test_who_called_and_with_what_is_not_read() -> None:
    found = one(f'{HEAD}GET /orders HTTP/1.1" 200 512 "https://x.example/?token=hunter2" "curl/8.1"')
    assert found == Recorded("line 1", "GET", "https:///orders", status=200, response=RecordedBody("", size=512), hostless=True)


@pytest.mark.parametrize(
    ("row", "url", "status"),
    [
        ({"request_method": "GET", "request_uri": "/a?b=1", "status": "200", "host": "api.example.com", "scheme": "http"}, "http://api.example.com/a?b=1", 200),
        ({"method": "GET", "uri": "/a", "args": "b=1", "status": 200}, "https:///a?b=1", 200),
        ({"method": "GET", "uri": "/a?c=2", "args": "c=2", "status": 200}, "https:///a?c=2", 200),
        ({"method": "GET", "path": "/a", "query": "-", "status": 200, "host": "-"}, "https:///a", 200),
        ({"request": "GET /a HTTP/1.1", "status": 200.0, "server_name": "api.example.com"}, "https://api.example.com/a", 200),
        ({"request": {"method": "GET", "url": "http://api.example.com:8000/a"}, "response": {"status": 200}, "latencies": {}}, "http://api.example.com:8000/a", 200),
        ({"httpRequest": {"requestMethod": "GET", "requestUrl": "https://api.example.com/a", "status": 200}}, "https://api.example.com/a", 200),
        ({"event_type": "http", "http": {"hostname": "api.example.com", "http_port": 8080, "url": "/a", "http_method": "GET", "status": 200}}, "https://api.example.com:8080/a", 200),
        ({"method": "GET", "path": "/a", "status": 200, "scheme": "ftp"}, "https:///a", 200),
    ],
)  # fmt: skip
def test_a_line_of_json_is_a_call_under_the_usual_names(row: dict[str, Any], url: str, status: int) -> None:
    found = one(row)
    assert (found.method, found.url, found.status) == ("GET", url, status)


def test_headers_that_a_log_holds_are_kept_and_redacted_like_any_others() -> None:
    row = {
        "request": {
            "method": "GET",
            "url": "https://api.example.com/a",
            "headers": {"authorization": "Bearer hunter2hunter2", "x-tenant": ["acme"]},
        },
        "response": {"status": 200, "headers": {"content-type": "application/json"}},
    }
    found = capture(json.dumps(row).encode(), kind="access_log")
    assert (found.only.auth, found.only.headers) == (("bearer",), (("x-tenant", "acme"),))
    assert found.only.response
    assert (found.only.response.media, found.only.response.kind) == ("application/json", "absent")
    assert b"hunter2" not in found.written


def test_a_log_without_hosts_means_the_manifests_first() -> None:
    found = capture(f'{HEAD}GET /orders/17 HTTP/1.1" 200 7'.encode(), "api.example.com:8443", "other.example", kind="access_log")
    assert (found.only.scheme, found.only.host, found.only.port, found.only.path) == ("https", "api.example.com", 8443, "/orders/17")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("words", Skipped("line 1", "broken", detail="the line is none of an access log")),
        ("{", Skipped("line 1", "broken", detail="the line is not JSON")),
        (f'{HEAD}\\x16\\x03\\x01" 400 150 "-" "-"', Skipped("line 1", "broken", detail="the request of the line is none")),
        (f'{HEAD}-" 408 0 "-" "-"', Skipped("line 1", "broken", detail="the request of the line is none")),
        ({"request": "hunter2"}, Skipped("line 1", "broken", detail="the request of the line is none")),
        (f'{HEAD}OPTIONS * HTTP/1.1" 200 7', Skipped("line 1", "not http")),
        (f'{HEAD}CONNECT api.example.com:443 HTTP/1.1" 200 7', Skipped("line 1", "not http")),
        ({"event_type": "dns", "dns": {}}, Skipped("line 1", "not http")),
        ({"level": "info", "msg": "started"}, Skipped("line 1", "not http")),
        ({"method": ["GET"], "uri": {"a": 1}}, Skipped("line 1", "not http")),
    ],
)
def test_a_line_that_is_no_call_is_left_out_with_the_reason(row: Any, expected: Skipped) -> None:
    assert one(row) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"method": "GET", "uri": "/a", "status": None}, 0),
        ({"method": "GET", "uri": "/a", "status": True}, 0),
        ({"method": "GET", "uri": "/a", "status": "1e999"}, 0),
        (f'{HEAD}GET /a HTTP/1.1" - 7', 0),
        (f'{HEAD}GET /a HTTP/1.1" 200 99999999999999999999999999', 200),
    ],
)
def test_odd_figures_are_read_leniently(row: Any, expected: int) -> None:
    assert one(row).status == expected


def test_comments_and_blank_lines_are_passed_over() -> None:
    found = read("#Fields: x", "", f'{HEAD}GET /a HTTP/1.1" 200 7', "  ")
    assert [each.place for each in found] == ["line 3"]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"#only\n", b"words\nmore words\n", b"\x00\x01\x02"])
def test_a_file_without_any_line_of_a_log_is_refused(data: bytes) -> None:
    with pytest.raises(CaskError) as caught:
        list(AccessLog().read([data]))
    assert (caught.value.code, caught.value.place) == ("CASK-C001", "line 1")


def test_hostile_lines_take_linear_time_and_bounded_memory() -> None:
    rows = [
        "a " * 100_000,
        '"' * 200_000,
        "[" * 100_000,
        HEAD + "\\" * 100_001 + '" 200 7',
        "{" + '"a":{' * 100_000,
        '[2025-11-20T10:00:00Z] "GET / x" 200 ' + '"' * 99_999,
    ]
    found = read(*rows, f'{HEAD}GET /a HTTP/1.1" 200 7')
    assert sum(isinstance(each, Recorded) for each in found) >= 1
    with pytest.raises(CaskError) as caught:
        list(AccessLog().read(b"x" * (1 << 20) for _ in range(lines.LONGEST // (1 << 20) + 2)))
    assert (caught.value.code, caught.value.place) == ("CASK-C005", "line 1")


def test_every_field_of_the_table_has_a_name() -> None:
    assert all(paths and all(paths) for paths in NAMES.values())
