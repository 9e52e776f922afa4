"""Post the body that cask-check wrote as one comment of a pull request, or replace the one that was posted before.

Reads the variables of action.yml, GITHUB_API_URL and GITHUB_REPOSITORY; the standard library is all it needs. A comment is replaced if it begins
with the mark and is the author's own: nobody else can have theirs overwritten, or lead this one astray. Nothing of an answer is printed but its status.
"""

import json
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MARK = "<!-- cask-check -->"
PAGE = 100
MOST_PAGES = 50


def main() -> int:
    """Exit status: 0 done, 3 for variables that cannot be, 5 if the service refused."""
    number, repository = os.environ["CASK_NUMBER"], os.environ["GITHUB_REPOSITORY"]
    body = Path(os.environ["CASK_COMMENT"]).read_text(encoding="utf-8")
    if not re.fullmatch(r"[0-9]{1,18}", number) or not re.fullmatch(r"[\w.-]+/[\w.-]+", repository) or not body.startswith(f"{MARK}\n"):
        print("cask-comment: a pull request's number, a repository and a body of cask-check are needed", file=sys.stderr)
        return 3
    try:
        print(f"cask-comment: {put(f'/repos/{repository}/issues', number, body, os.environ['CASK_AUTHOR'])}")
    except urllib.error.URLError as error:
        print(f"cask-comment: the service said {getattr(error, 'code', 'nothing')}", file=sys.stderr)
        return 5
    return 0


def put(issues: str, number: str, body: str, author: str) -> str:
    """Bring the pull request's comment to this body; what was done."""
    mine = next((row for row in comments(f"{issues}/{number}/comments") if is_mine(row, author)), None)
    if mine is None:
        ask("POST", f"{issues}/{number}/comments", {"body": body})
        return "posted"
    if mine["body"].replace("\r\n", "\n").strip() == body.strip():
        return "unchanged"
    ask("PATCH", f"{issues}/comments/{int(mine['id'])}", {"body": body})
    return "replaced"


def comments(path: str) -> Iterator[dict[str, Any]]:
    """Every comment, the oldest first."""
    for page in range(1, MOST_PAGES + 1):
        rows = ask("GET", f"{path}?per_page={PAGE}&page={page}")
        yield from rows
        if len(rows) < PAGE:
            return


def is_mine(row: dict[str, Any], author: str) -> bool:
    """Whether this is the comment that was posted before."""
    return str(row.get("body") or "").startswith(MARK) and (row.get("user") or {}).get("login") == author


def ask(method: str, path: str, value: Any = None) -> Any:
    """One request. Raises URLError where it is not answered well."""
    headers = {
        "Authorization": f"Bearer {os.environ['CASK_TOKEN']}",
        "Accept": "application/vnd.github+json",
        "Content-Type": "application/json",
    }
    data = None if value is None else json.dumps(value).encode()
    request = urllib.request.Request(os.environ["GITHUB_API_URL"] + path, data=data, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


if __name__ == "__main__":
    sys.exit(main())
