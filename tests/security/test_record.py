"""The record of decisions against somebody who may write where it lies: what he edits, removes, adds or moves is named.

He has the files and no key. What he can do unseen is tried as well, and is what the documentation says: cut the end of a segment that was not
sealed and that no later segment names, or remove the latest segment as a whole.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caskmcp import canon
from caskmcp.analyze import audit
from caskmcp.analyze.audit import Flaw
from caskmcp.govern import seal
from caskmcp.runtime import record
from caskmcp.store import segments
from caskmcp.store.files import LocalFiles
from caskmcp.store.segments import Segment
from tests.support.audited import edit, files, journal, written

MANY = 10_000


def looked(folder: Path) -> list[Flaw]:
    """What is found in a folder."""
    store = LocalFiles()
    known = seal.keys(store, folder)
    return list(audit.flaws(audit.read(row, lambda line: seal.unsound(line, known)) for row in segments.segments(store, folder)))


def places(found: list[Flaw]) -> list[int]:
    return [row.line for row in found]


# ---------------------------------------------------------------- one of ten thousand
@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One segment of 10,000 decisions: line 1 is the opening, line 10,002 the seal."""
    folder = tmp_path_factory.mktemp("long")
    limit, record.LARGEST = record.LARGEST, 64 << 20  # type: ignore[misc]
    try:
        written(folder, MANY)
    finally:
        record.LARGEST = limit  # type: ignore[misc]
    return folder


Lines = list[bytes]


def inverted(line: bytes) -> bytes:
    return line.replace(b'"verdict":"allow"', b'"verdict":"deny"')


def forged(lines: Lines, at: int) -> bytes:
    """A decision that fits after line `at` (from 1) as if it had been written there."""
    row = json.loads(lines[at])
    return canon.compact({**row, "tool": "forged", "sequence": at + 1, "prev": canon.digest_bytes(lines[at - 1])})


# fmt: off
EDITS: list[tuple[str, Callable[[Lines], Lines], int, str]] = [
    #  what                       how                                                                            named  says
    ("d-17: a middle line",       lambda it: it[:4999] + it[5000:],                                              5000, "1 line is missing before this one"),
    ("several lines",             lambda it: it[:4999] + it[5005:],                                              5000, "6 lines are missing before this one"),
    ("the first decision",        lambda it: it[:1] + it[2:],                                                    2, "1 line is missing"),
    ("the opening",               lambda it: it[1:],                                                             1, "does not begin with its opening"),
    ("the last before the seal",  lambda it: it[:-2] + it[-1:],                                                  10_001, "1 line is missing"),
    ("an edited line",            lambda it: [*it[:699], inverted(it[699]), *it[700:]],                      700, "the line was changed"),
    ("the last, edited",          lambda it: [*it[:-2], inverted(it[-2]), it[-1]],                               10_001, "the line was changed"),
    ("two that changed places",   lambda it: [*it[:299], it[300], it[299], *it[301:]],                       300, "added or moved"),
    ("a line from further up",    lambda it: [*it[:800], it[20], *it[800:]],                                   801, "added or moved"),
    ("a line from further down",  lambda it: [*it[:200], it[800], *it[200:]],                                 201, "added or moved"),
    ("a forged line that fits",   lambda it: [*it[:400], forged(it, 400), *it[400:]],                         401, "added or moved"),
    ("a forged line",             lambda it: [*it[:400], inverted(it[9]), *it[400:]],                          401, "added or moved"),
    ("a line cut short",          lambda it: [*it[:600], it[600][:40], *it[601:]],                            601, "the line is no record"),
    ("an empty line",             lambda it: [*it[:600], b"", *it[600:]],                                      601, "the line is no record"),
    ("a line after the seal",     lambda it: [*it, it[-2]],                                                      10_003, "after the seal"),
    ("a sequence",                lambda it: [*it[:100], it[100].replace(b'"sequence":101', b'"sequence":7'), *it[101:]], 101, "its sequence is 7"),
    ("a link",                    lambda it: [*it[:100], it[100].replace(b'"prev":"sha256:', b'"prev":"sha256:0'), *it[101:]], 101, "the line was changed"),
]
# fmt: on


