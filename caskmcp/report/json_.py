"""JSON: one object a report (SPEC section 7). ASCII only, so that no character of captured text reaches a terminal raw."""

import json

from caskmcp.model.finding import Report
from caskmcp.report.commands import disarmed_json


def render(report: Report) -> str:
    """The report as one JSON object."""
    return disarmed_json(json.dumps(report.json_value(), indent=2, ensure_ascii=True))
