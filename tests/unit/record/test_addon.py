"""The addon by itself: its hooks with flows as mitmproxy hands them over, its lines read as our side reads them."""

import io
import json
import logging
import os
import runpy
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from caskmcp.compiler.capture.sources import flows
from caskmcp.compiler.capture.sources.flows import Begun, Content, Ended, Failed, Listening, Message, Other, Passed, Seen
from caskmcp.record.session import SCRIPT


class Headers:
    """As mitmproxy's: raw fields, and a look-up without case."""

    def __init__(self, *fields: tuple[bytes, bytes]) -> None:
        self.fields = fields

    def get(self, name: str, default: str) -> str:
        return next((value.decode("utf-8", "surrogateescape") for key, value in self.fields if key.decode().lower() == name), default)


def flow(host: str = "api.example.com", port: int = 443, *, number: str = "1", response: Any = None, **rest: Any) -> Any:
    request = SimpleNamespace(
        method="GET", scheme="https", host=host, pretty_host=host, port=port, pretty_url=f"https://{host}/orders/1", stream=False,
        headers=Headers((b"Accept", b"*/*")), raw_content=b"", **rest,
    )  # fmt: skip
    return SimpleNamespace(id=number, request=request, response=response, websocket=None)


def answer(content: bytes | None = b'{"id": 1}', media: bytes = b"application/json", status: int = 200) -> Any:
    return SimpleNamespace(status_code=status, raw_content=content, headers=Headers((b"Content-Type", media)), stream=False)


class Master:
    """As mitmproxy's, as far as the addon asks it."""

    def __init__(self) -> None:
        self.ended = 0
        self.addons = {"proxyserver": SimpleNamespace(listen_addrs=lambda: [("127.0.0.1", 8080)])}

    def shutdown(self) -> None:
        self.ended += 1


class Run:
    """The addon with pipes of its own."""

    def __init__(self, hosts: list[str] | None, body: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lines, out = os.pipe()
        self.life_end, self.life = os.pipe()
        monkeypatch.setenv("CASK_RECORD", json.dumps({"out": out, "life": self.life_end, "hosts": hosts, "body": body}))
        self.out = out
        (self.addon,) = runpy.run_path(str(SCRIPT))["addons"]
        self.master = Master()
        self.addon.load(SimpleNamespace(master=self.master))

    def reads(self, data: bytes, problem: BaseException | None, monkeypatch: pytest.MonkeyPatch) -> None:
        """As if mitmproxy had read its standard input, and left some of it."""
        task = SimpleNamespace(done=lambda: True, cancelled=lambda: False, exception=lambda: problem)
        self.master.addons["readfilestdin"] = SimpleNamespace(_read_task=task)
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(data)))

    def said(self) -> list[Message]:
        os.set_blocking(self.lines, False)
        data = b""
        while True:
            try:
                data += os.read(self.lines, 1 << 20)
            except BlockingIOError:
                return list(flows.messages([data]))

    def passes(self, each: Any) -> None:
        self.addon.requestheaders(each)
        if each.response is not None:
            self.addon.responseheaders(each)
            self.addon.response(each)


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    yield from running(["api.example.com", "only.example:8443"], monkeypatch)


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    yield from running(None, monkeypatch)


