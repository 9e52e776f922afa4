"""The live proxy's frame: what it is started with, how it ends, what it says of itself. What passes through it is tested with mitmdump."""

import os
import re
import signal
import socket
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from caskmcp.compiler.capture.sources.interface import Recorded
from caskmcp.errors import CaskError
from caskmcp.record import proxy, session
from caskmcp.record.interrupt import until_interrupted
from caskmcp.record.proxy import Listening
from tests.support.standin import standin


def run(
    folder: Path, code: str, *, hosts: tuple[str, ...] = ("api.example.com",), port: int = 0, duration: float | None = None
) -> list[str]:
    told: list[Listening] = []
    items = proxy.exchanges(
        standin(folder, code), folder / "state" / "proxy", hosts=hosts, port=port, duration=duration, trusted=None, tell=told.append
    )
    found = [
        each.url if isinstance(each, Recorded) else f"{each.reason} {each.host}{each.detail}".strip() for each in until_interrupted(items)
    ]
    assert told == [Listening(8099, "12.2.3", folder / "state/proxy/mitmproxy-ca-cert.pem")]
    return found


ONE = "https://api.example.com/orders/1"
TWO = "https://api.example.com/orders/2"


def test_what_is_seen_until_the_duration_is_over_is_given_and_what_is_still_under_way(tmp_path: Path) -> None:
    started = time.monotonic()
    assert run(tmp_path, "begin(); listen(); exchange(1); wait(); exchange(2); end(2)", duration=0.5) == [ONE, TWO]
    assert time.monotonic() - started >= 0.5  # not before; whoever did not end it would wait for ever


def test_ctrl_c_asks_it_to_end_and_gives_what_is_still_under_way(tmp_path: Path) -> None:
    code = "begin(); listen(); exchange(1); time.sleep(.2); os.kill(os.getppid(), signal.SIGINT); wait(); exchange(2); end(2)"
    assert run(tmp_path, code) == [ONE, TWO]


def test_a_request_to_terminate_ends_it_alike(tmp_path: Path) -> None:
    code = "begin(); listen(); exchange(1); time.sleep(.2); os.kill(os.getppid(), signal.SIGTERM); wait(); exchange(2); end(2)"
    assert run(tmp_path, code) == [ONE, TWO]


def test_a_signal_in_the_middle_of_a_storm_of_lines_loses_none(tmp_path: Path) -> None:
    code = """
begin(); listen()
for number in range(400):
    exchange(number)
    if number == 200:
        os.kill(os.getppid(), signal.SIGINT)
end(400)
"""
    assert len(run(tmp_path, code)) == 400


def test_one_that_is_told_at_an_item_gives_the_rest(tmp_path: Path) -> None:
    code = "begin(); listen(); exchange(1); wait(); exchange(2); end(2)"
    items = proxy.exchanges(
        standin(tmp_path, code), tmp_path / "p", hosts=("a.b",), port=0, duration=None, trusted=None, tell=lambda _: None
    )
    assert isinstance(items, Generator)
    first = next(items)
    second = items.throw(KeyboardInterrupt())
    assert [first.place, second.place, list(items)] == ["flow 0", "flow 1", []]


def test_one_that_does_not_end_is_ended_and_what_it_said_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "GRACE", 0.3)
    code = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nbegin(); listen(); exchange(1); time.sleep(3600)"
    assert run(tmp_path, code, duration=0.3) == [ONE, "broken it did not end in time, and was ended; what it had said until then is kept"]


@pytest.mark.parametrize("last", ["", "os.write(settings['out'], b'{\"is\":\"exch'); "], ids=["between two lines", "in a line"])
def test_one_that_dies_leaves_what_it_said_and_that_is_told(last: str, tmp_path: Path) -> None:
    found = run(tmp_path, f"begin(); listen(); exchange(1); {last}os.kill(os.getpid(), 9)")
    assert found == [ONE, "broken it ended by itself; what it had said until then is kept"]


def test_what_is_not_ours_is_named_and_no_more(tmp_path: Path) -> None:
    code = "begin(); listen(); say(**{'is': 'passed', 'host': 'x.test'}); say(**{'is': 'other', 'what': 'tcp'}); end(0)"
    assert run(tmp_path, code) == ["third party x.test", "not http"]


