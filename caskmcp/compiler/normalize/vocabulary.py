"""Which words of paths people, documents and routers name: their literals may be kept in every part, whatever the table says."""

from caskmcp import canon
from caskmcp.compiler.capture.routes import trusted
from caskmcp.compiler.normalize import templates
from caskmcp.compiler.pipeline import Inputs, Outputs


def run(inputs: Inputs) -> Outputs:
    """Stage `vocabulary`: templates of all documents, of trusted routes and of `paths:`, sorted. Raises CaskError CASK-N002 for a bad template."""
    wanted = tuple(inputs.value("project.paths") or ())
    for text in wanted:
        templates.parse(text)
    heads = inputs.value("capture.head").values()
    declared = {text for head in heads for text in head.get("templates", ())}
    routed = trusted((host, route) for head in heads for host, route in head.get("routes", ()))
    return {"templates": canon.compact(sorted(declared | routed | set(wanted)))}
