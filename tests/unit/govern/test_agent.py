"""An ssh-agent: a real one signs, and one that answers anything else is refused, in bounded time and size."""

import contextlib
import socket
import struct
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.govern import admit, agent, agentsocket, sign, sshsig
from caskmcp.govern.agent import Identity
from caskmcp.govern.verify import holds, pae, verified, verify_grant
from caskmcp.model.statement import Grant
from tests.support import packs
from tests.support.packs import T1
from tests.support.sshagent import RealAgent, make_key, needs_compiler, needs_openssh, run, ssh_agent
from tests.support.world import NOON

MESSAGE = b"what a person approved"


def refused(call: object, *args: object) -> CaskError:
    assert callable(call)
    with pytest.raises(CaskError) as caught:
        call(*args)
    return caught.value


# ---------------------------------------------------------------- a real one
@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys of several kinds, each called by its kind."""
    folder = tmp_path_factory.mktemp("made")
    make_key(folder / "ed25519")
    make_key(folder / "other")
    make_key(folder / "ecdsa", "ecdsa")
    return folder


@pytest.fixture
def real(made: Path) -> Iterator[RealAgent]:
    """An agent with an Ed25519 key and one of another kind."""
    with ssh_agent() as running:
        running.add(made / "ed25519")
        running.add(made / "ecdsa")
        yield running


def signer(real: RealAgent, wanted: str = "") -> agent.AgentSigner:
    wire = agentsocket.reach(real.environ)
    return agent.signer(wire, agent.chosen(agent.identities(wire), wanted, "alice"))


@needs_openssh
def test_a_key_that_a_real_agent_holds_signs(real: RealAgent) -> None:
    by = signer(real)
    assert (by.key.scheme, by.key.name) == ("ssh-ed25519", "alice")
    assert holds(by.key, "t", {"a": 1}, by.sign(pae("t", canon.dump({"a": 1}))))


@needs_openssh
def test_statements_roots_and_grants_are_signed_through_it_and_hold(real: RealAgent) -> None:
    by = signer(real)
    files = packs.with_roots(packs.pack_files(), sign.sign_root(packs.root(by), by))
    files = packs.approve(files, "tool:r", *packs.SHARED, by=by)
    served = admit.admit(files, pin=packs.pin_of(packs.root(by)), condition=None, environment=None, at=NOON)
    assert list(served.tools) == ["r"]
    grant = Grant(toolpack=packs.ID, challenge="c", tool="w", arguments="a", lock="l", caller="stdio", verdict="grant", key=by.id,
                  issued_at=NOON, not_after=NOON)  # fmt: skip
    assert verify_grant(sign.sign_grant(by, grant), served.confirmers, at=NOON) == grant
    with pytest.raises(CaskError, match="CASK-R006"):
        verify_grant(
            sign.sign_grant(by, grant).model_copy(update={"grant": grant.model_copy(update={"tool": "x"})}), served.confirmers, at=NOON
        )


@needs_openssh
def test_ssh_keygen_verifies_what_was_signed(real: RealAgent, tmp_path: Path) -> None:
    by = signer(real)
    (tmp_path / "allowed").write_text(sshsig.allowed_signer(by.key) + "\n")
    (tmp_path / "sig").write_text(sshsig.armoured(by.sign(MESSAGE)))
    verify = ("ssh-keygen", "-Y", "verify", "-f", tmp_path / "allowed", "-I", "alice", "-s", tmp_path / "sig")
    done = run(*verify, "-n", "caskmcp", stdin=MESSAGE)
    assert (done.returncode, done.stdout.decode()) == (
        0,
        f'Good "caskmcp" signature for alice with ED25519 key {sshsig.fingerprint(by.key)}\n',
    )
    assert run(*verify, "-n", "caskmcp", stdin=MESSAGE + b".").returncode != 0
    assert run(*verify, "-n", "git", stdin=MESSAGE).returncode != 0


@needs_openssh
def test_what_ssh_keygen_signs_through_the_agent_is_verified_here(real: RealAgent, made: Path, tmp_path: Path) -> None:
    done = run("ssh-keygen", "-q", "-Y", "sign", "-f", made / "ed25519.pub", "-n", "caskmcp", env=real.environ, stdin=MESSAGE)
    signature = "".join(done.stdout.decode().split("\n")[1:-2])
    assert verified(signer(real).key, MESSAGE, signature)
    assert signature == signer(real).sign(MESSAGE)  # Ed25519 gives one signature for one message


@needs_openssh
def test_a_key_is_found_by_its_fingerprint_or_its_comment(real: RealAgent, made: Path) -> None:
    real.add(made / "other")
    shown = run("ssh-keygen", "-lf", made / "other.pub").stdout.decode().split()[1]
    assert signer(real, "other").key == signer(real, shown).key
    assert sshsig.fingerprint(signer(real, "other").key) == shown
    several = refused(signer, real)
    assert (several.code, several.exit) == ("CASK-I001", 3)
    assert "(ssh-ed25519, ed25519)" in several.what
    assert "(ssh-ed25519, other)" in several.what


@needs_openssh
def test_another_kind_of_key_is_refused_by_its_name(real: RealAgent) -> None:
    error = refused(signer, real, "ecdsa")
    assert (error.code, error.exit) == ("CASK-K002", 4)
    assert "`ecdsa-sha2-nistp256`" in error.what


@needs_openssh
def test_a_key_that_the_agent_does_not_hold_is_told_with_those_that_it_holds(real: RealAgent) -> None:
    error = refused(signer, real, "nobody")
    assert (error.code, error.exit) == ("CASK-K007", 4)
    assert "no key `nobody`; it holds SHA256:" in error.what


@needs_openssh
def test_a_key_that_is_gone_signs_no_more(real: RealAgent) -> None:
    by = signer(real)
    real.forget()
    assert refused(by.sign, MESSAGE).code == "CASK-K007"
    assert refused(agent.signer, by.wire, by.key).what == "the ssh-agent holds no key, or it is locked"
    real.add(make_key(Path(tempfile.mkdtemp()) / "later"))
    gone = refused(agent.signer, by.wire, by.key)
    assert (gone.code, gone.mend) == ("CASK-K007", "ssh-add FILE")
    assert sshsig.fingerprint(by.key) in gone.what


@needs_openssh
def test_an_empty_agent_and_one_that_is_gone_are_told_apart() -> None:
    with ssh_agent() as running:
        wire = agentsocket.reach(running.environ)
        assert agent.identities(wire) == ()
        assert refused(agent.chosen, (), "", "alice").code == "CASK-K007"
    gone = refused(agent.identities, wire)
    assert (gone.code, gone.exit, gone.place) == ("CASK-K005", 5, str(running.socket))


@pytest.mark.parametrize("environ", [{}, {"SSH_AUTH_SOCK": ""}, {"SSH_AUTH_SOCK": "/nowhere/at/all"}, {"SSH_AUTH_SOCK": "/" + "x" * 200}])
def test_without_an_agent_there_is_none(environ: dict[str, str]) -> None:
    error = refused(lambda: agent.identities(agentsocket.reach(environ)))
    assert (error.code, error.exit, error.mend) == ("CASK-K005", 5, "ssh-add -l")


# ---------------------------------------------------------------- an authenticator
@needs_openssh
@needs_compiler
def test_an_authenticators_key_signs_through_the_agent_and_ssh_keygen_agrees(tmp_path: Path) -> None:
    with ssh_agent() as running:
        running.add(make_key(tmp_path / "touched", "ed25519-sk", "-O", "application=ssh:cask"))
        by = signer(running)
        signature = by.sign(MESSAGE)
    assert (by.key.scheme, by.key.application) == ("sk-ed25519", "ssh:cask")
    assert verified(by.key, MESSAGE, signature)
    (tmp_path / "allowed").write_text(sshsig.allowed_signer(by.key) + "\n")
    (tmp_path / "sig").write_text(sshsig.armoured(signature))
    verify = ("ssh-keygen", "-Y", "verify", "-f", tmp_path / "allowed", "-I", "alice", "-n", "caskmcp", "-s", tmp_path / "sig")
    assert run(*verify, stdin=MESSAGE).returncode == 0


@needs_openssh
@needs_compiler
def test_an_authenticator_that_was_not_touched_is_found_out_where_it_signs(tmp_path: Path) -> None:
    with ssh_agent() as running:
        running.add(make_key(tmp_path / "untouched", "ed25519-sk", "-O", "no-touch-required"))
        error = refused(signer(running).sign, MESSAGE)
    assert (error.code, error.exit) == ("CASK-K008", 4)
    assert "without anybody's presence" in error.what


# ---------------------------------------------------------------- one that answers anything
@contextmanager
def answering(*answers: bytes, hold: bool = False) -> Iterator[agentsocket.AgentSocket]:
    """A socket that gives one of the answers, as they are, to each connection, and then the last one for ever. hold: and does not hang up."""
    with tempfile.TemporaryDirectory(prefix="cask-agent-") as folder, socket.socket(socket.AF_UNIX) as server:
        path = f"{folder}/socket"
        server.bind(path)
        server.listen()
        kept: list[socket.socket] = []

        def serve() -> None:
            for turn in range(1000):
                try:
                    link, _ = server.accept()
                except OSError:
                    return  # the test is over
                link.recv(1 << 20)
                link.sendall(answers[min(turn, len(answers) - 1)])
                if hold:
                    kept.append(link)
                else:
                    link.close()

        threading.Thread(target=serve, daemon=True).start()
        yield agentsocket.AgentSocket(path)
        server.shutdown(socket.SHUT_RDWR)
        for link in kept:
            link.close()


def packed(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


def listed(*rows: tuple[bytes, bytes], count: int | None = None, more: bytes = b"") -> bytes:
    body = b"".join(sshsig.string(part) for row in rows for part in row)
    return packed(b"\x0c" + struct.pack(">I", len(rows) if count is None else count) + body + more)


KEY = T1.key.model_copy(update={"scheme": "ssh-ed25519", "name": "alice"})
HELD = listed((sshsig.blob(KEY), b"alice"))


@pytest.mark.parametrize(
    "answer",
    [b"", b"\0\0", b"\0\0\0\0", b"\xff\xff\xff\xff", struct.pack(">I", (256 << 10) + 1), packed(b"\x0c")[:-1], packed(b"\x0c"),
     packed(b"\x0c\0\0"), packed(b"\x06"), packed(b"HTTP/1.1 200 OK"), listed(count=1), listed(count=2049), listed(count=0xFFFFFFFF),
     listed((b"blob", b"x"), more=b"\0"), listed((b"blob", b"x"), count=2), packed(b"\x0c\0\0\0\x01\xff\xff\xff\xff" + b"x" * 99)],
)  # fmt: skip
def test_a_list_that_is_none_is_refused(answer: bytes) -> None:
    with answering(answer) as wire:
        error = refused(agent.identities, wire)
    assert (error.code, error.exit) == ("CASK-K006", 5)


def test_a_refusal_to_list_is_an_empty_list() -> None:
    with answering(packed(b"\x05")) as wire:
        assert agent.identities(wire) == ()


@pytest.mark.parametrize("answer", [b"", b"\0\0\0\x05\x0c"])
def test_an_agent_that_does_not_answer_in_time_is_given_up(answer: bytes) -> None:
    with answering(answer, hold=True) as wire:
        error = refused(wire.exchange, b"\x0b", 0.05)
    assert (error.code, error.what) == ("CASK-K006", "the ssh-agent's answer cannot be used: it did not answer within 0 seconds")


def test_an_agent_whose_answer_drips_has_the_same_time_for_all_of_it() -> None:
    """Each byte comes in time, all of them never: a limit for each read alone would wait for 200,000 bytes."""
    with tempfile.TemporaryDirectory(prefix="cask-agent-") as folder, socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{folder}/socket")
        server.listen()
        over = threading.Event()

        def drip() -> None:
            link, _ = server.accept()
            with link, contextlib.suppress(OSError):  # whoever gave up hung up
                link.sendall(struct.pack(">I", 200_000))
                while not over.wait(0.01):
                    link.sendall(b"x")

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        error = refused(agentsocket.AgentSocket(f"{folder}/socket").exchange, b"\x0b", 0.2)
        over.set()
        thread.join(timeout=10)
    assert error.code == "CASK-K006"


def made_by(other: bytes) -> bytes:
    """A signature in the right form, over something else."""
    return packed(b"\x0e" + sshsig.string(sshsig.string(b"ssh-ed25519") + sshsig.string(T1.private.sign(other))))


@pytest.mark.parametrize(
    ("answer", "code"),
    [(packed(b"\x05"), "CASK-K007"), (packed(b"\x0e"), "CASK-K006"), (packed(b"\x06"), "CASK-K006"), (HELD, "CASK-K006"),
     (packed(b"\x0e" + sshsig.string(b"")), "CASK-K008"), (packed(b"\x0e" + sshsig.string(b"x" * 83)), "CASK-K008"),
     (made_by(b"other"), "CASK-K008"), (made_by(MESSAGE), "CASK-K008"), (made_by(sshsig.framed(MESSAGE))[:-1], "CASK-K006"),
     (packed(made_by(sshsig.framed(MESSAGE))[4:] + b"\0"), "CASK-K008")],
)  # fmt: skip
def test_a_signature_that_is_none_is_never_kept(answer: bytes, code: str) -> None:
    with answering(HELD, answer) as wire:
        by = agent.signer(wire, KEY)
        assert refused(by.sign, MESSAGE).code == code


def test_without_the_look_at_it_a_false_signature_would_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent, "verified", lambda *_: True)
    with answering(HELD, made_by(b"other")) as wire:
        assert not verified(KEY, MESSAGE, agent.signer(wire, KEY).sign(MESSAGE))


def test_the_same_agent_is_believed_when_it_signs() -> None:
    with answering(HELD, made_by(sshsig.framed(MESSAGE))) as wire:
        assert verified(KEY, MESSAGE, agent.signer(wire, KEY).sign(MESSAGE))


def test_a_comment_cannot_write_on_the_terminal() -> None:
    with answering(listed((b"\0\0\0\7ssh-rsa", b"\x1b[2Jalice\xff"))) as wire:
        (row,) = agent.identities(wire)
    assert (row.comment, row.kind) == ("\\u{1b}[2Jalice\ufffd", "ssh-rsa")


def test_a_key_that_is_listed_twice_is_one() -> None:
    with answering(listed((sshsig.blob(KEY), b"one"), (sshsig.blob(KEY), b"two"))) as wire:
        assert [row.blob for row in agent.identities(wire)] == [sshsig.blob(KEY)]


def test_bytes_that_are_no_key_have_no_kind() -> None:
    assert [Identity(data, "").kind for data in (b"", b"\xff" * 9, b"\0\0\0\2\xff\xff")] == ["", "", ""]


def test_no_program_is_run_to_sign() -> None:
    """The socket alone is used: a `ssh-keygen` earlier on the PATH would be handed what is signed."""
    assert "subprocess" not in {name for module in (agent, agentsocket) for name in vars(module)}
