"""`serve --http` before it listens: address, who may reach it, tokens and their file, TLS."""

import json
import os
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from caskmcp.errors import CaskError, Exit
from caskmcp.govern.admit import admit
from caskmcp.model.token import TokenRow
from caskmcp.runtime import http_server, tokens
from caskmcp.runtime.http_guard import CHECKS, Door
from caskmcp.runtime.http_server import Tls
from caskmcp.runtime.surface import nothing, surface
from caskmcp.workflows import serve_http as story
from caskmcp.workflows.serve import Web
from tests.support import packs
from tests.support.world import ScriptedConsole, world

ROW = TokenRow(name="ci", sha256="a" * 64)


def refused(call: Any, *arguments: Any, **named: Any) -> CaskError:
    with pytest.raises(CaskError) as error:
        call(*arguments, **named)
    return error.value


# ---------------------------------------------------------------- where
@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("127.0.0.1:8765", ("127.0.0.1", 8765)),
        ("8765", ("127.0.0.1", 8765)),
        ("localhost:1", ("127.0.0.1", 1)),
        ("[::1]:8765", ("::1", 8765)),
        ("0.0.0.0:0", ("0.0.0.0", 0)),
    ],
)
def test_an_address_is_a_host_with_a_port_and_loopback_without_one(said: str, place: tuple[str, int]) -> None:
    assert story.address(said) == place


@pytest.mark.parametrize(
    "said", ["", "nowhere", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1", "shop.example:80", "1.2.3:80", ":²"]
)
def test_what_is_no_address_is_refused(said: str) -> None:
    assert refused(story.address, said).code == "CASK-I010"


OPEN = Web("", token_file="t", public_url="https://tools.example.com", behind_proxy=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1"])
def test_the_loopback_address_takes_nothing_more(host: str) -> None:
    story.refuse_open(Web(""), host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "::ffff:192.168.1.7", "203.0.113.9"])
def test_an_address_that_others_reach_takes_tokens_a_url_and_tls(host: str) -> None:
    story.refuse_open(OPEN, host)
    story.refuse_open(replace(OPEN, behind_proxy=False, tls_cert="c", tls_key="k"), host)
    for lacks, option in (("token_file", "--token-file FILE"), ("public_url", "--public-url URL"), ("behind_proxy", "--behind-proxy")):
        error = refused(story.refuse_open, replace(OPEN, **{lacks: None if lacks != "behind_proxy" else False}), host)
        assert (error.code, error.exit) == ("CASK-H001", Exit.REFUSED)
        assert (error.mend or "").endswith(option)


def test_an_answer_in_two_pieces_does_not_wait_for_an_acknowledgement() -> None:
    with http_server.listening("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_that_is_taken_is_told() -> None:
    with http_server.listening("127.0.0.1", 0) as taken:
        error = refused(http_server.listening, "127.0.0.1", taken.getsockname()[1])
    assert error.code == "CASK-W001"
    assert "cannot listen on 127.0.0.1" in error.what


# ---------------------------------------------------------------- names
def test_host_and_origin_are_exact_with_their_port() -> None:
    hosts, origins = story.names("127.0.0.1", 8765, None, secure=False)
    assert hosts == {"127.0.0.1:8765", "localhost:8765"}
    assert origins == {"http://127.0.0.1:8765", "http://localhost:8765"}
    hosts, origins = story.names("::1", 80, None, secure=True)
    assert hosts == {"[::1]:80", "localhost:80"}
    assert origins == {"https://[::1]:80", "https://localhost:80"}


@pytest.mark.parametrize(
    ("url", "hosts", "origin"),
    [
        ("https://tools.example.com", {"tools.example.com", "tools.example.com:443"}, "https://tools.example.com"),
        ("https://Tools.Example.com:8443/mcp", {"tools.example.com:8443"}, "https://tools.example.com:8443"),
        ("http://10.0.0.1:80", {"10.0.0.1", "10.0.0.1:80"}, "http://10.0.0.1"),
        ("https://[2001:db8::1]", {"[2001:db8::1]", "[2001:db8::1]:443"}, "https://[2001:db8::1]"),
    ],
)
def test_the_public_url_adds_its_own_name(url: str, hosts: set[str], origin: str) -> None:
    both = story.names("0.0.0.0", 9, url, secure=True)
    assert both == (hosts | {"0.0.0.0:9"}, {origin, "https://0.0.0.0:9"})


@pytest.mark.parametrize(
    "url", ["", "tools.example.com", "ftp://x", "https://", "https://u:p@x", "https://x?q=1", "https://x:99999", "https://[x"]
)
def test_a_public_url_that_is_none_is_refused(url: str) -> None:
    assert refused(story.names, "127.0.0.1", 9, url, secure=False).code == "CASK-I010"


# ---------------------------------------------------------------- TLS
def test_certificate_and_key_go_together() -> None:
    assert story.tls_of(Web("")) is None
    assert story.tls_of(Web("", tls_cert="c", tls_key="k")) == Tls("c", "k")
    for one in (Web("", tls_cert="c"), Web("", tls_key="k")):
        assert refused(story.tls_of, one).code == "CASK-I010"


def test_a_certificate_that_cannot_be_used_is_refused_and_no_passphrase_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "c.pem").write_text("no certificate")
    for name in ("c.pem", "absent.pem"):
        path = str(tmp_path / name)
        assert refused(http_server._config, None, Tls(path, path)).code == "CASK-H002"


# ---------------------------------------------------------------- tokens
def test_a_new_token_is_shown_once_and_its_digest_kept_in_a_private_file(tmp_path: Path) -> None:
    here = world(tmp_path)
    assert story.new_token(here, name="ci", token_file="t.yaml", toolset=None) is Exit.CLEAN
    story.new_token(here, name="desk", token_file="t.yaml", toolset="support")
    first, second = here.console.printed  # type: ignore[attr-defined]
    rows = story.read_tokens(here, "t.yaml")
    assert tokens.caller(rows, first.encode()) == tokens.Caller("token ci", None)
    assert tokens.caller(rows, second.encode()) == tokens.Caller("token desk", frozenset({"support"}))
    assert os.stat(tmp_path / "t.yaml").st_mode & 0o777 == 0o600
    assert first not in (tmp_path / "t.yaml").read_text() + here.console.text  # type: ignore[attr-defined]


def test_a_token_under_a_name_that_is_there_takes_its_place(tmp_path: Path) -> None:
    here = world(tmp_path)
    for _ in range(2):
        story.new_token(here, name="ci", token_file="t.yaml", toolset=None)
    old, new = here.console.printed  # type: ignore[attr-defined]
    rows = story.read_tokens(here, "t.yaml")
    assert (tokens.caller(rows, old.encode()), len(rows)) == (None, 1)
    assert tokens.caller(rows, new.encode()) is not None


@pytest.mark.parametrize("name", ["", "No Name", "-x", "a" * 41, "a\n"])
def test_a_name_that_is_none_makes_no_token(tmp_path: Path, name: str) -> None:
    assert refused(story.new_token, world(tmp_path), name=name, token_file="t.yaml", toolset=None).code == "CASK-I010"
    assert list(tmp_path.iterdir()) == []


def test_a_token_needs_a_file(tmp_path: Path) -> None:
    assert refused(story.new_token, world(tmp_path), name="ci", token_file=None, toolset=None).code == "CASK-I010"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o601])
