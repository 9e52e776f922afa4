"""Sessions over parts: one id a session, made of what it called, whoever recorded it and however the recording was cut."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from caskmcp.compiler.normalize import sessions
from caskmcp.compiler.normalize.sessions import SESSIONS, VISITS

Part = dict[str, Any]


def part(rows: int = 4, **visits: list[int]) -> Part:
    return {"kind": "traffic", "rows": [{"path": index} for index in range(rows)], **({VISITS: visits} if visits else {})}


def settled(parts: dict[str, Part], committed: dict[str, Part] | None = None) -> dict[str, Part]:
    """All parts with their sessions. committed: what lies in the repository."""
    merged = {**(committed or {}), **parts}
    sessions.settle(merged, committed or {})
    return merged


def called(parts: dict[str, Part]) -> list[tuple[list[str], int]]:
    """The coverage of operations that are called as part and row are: `a0`."""
    operations = {f"{name}{index}": [row] for name, each in parts.items() for index, row in enumerate(each["rows"])}
    return [(row["operations"], row["count"]) for row in sessions.coverage(parts, operations).get(SESSIONS, [])]


def test_a_session_that_two_recordings_hold_is_one() -> None:
    found = settled({"a": part(x=[0, 1]), "b": part(x=[2], y=[3])})
    assert called(found) == [(["a0", "a1", "b2"], 1), (["b3"], 1)]
    assert set(found["a"][SESSIONS]) < set(found["b"][SESSIONS])


def test_nothing_of_the_key_is_left() -> None:
    one = settled({"a": part(x=[0, 1], y=[2]), "b": part(x=[2])})
    two = settled({"a": part(q=[0, 1], p=[2]), "b": part(q=[2])})
    assert one == two
    assert all(VISITS not in each for each in one.values())


def test_equal_sessions_are_counted_and_told_apart() -> None:
    found = settled({"a": part(x=[0], y=[0], z=[0, 1])})
    assert called(found) == [(["a0"], 2), (["a0", "a1"], 1)]
    assert sorted(len(rows) for rows in found["a"][SESSIONS].values()) == [1, 1, 2]


def test_a_clone_tells_what_the_first_machine_told() -> None:
    there = settled({"a": part(x=[0, 1], y=[2]), "b": part(x=[2], z=[0])})
    assert settled({}, there) == there


def test_building_again_changes_nothing() -> None:
    parts = {"a": part(x=[0, 1], y=[2]), "b": part(x=[2], z=[0])}
    there = settled(parts)
    assert settled(parts, there) == there


def test_a_recording_that_is_gone_stays_joined_to_the_one_that_is_here() -> None:
    parts = {"a": part(x=[0, 1], y=[2]), "b": part(x=[2], z=[0])}
    there = settled(parts)
    assert settled({"a": parts["a"]}, there) == there
    assert settled({"b": parts["b"]}, there) == there


def test_sessions_that_look_alike_here_are_joined_one_by_one() -> None:
    parts = {"a": part(x=[0], y=[0]), "b": part(x=[1], y=[2])}
    there = settled(parts)
    assert called(settled({"a": part(p=[0], q=[0])}, there)) == [(["a0", "b1"], 1), (["a0", "b2"], 1)]


def test_which_of_those_that_look_alike_is_joined_does_not_follow_from_the_key() -> None:
    there = settled({"a": part(x=[0], y=[0]), "b": part(x=[1])})
    one = settled({"a": part(p=[0], q=[0]), "c": part(p=[2], q=[3])}, there)
    two = settled({"a": part(p=[0], q=[0]), "c": part(p=[3], q=[2])}, there)
    assert one == two
    assert called(one) == [(["a0", "b1", "c3"], 1), (["a0", "c2"], 1)]


def test_a_session_recorded_elsewhere_is_another_one() -> None:
    there = settled({"a": part(x=[0])})
    assert called(settled({"b": part(x=[1])}, there)) == [(["a0"], 1), (["b1"], 1)]


def test_two_branches_that_add_recordings_do_not_mix_their_sessions_up() -> None:
    base = settled({"a": part(x=[0])})
    one, two = settled({"b": part(y=[1])}, base), settled({"c": part(z=[2])}, base)
    assert one["a"] == two["a"] == base["a"]
    assert called(settled({}, {**one, **two})) == [(["a0"], 1), (["b1"], 1), (["c2"], 1)]


def test_visitors_of_a_service_are_no_sessions() -> None:
    crowd = {f"v{index}": [index % 4] for index in range(sessions.MOST + 1)}
    assert called(settled({"a": part(**crowd)})) == []
    del crowd["v0"]
    assert sum(count for _, count in called(settled({"a": part(**crowd)}))) == sessions.MOST


def test_rows_that_are_no_operation_and_indexes_beyond_them_are_nobodys_need() -> None:
    parts = settled({"a": part(x=[0, 1], y=[1])})
    parts["a"][SESSIONS]["forged"] = [99]
    assert sessions.coverage(parts, {"op": [parts["a"]["rows"][0]]}) == {SESSIONS: [{"operations": ["op"], "count": 1}]}


def test_without_sessions_nothing_is_said() -> None:
    parts = settled({"a": part()})
    assert parts == {"a": part()}
    assert sessions.coverage(parts, {}) == {}
    assert sessions.visits({}, []) == {}


VISITED = st.dictionaries(
    st.sampled_from("uvwxyz"), st.lists(st.integers(0, 7), min_size=1, max_size=5, unique=True).map(sorted), max_size=5
)


@given(VISITED)
def test_the_cut_of_a_recording_into_parts_changes_no_session(found: dict[str, list[int]]) -> None:
    halves = [{name: [row - low for row in rows if low <= row < low + 4] for name, rows in found.items()} for low in (0, 4)]
    cut = {name: part(4, **{key: rows for key, rows in half.items() if rows}) for name, half in zip("ab", halves, strict=True)}
    whole = [(["ab"[row // 4] + str(row % 4) for row in operations], count) for operations, count in plain(found)]
    assert called(settled(cut)) == sorted(whole)


def plain(found: dict[str, list[int]]) -> list[tuple[list[int], int]]:
    every = sorted(tuple(rows) for rows in found.values())
    return [(list(rows), every.count(rows)) for rows in sorted(set(every))]
