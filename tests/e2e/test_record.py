"""`cask capture record` and `cask mint URL` with a real Chromium on the bundled site: what is seen, when it ends, and what stays on the disk."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.browser_site import HOST, PASSWORD, SECRETS, SESSION, Site
from tests.support.chromium import CHROMIUM, SIGN_IN, STAY, VISIT, needs_browser
from tests.support.desk import Desk, Done
from tests.support.patience import HANGS
from tests.support.secrets import forms
from tests.support.terminal import ROOT

pytestmark = needs_browser

# What the app calls when a person logs in, keeps a note, opens the popup and leaves: method, path, status, kind of the answer's body.
CALLS = Counter(
    {
        ("POST", "/login", 303, ""): 1,
        ("GET", "/api/session", 200, "json"): 1,
        ("GET", "/api/products/17", 200, "json"): 1,
        ("GET", "/api/products/18", 200, "json"): 1,
        ("GET", "/api/products/19", 200, "json"): 1,
        ("GET", "/api/catalog", 200, "json"): 1,
        ("GET", "/api/orders", 200, "json"): 4,
        ("POST", "/api/orders", 201, "json"): 3,
        ("DELETE", "/api/orders/1001", 204, ""): 1,
        ("GET", "/api/packed", 200, "json"): 1,
        ("POST", "/api/pictures", 201, "json"): 1,
        ("GET", "/api/frame", 200, "json"): 1,
        ("GET", "/api/popup", 200, "json"): 1,
        ("POST", "/api/notes", 201, "json"): 1,
        ("GET", "/api/farewell", 200, "json"): 1,
    }
)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as made:
        yield made


@pytest.fixture
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk.at(tmp_path_factory.mktemp("d"))


@pytest.fixture(scope="module")
def visit(site: Site, tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, Done]:
    """A login, everything that the site has, and the login kept in a file beside the project."""
    made = Desk.at(tmp_path_factory.mktemp("v"))
    (made.base / "visit.py").write_text(VISIT, encoding="utf-8")
    return made, record(made, f"{site.url}/login", "-a", site.host, "--script", "../visit.py", "--save-storage-state", "../login.json")


def record(desk: Desk, *words: str) -> Done:
    return desk.cask("capture", "record", "--headless", *words, CASK_CHROMIUM=CHROMIUM)


def logged_in(desk: Desk) -> str:
    """A storage state as Playwright writes it, in a file beside the project."""
    cookie = {
        "name": "session",
        "value": SESSION,
        "domain": HOST,
        "path": "/",
        "expires": -1,
        "httpOnly": True,
        "secure": False,
        "sameSite": "Lax",
    }
    path = desk.base / "before.json"
    path.write_text(json.dumps({"cookies": [cookie], "origins": []}), encoding="utf-8")
    path.chmod(0o600)
    return str(path)


def running(word: str) -> list[str]:
    """Command lines of processes that name a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue  # it ended meanwhile
        found += [line] if word in line else []
    return found


def wait_for(happened: Callable[[], bool]) -> None:
    """Look until it has happened, at most half a minute."""
    until = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.1)


# ---------------------------------------------------------------- what is seen
@pytest.mark.feature(7)
def test_every_call_of_a_scripted_visit_is_in_the_capture_with_its_body(visit: tuple[Desk, Done]) -> None:
    desk, done = visit
    assert done.status == 0, done.err
    rows = desk.exchanges()
    assert Counter((row["method"], row["path"], row["status"], row.get("response", {}).get("kind", "")) for row in rows) == CALLS
    bodies = {row["path"]: row["response"]["value"] for row in rows if row["path"] in ("/api/frame", "/api/packed")}
    assert bodies == {"/api/frame": {"frame": "inner"}, "/api/packed": {"packed": True, "kinds": ["a", "b"]}}
    assert next(len(row["response"]["value"]) for row in rows if row["path"] == "/api/catalog") == 2000


def test_what_was_sent_is_in_the_capture_too(visit: tuple[Desk, Done]) -> None:
    rows = visit[0].exchanges()
    sent = [row["request"]["value"] for row in rows if (row["method"], row["path"]) == ("POST", "/api/orders")]
    assert sorted(value["quantity"] for value in sent) == [1, 2, 3]
    (note,) = [row["request"] for row in rows if row["path"] == "/api/notes"]
    assert (note["kind"], [name for name, _ in note["value"]]) == ("form", ["text"])
    (picture,) = [row["request"] for row in rows if row["path"] == "/api/pictures"]
    assert (picture["media"], picture["kind"]) == ("multipart/form-data", "absent")  # a file: the browser does not tell it
    assert picture["size"] > 200
    assert {row["path"]: row.get("auth") for row in rows if row["path"] in ("/api/session", "/api/packed")} == {
        "/api/session": ["cookie:session"],
        "/api/packed": ["bearer", "cookie:session"],
    }


def test_what_is_left_out_is_told_with_its_reason(visit: tuple[Desk, Done], site: Site) -> None:
    out = visit[1].out
    assert "browser: 20 exchanges; left out: 1 analytics, 2 asset, 5 page, 1 third party, 1 websocket\n" in out
    assert f"hosts that are not yours: {site.third_party} (1)" in out


