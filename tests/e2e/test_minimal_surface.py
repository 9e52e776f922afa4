"""The toolset `default` of real builds: chosen by sessions, the same for any cut, order and key of a recording, and hardly another one with more traffic."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from caskmcp.text import parse_yaml
from caskmcp.workflows import build
from tests.support.capturing import entry, har
from tests.support.world import CountingEntropy, world

SHARED = Path(os.environ.get("CASK_SHARED", "/nonexistent"))
HOST = "https://api.shop.example"
WAYS = {
    "buyers": ("GET /orders", "GET /orders/41", "POST /orders"),
    "clerks": ("GET /stock", "PATCH /stock/17", "GET /orders"),
    "once": ("DELETE /users/7", "GET /users"),
}
SESSIONS = {"buyers": 5, "clerks": 4, "once": 1}


def call(line: str, session: str) -> dict[str, Any]:
    method, path = line.split(" ")
    post = ("application/json", '{"note": "x"}') if method in ("POST", "PATCH") else None
    return entry(
        HOST + path, method, headers={"Cookie": f"sid={session}; theme=dark"}, answer={"id": 1}, **({"post": post} if post else {})
    )


CALLS = [
    call(line, f"{way}-{number}-0123456789")
    for way, count in SESSIONS.items()
    for number in range(count)
    for line in WAYS[way]
    for _ in range(3)
]


def built(folder: Path, *recordings: list[dict[str, Any]], budget: str, seed: str = "test") -> dict[str, bytes]:
    """Every artifact of a project with these recordings."""
    (folder / "captures").mkdir(parents=True)
    for number, rows in enumerate(recordings):
        (folder / "captures" / f"{number}.har").write_bytes(har(*rows))
    (folder / "cask.yaml").write_text(
        f"version: 1\nname: shop\nhosts: [api.shop.example]\nsources: [{{har: captures/*.har}}]\ntools: {{budget: {budget}}}\n",
        encoding="utf-8",
    )
    build.run(replace(world(folder), entropy=CountingEntropy(seed)))
    return {path.name: path.read_bytes() for path in folder.glob(".caskmcp/toolpacks/shop/artifact/*")}


def default(artifacts: dict[str, bytes]) -> list[str]:
    value = parse_yaml(artifacts["toolsets.yaml"], "toolsets.yaml").value
    return list(value["toolsets"]["default"]["tools"])


def selection(artifacts: dict[str, bytes]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(artifacts["coverage.json"])["selection"]
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return built(tmp_path_factory.mktemp("whole") / "p", CALLS, budget="{sessions: 90}")


def test_nine_of_ten_sessions_need_five_of_seven_tools(whole: dict[str, bytes]) -> None:
    assert default(whole) == ["create_order", "get_order", "get_stock", "list_orders", "update_stock"]
    row = selection(whole)
    assert (row["sessions"], row["covered"], row["tools"]) == (10, 9, 5)
    assert set(row["left_out"]) == {"delete_user", "list_users"}


def test_a_share_of_half_takes_the_three_tools_of_the_most(tmp_path: Path) -> None:
    assert default(built(tmp_path / "p", CALLS, budget="{sessions: 50}")) == ["create_order", "get_order", "list_orders"]


def test_neither_the_cut_nor_the_order_of_a_recording_nor_the_key_changes_what_is_chosen(tmp_path: Path, whole: dict[str, bytes]) -> None:
    turned = CALLS[::-1]
    cut = built(tmp_path / "p", turned[:10], turned[10:47], turned[47:], budget="{sessions: 90}", seed="another key")
    assert {name for name in whole if whole[name] != cut[name]} == {"observations.json", "coverage.json"}
    assert selection(cut) == selection(whole)
    again = built(tmp_path / "q", turned, budget="{sessions: 90}", seed="another key")
    assert again == whole


def test_a_clone_without_the_recordings_chooses_the_same(tmp_path: Path) -> None:
    first = built(tmp_path / "p", CALLS[:40], CALLS[40:], budget="{sessions: 90}")
    for path in (tmp_path / "p" / "captures").iterdir():
        path.unlink()
    for name in ("cache", "captures", "state"):
        subprocess.run(["rm", "-rf", str(tmp_path / "p" / ".caskmcp" / name)], check=True)
    build.run(world(tmp_path / "p"))
    assert {path.name: path.read_bytes() for path in (tmp_path / "p").glob(".caskmcp/toolpacks/shop/artifact/*")} == first


def test_no_cookie_and_no_fingerprint_of_one_reaches_what_is_committed(whole: dict[str, bytes]) -> None:
    sessions = next(iter(json.loads(whole["observations.json"])["parts"].values()))["sessions"]
    assert len(sessions) == 10
    assert all(len(name.partition("-")[0]) == 12 for name in sessions)
    assert not any(b"0123456789" in data for data in whole.values())


# ---------------------------------------------------------------- the reference recording
@pytest.mark.slow
@pytest.mark.skipif(
    not (SHARED / "bench" / "make_har.py").is_file(), reason="CASK_SHARED names no folder with the maker of the reference recording"
)
def test_ten_times_the_traffic_hardly_changes_what_is_chosen_and_the_list_is_short(tmp_path: Path) -> None:
    chosen = []
    for entries in (412, 4012):
        folder = tmp_path / str(entries)
        (folder / "captures").mkdir(parents=True)
        maker = [sys.executable, str(SHARED / "bench" / "make_har.py"), "--endpoints", "66", "--entries", str(entries)]
        subprocess.run([*maker, str(folder / "captures" / "ref.har")], check=True, capture_output=True)
        (folder / "cask.yaml").write_text("version: 1\nhosts: [api.shop.example]\nsources: [{har: captures/*.har}]\n", encoding="utf-8")
        build.run(world(folder))
        artifacts = {path.name: path.read_bytes() for path in folder.glob(".caskmcp/toolpacks/*/artifact/*")}
        chosen.append(set(default(artifacts)))
        assert selection(artifacts)["tools"] == 40
        assert selection(artifacts)["all_tokens"] <= 20_000
        assert selection(artifacts)["tokens"] <= 10_000
    assert len(chosen[0] & chosen[1]) / len(chosen[0] | chosen[1]) >= 0.95
