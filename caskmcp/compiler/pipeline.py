"""The literal table of stages. `engine/` turns rows into tasks and knows no stage by name; adding a stage is one folder and one row.

A stage is `run(inputs) -> outputs`. It reads what the row names as inputs and gives what the row names as outputs; nothing else.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple, Protocol


class Inputs(Protocol):
    """What a stage may read: the roles of its row."""

    def value(self, role: str) -> Any:
        """A JSON value: a section of the manifest, or another stage's output. For a fan-in role: a mapping from step key to value, sorted.

        The key of a group is its id. The key of a source is a digest of what it gave, the same in every role of one stage: sources that gave
        the same stand under one key. For an output that is a map of documents: a mapping from name to value, sorted.
        """

    def blocks(self, role: str) -> Iterator[bytes]:
        """The bytes of one input in pieces."""

    def data(self, role: str) -> bytes:
        """The bytes of one input. For `secret.*` roles: the secret."""

    def files_of(self, role: str) -> Mapping[str, bytes]:
        """The bytes of each file of an output that is a map (`files`), by name, sorted."""


Outputs = Mapping[str, "bytes | Iterable[bytes] | Mapping[str, bytes]"]
"""Output name -> bytes, pieces of bytes, or (for the output that splits, and for `files`) a map from name to bytes."""


class Stage(NamedTuple):
    """One row: what is run, how often, on what."""

    name: str
    per: Literal["source", "group"] | None
    """Fan-out: one task a source, one a group (known after the row that splits), or one for all."""
    inputs: tuple[str, ...]
    """Roles: `source` (the file's bytes), `source.kind`, `project.<section>`, `secret.<name>`, or `<stage>.<output>`. Reading a fan-out from a row without
    the same fan-out is a fan-in."""
    outputs: tuple[str, ...]
    run: str
    """`module:function` below the package, resolved on use."""
    splits: str = ""
    """The output whose keys are the groups."""


# fmt: off
STAGES: Final = (
    #     name         per       inputs                                                                       outputs                      run
    Stage("capture",   "source", ("source", "source.kind", "project.hosts", "project.keep", "project.redact", "secret.redaction"),
                                                                                                              ("exchanges", "head"),       "compiler.capture.stage:run"),
    Stage("vocabulary", None,    ("capture.head", "project.paths"),                                           ("templates",),              "compiler.normalize.vocabulary:run"),
    Stage("normalize", "source", ("capture.exchanges", "capture.head", "vocabulary.templates"),               ("part", "candidates"),      "compiler.normalize.stage:run"),
    Stage("merge",     None,     ("normalize.part", "normalize.candidates", "committed.parts", "project.paths"), ("observations", "groups", "coverage"), "compiler.normalize.merge:run", "groups"),
    Stage("infer",     "group",  ("merge.groups",),                                                           ("contract",),               "compiler.infer.stage:run"),
    Stage("classify",  None,     ("infer.contract",),                                                         ("surface",),                "compiler.classify.stage:run"),
    Stage("emit",      None,     ("infer.contract", "classify.surface", "merge.coverage", "project.tools", "project.toolsets", "project.auth",
                                  "project.environments", "project.emit", "project.policy", "project.id"),    ("files",),                  "compiler.emit.stage:run"),
    Stage("lock",      None,     ("emit.files", "project.id"),                                                ("pending",),                "compiler.lock.stage:run"),
)
# fmt: on
