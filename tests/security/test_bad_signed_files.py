"""Files of a toolpack and of the pin that are no such files: refused with code, place and mend, in bounded time and memory, and nothing is served.

Every way to spoil a file is tried on every file that the door reads, and on the approved content that a reviewer reads. What is only written
in another way (a byte order mark, other line ends) is served as before.
"""

import json
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from caskmcp import canon, text
from caskmcp.errors import CaskError, Exit
from caskmcp.govern import content, lockfile, offer, pins, statements
from caskmcp.govern.admit import admit
from caskmcp.store.files import LocalFiles
from caskmcp.store.layout import Pack
from tests.support import packs
from tests.support.packs import PIN
from tests.support.patience import soon
from tests.support.world import NOON

GOOD: Final = packs.approved_pack()
CONTENT: Final = dict(offer.parse(GOOD).contents["tool:r"])


@dataclass(frozen=True)
class Shelf:
    """A toolpack and a pin on disk."""

    pack: Pack
    config: Path

    def path(self, role: str) -> Path:
        return {
            "lock": self.pack.lock,
            "root": self.pack.trust_root(1),
            "pin": pins.place(self.config, "shop"),
            "content": self.pack.content(canon.digest(CONTENT)),
            "handoff": self.pack.toolpack,
            "tools": self.pack.artifact("tools.json"),
            "policy": self.pack.artifact("policy.yaml"),
            "auth": self.pack.artifact("auth.yaml"),
        }[role]

    def served(self) -> list[str]:
        """What comes through the door, after the content was read as a reviewer reads it."""
        files = LocalFiles()
        content.read(files, self.pack, canon.digest(CONTENT))
        pin = pins.stored(files, self.config, "shop")
        return list(admit(offer.read(files, self.pack), pin=pin, condition=None, environment=None, at=NOON).tools)

    def refusal(self) -> CaskError:
        with pytest.raises(CaskError) as caught:
            self.served()
        return caught.value


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    pack = packs.write(GOOD, tmp_path / ".caskmcp")
    content.keep(LocalFiles(), pack, CONTENT)
    pins.write(LocalFiles(), tmp_path / "config", PIN)
    return Shelf(pack, tmp_path / "config")


# ---------------------------------------------------------------- ways to spoil any file
Spoil = Callable[[bytes], bytes]
LAUGHS: Final = b"a: &a [x, x, x]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\nd: [*c, *c, *c]\n"

