"""Private keys at rest: format, mode, name, passphrase. Real files, real bcrypt."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat, PublicFormat

from caskmcp.errors import CaskError
from caskmcp.govern import keys, sign
from caskmcp.store.files import LocalFiles
from tests.support.packs import T1, signer

FILES = LocalFiles()
WORD = "correct horse"
STATED = keys.ROUNDS
"""As the code has it: other tests make cheaper keys, and this is read before any of them runs."""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration folder with the key `alice`."""
    folder = tmp_path_factory.mktemp("config")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "ROUNDS", STATED)
        keys.save(FILES, folder, signer("alice"), WORD)
    return folder


def refused(call: object, *args: object) -> CaskError:
    assert callable(call)
    with pytest.raises(CaskError) as caught:
        call(*args)
    return caught.value


@pytest.mark.feature(55)
def test_a_key_that_was_saved_opens_with_its_passphrase_and_signs_as_before(config: Path) -> None:
    opened = keys.load(FILES, config, "alice", WORD)
    assert opened.id == signer("alice").id
    assert opened.private.sign(b"x") == signer("alice").private.sign(b"x")


def test_the_key_file_is_0600_in_a_folder_of_0700(config: Path) -> None:
    assert (config / "keys" / "alice").stat().st_mode & 0o777 == 0o600
    assert (config / "keys").stat().st_mode & 0o777 == 0o700


def test_ssh_keygen_reads_the_key_file(config: Path) -> None:
    path = config / "keys" / "alice"
    done = subprocess.run(["ssh-keygen", "-y", "-P", WORD, "-f", str(path)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[:2] == (config / "keys" / "alice.pub").read_text().split()[:2]
    wrong = subprocess.run(["ssh-keygen", "-y", "-P", "wrong", "-f", str(path)], capture_output=True, text=True, timeout=30)
    assert wrong.returncode != 0


def test_the_key_file_is_encrypted_with_64_rounds_of_bcrypt(config: Path) -> None:
    lines = (config / "keys" / "alice").read_text().splitlines()
    assert lines[0] == "-----BEGIN OPENSSH PRIVATE KEY-----"
    import base64

    blob = base64.b64decode("".join(lines[1:-1]))
    assert b"bcrypt" in blob[:60]
    options = blob[blob.index(b"bcrypt") + len(b"bcrypt") :]
    # string kdfoptions { string salt (16), uint32 rounds }
    assert int.from_bytes(options[4 + 4 + 16 : 4 + 4 + 16 + 4], "big") == 64


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o622, 0o601])
def test_a_key_that_others_can_read_signs_nothing(config: Path, mode: int) -> None:
    path = config / "keys" / "alice"
    path.chmod(mode)
    try:
        error = refused(keys.load, FILES, config, "alice", WORD)
    finally:
        path.chmod(0o600)
    assert (error.code, error.exit, error.mend) == ("CASK-K001", 4, f"chmod 600 {path}")


def test_a_key_in_a_folder_that_others_can_write_signs_nothing(config: Path) -> None:
    (config / "keys").chmod(0o777)
    try:
        assert refused(keys.load, FILES, config, "alice", WORD).code == "CASK-K001"
    finally:
        (config / "keys").chmod(0o700)


def test_a_wrong_passphrase_opens_nothing(config: Path) -> None:
    assert refused(keys.load, FILES, config, "alice", "wrong horse").code == "CASK-K002"
    assert refused(keys.load, FILES, config, "alice", "").code == "CASK-K002"


def test_a_key_that_is_not_there_is_named_with_the_mend(config: Path) -> None:
    error = refused(keys.load, FILES, config, "bob", WORD)
    assert (error.code, error.mend) == ("CASK-K004", "cask keys new bob")


def test_a_name_is_never_overwritten(config: Path) -> None:
    before = (config / "keys" / "alice").read_bytes()
    assert refused(keys.save, FILES, config, sign.signer(T1.private, "alice"), WORD).code == "CASK-K003"
    assert (config / "keys" / "alice").read_bytes() == before


@pytest.mark.parametrize("name", ["", "Alice", "a b", "../alice", "a/b", "a.pub", "é", "a" * 41, "-a", "a\n"])
def test_a_name_is_lower_case_letters_digits_and_dashes(tmp_path: Path, name: str) -> None:
    assert refused(keys.place, tmp_path, name).code == "CASK-I009"


def test_a_key_without_a_passphrase_is_not_written(tmp_path: Path) -> None:
    assert refused(keys.save, FILES, tmp_path, signer("bob"), "").code == "CASK-K002"
    assert not (tmp_path / "keys").exists()


def place(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "keys" / "bob"
    path.parent.mkdir(mode=0o700)
    path.write_bytes(data)
    path.chmod(0o600)
    return tmp_path


@pytest.mark.parametrize(
    "data", [b"", b"junk", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", b"\xff" * 99]
)
def test_a_damaged_key_file_is_an_error_and_no_traceback(tmp_path: Path, data: bytes) -> None:
    assert refused(keys.load, FILES, place(tmp_path, data), "bob", WORD).code == "CASK-K002"


def test_a_key_that_lies_there_without_a_passphrase_is_refused(tmp_path: Path) -> None:
    data = T1.private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    assert refused(keys.load, FILES, place(tmp_path, data), "bob", WORD).code == "CASK-K002"


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    other = generate_private_key(SECP256R1())
    data = other.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, BestAvailableEncryption(WORD.encode()))
    config = place(tmp_path, data)
    assert refused(keys.load, FILES, config, "bob", WORD).what == "bob is no Ed25519 key"
    (tmp_path / "keys" / "bob.pub").write_bytes(other.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))
    assert list(keys.listing(FILES, config)) == []


def test_keys_are_listed_by_name_and_strange_files_are_left_out(config: Path) -> None:
    (config / "keys" / "Notes.pub").write_text("ssh-ed25519 AAAA")
    (config / "keys" / "broken.pub").write_text("ssh-ed25519 AAAA")
    assert [key.name for key in keys.listing(FILES, config)] == ["alice"]


def test_a_public_key_alone_or_of_small_order_is_not_listed(tmp_path: Path) -> None:
    place(tmp_path, b"")
    (tmp_path / "keys" / "carol.pub").write_bytes(keys.public_line(signer("carol").key))
    weak = Ed25519PublicKey.from_public_bytes((1).to_bytes(32, "little"))
    (tmp_path / "keys" / "bob.pub").write_bytes(weak.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))
    assert list(keys.listing(FILES, tmp_path)) == []


def test_without_a_folder_no_key_is_listed(tmp_path: Path) -> None:
    assert list(keys.listing(FILES, tmp_path)) == []