# ---------------------------------------------------------------- logins
@pytest.mark.feature(8)
def test_a_login_is_kept_for_the_owner_alone_and_used_again(visit: tuple[Desk, Done], site: Site, desk: Desk) -> None:
    state = visit[0].base / "login.json"
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    assert SESSION in state.read_text(encoding="utf-8")
    done = record(desk, f"{site.url}/app", "-a", site.host, "--load-storage-state", str(state))
    assert done.status == 0, done.err
    assert ("GET", "/api/session", 200) in {(row["method"], row["path"], row["status"]) for row in desk.exchanges()}


@pytest.mark.feature(8)
@pytest.mark.parametrize(
    ("path", "problem"),
    [("/app", "the page went to a login"), pytest.param("/spa", "the API refused every call (401, 403)", marks=pytest.mark.slow)],
)
def test_a_session_that_is_over_is_an_error_and_no_capture(desk: Desk, path: str, problem: str) -> None:
    state = logged_in(desk)
    before = Path(state).read_bytes()
    with Site(knows_nobody=True) as site:
        done = record(
            desk, f"{site.url}{path}", "-a", site.host, "--duration", "2", "--load-storage-state", state, "--save-storage-state", state
        )
    assert done.status == 3
    assert f"CASK-C030 the session is not logged in any more: {problem}" in done.err
    assert desk.captures() == []
    assert not (desk.project / "cask.yaml").exists()
    assert Path(state).read_bytes() == before


@pytest.mark.slow
@pytest.mark.feature(8)
def test_a_named_profile_logs_in_once(site: Site, desk: Desk) -> None:
    (desk.base / "in.py").write_text(SIGN_IN, encoding="utf-8")
    first = record(desk, f"{site.url}/login", "-a", site.host, "--profile", "shop", "--script", "../in.py")
    again = record(desk, f"{site.url}/app", "--profile", "shop")
    kept = desk.base / "home" / ".config" / "caskmcp" / "profiles" / "shop.json"
    assert (first.status, again.status) == (0, 0), first.err + again.err
    assert (stat.S_IMODE(kept.stat().st_mode), stat.S_IMODE(kept.parent.stat().st_mode)) == (0o600, 0o700)
    assert len(desk.captures()) == 2


@pytest.mark.feature(14)
def test_no_secret_of_the_session_is_left_anywhere_but_in_the_file_that_was_asked_for(visit: tuple[Desk, Done]) -> None:
    desk, done = visit
    but = (desk.base / "login.json", desk.base / "visit.py")
    left = desk.left(*but) + (done.out + done.err).encode()
    assert b"/api/session" in left
    assert [secret for secret in SECRETS if any(form in left for form in forms(secret))] == []
    assert [path.name for path in desk.temporary.iterdir()] == []
    assert running(str(desk.base)) == []


# ---------------------------------------------------------------- the end
@pytest.mark.feature(7)
def test_a_page_that_never_stops_loading_ends_with_the_duration(site: Site, desk: Desk) -> None:
    done = record(desk, f"{site.url}/never", "-a", site.host, "--duration", "1.5")
    assert done.status == 0, done.err
    assert [(row["path"], row["response"]["value"]) for row in desk.exchanges()] == [("/api/heartbeat", {"beat": 1})]
    assert running(str(desk.base)) == []


