"""`cask keys` with an ssh-agent: a reference is made, listed, handed over, trusted, and signs an approval that OpenSSH verifies too."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.govern import admit, offer, pins, sign, sshsig, trust
from caskmcp.govern import keys as private
from caskmcp.model.trust import KeyReference
from caskmcp.ports import World
from caskmcp.store.layout import Pack
from caskmcp.workflows import amend, doctor, keyexport, keys, person
from caskmcp.workflows import trust as roots
from caskmcp.workflows.approve import sign_present
from tests.support import packs
from tests.support.packs import ID
from tests.support.sshagent import RealAgent, make_key, needs_compiler, needs_openssh, run, ssh_agent
from tests.support.world import NOON, ScriptedConsole, world

pytestmark = needs_openssh
NAMED = (f"Type `{ID}` to sign:", ID)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    return make_key(folder / "laptop")


@pytest.fixture
def real(made: Path) -> Iterator[RealAgent]:
    with ssh_agent() as running:
        running.add(made)
        yield running


def at(folder: Path, real: RealAgent | None, *answers: tuple[str, str], interactive: bool = True) -> World:
    """A person in a project; the agent as their session has it."""
    console = ScriptedConsole(answers, interactive=interactive)
    return world(folder / "project", console=console, environ=real.environ if real else {})


def refused(call: object) -> CaskError:
    assert callable(call)
    with pytest.raises(CaskError) as caught:
        call()
    return caught.value


def below(folder: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


# ---------------------------------------------------------------- a reference
def test_a_reference_holds_the_public_key_and_nothing_of_the_private_one(tmp_path: Path, real: RealAgent, made: Path) -> None:
    here = at(tmp_path, real)
    report = keys.new(here, name="alice", held="")
    where = private.place(here.config, "alice")
    assert not where.private.exists()
    record = KeyReference.from_json(where.reference.read_bytes(), "alice")
    assert (record.held_by, record.key.scheme, record.key.name) == ("ssh-agent", "ssh-ed25519", "alice")
    assert where.public.read_text().split()[:2] == made.with_name("laptop.pub").read_text().split()[:2]
    assert where.reference.stat().st_mode & 0o777 == 0o600
    assert report.summary["fingerprint"] == sshsig.fingerprint(record.key)
    assert b"PRIVATE" not in below(here.config)
    assert "ssh-add -c" in report.lines[1]


def test_no_passphrase_is_asked_for(tmp_path: Path, real: RealAgent) -> None:
    here = at(tmp_path, real)
    keys.new(here, name="alice", held="laptop")
    assert isinstance(here.console, ScriptedConsole)
    assert here.console.asked == []


def test_a_name_is_taken_by_a_reference_as_by_a_key_file(tmp_path: Path, real: RealAgent) -> None:
    here = at(tmp_path, real, *[("Passphrase for bob:", "word")] * 2)
    keys.new(here, name="alice", held="")
    assert refused(lambda: keys.new(here, name="alice", held="")).code == "CASK-K003"
    assert refused(lambda: keys.new(here, name="alice")).code == "CASK-K003"
    keys.new(here, name="bob")
    assert refused(lambda: keys.new(here, name="bob", held="")).code == "CASK-K003"


@pytest.mark.parametrize(("held", "code"), [("nobody", "CASK-K007"), (None, "CASK-K005")])
def test_where_the_agent_cannot_sign_nothing_is_written(tmp_path: Path, real: RealAgent, held: str | None, code: str) -> None:
    here = at(tmp_path, real if held else None)
    assert refused(lambda: keys.new(here, name="alice", held=held or "")).code == code
    assert not (here.config / "keys").exists()


@needs_compiler
def test_an_authenticators_key_that_signs_untouched_is_not_taken(tmp_path: Path) -> None:
    with ssh_agent() as running:
        running.add(make_key(tmp_path / "untouched", "ed25519-sk", "-O", "no-touch-required"))
        here = at(tmp_path, running)
        assert refused(lambda: keys.new(here, name="alice", held="")).code == "CASK-K008"
    assert not (here.config / "keys").exists()


@needs_compiler
def test_the_list_says_where_a_key_is_held_whether_it_is_hardware_and_its_roles(tmp_path: Path, real: RealAgent) -> None:
    real.add(make_key(tmp_path / "token", "ed25519-sk"))
    here = at(tmp_path, real, *[("Passphrase for bob:", "word")] * 2, ("Passphrase for bob:", "word"))
    packs.write(packs.pack_files(), here.cwd / ".caskmcp")
    keys.new(here, name="alice", held="laptop")
    keys.new(here, name="bob")
    keys.new(here, name="token", held="token")
    roots.init(here, key="bob", replace=False)
    rows = [
        (row["name"], row["scheme"], row["hardware"], row["held_by"], row["roles"])
        for row in keys.listing(at(tmp_path, None)).tables["keys"]
    ]
    assert rows == [
        ("alice", "ssh-ed25519", "no", "ssh-agent", []),
        ("bob", "ed25519", "no", "file", ["root", "approver", "confirmer"]),
        ("token", "sk-ed25519", "yes", "ssh-agent", []),
    ]


@pytest.mark.parametrize("data", [b"", b"{}", b'{"schema": "caskmcp/key-reference/2"}', b"\xff", "other", "weak", "own"])
def test_a_reference_that_is_damaged_is_told_and_signs_nothing(tmp_path: Path, real: RealAgent, data: bytes | str) -> None:
    here = at(tmp_path, real)
    keys.new(here, name="alice", held="")
    where = private.place(here.config, "alice")
    record = KeyReference.from_json(where.reference.read_bytes(), "alice")
    spoilt = {
        "other": {"name": "bob"},
        "weak": {"public": "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
        "own": {"scheme": "ed25519"},
    }
    if isinstance(data, str):
        data = record.model_copy(update={"key": record.key.model_copy(update=spoilt[data])}).model_dump_json(by_alias=True).encode()
    where.reference.write_bytes(data)
    assert refused(lambda: person.open_key(here, "alice")).code == "CASK-K002"
    assert keys.listing(here).tables["keys"] == ()


def test_a_reference_that_others_can_replace_signs_nothing(tmp_path: Path, real: RealAgent) -> None:
    here = at(tmp_path, real)
    keys.new(here, name="alice", held="")
    where = private.place(here.config, "alice")
    where.reference.chmod(0o622)
    assert refused(lambda: person.open_key(here, "alice")).mend == f"chmod 600 {where.reference}"
    (finding,) = keys.listing(here).findings
    assert finding.code == "CASK-K001"


def test_the_doctor_says_when_the_agent_lost_a_key(tmp_path: Path, real: RealAgent) -> None:
    here = at(tmp_path, real)
    keys.new(here, name="alice", held="")
    assert [row for row in doctor.run(here).findings if row.subject == "keys"] == []
    real.forget()
    assert [row.code for row in doctor.run(here).findings if row.subject == "keys"] == ["CASK-K007"]
    assert [row.code for row in doctor.run(replace(here, environ={})).findings if row.subject == "keys"] == ["CASK-K005"]


# ---------------------------------------------------------------- what it signs
def trusted(here: World) -> Pack:
    """A toolpack whose trust root is held by `alice`, with everything approved by it."""
    pack = packs.write(packs.pack_files(), here.cwd / ".caskmcp")
    by = person.open_key(here, "alice")
    roots.establish(here, pack, ID, by)
    sign_present(here, pack, by, basis="spec", leaving_out=(), reason="")
    return pack


def served(pack: Pack, here: World) -> list[str]:
    files = offer.read(here.files, pack)
    chain = trust.chain(files.roots, ID)
    return sorted(admit.admit(files, pin=packs.pin_of(chain.versions[0]), condition=None, environment=None, at=NOON).tools)


@pytest.mark.feature(55)
@pytest.mark.parametrize("kind", ["ed25519", pytest.param("ed25519-sk", marks=needs_compiler)])
def test_what_an_agents_key_approved_is_served_and_ssh_keygen_verifies_each_statement(tmp_path: Path, kind: str) -> None:
    with ssh_agent() as running:
        running.add(make_key(tmp_path / "key", kind))
        here = at(tmp_path, running)
        keys.new(here, name="alice", held="")
        pack = trusted(here)
    assert served(pack, here) == ["r", "w", "x"]
    report = keyexport.export(at(tmp_path, None, interactive=False), name="alice", statements="out")
    out = here.cwd / "out"
    assert [row["file"] for row in report.tables["statements"]] == [
        "auth+api.example.com.1.dsse", "env+local.1.dsse", "policy.1.dsse", "tool+r.1.dsse", "tool+w.1.dsse", "tool+x.1.dsse",
    ]  # fmt: skip
    for row in report.tables["statements"]:
        verify = (
            "ssh-keygen",
            "-Y",
            "verify",
            "-f",
            out / "allowed_signers",
            "-I",
            "alice",
            "-n",
            "caskmcp",
            "-s",
            out / f"{row['file']}.sig",
        )
        data = (out / row["file"]).read_bytes()
        assert data.startswith(b"DSSEv1 38 application/vnd.caskmcp.statement+json ")
        assert run(*verify, stdin=data).returncode == 0
        assert run(*verify, stdin=data.replace(b'"allow"', b'"block"')).returncode != 0


def test_an_agent_in_the_place_of_a_key_file_is_a_rotation(tmp_path: Path, real: RealAgent) -> None:
    here = at(tmp_path, real, *[("Passphrase for bob:", "word")] * 3, ("Passphrase for bob:", "word"), NAMED)
    packs.write(packs.pack_files(), here.cwd / ".caskmcp")
    keys.new(here, name="bob")
    roots.init(here, key="bob", replace=False)
    keys.new(here, name="alice", held="")
    keys.rotate(here, old="bob", to="alice")
    assert {row["name"]: row["roles"] for row in keys.listing(here).tables["keys"]} == {
        "alice": ["root", "approver", "confirmer"],
        "bob": [],
    }


# ---------------------------------------------------------------- handing it over
def test_a_public_key_is_exported_without_a_terminal(tmp_path: Path, real: RealAgent, made: Path) -> None:
    keys.new(at(tmp_path, real), name="alice", held="")
    there = at(tmp_path, None, interactive=False)
    kind, data, _ = made.with_name("laptop.pub").read_text().split()
    assert keyexport.export(there, name="alice").lines == (f"{kind} {data} alice",)
    assert keyexport.export(there, name="alice", allowed_signers=True).lines == (f'alice namespaces="caskmcp" {kind} {data}',)
    # The 32 bytes stand behind the length of the name, the name, and their own length.
    point = base64.b64encode(base64.b64decode(data)[19:]).decode()
    assert keyexport.export(there, name="alice").json_value()["key"] == {"scheme": "ssh-ed25519", "public": point, "name": "alice"}


def test_what_is_exported_as_json_is_what_a_trust_root_takes(tmp_path: Path, real: RealAgent) -> None:
    here = at(tmp_path, real)
    keys.new(here, name="alice", held="")
    data = here.files.read(private.place(here.config, "alice").reference)
    exported = tmp_path / "project" / "alice.json"
    exported.parent.mkdir(exist_ok=True)
    exported.write_text(json.dumps(keyexport.export(here, name="alice").json_value()))
    root = packs.root(packs.T1)
    packs.write(packs.with_roots(packs.pack_files(), sign.sign_root(root, packs.T1)), here.cwd / ".caskmcp")
    pins.write(here.files, here.config, packs.pin_of(root))
    changed = amend.changed(here, amend.at_desk(here), amend.Asked(add=("alice.json",), roles=("approver",)))
    assert [key for key in changed.keys.values() if key.name == "alice"] == [KeyReference.from_json(data, "alice").key]


def test_what_a_key_file_signed_is_not_for_ssh_keygen(tmp_path: Path) -> None:
    here = at(tmp_path, None, *[("Passphrase for bob:", "word")] * 2)
    keys.new(here, name="bob")
    assert refused(lambda: keyexport.export(here, name="bob", statements="out")).code == "CASK-K002"
    assert not (here.cwd / "out").exists()


def test_a_key_that_is_not_here_cannot_be_exported(tmp_path: Path) -> None:
    error = refused(lambda: keyexport.export(at(tmp_path, None), name="nobody"))
    assert (error.code, error.exit, error.mend) == ("CASK-K004", 3, "cask keys list")