@pytest.mark.parametrize(("change", "line", "says"), [row[1:] for row in EDITS], ids=[row[0] for row in EDITS])
def test_d17_one_of_ten_thousand_lines_is_named(long: Path, change: Callable[[Lines], Lines], line: int, says: str) -> None:
    (path,) = files(long)
    good = path.read_bytes()
    try:
        edit(path, change)
        ((segment, found, what),) = looked(long)
    finally:
        path.write_bytes(good)
    assert (segment, found) == (path.name, line)
    assert says in what


def test_the_record_as_it_was_written_has_no_flaw(long: Path) -> None:
    assert looked(long) == []


def test_d17_without_the_comparison_of_digests_a_removed_line_is_not_missed(long: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard taken out: whoever only counts what is there, takes what is there for all."""
    (path,) = files(long)
    good = path.read_bytes()
    follow = audit._follow

    def unguarded(reading: Any, number: int, raw: bytes) -> None:
        line = audit._line(reading, number, raw)
        reading.lines.append(line)

    try:
        edit(path, lambda lines: lines[:4999] + lines[5000:])
        monkeypatch.setattr(audit, "_follow", unguarded)
        assert looked(long) == []
        monkeypatch.setattr(audit, "_follow", follow)
        assert places(looked(long)) == [5000]
    finally:
        path.write_bytes(good)


# ---------------------------------------------------------------- all made anew, and other segments
def chained_anew(lines: Lines) -> Lines:
    """Each line linked to the one that now stands above it: everything but the signature can be made by anybody."""
    made: Lines = []
    for number, line in enumerate(lines, 1):
        row = json.loads(line) | {"sequence": number, "prev": canon.digest_bytes(made[-1]) if made else ""}
        if row.get("kind") == "seal":
            row["seal"] |= {"last": number - 1, "digest": row["prev"]}
        made.append(canon.compact(row))
    return made


def test_a_chain_that_was_made_anew_has_no_seal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, 9)
    edit(path, lambda lines: chained_anew(lines[:4] + lines[5:]))
    assert looked(tmp_path) == [Flaw(path.name, 10, "the seal does not hold: its signature does not hold")]
    monkeypatch.setattr(seal, "unsound", lambda *_: "")
    assert looked(tmp_path) == [], "without the signature it would pass"


def test_a_seal_of_another_segment_does_not_close_this_one(tmp_path: Path) -> None:
    one, two = written(tmp_path, 3, seed="one"), written(tmp_path, 3, seed="two")
    other = two.read_bytes().splitlines()[-1]
    edit(one, lambda lines: [*lines[:-1], other])
    assert {row.segment for row in looked(tmp_path)} == {one.name}


def test_a_chain_with_a_key_of_the_attackers_own_is_named_once_a_later_segment_rests_on_it(tmp_path: Path) -> None:
    """He makes a key, signs a history of his own, and lays the public half beside it: the next segment names another line."""
    ours = tmp_path / "ours"
    path = written(ours, 5, seed="one")
    written(ours, 1, seed="two")
    theirs = written(tmp_path / "theirs", 5, seed="theirs")
    public = next((tmp_path / "theirs").glob("*.pub.json"))
    (ours / public.name).write_bytes(public.read_bytes())
    body = [line.replace(theirs.name.encode(), path.name.encode()) for line in theirs.read_bytes().splitlines()]
    own = seal.RecordSealer(LocalFiles(), tmp_path / "theirs", journal(tmp_path)._entropy)
    lines = chained_anew(body)
    row = json.loads(lines[-1])
    row["signature"] = record.encoded(own.seal(canon.dump(row["seal"])))
    path.write_bytes(b"".join(line + b"\n" for line in [*lines[:-1], canon.compact(row)]))
    assert [(found.segment, found.line) for found in looked(ours)] == [(path.name, 7)]


def three(folder: Path) -> list[Path]:
    """Three servers, one after the other; the second was killed."""
    return [written(folder, 4, seed=name, closed=name != "b") for name in "abc"]


@pytest.mark.parametrize("gone", [0, 1])
def test_a_segment_that_is_gone_is_named_by_the_next_one(tmp_path: Path, gone: int) -> None:
    found = three(tmp_path)
    found[gone].unlink()
    (flaw,) = looked(tmp_path)
    assert (flaw.segment, flaw.line) == (found[gone].name, 0)
    assert flaw.what.endswith(f"is gone: {found[gone + 1].name} names it")


def test_a_segment_that_is_gone_in_the_middle_of_one_server_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "LARGEST", 2000)
    written(tmp_path, 20)
    found = files(tmp_path)
    found[1].unlink()
    assert [(row.segment, row.line) for row in looked(tmp_path)] == [(found[1].name, 0)]


def test_lines_cut_from_an_unsealed_end_are_named_if_a_later_segment_knows_them(tmp_path: Path) -> None:
    killed = three(tmp_path)[1]
    edit(killed, lambda lines: lines[:3])
    ((segment, line, what),) = looked(tmp_path)
    assert (segment, line) == (killed.name, 4)
    assert "names line 5" in what


def test_an_unsealed_segment_that_was_made_anew_is_named_if_a_later_one_knows_it(tmp_path: Path) -> None:
    killed = three(tmp_path)[1]
    edit(killed, lambda lines: chained_anew([lines[0], lines[1], inverted(lines[2]), *lines[3:]]))
    ((segment, line, what),) = looked(tmp_path)
    assert (segment, line) == (killed.name, 5)
    assert "another one than" in what


def test_an_incomplete_line_that_a_later_segment_knows_cannot_be_dropped(tmp_path: Path) -> None:
    killed = written(tmp_path, 2, seed="a", closed=False)
    whole = killed.read_bytes()
    killed.write_bytes(whole + b'{"at"')
    written(tmp_path, 1, seed="b")
    assert looked(tmp_path) == []
    killed.write_bytes(whole)
    assert [(row.segment, row.line) for row in looked(tmp_path)] == [(killed.name, 4)]


def test_a_seal_that_was_cut_off_is_missed_where_the_same_server_went_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "LARGEST", 2000)
    written(tmp_path, 8)
    first = files(tmp_path)[0]
    edit(first, lambda lines: lines[:-1])
    assert {row.segment for row in looked(tmp_path)} == {first.name}


def test_a_segment_under_another_name_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, 2)
    path.rename(tmp_path / "copy-0001.decisions.jsonl")
    assert [(row.segment, row.line) for row in looked(tmp_path)] == [("copy-0001.decisions.jsonl", 1)]


# ---------------------------------------------------------------- what cannot be seen
def test_the_limits_are_what_the_documentation_says(tmp_path: Path) -> None:
    last = written(tmp_path, 4, closed=False)
    edit(last, lambda lines: lines[:-2])
    assert looked(tmp_path) == [], "an unsealed end that nothing names"
    last.unlink()
    assert looked(tmp_path) == [], "the latest segment as a whole"


# ---------------------------------------------------------------- any edit
@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Segment]:
    folder = tmp_path_factory.mktemp("small")
    path = written(folder, 6)
    return folder, segments.read(LocalFiles(), path)


@settings(max_examples=300)
@given(data=st.data())
def test_any_single_edit_of_a_sealed_segment_is_found(small: tuple[Path, Segment], data: st.DataObject) -> None:
    """Bytes replaced, removed or added anywhere."""
    folder, good = small
    raw = b"".join(line + b"\n" for line in good.lines)
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, min(len(raw), start + 400)))
    new = data.draw(st.one_of(st.binary(max_size=8), st.sampled_from([b"\n", b'"', b"}\n{", b" "])))
    edited = raw[:start] + new + raw[end:]
    *whole, torn = edited.split(b"\n")
    known = seal.keys(LocalFiles(), folder)
    read = audit.read(Segment(good.name, tuple(whole), torn), lambda row: seal.unsound(row, known))
    sound = not read.flaws and read.sealed is not None and not read.torn
    assert sound is (edited == raw)


@settings(max_examples=150)
@given(order=st.permutations(range(8)), kept=st.integers(0, 8))
def test_lines_in_another_order_or_fewer_of_them_are_found(small: tuple[Path, Segment], order: list[int], kept: int) -> None:
    folder, good = small
    known = seal.keys(LocalFiles(), folder)
    chosen = tuple(good.lines[index] for index in order[:kept])
    read = audit.read(Segment(good.name, chosen, b""), lambda row: seal.unsound(row, known))
    whole = chosen == good.lines
    assert (not read.flaws and read.sealed is not None) is whole
    if not whole and chosen != good.lines[: len(chosen)]:
        assert read.flaws
