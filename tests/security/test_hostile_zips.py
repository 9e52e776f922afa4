"""Zips that lie, built by hand (d-15 and its relatives): each is refused before anything of it is unpacked, by the guard that stands
against it; without that guard and the comparison of the whole, each would be taken."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import nullcontext
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caskmcp.errors import CaskError
from caskmcp.store import archive
from tests.support.zips import FILE, Entry, Frame, zipped

LINK = 0o120777 << 16
A, B = Entry(b"a", b"first"), Entry(b"b", b"second")
GOOD = zipped(A, B)
PACKED = zlib.compress(b"x" * 100_000, wbits=-15)
BOMB = Entry(b"a", PACKED, method=8, size=100_000)


def named(name: bytes) -> bytes:
    return zipped(Entry(name, b"evil"))


class Hostile(NamedTuple):
    """One zip that lies."""

    name: str
    guard: str
    data: bytes


# fmt: off
HOSTILE = (
    Hostile("a way up",                            "names", named(b"../../evil")),
    Hostile("a way up in the middle",              "names", named(b"artifact/../../evil")),
    Hostile("a way up at the end",                 "names", named(b"artifact/..")),
    Hostile("a dot as part",                       "names", named(b"./evil")),
    Hostile("an absolute path",                    "names", named(b"/etc/passwd")),
    Hostile("two slashes",                         "names", named(b"artifact//evil")),
    Hostile("a folder",                            "names", zipped(Entry(b"artifact/"))),
    Hostile("no name",                             "names", named(b"")),
    Hostile("a drive",                             "names", named(b"C:evil")),
    Hostile("a drive with a path",                 "names", named(b"C:/evil")),
    Hostile("backslashes",                         "names", named(b"..\\..\\evil")),
    Hostile("a share",                             "names", named(b"\\\\host\\share")),
    Hostile("a NUL that ends the name",            "names", named(b"tools.json\0.exe")),
    Hostile("a stream of another file",            "names", named(b"tools.json:evil")),
    Hostile("a device",                            "names", named(b"artifact/con.json")),
    Hostile("a dot at the end",                    "names", named(b"artifact/tools.json.")),
    Hostile("a space at the end",                  "names", named(b"artifact/tools.json ")),
    Hostile("a hidden file",                       "names", named(b"artifact/.netrc")),
    Hostile("a home",                              "names", named(b"~/evil")),
    Hostile("a line end",                          "names", named(b"tools.json\n")),
    Hostile("letters beyond ASCII",                "names", named("artifact/t\u043e\u043els.json".encode())),
    Hostile("slashes of full width",               "names", named("..\uff0fevil".encode())),
    Hostile("two bytes for a slash",               "names", named(b"..\xc0\xafevil")),
    Hostile("text that runs backwards",            "names", named("artifact/\u202egnp.sh".encode())),
    Hostile("many folders",                        "names", named(b"a/" * 40 + b"b")),
    Hostile("a long name",                         "names", named(b"a" * 201)),
    Hostile("one name twice",                      "once", zipped(A, Entry(b"a", b"another"))),
    Hostile("one name in two cases",               "once", zipped(Entry(b"TOOLS.json", b"1"), Entry(b"tools.json", b"2"))),
    Hostile("a member below a file",               "folders", zipped(A, Entry(b"a/b", b"1"))),
    Hostile("a link",                              "kind", zipped(Entry(b"a", b"/etc/passwd", external=LINK))),
    Hostile("a device node",                       "kind", zipped(Entry(b"a", external=0o020666 << 16))),
    Hostile("a pipe",                              "kind", zipped(Entry(b"a", external=0o010644 << 16))),
    Hostile("a program",                           "kind", zipped(Entry(b"a", external=0o100755 << 16))),
    Hostile("a program with its owner's rights",   "kind", zipped(Entry(b"a", external=0o104755 << 16))),
    Hostile("a folder by its mode",                "kind", zipped(Entry(b"a", external=0o040755 << 16 | 0x10))),
    Hostile("another system",                      "kind", zipped(Entry(b"a", system=0))),
    Hostile("an encrypted member",                 "flags", zipped(Entry(b"a", b"secret", flags=1))),
    Hostile("strong encryption",                   "flags", zipped(Entry(b"a", b"secret", flags=0x41))),
    Hostile("sizes that follow the data",          "flags", zipped(Entry(b"a", b"first", flags=8))),
    Hostile("a name said to be Unicode",           "flags", zipped(Entry(b"a", flags=0x800))),
    Hostile("a masked directory",                  "flags", zipped(Entry(b"a", flags=0x2000))),
    Hostile("a packed member",                     "stored", zipped(BOMB)),
    Hostile("a packed member of another kind",     "stored", zipped(Entry(b"a", b"first", method=14))),
    Hostile("a size that is not that of the data", "stored", zipped(Entry(b"a", b"first", size=1 << 30))),
    Hostile("another name in its own header",      "stated twice", zipped(Entry(b"a", b"first", own={"name": b"../../evil"}))),
    Hostile("another size in its own header",      "stated twice", zipped(Entry(b"a", b"first", own={"size": 1}))),
    Hostile("another checksum in its own header",  "stated twice", zipped(Entry(b"a", b"first", own={"crc": 1}))),
    Hostile("another method in its own header",    "stated twice", zipped(Entry(b"a", b"first", own={"method": 8}))),
    Hostile("flags in its own header",             "stated twice", zipped(Entry(b"a", b"first", own={"flags": 1}))),
    Hostile("extra fields",                        "extra fields", zipped(Entry(b"a", extra=b"up\x05\0\1evil"))),
    Hostile("extra fields in its own header",      "extra fields", zipped(Entry(b"a", own_extra=b"\x75\x78\0\0"))),
    Hostile("a member's comment",                  "extra fields", zipped(Entry(b"a", comment=b"run me"))),
    Hostile("a member on another disk",            "extra fields", zipped(Entry(b"a", disk=1))),
    Hostile("a time",                              "time", zipped(Entry(b"a", time=1, date=0x5D75))),
    Hostile("something before its beginning",      "layout", zipped(Entry(b"a", b"first", before=b"#!/bin/sh\nevil\n"))),
    Hostile("something between two members",       "layout", zipped(A, Entry(b"b", b"second", before=b"unlisted"))),
    Hostile("something before the directory",      "layout", zipped(A, frame=Frame(before_directory=b"unlisted"))),
    Hostile("something after the directory",       "layout", zipped(A, frame=Frame(before_end=b"unlisted"))),
    Hostile("a member that the directory leaves out", "layout", zipped(A, frame=Frame(before_directory=B.header() + B.data))),
    Hostile("two members that share bytes",        "layout", zipped(A, Entry(b"b", b"", offset=0, own={"name": b"b"}))),
    Hostile("something after its end",             "end", GOOD + b"unlisted"),
    Hostile("a comment at its end",                "end", zipped(A, frame=Frame(comment=b"unlisted"))),
    Hostile("a part of several",                   "end", zipped(A, frame=Frame(disks=(1, 0)))),
    Hostile("another number of members",           "end", zipped(A, B, frame=Frame(counts=(1, 2)))),
)
# fmt: on


def without(*names: str) -> tuple[archive.Guard, ...]:
    return tuple(guard for guard in archive.GUARDS if guard.name not in names)


@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case.name)
def test_a_zip_that_lies_is_refused_by_the_guard_that_stands_against_it(case: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CaskError) as refused:
        archive.unpack(case.data)
    assert refused.value.code == "CASK-P002"
    # By that guard, not by another that happens to stand before it, and also without the last, which knows nothing but one form.
    monkeypatch.setattr(archive, "GUARDS", tuple(guard for guard in archive.GUARDS if guard.name == case.guard))
    with pytest.raises(CaskError, match=rf"\({case.guard}\)"):
        archive.unpack(case.data)
    monkeypatch.setattr(archive, "GUARDS", tuple(guard for guard in archive.GUARDS if guard.name == case.guard)[1:])
    assert archive.unpack(case.data)


@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case.name)
def test_what_each_guard_would_have_to_find_the_comparison_of_the_whole_finds_too(case: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for what `zipfile` writes as well: names are for the guards of names."""
    monkeypatch.setattr(
        archive, "GUARDS", tuple(guard for guard in archive.GUARDS if guard.name in ("one form", "names", "once", "folders"))
    )
    with pytest.raises(CaskError):
        archive.unpack(case.data)