ANY: Final[dict[str, Spoil]] = {
    "empty": lambda data: b"",
    "a list": lambda data: b"[]",
    "a number": lambda data: b"42",
    "null": lambda data: b"null",
    "half of it": lambda data: data[: len(data) // 2],
    "not UTF-8": lambda data: data.replace(b"shop", b"sh\xffp", 1) if b"shop" in data else b"\xff" + data,
    "UTF-16": lambda data: data.decode().encode("utf-16"),
    "a NUL": lambda data: data[:5] + b"\x00" + data[5:],
    "nested deep": lambda data: b"[" * 100_000,
    "nested deeper than read": lambda data: b'{"a": ' * 70 + b"1" + b"}" * 70,
    "text after it": lambda data: data + b"]",
}
YAML: Final[dict[str, Spoil]] = {
    "a key that stands twice": lambda data: data + data.splitlines(keepends=True)[-1],
    "an anchor": lambda data: data + b"more: &a x\nagain: *a\n",
    "a bomb of aliases": lambda data: LAUGHS,
    "a tag that calls": lambda data: data + b"more: !!python/object/apply:os.system [exit]\n",
    "a tag of nobody": lambda data: data + b"more: !mine x\n",
    "a merge": lambda data: data + b"<<: {more: 1}\n",
    "tabs": lambda data: data + b"\tmore: x\n",
    "two documents": lambda data: data + b"---\n" + data,
    "one more key": lambda data: data + b"more: 1\n",
}
JSON_: Final[dict[str, Spoil]] = {
    "a key that stands twice": lambda data: data.replace(b"{", b'{"toolpack": "other", "toolpack": "shop", ', 1),
    "NaN": lambda data: data.replace(b"{", b'{"more": NaN, ', 1),
    "a comment": lambda data: b"// x\n" + data,
    "one more key": lambda data: data.replace(b"{", b'{"more": 1, ', 1),
}
# What is neither said to be served nor refused as a whole but takes one tool away is tried in `test_every_byte.py`.
ROLES: Final[dict[str, tuple[str, dict[str, Spoil], str]]] = {
    #          code         further ways  what the place begins with
    "lock":    ("CASK-L001", YAML, "caskmcp.lock.yaml"),
    "root":    ("CASK-T003", JSON_, "trust/1.root.json"),
    "pin":     ("CASK-T007", JSON_, "/"),
    "content": ("CASK-L004", JSON_, ""),
    "handoff": ("CASK-L002", YAML, ""),
    "tools":   ("CASK-L002", JSON_, "tools.json"),
    "policy":  ("CASK-L002", YAML, "policy.yaml"),
    "auth":    ("CASK-L002", YAML, "auth.yaml"),
}  # fmt: skip
EXIT: Final = {"CASK-L001": 4, "CASK-T003": 4, "CASK-T007": 4, "CASK-L004": 4, "CASK-L002": 4}


@pytest.mark.parametrize("role", ROLES)
def test_a_file_that_is_none_is_refused_with_place_and_mend_however_it_is_spoilt(role: str, shelf: Shelf) -> None:
    code, more, place = ROLES[role]
    path = shelf.path(role)
    good = path.read_bytes()
    for name, spoil in {**ANY, **more}.items():
        path.write_bytes(spoil(good))
        error = shelf.refusal()
        assert (error.code, int(error.exit)) == (code, EXIT[code]), (name, error)
        assert (error.place or "").startswith(place), (name, error)
        assert error.place, (name, error)
        assert error.mend, (name, error)
        assert "\n" not in error.what, (name, error)
    path.write_bytes(good)
    assert shelf.served() == ["r", "w"]


def test_what_a_tag_would_have_called_is_not_called(shelf: Shelf, tmp_path: Path) -> None:
    path = shelf.path("lock")
    path.write_bytes(path.read_bytes() + f"more: !!python/object/apply:os.mkdir [{tmp_path}/called]\n".encode())
    assert shelf.refusal().code == "CASK-L001"
    assert not (tmp_path / "called").exists()


@pytest.mark.parametrize("role", ["lock", "handoff", "tools", "policy", "auth", "pin", "root"])
def test_a_file_of_another_version_is_refused_and_says_which_is_read(role: str, shelf: Shelf) -> None:
    path = shelf.path(role)
    good = path.read_bytes()
    for version in (b"/2", b"/99", b"/0", b"/one"):
        later = good.replace(b"/1", version, 1)
        assert later != good
        path.write_bytes(later)
        error = shelf.refusal()
        assert error.exit in (Exit.INPUT, Exit.REFUSED), (version, error)
        assert error.mend, (version, error)
        assert error.place, (version, error)


@pytest.mark.parametrize("role", ["lock", "handoff", "pin", "root"])
def test_a_file_of_another_toolpack_is_refused(role: str, shelf: Shelf) -> None:
    path = shelf.path(role)
    good = path.read_bytes()
    # In the lock the last one: the others stand in statements, and each takes its own subject alone.
    path.write_bytes(b"other".join(good.rsplit(b"shop", 1)) if role == "lock" else good.replace(b"shop", b"other", 1))
    error = shelf.refusal()
    assert error.exit == Exit.REFUSED
    assert error.place
    assert error.mend


@pytest.mark.parametrize("role", ROLES)
def test_a_byte_order_mark_and_other_line_ends_change_nothing(role: str, shelf: Shelf) -> None:
    path = shelf.path(role)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert shelf.served() == ["r", "w"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"sequence: 1\n", b'sequence: "1"\n'),
        (b"sequence: 1\n", b"sequence: 1.0\n"),
        (b"sequence: 1\n", b"sequence: true\n"),
        (b"sequence: 1\n", b"sequence: -1\n"),
        (b"sequence: 1\n", b"sequence: 99999999999999999999\n"),
        (b"root_version: 1\n", b'root_version: "1"\n'),
        (b"verdict: allow\n", b"verdict: Allow\n"),
        (b'issued_at: "2026-11-20T09:00:00Z"\n', b"issued_at: 2026-11-20\n"),
    ],
)
def test_a_value_of_another_type_in_a_statement_takes_its_subject_alone(old: bytes, new: bytes, shelf: Shelf) -> None:
    path = shelf.path("lock")
    before, after = path.read_bytes().split(b'"tool:r":', 1)
    assert old in after
    path.write_bytes(before + b'"tool:r":' + after.replace(old, new, 1))
    assert shelf.served() == ["w"]