def test_it_listens_on_loopback_and_opens_tunnels_to_first_parties_alone(tmp_path: Path) -> None:
    code = f"""
open({str(tmp_path / "argv")!r}, "w").write(chr(10).join(sys.argv[1:]))
open({str(tmp_path / "settings")!r}, "w").write(json.dumps(settings))
begin(); listen(); end(0)
"""
    assert run(tmp_path, code, hosts=("api.example.com", "other.example:8443")) == []
    words = (tmp_path / "argv").read_text().split("\n")
    assert words[words.index("--listen-host") + 1] == "127.0.0.1"
    patterns = [re.compile(words[at + 1]) for at, word in enumerate(words) if word == "--allow-hosts"]

    def is_opened(target: str) -> bool:
        return any(pattern.search(target) for pattern in patterns)

    assert [is_opened(each) for each in ("api.example.com:443", "api.example.com:8080", "other.example:8443")] == [True] * 3
    strange = ("other.example:443", "apixexample.com:443", "evil-api.example.com:443", "api.example.com.evil.test:443")
    assert [is_opened(each) for each in strange] == [False] * 4
    assert '"hosts": ["api.example.com", "other.example:8443"]' in (tmp_path / "settings").read_text()
    assert f"confdir={tmp_path / 'state/proxy'}" in words


def test_the_folder_of_its_key_is_private_whatever_the_program_left_in_it(tmp_path: Path) -> None:
    code = """
confdir = next(word for word in sys.argv if word.startswith("confdir=")).removeprefix("confdir=")
for name in ("mitmproxy-ca.pem", "mitmproxy-ca-cert.pem"):
    path = os.path.join(confdir, name)
    open(path, "w").write("x"); os.chmod(path, 0o644)
begin(); listen(); end(0)
"""
    (tmp_path / "state/proxy").mkdir(parents=True)
    (tmp_path / "state/proxy").chmod(0o755)
    run(tmp_path, code)
    folder = tmp_path / "state/proxy"
    assert oct(folder.stat().st_mode & 0o777) == "0o700"
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in folder.iterdir()} == {
        "mitmproxy-ca.pem": "0o600",
        "mitmproxy-ca-cert.pem": "0o600",
    }


def test_a_port_that_is_taken_is_an_error_before_anything_is_started(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(CaskError) as raised:
            run(tmp_path, "sys.exit(9)", port=port)
    assert (raised.value.code, raised.value.exit, raised.value.place) == ("CASK-C020", 5, f"127.0.0.1:{port}")
    assert raised.value.mend == f"… --port {port + 1}"
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    "code", ["sys.exit(1)", "begin(); sys.exit(1)", "begin(); end(0)"], ids=["at once", "before it listens", "at its end"]
)
def test_one_that_does_not_listen_is_an_error(code: str, tmp_path: Path) -> None:
    with pytest.raises(CaskError) as raised:
        run(tmp_path, code)
    assert (raised.value.code, raised.value.exit) == ("CASK-C020", 5)


def test_a_line_that_is_none_is_an_error_also_here(tmp_path: Path) -> None:
    with pytest.raises(CaskError) as raised:
        run(tmp_path, "begin(); listen(); exchange(1); os.write(settings['out'], b's3cr3t\\n'); time.sleep(60)")
    assert (raised.value.code, raised.value.place) == ("CASK-C001", "line 4")
    assert "s3cr3t" not in str(raised.value)


def test_the_second_ctrl_c_does_not_wait_for_what_is_under_way(tmp_path: Path) -> None:
    code = """
begin(); listen(); exchange(1); time.sleep(.2); os.kill(os.getppid(), signal.SIGINT); time.sleep(.3); os.kill(os.getppid(), signal.SIGINT)
time.sleep(3600)
"""
    assert run(tmp_path, code) == [ONE]


def test_signals_are_heard_again_afterwards(tmp_path: Path) -> None:
    run(tmp_path, "begin(); listen(); end(0)")
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_nothing_is_left_open(tmp_path: Path) -> None:
    before = set(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else set()
    run(tmp_path, "begin(); listen(); exchange(1); end(1)")
    assert (set(os.listdir("/proc/self/fd")) if before else set()) <= before | {str(max(map(int, before or {"0"})) + 1)}