def test_the_good_one_is_taken_and_is_what_we_write() -> None:
    assert archive.unpack(GOOD) == {"a": b"first", "b": b"second"}
    assert archive.pack({"b": b"second", "a": b"first"}) == GOOD


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("nothing", b""),
        ("no zip", b"this is no zip" * 10),
        ("a beginning without an end", GOOD[:40]),
        ("an end alone that names members", GOOD[-22:]),
        ("cut in the middle of the directory", GOOD[:60] + GOOD[-22:]),
        ("a directory beyond the end", zipped(A, frame=Frame(directory=1 << 31))),
        ("members beyond the end", zipped(Entry(b"a", b"first", packed=1 << 30, own={"packed": 5}))),
        ("a member in the middle of another", zipped(A, Entry(b"b", b"", offset=7))),
        ("more members than there are", zipped(A, frame=Frame(counts=(60_000, 60_000)))),
        ("an end within the end", GOOD[:-10] + b"PK\5\6"),
        ("64 bits", zipped(Entry(b"a", b"first", packed=0xFFFFFFFF, size=0xFFFFFFFF))),
        ("another checksum", zipped(Entry(b"a", b"first", crc=1))),
    ],
)
def test_a_zip_that_is_broken_is_bad_input(name: str, data: bytes) -> None:
    with pytest.raises(CaskError) as refused:
        archive.unpack(data)
    assert (refused.value.code, int(refused.value.exit)) == ("CASK-P001", 3)