# ---------------------------------------------------------------- size
@pytest.mark.parametrize("role", ROLES)
def test_a_file_of_100_megabytes_is_refused_without_being_read(role: str, shelf: Shelf) -> None:
    with shelf.path(role).open("r+b") as file:
        file.truncate(100 << 20)
    tracemalloc.start()
    try:
        error = shelf.refusal()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert error.exit in (Exit.INPUT, Exit.REFUSED), error
    assert error.mend, error
    assert peak < 40 << 20, "less than what is read at most, and nothing was made of it"


def test_a_million_statements_on_one_subject_are_refused_before_they_are_composed(monkeypatch: pytest.MonkeyPatch) -> None:
    many = b'schema: caskmcp/lock/1\nsubjects: {"tool:r": [' + b"{}," * 1_000_000 + b"]}\ntoolpack: shop\n"
    composed: list[int] = []
    compose = text.yaml.compose
    monkeypatch.setattr(text.yaml, "compose", lambda data, **how: composed.append(len(data)) or compose(data, **how))
    with pytest.raises(CaskError) as caught, soon():
        lockfile.read(many, "shop")
    assert (caught.value.code, caught.value.place) == ("CASK-L001", "caskmcp.lock.yaml:2")
    assert "more than 500000 values" in caught.value.what
    assert composed == []
    few = many.replace(b"{}," * 1_000_000, b"{}," * 1000)
    monkeypatch.setattr(lockfile, "VALUES", 1000)
    with pytest.raises(CaskError):
        lockfile.read(few, "shop")
    monkeypatch.setattr(lockfile, "VALUES", 2000)
    assert lockfile.read(few, "shop").broken.keys() == {"tool:r"}, "without the bound it is read"
    assert composed == [len(few)]


def test_a_lock_of_ten_thousand_approvals_is_well_below_the_bound() -> None:
    one = text.dump_yaml({"schema": "caskmcp/lock/1", "toolpack": "shop", "subjects": packs.lock_value(GOOD)["subjects"]})
    document = text.parse_yaml(one, "lock")
    statements_ = sum(len(rows) for rows in document.value["subjects"].values())
    values = sum(isinstance(event, text.yaml.NodeEvent) for event in text.yaml.parse(one))
    assert 10_000 * values / statements_ < lockfile.VALUES


def test_one_statement_that_stands_there_ten_thousand_times_is_looked_at_once_each() -> None:
    said = packs.statement(GOOD, "tool:r", packs.T1)
    with soon():
        assert len(statements._latest([said] * 60_000)) == 60_000


def test_a_key_that_stands_twice_among_many_is_found_at_once() -> None:
    keys = ",".join(f'"k{number}":0' for number in range(200_000))
    with soon(), pytest.raises(CaskError) as caught:
        text.parse_json(f'{{{keys},"k199999":1}}'.encode(), "tools.json")
    assert caught.value.what == "the key `k199999` stands twice"


def test_a_root_and_a_pin_with_many_keys_are_read_or_refused_at_once(shelf: Shelf) -> None:
    path = shelf.path("pin")
    value = json.loads(path.read_bytes())
    value["sequences"] = {f"tool:t{number}": {f"sha256:{number:064x}": number} for number in range(20_000)}
    path.write_bytes(json.dumps(value).encode())
    with soon():
        assert shelf.served() == ["r", "w"]