@pytest.mark.parametrize("ender", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_an_interrupt_keeps_what_was_seen(site: Site, desk: Desk, ender: signal.Signals) -> None:
    before = site.log.count("GET /api/heartbeat")
    process = desk.start(
        "capture", "record", "--headless", "--duration", "300", f"{site.url}/never", "-a", site.host, CASK_CHROMIUM=CHROMIUM
    )
    with process:
        wait_for(lambda: site.log.count("GET /api/heartbeat") > before)
        time.sleep(0.5)
        process.send_signal(ender)
        out, err = process.communicate(timeout=HANGS)
    assert process.returncode == 0, err
    assert "browser: 1 exchange; left out:" in out
    assert running(str(desk.base)) == []


@pytest.mark.slow
def test_a_browser_does_not_outlive_a_recording_that_is_killed(site: Site, desk: Desk) -> None:
    before = site.log.count("GET /api/heartbeat")
    with desk.start("capture", "record", "--headless", f"{site.url}/never", "-a", site.host, "--browser", CHROMIUM) as process:
        wait_for(lambda: any("chromium" in line for line in running(str(desk.temporary))))
        wait_for(lambda: site.log.count("GET /api/heartbeat") > before)
        process.kill()
        process.communicate(timeout=HANGS)
    wait_for(lambda: not running(str(desk.base)))
    assert desk.captures() == []


@pytest.mark.slow
@pytest.mark.feature(7)
@pytest.mark.parametrize(
    "body",
    [
        "while True:\n        pass",
        "try:\n        page.locator('#none').wait_for(timeout=0)\n    except BaseException:\n        while True:\n            pass",
    ],
)
def test_a_script_that_hangs_ends_with_the_duration_whatever_it_catches(site: Site, desk: Desk, body: str) -> None:
    (desk.base / "hangs.py").write_text(f"def run(page):\n    {body}\n", encoding="utf-8")
    done = record(desk, f"{site.url}/spa", "-a", site.host, "--duration", "1", "--script", "../hangs.py")
    assert done.status == 0, done.err
    assert [row["path"] for row in desk.exchanges()] == ["/api/session"]
    assert running(str(desk.base)) == []


# ---------------------------------------------------------------- what can be wrong
@pytest.mark.parametrize(
    ("script", "what", "line"),
    [
        (f"def run(page):\n    raise ValueError('{PASSWORD}')\n", "ValueError", ":2"),
        pytest.param("def run(page):\n    raise SystemExit\n", "SystemExit", ":2", marks=pytest.mark.slow),
        ("x = 1\ndef other(page): ...\n", "it has no function `run(page)`", ""),
        ("def run(page)\n", "SyntaxError", ":1"),
    ],
)
def test_a_script_that_fails_is_told_by_its_line_and_nothing_is_kept(site: Site, desk: Desk, script: str, what: str, line: str) -> None:
    (desk.project / "fails.py").write_text(script, encoding="utf-8")
    done = record(desk, f"{site.url}/spa", "-a", site.host, "--script", "fails.py")
    assert (done.status, done.out) == (3, "")
    assert f"CASK-C031 the script failed: {what} · browser, fails.py{line} · run: edit fails.py" in done.err
    assert PASSWORD not in done.err
    assert desk.captures() == []


def test_a_page_that_is_not_there_is_an_error_of_the_world(desk: Desk) -> None:
    with Site() as gone:
        url = f"{gone.url}/app?token={SESSION}"
    done = record(desk, url, "-a", HOST)
    assert done.status == 5
    assert "CASK-W006 the page cannot be reached: ERR_CONNECTION_REFUSED" in done.err
    assert desk.captures() == []


def test_without_a_browser_the_command_that_helps_is_told(desk: Desk, site: Site) -> None:
    done = desk.cask("capture", "record", "--headless", site.url, "-a", site.host, PATH=f"{Path(CHROMIUM).parent}:/bin")
    assert done.status == 5, done.out
    assert "CASK-W005 Playwright's own browser is not installed" in done.err
    assert f"--browser {CHROMIUM}" in done.err


# ---------------------------------------------------------------- on to the toolpack
@pytest.mark.feature(7)
def test_mint_records_an_address_and_compiles_it(site: Site, desk: Desk) -> None:
    (desk.base / "in.py").write_text(SIGN_IN, encoding="utf-8")
    done = desk.cask(
        "mint", f"{site.url}/login", "-a", site.host, "--name", "shop", "--headless", "--script", "../in.py", "--browser", CHROMIUM
    )
    assert done.status == 0, done.err
    assert "Next:\n  cask diff\n" in done.out
    names = [tool["name"] for tool in json.loads(desk.artifact("tools.json"))["tools"]]
    assert {"list_orders", "create_order", "get_product"} <= set(names)


@pytest.mark.slow
@pytest.mark.feature(7)
def test_the_same_visit_recorded_as_har_gives_the_same_contracts_and_tools(
    site: Site, desk: Desk, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Playwright's own HAR lacks the bodies of a page that was left at once: nobody leaves in this visit."""
    twin, script, har = Desk.at(tmp_path_factory.mktemp("h")), desk.base / "stay.py", desk.base / "visit.har"
    script.write_text(STAY, encoding="utf-8")
    recorded = record(desk, f"{site.url}/login", "-a", site.host, "--script", str(script))
    command = [sys.executable, "-m", "tests.support.chromium", f"{site.url}/login", str(script), str(har)]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "CASK_CHROMIUM": CHROMIUM}, check=True, timeout=60)
    imported = twin.cask("capture", "import", str(har), "-a", site.host)
    assert (recorded.status, imported.status) == (0, 0)
    assert [each.cask("build").status for each in (desk, twin)] == [0, 0]
    for name in ("contracts.yaml", "tools.json", "openapi.json", "policy.yaml", "auth.yaml"):
        assert desk.artifact(name) == twin.artifact(name), name


@pytest.mark.slow
@pytest.mark.feature(7)
@pytest.mark.skipif(not shutil.which("Xvfb"), reason="needs Xvfb: apt-get install xvfb")
def test_with_a_window_it_ends_when_the_window_is_closed(site: Site, desk: Desk) -> None:
    display = f":{90 + os.getpid() % 900}"
    with subprocess.Popen(["Xvfb", display, "-nolisten", "tcp"], stderr=subprocess.DEVNULL) as screen:
        try:
            (desk.base / "closes.py").write_text(
                "def run(page):\n    page.wait_for_timeout(1000)\n    page.context.browser.close()\n", encoding="utf-8"
            )
            words = ("capture", "record", f"{site.url}/spa", "-a", site.host, "--duration", "300", "--browser", CHROMIUM)
            done = desk.cask(*words, "--script", "../closes.py", DISPLAY=display)
        finally:
            screen.terminate()
    assert done.status == 0, done.err
    assert [row["path"] for row in desk.exchanges()] == ["/api/session"]