def test_without_the_comparison_of_checksums_a_changed_byte_would_be_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = zipped(Entry(b"a", b"first", crc=1))
    monkeypatch.setattr(archive, "GUARDS", without("checksum", "one form"))
    assert archive.unpack(changed) == {"a": b"first"}


def changed_bytes() -> Iterator[bytes]:
    for at in range(len(GOOD)):
        yield GOOD[:at] + bytes((GOOD[at] ^ 0x20,)) + GOOD[at + 1 :]


def test_a_change_of_any_byte_is_refused() -> None:
    for data in changed_bytes():
        with pytest.raises(CaskError) as refused:
            archive.unpack(data)
        assert refused.value.code in ("CASK-P001", "CASK-P002")


def test_what_is_too_much_is_refused_in_number_and_in_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST", 1)
    with pytest.raises(CaskError, match="number of members"):
        archive.unpack(GOOD)
    monkeypatch.setattr(archive, "MOST", 2)
    assert len(archive.unpack(GOOD)) == 2
    monkeypatch.setattr(archive, "MEMBER", 5)
    with pytest.raises(CaskError, match="size"):
        archive.unpack(GOOD)
    monkeypatch.setattr(archive, "MEMBER", 6)
    monkeypatch.setattr(archive, "LIMIT", len(GOOD) - 1)
    with pytest.raises(CaskError, match="size"):
        archive.unpack(GOOD)
    monkeypatch.setattr(archive, "LIMIT", len(GOOD))
    assert len(archive.unpack(GOOD)) == 2


def test_another_order_of_members_is_another_form() -> None:
    with pytest.raises(CaskError, match="one form"):
        archive.unpack(zipped(B, A))


def test_python_s_own_reader_takes_what_ours_refuses() -> None:
    """Why there is a reader of our own: this one answers names that lead out, and two members of one name, without a word."""
    with zipfile.ZipFile(io.BytesIO(named(b"../../evil"))) as found:
        assert found.namelist() == ["../../evil"]
    with zipfile.ZipFile(io.BytesIO(b"#!/bin/sh\n" + GOOD)) as found:
        assert found.read("a") == b"first"


@pytest.mark.parametrize("name", ["../evil", "a//b", "con", "", "a" * 201, "a/b/c/d/e", "ä"])
def test_we_do_not_write_what_we_would_not_read(name: str) -> None:
    with pytest.raises(CaskError, match="CASK-P002"):
        archive.pack({name: b"1"})


def test_the_form_is_fixed_to_the_byte() -> None:
    """Written out: another Python, another zlib or another clock must not change it."""
    header = b"PK\3\4" + bytes.fromhex("1400 0000 0000 0000 2100") + struct.pack("<3L2H", zlib.crc32(b"hi"), 2, 2, 1, 0) + b"a" + b"hi"
    row = (
        b"PK\1\2"
        + bytes.fromhex("1403 1400 0000 0000 0000 2100")
        + struct.pack("<3L5H2L", zlib.crc32(b"hi"), 2, 2, 1, 0, 0, 0, 0, FILE, 0)
        + b"a"
    )
    end = b"PK\5\6" + struct.pack("<4H2LH", 0, 0, 1, 1, len(row), len(header), 0)
    assert archive.pack({"a": b"hi"}) == header + row + end


NAMES = st.from_regex(r"[a-z0-9]{1,8}(/[a-z0-9_]{1,8}){0,2}", fullmatch=True).filter(archive.is_name)


@settings(max_examples=30)
@given(st.dictionaries(NAMES, st.binary(max_size=50), max_size=6))
def test_what_is_packed_is_unpacked(members: dict[str, bytes]) -> None:
    below = any(name.startswith(f"{other}/") for name in members for other in members)
    with pytest.raises(CaskError, match="folders") if below else nullcontext():
        assert archive.unpack(archive.pack(members)) == members


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_stumble(data: bytes) -> None:
    for body in (data, data * 3 + b"PK\5\6", GOOD[:20] + data + GOOD[20:], data + GOOD, GOOD[:-22] + data + GOOD[-22:]):
        if body != GOOD:
            with pytest.raises(CaskError, match=r"CASK-P00[12]"):
                archive.unpack(body)
