"""The literal table of stages. `engine/` turns rows into tasks and knows no stage by name; adding a stage is one folder and one row.

A stage is `run(inputs) -> outputs`. It reads what the row names as inputs and gives what the row names as outputs; nothing else.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeVar

T = TypeVar("T")


class Inputs(Protocol):
    """What a stage may read: the roles of its row."""

    def value(self, role: str) -> Any:
        """A JSON value: a section of the manifest, or another stage's output. For a fan-in role: a mapping from step key to value, sorted.

        The key of a group is its id. The key of a source is a digest of what it gave, the same in every role of one stage: sources that gave
        the same stand under one key. For an output that is a map of documents: a mapping from name to value, sorted.
        """

    def common(self, role: str, of: Callable[[Any], T]) -> T:
        """What `of` makes of the JSON value of one input that many steps read: made once, and the same object for all of them, which nobody may change."""

    def blocks(self, role: str) -> Iterator[bytes]:
        """The bytes of one input in pieces."""

    def data(self, role: str) -> bytes:
        """The bytes of one input. For `secret.*` roles: the secret."""

    def files_of(self, role: str) -> Mapping[str, bytes]:
        """The bytes of each file of an output that is a map (`files`), by name, sorted."""

    def size(self, role: str) -> int:
        """How many bytes one input has."""

    def window(self, role: str, low: int, high: int) -> Iterator[bytes]:
        """The bytes from `low` up to `high` of one input, in pieces."""


Outputs = Mapping[str, "bytes | Iterable[bytes] | Mapping[str, bytes]"]
"""Output name -> bytes, pieces of bytes, or (for the output that splits, and for `files`) a map from name to bytes."""


class Gave(NamedTuple):
    """What the work on one piece gave: bytes by name, and something small that pickles."""

    blocks: Callable[[str], Iterator[bytes]]
    note: Any


class Pieces(NamedTuple):
    """How one run of a stage is done in pieces, by several processes or one after the other: the outputs are the same for any number of them.

    If the work on a piece or the join raises a CaskError, the stage is run as a whole, and what that says counts.
    """

    cut: Callable[[Inputs, int], Sequence[Any]]
    """The pieces for so many processes, plain values; fewer than two, and the stage is run as a whole."""
    work: Callable[[Inputs, Any], tuple[Outputs, Callable[[], Any]]]
    """What one piece gives; the note is asked for once the bytes are all read."""
    join: Callable[[Inputs, Sequence[Gave]], Outputs]
    """The stage's outputs, from what the pieces gave, in their order."""


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
    pieces: str = ""
    """`module:attribute` of its `Pieces`, resolved on use; empty if it is always run as a whole."""


# fmt: off
STAGES: Final = (
    #     name         per       inputs                                                                       outputs                      run
    Stage("capture",   "source", ("source", "source.kind", "project.hosts", "project.keep", "project.redact", "secret.redaction"),
                                                                                                              ("exchanges", "head"),       "compiler.capture.stage:run", pieces="compiler.capture.pieces:PIECES"),
    Stage("vocabulary", None,    ("capture.head", "project.paths"),                                           ("templates",),              "compiler.normalize.vocabulary:run"),
    Stage("normalize", "source", ("capture.exchanges", "capture.head", "vocabulary.templates"),               ("part", "candidates"),      "compiler.normalize.stage:run", pieces="compiler.normalize.pieces:PIECES"),
    Stage("merge",     None,     ("normalize.part", "normalize.candidates", "committed.parts", "project.paths"), ("observations", "groups", "definitions", "coverage"), "compiler.normalize.merge:run", "groups"),
    Stage("infer",     "group",  ("merge.groups", "merge.definitions"),                                      ("contract",),               "compiler.infer.stage:run"),
    Stage("relate",    None,     ("infer.contract",),                                                         ("contracts",),              "compiler.infer.relate:run"),
    Stage("classify",  None,     ("infer.contract", "relate.contracts", "merge.definitions"),                 ("surface",),                "compiler.classify.stage:run"),
    Stage("emit",      None,     ("merge.groups", "infer.contract", "relate.contracts", "classify.surface", "merge.coverage", "merge.definitions", "project.tools", "project.toolsets", "project.auth",
                                  "project.environments", "project.emit", "project.policy", "project.scopes", "project.id"), ("files",),                  "compiler.emit.stage:run"),
    Stage("lock",      None,     ("emit.files", "project.id"),                                                ("pending",),                "compiler.lock.stage:run"),
)
# fmt: on
