"""Which words of paths people and documents name: their literals may be kept in every part, whatever the table says."""

from caskmcp import canon
from caskmcp.compiler.normalize import templates
from caskmcp.compiler.pipeline import Inputs, Outputs


def run(inputs: Inputs) -> Outputs:
    """Stage `vocabulary`: templates of all documents and of `paths:`, sorted. Raises CaskError CASK-N002 for a bad template."""
    wanted = tuple(inputs.value("project.paths") or ())
    for text in wanted:
        templates.parse(text)
    declared = {text for head in inputs.value("capture.head").values() for text in head.get("templates", ())}
    return {"templates": canon.compact(sorted(declared | set(wanted)))}
