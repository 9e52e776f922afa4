"""JUnit XML, as CI servers read it: one test case a step, one failure a finding, steps that were not run as skipped.

Written by the standard library's writer, which escapes; characters that XML 1.0 has no place for are shown as their numbers before.
"""

import re
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.report.commands import disarmed_markup
from caskmcp.report.error import mended
from caskmcp.report.visible import visible

_NO_XML: Final = re.compile("[\ufffe\uffff]")


def render(report: Report) -> str:
    """The report as one document, ASCII only. A report without steps is one case."""
    suite = Element("testsuite", name=_text(f"cask {report.report}"))
    cases = [_case(suite, report, row) for row in _rows(report)]
    failed, skipped = (sum(case.find(tag) is not None for case in cases) for tag in ("failure", "skipped"))
    counts = {"tests": str(len(cases)), "failures": str(failed), "errors": "0", "skipped": str(skipped)}
    for name, value in counts.items():
        suite.set(name, value)
    root = Element("testsuites", {"name": "cask", **counts})
    root.append(suite)
    indent(root)
    return disarmed_markup(tostring(root, encoding="us-ascii", xml_declaration=True).decode("ascii"))


def _rows(report: Report) -> tuple[dict[str, Any], ...]:
    """The steps, and a row for findings that none of them claims."""
    steps = report.tables.get("steps", ())
    names = {row["step"] for row in steps}
    rest = any(row.step not in names for row in report.findings) or not steps
    return (*steps, *(({"step": "", "result": "", "note": ""},) if rest else ()))


def _case(suite: Element, report: Report, row: dict[str, Any]) -> Element:
    step = str(row["step"])
    name = step or report.report
    case = SubElement(suite, "testcase", classname=_text(f"cask.{report.report}"), name=_text(name))
    if row.get("result") in ("skipped", "not-run"):
        SubElement(case, "skipped", message=_text(": ".join(filter(None, (str(row["result"]), str(row.get("note", "")))))))
    found = [finding for finding in report.findings if finding.step == step]
    for finding in found:
        if finding.severity is not Severity.INFO:
            failure = SubElement(case, "failure", type=_text(finding.code), message=_text(finding.message))
            failure.text = _text(_told(finding))
    if told := [_told(finding) for finding in found if finding.severity is Severity.INFO]:
        SubElement(case, "system-out").text = _text("\n".join(told))
    return case


def _told(row: Finding) -> str:
    severity = f"{row.severity.value} (suppressed: {row.suppressed})" if row.suppressed else row.severity.value
    parts = (f"{severity}: {row.code} {row.message}", row.subject, row.place, mended(row.mend), row.fingerprint)
    return " · ".join(part for part in parts if part).replace("\n", " ")


def _text(text: str) -> str:
    return _NO_XML.sub(lambda match: f"\\u{{{ord(match[0]):x}}}", visible(text))
