"""Which outputs of the pipeline become files, as a literal table. What a row means is `engine.targets`'s."""

from typing import Final

from caskmcp.engine.targets import Target

# fmt: off
TARGETS: Final = (
    #      output                place below the root
    Target("capture.exchanges",  "captures/{id}/exchanges.ndjson.gz", private=True, named_by="head"),
    Target("capture.head",       "captures/{id}/redaction.json",      private=True, named_by="head"),
    Target("merge.observations", "toolpacks/{pack}/artifact/observations.json"),
    Target("emit.files",         "toolpacks/{pack}/artifact/{file}"),
    Target("lock.pending",       "toolpacks/{pack}/lockfile/caskmcp.lock.pending.yaml"),
)
# fmt: on
