"""A source adapter of a third party, installed as a package of its own: what the documentation shows, and adapters that misbehave."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

import pytest

from tests.support.terminal import CASK, ROOT, Finished, environment, without_terminal

PAGE: Final = (ROOT / "docs" / "how-to" / "write-a-source.md").read_text(encoding="utf-8")
LOG: Final = "\n".join(
    f'GET https://api.shop.example/v1/products/{number}?token=tok-Planted77secret{number} 200 {{"id": {number}, "email": "ada{number}@post.example"}}'
    for number in range(1, 6)
)
MANIFEST: Final = "version: 1\nhosts: [api.shop.example]\nplugins: [shop-gateway-source==1.0]\n"


def shown(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def wheel(folder: Path, code: str, version: str = "1.0") -> Path:
    """A wheel, as a build back end writes it (PEP 427)."""
    info = f"shop_gateway_source-{version}.dist-info"
    path = folder / f"shop_gateway_source-{version}-py3-none-any.whl"
    files = {
        "shop_gateway_source.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: shop-gateway-source\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[caskmcp.sources]\ngateway-log = shop_gateway_source:GatewayLog\n",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"]))
    return path


class Desk:
    """A project, and a folder of installed packages."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.packages = folder / "project", folder / "packages"
        self.folder.mkdir()
        (self.folder / "gateway.log").write_text(LOG)
        (self.folder / "cask.yaml").write_text(MANIFEST)
        self.environ = environment(folder / "home")
        self.environ["PYTHONPATH"] += f":{self.packages}"

    def install(self, code: str, version: str = "1.0") -> None:
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-compile", "--target", str(self.packages)]
        subprocess.run([*command, str(wheel(self.folder.parent, code, version))], check=True, capture_output=True)

    def bring_in(self, *words: str) -> Finished:
        return without_terminal([*CASK, "capture", "import", "gateway.log", *words], cwd=self.folder, env=self.environ)

    def nothing_written(self) -> bool:
        return sorted(path.name for path in self.folder.iterdir()) == ["cask.yaml", "gateway.log"]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_the_adapter_of_the_documentation_brings_its_format_in(desk: Desk) -> None:
    code = shown("python")
    assert len(code.splitlines()) <= 30
    assert "shop-gateway-source==1.0" in shown("yaml")
    desk.install(code)
    done = desk.bring_in("--as", "gateway-log")
    assert done.exit == 0, done.errors
    assert "5 exchanges" in done.transcript + done.errors
    left = b"".join(path.read_bytes() for path in (desk.folder / ".caskmcp").rglob("*") if path.is_file())
    assert b"Planted77" not in left
    built = without_terminal([*CASK, "build"], cwd=desk.folder, env={**desk.environ, "PYTHONPATH": str(ROOT)})  # the adapter is not there
    assert built.exit == 0, built.errors
    assert "/v1/products/{product_id}" in (desk.folder / ".caskmcp/toolpacks/api-shop-example/artifact/openapi.json").read_text()
    again = desk.bring_in("--as", "gateway-log")
    assert "known" in again.transcript + again.errors


REFUSES: Final = "raise CaskError('CASK-C001', 'ada@post.example', place='line 3')"


@pytest.mark.parametrize(
    ("does", "exit_", "said"),
    [
        ("print('GET tok-Planted77')\n        yield Recorded('line 1', 'GET', 'https://api.shop.example/v1/products', status=200)", 0, "1 exchange"),
        (f"yield 1 if 0 else {{}}\n        {REFUSES}",                    3, "failed with TypeError"),
        (f"{REFUSES}\n        yield",                                     3, "cannot read the file"),
        ("raise RuntimeError('tok-Planted77')\n        yield",            3, "failed with RuntimeError"),
        ("import os\n        os._exit(0)\n        yield",                 3, "ended before the file did"),
        ("import os\n        os.write(3, b'{}\\n') if 0 else os.kill(os.getpid(), 9)\n        yield", 3, "ended before the file did"),
        ("yield Skipped('line 1', 'tok-Planted77')",                      3, "a reason that there is none of"),
        ("yield Skipped('tok-Planted77', 'broken', detail='tok-Planted77')", 3, "0 of 1 entries kept"),
    ],
)  # fmt: skip
def test_an_adapter_that_misbehaves_ends_the_import_and_is_not_quoted(desk: Desk, does: str, exit_: int, said: str) -> None:
    head = shown("python").partition("    def read")[0]
    desk.install(f"{head}    def read(self, blocks):\n        {does}\n")
    done = desk.bring_in("--as", "gateway-log")
    assert done.exit == exit_, done.errors
    assert said in done.transcript + done.errors
    assert "Planted77" not in done.transcript + done.errors
    assert "ada@post" not in done.transcript + done.errors
    assert exit_ == 0 or desk.nothing_written()


def test_only_the_named_version_is_run(desk: Desk) -> None:
    desk.install(shown("python"), "1.1")
    done = desk.bring_in("--as", "gateway-log")
    assert (done.exit, "shop-gateway-source 1.0 is installed as 1.1" in done.errors) == (5, True), done.errors
    assert desk.nothing_written()


def test_an_adapter_that_the_manifest_does_not_name_is_not_run(desk: Desk) -> None:
    desk.install(shown("python"))
    (desk.folder / "cask.yaml").write_text(MANIFEST.replace("plugins: [shop-gateway-source==1.0]\n", ""))
    done = desk.bring_in("--as", "gateway-log")
    assert (done.exit, "CASK-I010" in done.errors) == (3, True), done.errors
    assert desk.nothing_written()


def test_a_file_from_elsewhere_is_never_taken_for_a_redacted_capture(desk: Desk) -> None:
    desk.install(shown("python"))
    done = desk.bring_in("--as", "capture")
    assert (done.exit, "no plugin reads `capture`" in done.errors) == (3, True), done.errors
    assert desk.nothing_written()


def test_an_adapter_does_not_see_the_environment(desk: Desk) -> None:
    desk.install(
        shown("python").replace("        data = b", "        import os\n        assert 'SHOP_TOKEN' not in os.environ\n        data = b")
    )
    desk.environ["SHOP_TOKEN"] = "tok-1234567"
    assert desk.bring_in("--as", "gateway-log").exit == 0
