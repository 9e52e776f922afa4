"""JSON: one object a report (SPEC section 7). ASCII only, so that no character of captured text reaches a terminal raw."""

import json

from caskmcp.model.finding import Report


def render(report: Report) -> str:
    """The report as one JSON object."""
    return json.dumps(report.json_value(), indent=2, ensure_ascii=True)
