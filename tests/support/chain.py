"""The chain of stages in one process, without cache and without an engine: sources in, outputs of every stage out."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from caskmcp import canon
from caskmcp.compiler.pipeline import STAGES, Stage
from caskmcp.load import load

Sources = Mapping[str, tuple[str, bytes]]
"""Step key -> (kind, bytes)."""
UNTIL = "infer"
KEY = bytes(range(32))
PIECE = 1 << 20


class Chain:
    """Runs rows of the table in order. `outputs[stage][output]` is bytes, or a map from step key to bytes for a fan-out."""

    def __init__(self, sources: Sources, *, resolve: Callable[[str], Any] = load, **project: Any) -> None:
        self.sources = sources
        self.resolve = resolve
        """Row's `run` -> the stage."""
        self.given: dict[str, Any] = {
            "committed.parts": project.pop("committed", {}),
            "secret.redaction": project.pop("key", KEY),
            **{f"project.{name}": None for row in STAGES for role in row.inputs if (name := role.removeprefix("project.")) != role},
            "project.id": "chain",
            **{f"project.{name}": value for name, value in project.items()},
        }
        self.outputs: dict[str, dict[str, Any]] = {}

    def run(self, until: str = UNTIL) -> "Chain":
        """Run all rows up to and with the named one."""
        for row in STAGES:
            self.outputs[row.name] = self._run(row)
            if row.name == until:
                break
        return self

    def json(self, role: str) -> Any:
        """One output as JSON values."""
        stage, output = role.split(".")
        found = self.outputs[stage][output]
        return {key: json.loads(data) for key, data in found.items()} if isinstance(found, Mapping) else json.loads(found)

    def _run(self, row: Stage) -> dict[str, Any]:
        if row.per is None:
            return self._once(row, "")
        keys = sorted(self.sources if row.per == "source" else self.outputs["merge"]["groups"])
        found = {key: self._once(row, key) for key in keys}
        return {name: {key: out[name] for key, out in found.items()} for name in row.outputs}

    def _once(self, row: Stage, key: str) -> dict[str, Any]:
        outputs = self.resolve(row.run)(_Inputs(self, row, key))
        return {name: _joined(outputs[name]) for name in row.outputs}


class _Inputs:
    def __init__(self, chain: Chain, row: Stage, key: str) -> None:
        self.chain, self.row, self.key = chain, row, key

    def _found(self, role: str) -> Any:
        assert role in self.row.inputs, f"{self.row.name} reads {role}, which its row does not name"
        if role == "source":
            return self.chain.sources[self.key][1]
        if role == "source.kind":
            return canon.compact(self.chain.sources[self.key][0])
        if role in self.chain.given:
            value = self.chain.given[role]
            return value if isinstance(value, bytes) else canon.compact(value)
        stage, output = role.split(".")
        found = self.chain.outputs[stage][output]
        return found[self.key] if isinstance(found, Mapping) and self.key in found and self.row.per else found

    def value(self, role: str) -> Any:
        found = self._found(role)
        return {key: json.loads(data) for key, data in found.items()} if isinstance(found, Mapping) else json.loads(found)

    def common(self, role: str, of: Callable[[Any], Any]) -> Any:
        return of(self.value(role))

    def data(self, role: str) -> bytes:
        found = self._found(role)
        assert isinstance(found, bytes)
        return found

    def size(self, role: str) -> int:
        return len(self.data(role))

    def window(self, role: str, low: int, high: int) -> Iterator[bytes]:
        yield self.data(role)[low:high]

    def files_of(self, role: str) -> dict[str, bytes]:
        return dict(sorted(self._found(role).items()))

    def blocks(self, role: str) -> Iterator[bytes]:
        data = self.data(role)
        return (data[start : start + PIECE] for start in range(0, len(data), PIECE))


def _joined(output: Any) -> Any:
    if isinstance(output, bytes):
        return output
    if isinstance(output, Mapping):
        return dict(output)
    assert isinstance(output, Iterable)
    return b"".join(output)
