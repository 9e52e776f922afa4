"""`capture record` looks at what it is given before any browser starts."""

import json
from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.workflows import mint, record
from caskmcp.workflows.record import Options
from tests.support.recordings import har
from tests.support.world import world

URL = "https://shop.example/app"
HOSTS = ("api.shop.example",)
STATE = {"cookies": [{"name": "session", "value": "s3cr3t-v4lue"}], "origins": []}


def refused(folder: Path, *, url: str = URL, hosts: tuple[str, ...] = HOSTS, **options: object) -> CaskError:
    given = Options(headless=True, **options)  # type: ignore[arg-type]
    with pytest.raises(CaskError) as caught:
        record.run(world(folder), url=url, hosts=hosts, options=given)
    assert "s3cr3t" not in str(caught.value)
    assert not (folder / "cask.yaml").exists()
    return caught.value


@pytest.mark.parametrize(
    "url", ["shop.example", "file:///etc/passwd", "ftp://shop.example/", "https://", "https://[", "javascript:alert(1)"]
)
def test_only_an_address_of_the_web_is_recorded(tmp_path: Path, url: str) -> None:
    assert refused(tmp_path, url=url).code == "CASK-I001"


def test_without_a_first_party_nothing_is_recorded(tmp_path: Path) -> None:
    assert refused(tmp_path, hosts=()).code == "CASK-I001"


@pytest.mark.parametrize("option", ["script", "browser", "load_state"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, option: str) -> None:
    error = refused(tmp_path, **{option: "gone"})
    assert error.code == "CASK-I002"
    assert (error.place or "").endswith("gone")


@pytest.mark.feature(8)
@pytest.mark.parametrize("option", ["load_state", "save_state"])
@pytest.mark.parametrize(
    "place",
    [".caskmcp/login.json", ".caskmcp/toolpacks/shop/login.json", "elsewhere/.caskmcp/x.json", "pack/inner/login.json", "link/login.json"],
)
def test_a_session_lies_neither_under_the_root_nor_in_a_toolpack(tmp_path: Path, option: str, place: str) -> None:
    path = tmp_path / place
    for folder in (tmp_path / "pack" / "inner", tmp_path / ".caskmcp"):
        folder.mkdir(parents=True)
    (tmp_path / "pack" / "toolpack.yaml").touch()
    (tmp_path / "link").symlink_to(tmp_path / ".caskmcp")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(STATE), encoding="utf-8")
    assert refused(tmp_path, **{option: str(path)}).code == "CASK-C032"


@pytest.mark.parametrize("text", ["", "[]", '"s3cr3t-v4lue"', '{"cookies": "s3cr3t-v4lue"}', "s3cr3t-v4lue", "[" * 100_000])
def test_what_is_no_storage_state_is_refused_without_a_word_of_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "login.json").write_text(text, encoding="utf-8")
    error = refused(tmp_path, load_state="login.json")
    assert (error.code, error.what) == ("CASK-I003", "this is no storage state of a browser")


@pytest.mark.parametrize("name", ["../x", "a/b", "", "Shop", "x" * 41])
def test_a_profile_has_a_name_that_is_no_path(tmp_path: Path, name: str) -> None:
    assert refused(tmp_path, profile=name).code == "CASK-I009"


def test_a_profile_and_a_file_are_not_both_given(tmp_path: Path) -> None:
    assert refused(tmp_path, profile="shop", save_state="x.json").code == "CASK-I001"


def test_mint_records_one_address_and_no_file_beside_it(tmp_path: Path) -> None:
    for sources in ((URL, URL), (URL, "shop.har")):
        with pytest.raises(CaskError) as caught:
            mint.run(world(tmp_path), sources=sources, hosts=HOSTS, name=None)
        assert (caught.value.code, caught.value.mend) == ("CASK-I001", "cask capture import FILE -a HOST")


def test_a_file_takes_no_option_of_a_browser(tmp_path: Path) -> None:
    with pytest.raises(CaskError) as caught:
        mint.run(world(tmp_path), sources=("shop.har",), hosts=HOSTS, name=None, options=Options(duration=3.0))
    assert caught.value.code == "CASK-I001"


def test_a_reason_that_is_none_is_refused_before_anything_starts(tmp_path: Path) -> None:
    assert refused(tmp_path, keep=("no such reason",)).code == "CASK-I001"


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
def test_a_duration_is_a_number_above_nothing(tmp_path: Path, seconds: float) -> None:
    assert refused(tmp_path, duration=seconds).code == "CASK-I001"


def test_a_folder_is_no_file_to_keep_a_login_in(tmp_path: Path) -> None:
    (tmp_path / "logins").mkdir()
    assert refused(tmp_path, save_state="logins").code == "CASK-I002"


@pytest.mark.feature(8)
def test_a_login_that_others_can_read_is_told_with_the_command_that_closes_it(tmp_path: Path) -> None:
    (tmp_path / "login.json").write_text(json.dumps(STATE), encoding="utf-8")
    (tmp_path / "login.json").chmod(0o644)
    lines = record.told(world(tmp_path), Options(load_state="login.json", headless=True), tmp_path / "login.json")
    assert lines[0] == "recording; it ends when the page is done, or with Ctrl-C"
    assert lines[1].endswith(f"chmod 600 {tmp_path / 'login.json'}")
    (tmp_path / "login.json").chmod(0o600)
    assert len(record.told(world(tmp_path), Options(duration=3), tmp_path / "login.json")) == 1


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (Options(), "recording; it ends when its window is closed, or with Ctrl-C"),
        (Options(duration=2.5), "recording; it ends after 2.5 s, when its window is closed, or with Ctrl-C"),
        (Options(headless=True, script="x.py"), "recording; it ends when the script is done, or with Ctrl-C"),
        (Options(headless=True, duration=60.0), "recording; it ends after 60 s, or with Ctrl-C"),
    ],
)
def test_what_ends_the_recording_is_told_at_its_beginning(tmp_path: Path, options: Options, line: str) -> None:
    assert record.told(world(tmp_path), options, None) == (line,)


def test_mint_keeps_of_a_file_what_it_is_told_to(tmp_path: Path) -> None:
    (tmp_path / "shop.har").write_bytes(har("https://api.shop.example/orders/1", "https://api.shop.example/robots.txt"))
    done = mint.run(world(tmp_path), sources=("shop.har",), hosts=HOSTS, name=None, options=Options(keep=("/robots.txt",)))
    assert (done.summary["tools"], done.lines[0].split(";")[0]) == (2, "shop.har: 2 exchanges")