def test_a_file_that_others_may_touch_is_neither_read_nor_added_to(tmp_path: Path, mode: int) -> None:
    here = world(tmp_path)
    story.new_token(here, name="ci", token_file="t.yaml", toolset=None)
    (tmp_path / "t.yaml").chmod(mode)
    before = (tmp_path / "t.yaml").read_bytes()
    for error in (refused(story.read_tokens, here, "t.yaml"), refused(story.new_token, here, name="b", token_file="t.yaml", toolset=None)):
        assert (error.code, error.exit) == ("CASK-H003", Exit.REFUSED)
        assert (error.mend or "").startswith("chmod 600")
    assert (tmp_path / "t.yaml").read_bytes() == before


def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    here = world(tmp_path)
    story.new_token(here, name="ci", token_file="t.yaml", toolset=None)
    other = replace(here, uid=here.uid + 1)
    if here.uid != 0:
        assert refused(story.read_tokens, other, "t.yaml").code == "CASK-H003"
    else:
        os.chown(tmp_path / "t.yaml", 12345, 12345)
        assert refused(story.read_tokens, here, "t.yaml").code == "CASK-H003"


def test_a_file_without_a_token_and_no_file_at_all_are_refused(tmp_path: Path) -> None:
    here = world(tmp_path)
    (tmp_path / "t.yaml").write_text("tokens: []\n")
    (tmp_path / "t.yaml").chmod(0o600)
    assert refused(story.read_tokens, here, "t.yaml").code == "CASK-I010"
    assert refused(story.read_tokens, here, "none.yaml").code == "CASK-I002"