def running(hosts: list[str] | None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    run = Run(hosts, 1000, monkeypatch)
    run.reads(b"", None, monkeypatch)
    before = logging.getLogger().handlers[:]
    yield run
    logging.getLogger().handlers = [each for each in before if type(each).__name__ != "Failures"]
    for each in (run.lines, run.out, run.life, run.life_end):
        try:
            os.close(each)
        except OSError:
            continue  # the test closed it


SEEN = Seen(
    "GET", "https://api.example.com/orders/1", (("Accept", "*/*"),), None, 200, (("Content-Type", "application/json"),),
    Content("application/json", b'{"id": 1}'),
)  # fmt: skip


def test_a_file_is_sent_whole_between_a_first_and_a_last_line(file: Run) -> None:
    file.passes(flow(response=answer()))
    file.passes(flow("other.example", number="2", response=answer(b"", b"")))
    file.addon.done()
    begun, first, second, end = file.said()
    assert (begun, first, end) == (Begun(""), SEEN, Ended(2))
    assert isinstance(second, Seen)
    assert second.response == Content("", b"")


def test_of_another_host_a_live_recording_says_the_name_alone(live: Run) -> None:
    passing = flow("tracker.example", response=answer(b'{"secret": 1}'))
    live.passes(passing)
    live.passes(flow("tracker.example", 8443, number="2", response=answer()))
    live.addon.error(passing)
    live.passes(flow(response=answer(), number="3"))
    assert live.said() == [Begun(""), Passed("tracker.example"), Passed("tracker.example:8443"), SEEN]
    assert passing.request.stream is True
    assert passing.response.stream is True


@pytest.mark.parametrize(
    ("host", "port", "is_ours"),
    [
        ("api.example.com", 443, True), ("API.Example.com.", 443, True), ("api.example.com", 8080, True), ("only.example", 8443, True),
        ("only.example", 443, False), ("evilapi.example.com", 443, False), ("api.example.com.evil.test", 443, False), ("example.com", 443, False),
    ],
)  # fmt: skip
def test_whose_a_host_is(live: Run, host: str, port: int, is_ours: bool) -> None:
    live.passes(flow(host, port, response=answer()))
    assert isinstance(live.said()[1], Seen if is_ours else Passed)


def test_a_tunnel_to_another_host_is_named_and_one_to_ours_is_not(live: Run) -> None:
    live.addon.http_connect(flow("tracker.example"))
    live.addon.http_connect(flow("api.example.com"))
    live.addon.http_connect(flow("::1", 8443))
    assert live.said() == [Begun(""), Passed("tracker.example"), Passed("[::1]:8443")]


def test_a_flow_is_sent_once_whatever_comes_after(file: Run) -> None:
    each = flow(response=answer())
    file.passes(each)
    file.addon.error(each)
    file.addon.done()
    assert file.said() == [Begun(""), SEEN, Ended(1)]


def test_without_an_answer_the_request_counts_as_seen(file: Run) -> None:
    each = flow()
    file.addon.requestheaders(each)
    file.addon.error(each)
    (seen,) = (row for row in file.said() if isinstance(row, Seen))
    assert (seen.status, seen.response, seen.response_headers) == (0, None, ())


def test_a_body_beyond_the_limit_is_its_size_and_one_that_was_not_held_back_is_nothing(file: Run) -> None:
    for number, content in enumerate((b"x" * 1000, b"x" * 1001, None)):
        file.passes(flow(number=str(number), response=answer(content)))
    found = [row.response for row in file.said() if isinstance(row, Seen)]
    assert found == [
        Content("application/json", b"x" * 1000), Content("application/json", size=1001), Content("application/json"),
    ]  # fmt: skip


def test_an_answer_without_end_passes_piece_by_piece_and_its_beginning_is_kept_at_the_end(live: Run) -> None:
    each = flow(response=answer(None, b"text/event-stream; charset=utf-8"))
    live.addon.requestheaders(each)
    live.addon.responseheaders(each)
    assert [each.response.stream(piece) for piece in (b"data: 1\n\n", b"x" * 2000, b"end")] == [b"data: 1\n\n", b"x" * 2000, b"end"]
    live.addon.done()
    (seen,) = (row for row in live.said() if isinstance(row, Seen))
    assert seen.response == Content("text/event-stream; charset=utf-8", b"data: 1\n\n" + b"x" * 991)


def test_what_waits_for_its_answer_at_the_end_is_not_seen(live: Run) -> None:
    live.addon.requestheaders(flow())
    live.addon.done()
    assert live.said() == [Begun(""), Ended(0)]


def test_a_websocket_is_called_one(file: Run) -> None:
    by_status, by_messages = flow(response=answer(b"", status=101)), flow(number="2", response=answer())
    by_messages.websocket = object()
    file.passes(by_status)
    file.passes(by_messages)
    assert [row.kind for row in file.said() if isinstance(row, Seen)] == ["websocket", "websocket"]


def test_what_is_no_http_is_counted(file: Run) -> None:
    for hook in ("tcp_end", "tcp_error", "udp_end", "udp_error", "dns_response", "dns_error"):
        getattr(file.addon, hook)(object())
    assert file.said()[1:] == [Other(what) for what in ("tcp", "tcp", "udp", "udp", "dns", "dns")]


def test_bytes_that_are_no_text_are_sent_all_the_same(file: Run) -> None:
    each = flow(response=answer(b"\xff\x00", b"text/\xff"))
    each.request.headers = Headers((b"X-\xff", b"\xfe"))
    each.request.pretty_url = "https://api.example.com/\udcff"
    file.passes(each)
    (seen,) = (row for row in file.said() if isinstance(row, Seen))
    assert (seen.url, seen.headers) == ("https://api.example.com/?", (("X-�", "�"),))
    assert seen.response == Content("text/?", b"\xff\x00")


def test_an_error_that_mitmproxy_logs_fails_a_file_without_the_words_of_the_log(file: Run) -> None:
    logging.getLogger("mitmproxy.addons.readfile").error("Failed to read -: %s", "s3cr3t")
    assert file.said() == [Begun(""), Failed()]


@pytest.mark.parametrize(("rest", "problem"), [(b"x", None), (b"", MemoryError())], ids=["something is left", "the reader broke"])
def test_a_file_that_was_not_read_to_its_end_fails(
    rest: bytes, problem: BaseException | None, file: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.reads(rest, problem, monkeypatch)
    file.passes(flow(response=answer()))
    file.addon.done()
    assert file.said() == [Begun(""), SEEN, Failed(), Ended(1)]


def test_an_error_that_mitmproxy_logs_fails_no_live_recording(live: Run) -> None:
    logging.getLogger("mitmproxy.proxy").error("upstream went away")
    assert live.said() == [Begun("")]


async def both_ends(run: Run) -> None:
    import asyncio

    run.addon.running()
    os.close(run.life)
    for _ in range(100):
        await asyncio.sleep(0.01)
        if run.master.ended:
            return


@pytest.mark.parametrize(("fixture", "said"), [("live", [Begun(""), Listening(8080)]), ("file", [Begun("")])])
def test_it_ends_with_the_process_that_started_it(fixture: str, said: list[Message], request: pytest.FixtureRequest) -> None:
    import asyncio

    run: Run = request.getfixturevalue(fixture)
    asyncio.run(both_ends(run))
    assert run.master.ended == 1
    assert run.said() == said


def test_where_nobody_reads_any_more_it_ends(live: Run) -> None:
    os.close(live.lines)
    live.passes(flow(response=answer()))
    live.passes(flow(number="2", response=answer()))
    assert live.master.ended == 1


def test_without_its_settings_it_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CASK_RECORD", raising=False)
    assert "addons" not in runpy.run_path(str(SCRIPT))


def test_it_needs_the_standard_library_alone() -> None:
    import ast
    import sys

    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= set(sys.stdlib_module_names)
    assert [path.name for path in sorted(SCRIPT.parent.glob("*.py"))] == ["__init__.py", "stream.py"]
