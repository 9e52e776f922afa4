"""What the import contracts of pyproject.toml cannot say: which library lives in which room, and what the runtime sees of `govern`."""

import sys
from typing import Final

from tests.support.syntax import modules

# fmt: off
LIBRARIES: Final = {
    # library            rooms or modules that may import it
    "anyio":             ("runtime/", "workflows/", "record/"),
    "backports":         ("compiler/capture/",),
    "brotli":            ("compiler/capture/", "runtime/"),
    "click":             ("cli/",),
    "compression":       ("compiler/capture/inflate.py",),  # the standard library's, from 3.14 on
    "cryptography":      ("govern/",),
    "distributed":       ("engine/cluster.py",),
    "doit":              ("engine/",),
    "filelock":          ("store/",),
    "genson":            ("compiler/infer/",),
    "google":            ("compiler/capture/sources/otel/",),  # protobuf, which OpenTelemetry's messages are made with
    "graphql":           ("compiler/",),
    "httpcore2":         ("runtime/",),
    "httpx2":            ("record/mcp_surface.py", "record/wellknown.py"),  # the MCP library's own client, given a header
    "ijson":             ("compiler/capture/",),
    "isal":              ("compiler/capture/codec.py",),
    "jinja2":            ("report/",),
    "jsonschema":        ("analyze/",),
    "jsonschema_rs":     ("analyze/forms.py", "analyze/verify/", "calculus/", "compiler/capture/sources/mcp.py", "compiler/infer/", "compiler/normalize/", "runtime/"),
    "keyring":           ("store/keyrings.py",),
    "mcp":               ("runtime/", "record/mcp_surface.py", "workflows/demo/"),
    "mcp_types":         ("runtime/", "workflows/demo/"),
    "msgspec":           ("compiler/", "model/exchange.py", "record/"),  # the hot path of a build, and its exchanges between processes
    "opentelemetry":     ("compiler/capture/sources/otel/", "runtime/telemetry.py"),
    "platformdirs":      ("cli/world.py", "store/"),
    "playwright":        ("record/chromium.py", "record/events.py", "record/offers.py", "record/playbook_page.py"),  # a process of its own: nothing else pays for it
    "psycopg":           ("runtime/state_postgres.py",),
    "publicsuffixlist":  ("compiler/",),
    "pydantic":          ("model/", "runtime/stdio.py"),  # there: what the MCP library's own records raise
    "pydantic_core":     ("model/",),
    "re2":               ("redact/", "compiler/emit/", "compiler/normalize/origins.py", "compiler/normalize/sketch.py"),
    "redis":             ("runtime/state_redis.py",),
    "referencing":       ("analyze/",),
    "requests":          ("runtime/telemetry.py",),  # the exporter's own, told to follow no proxy
    "rfc8785":           ("canon.py",),
    "rich":              ("report/",),
    "starlette":         ("runtime/",),
    "textual":           ("report/screen.py",),
    "uvicorn":           ("runtime/",),
    "yaml":              ("text.py",),
}
# fmt: on

RUNTIME_SEES: Final = ("caskmcp.govern.admit", "caskmcp.govern.verify")


def test_each_library_is_imported_in_its_room_alone() -> None:
    stray = [
        f"{module.path}:{line}: {name}"
        for module in modules()
        for line, name in module.imports()
        if (top := name.split(".")[0]) not in sys.stdlib_module_names and top != "caskmcp"
        if not module.path.startswith(LIBRARIES.get(top, ()))
    ]
    assert stray == []


def test_of_govern_the_runtime_sees_admission_and_verification_alone() -> None:
    seen = {name for module in modules() if module.room == "runtime" for _, name in module.imports() if name.startswith("caskmcp.govern")}
    assert [name for name in sorted(seen) if not name.startswith(RUNTIME_SEES)] == []


def test_no_import_is_relative() -> None:
    """`imports` and the table above read full names only."""
    assert [f"{module.path}:{line}" for module in modules() for line, name in module.imports() if name.startswith(".")] == []