def test_without_a_file_a_terminal_is_shown_a_token_that_nothing_keeps(tmp_path: Path) -> None:
    person = ScriptedConsole()
    (row,) = story._taken(world(tmp_path, console=person), Web(""))
    token = person.text.rpartition("Bearer ")[2]
    assert tokens.caller((row,), token.encode()) == tokens.Caller("token terminal", None)
    assert list(tmp_path.iterdir()) == []


def test_without_a_file_and_a_terminal_nothing_is_served(tmp_path: Path) -> None:
    error = refused(story._taken, world(tmp_path), Web(""))
    assert (error.code, error.mend) == ("CASK-I010", "again --token-file FILE".replace("again", story.AGAIN))


def test_a_toolset_that_no_toolpack_has_is_named_with_its_token() -> None:
    files = packs.approved_pack()
    shop = surface(admit(files, pin=packs.PIN, condition=None, environment=None, at="2026-11-21T10:00:00Z"))

    class Fronted:
        surfaces = (nothing("refused"), shop)

    story.refuse_unknown(Fronted(), (ROW, ROW.model_copy(update={"name": "b", "toolsets": ("support",)})))  # type: ignore[arg-type]
    error = refused(story.refuse_unknown, Fronted(), (ROW.model_copy(update={"toolsets": ("support", "nowhere")}),))
    assert "the token of ci names the toolset `nowhere`" in error.what


def test_the_log_is_one_json_line_an_event_whatever_it_holds(tmp_path: Path) -> None:
    here = world(tmp_path)
    story.log(here)("two\nlines \x1b[31m \u202e")
    assert here.console.notes == [  # type: ignore[attr-defined]
        '{"at": "2026-11-21T12:00:00Z", "event": "log", "text": "two\\nlines \\u001b[31m \\u202e"}'
    ]


# ---------------------------------------------------------------- a token file that changes while it is served
class Told(list[tuple[str, dict[str, Any]]]):
    """What the log was told."""

    def __call__(self, event: str, **fields: Any) -> None:
        self.append((event, fields))


def kept(folder: Path, *names: str, mode: int = 0o600) -> Path:
    """The file, put in the place of the one before."""
    rows = [{"name": name, "sha256": tokens.digest(name.encode())} for name in names]
    path = folder / "new.yaml"
    path.write_text(json.dumps({"tokens": rows}))
    path.chmod(mode)
    return path.replace(folder / "tokens.yaml")


def on_disk(folder: Path) -> tuple[story.TokensOnDisk, Told]:
    kept(folder, "ci", "helpdesk")
    told = Told()
    return story.TokensOnDisk(world(folder), "tokens.yaml", story.read_tokens(world(folder), "tokens.yaml"), told), told


def test_a_token_that_is_taken_back_counts_no_more_and_a_new_one_does(tmp_path: Path) -> None:
    now, told = on_disk(tmp_path)
    assert [row.name for row in now()] == ["ci", "helpdesk"]
    kept(tmp_path, "ci", "another")
    assert [[row.name for row in now()] for _ in range(2)] == [["ci", "another"]] * 2
    assert told == [("tokens", {"tokens": ["ci", "another"]})]


@pytest.mark.parametrize("how", ["gone", "shared", "wrong", "empty"])
def test_a_token_file_that_cannot_be_followed_lets_nobody_in_until_it_is_mended(tmp_path: Path, how: str) -> None:
    now, told = on_disk(tmp_path)
    path = tmp_path / "tokens.yaml"
    spoil: dict[str, Any] = {
        "gone": path.unlink,
        "shared": lambda: path.chmod(0o644),
        "wrong": lambda: path.write_text("tokens: ["),
        "empty": lambda: path.write_text("tokens: []"),
    }
    spoil[how]()
    assert [now(), now()] == [(), ()]
    assert [fields["tokens"] for _, fields in told] == [[]]
    kept(tmp_path, "ci")
    assert [row.name for row in now()] == ["ci"]


def test_the_door_asks_for_the_tokens_of_the_moment() -> None:
    row = TokenRow(name="ci", sha256=tokens.digest(b"good"))
    rows: list[TokenRow] = [row]
    door = Door(frozenset({"h"}), frozenset(), (), lambda: tuple(rows))
    scope = {"headers": [(b"authorization", b"Bearer good")]}
    token = next(check for check in CHECKS if check.name == "token")
    assert token.passes(scope, door)
    rows.clear()
    assert not token.passes(scope, door)
    assert token.passes(scope, Door(frozenset(), frozenset(), (row,)))
