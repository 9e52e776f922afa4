"""An issue tracker: UUIDs, ULIDs, keys of projects, numbers that count in each project, hexadecimal digits, words as labels, opaque cursors."""

from typing import Any

from tests.support.flow_services.service import Answer, Service

Query = dict[str, str]
Body = dict[str, Any]
PROJECTS = ("CORE", "WEB", "OPS", "DATA")
LABELS = ("bug", "feature", "docs", "security", "flaky", "wontfix")


class Tracker(Service):
    """`https://tracker.example.com/v1`."""

    host = "tracker.example.com"

    def __init__(self, seed: int = 23) -> None:
        super().__init__(seed)
        self.users = [{"id": self.uuid(), "handle": f"dev{number}", "active": True} for number in range(1, 9)]
        self.projects = [{"key": key, "id": self.uuid(), "lead": {"id": self.some(self.users)["id"]}} for key in PROJECTS]
        self.milestones = [
            {"id": number, "project_key": PROJECTS[number % 4], "due_on": f"2025-0{number % 9 + 1}-01", "position": number // 4}
            for number in range(1, 25)
        ]
        self.boards = [
            {
                "id": number + 1,
                "project": {"key": key},
                "columns": [
                    {"id": 4 * number + at, "position": at, "state": state} for at, state in enumerate(("open", "doing", "closed"), 1)
                ],
            }
            for number, key in enumerate(PROJECTS)
        ]
        self.issues: list[Body] = []
        self.comments: list[Body] = []
        self.files: list[Body] = []
        self.cursors: dict[str, int] = {}
        for _ in range(60):
            self.make_issue({}, {"title": "A seeded issue", "labels": [self.some(LABELS)]}, self.some(PROJECTS))
        self.routes = {
            ("GET", "/v1/user"): lambda *_: (200, self.users[0]),
            ("GET", "/v1/users"): lambda *_: (200, {"users": self.users, "total": len(self.users)}),
            ("GET", "/v1/users/{}"): self.get_user,
            ("GET", "/v1/users/{}/issues"): self.issues_of,
            ("GET", "/v1/projects"): lambda *_: (200, self.projects),
            ("GET", "/v1/projects/{}"): self.get_project,
            ("GET", "/v1/projects/{}/labels"): lambda *_: (200, [{"name": name, "color": f"#00{n}f00"} for n, name in enumerate(LABELS)]),
            ("GET", "/v1/projects/{}/milestones"): self.list_milestones,
            ("GET", "/v1/milestones/{}"): self.get_milestone,
            ("GET", "/v1/projects/{}/issues"): self.list_issues,
            ("POST", "/v1/projects/{}/issues"): self.make_issue,
            ("GET", "/v1/projects/{}/issues/{}"): self.get_issue,
            ("PATCH", "/v1/projects/{}/issues/{}"): self.change_issue,
            ("GET", "/v1/issues/{}/comments"): self.list_comments,
            ("POST", "/v1/issues/{}/comments"): self.add_comment,
            ("DELETE", "/v1/comments/{}"): self.delete_comment,
            ("POST", "/v1/issues/{}/attachments"): self.attach,
            ("GET", "/v1/attachments/{}"): self.get_file,
            ("GET", "/v1/boards"): lambda *_: (200, {"boards": [{"id": row["id"], "project": row["project"], "kind": "kanban"} for row in self.boards]}),
            ("GET", "/v1/boards/{}/columns"): self.list_columns,
            ("POST", "/v1/columns/{}/cards"): self.add_card,
            ("POST", "/v1/search"): self.search,
        }  # fmt: skip

    # ---------------------------------------------------------------- people and projects
    def get_user(self, _: Query, __: Body, user: str) -> Answer:
        return 200, {**next(row for row in self.users if row["id"] == user), "bio": "writes code", "followers": 3}

    def issues_of(self, _: Query, __: Body, user: str) -> Answer:
        return 200, {"items": [self.shown(row) for row in self.issues if row["assignee_id"] == user][:10], "has_more": False}

    def get_project(self, _: Query, __: Body, key: str) -> Answer:
        row = next(row for row in self.projects if row["key"] == key)
        return 200, {**row, "counts": {"open": 3, "closed": 4}, "visibility": "internal"}

    def list_milestones(self, _: Query, __: Body, key: str) -> Answer:
        return 200, {"milestones": [row for row in self.milestones if row["project_key"] == key]}

    def get_milestone(self, _: Query, __: Body, number: str) -> Answer:
        return 200, {**self.milestones[int(number) - 1], "progress": 0.5}

    # ---------------------------------------------------------------- issues
    def shown(self, row: Body) -> Body:
        """As answers show an issue."""
        out = {name: row[name] for name in ("id", "number", "title", "state", "labels", "milestone_id", "project_key", "created_on")}
        person = next((user for user in self.users if user["id"] == row["assignee_id"]), None)
        return {**out, "assignee": person and {"id": person["id"], "handle": person["handle"]}}

    def list_issues(self, query: Query, _: Body, key: str) -> Answer:
        rows = [row for row in self.issues if row["project_key"] == key and query.get("state") in (None, row["state"])]
        rows = [
            row for row in rows if query.get("assignee") in (None, row["assignee_id"]) and query.get("label", "") in ("", *row["labels"])
        ]
        start = self.cursors.get(query.get("cursor", ""), 0)
        following = self.opaque("c2_", 18) if start + 5 < len(rows) else None
        if following:
            self.cursors[following] = start + 5
        return 200, {"issues": [self.shown(row) for row in rows[start : start + 5]], "page_info": {"next": following, "size": 5}}

    def make_issue(self, _: Query, body: Body, key: str) -> Answer:
        number = sum(row["project_key"] == key for row in self.issues) + 1
        row = {
            "id": self.ulid(), "number": number, "title": body["title"], "state": "open", "labels": body.get("labels", []), "project_key": key,
            "assignee_id": body.get("assignee_id"), "milestone_id": body.get("milestone_id"), "created_on": "2025-02-03",
        }  # fmt: skip
        self.issues.append(row)
        return 201, self.shown(row)

    def found(self, key: str, number: str) -> Body:
        return next(row for row in self.issues if row["project_key"] == key and row["number"] == int(number))

    def get_issue(self, _: Query, __: Body, key: str, number: str) -> Answer:
        row = self.found(key, number)
        files = [{"id": each["id"], "bytes": each["bytes"]} for each in self.files if each["issue_id"] == row["id"]]
        return 200, {**self.shown(row), "attachments": files, "version": 3, "reactions": {"up": 1, "down": 0}}

    def change_issue(self, _: Query, body: Body, key: str, number: str) -> Answer:
        row = self.found(key, number)
        row.update({name: body[name] for name in ("state", "assignee_id", "milestone_id") if name in body})
        return 200, self.shown(row)

    # ---------------------------------------------------------------- what hangs on an issue
    def list_comments(self, _: Query, __: Body, issue: str) -> Answer:
        return 200, [row for row in self.comments if row["issue_id"] == issue]

    def add_comment(self, _: Query, body: Body, issue: str) -> Answer:
        row = {
            "id": len(self.comments) + 1,
            "issue_id": issue,
            "author": {"id": self.some(self.users)["id"]},
            "body": body["body"],
            "votes": 1,
        }
        self.comments.append(row)
        return 201, row

    def delete_comment(self, _: Query, __: Body, number: str) -> Answer:
        self.comments = [row for row in self.comments if row["id"] != int(number)]
        return 204, None

    def attach(self, _: Query, body: Body, issue: str) -> Answer:
        row = {"id": self.hex(), "issue_id": issue, "name": body["name"], "bytes": 2048, "uploader_id": self.users[0]["id"]}
        self.files.append(row)
        return 201, row

    def get_file(self, _: Query, __: Body, file: str) -> Answer:
        return 200, next(row for row in self.files if row["id"] == file)

    # ---------------------------------------------------------------- boards and search
    def list_columns(self, _: Query, __: Body, board: str) -> Answer:
        return 200, {"columns": self.boards[int(board) - 1]["columns"], "wip_limit": 5}

    def add_card(self, _: Query, body: Body, column: str) -> Answer:
        return 201, {"id": self.random.randint(1, 40), "column_id": int(column), "issue_id": body["issue_id"], "position": body["position"]}

    def search(self, _: Query, body: Body) -> Answer:
        rows = [row for row in self.issues if row["project_key"] in body["project_keys"]]
        rows = [row for row in rows if body.get("assignee_id") in (None, row["assignee_id"])]
        hits = [{"issue_id": row["id"], "issue_number": row["number"], "project_key": row["project_key"], "score": 0.5} for row in rows[:8]]
        return 200, {"hits": hits, "took_ms": 4}


def session(tracker: Tracker) -> None:
    """One sitting: look around, work on some issues, tidy up."""
    call, some, pick = tracker.call, tracker.some, tracker.random
    call("GET", "/v1/user")
    people = call("GET", "/v1/users")["users"]
    project = some(call("GET", "/v1/projects"))
    call("GET", f"/v1/projects/{project['key']}")
    person = pick.choice((some(people)["id"], project["lead"]["id"]))
    call("GET", f"/v1/users/{person}")
    labels = [row["name"] for row in call("GET", f"/v1/projects/{project['key']}/labels")]
    milestones = call("GET", f"/v1/projects/{project['key']}/milestones")["milestones"]
    call("GET", f"/v1/milestones/{some(milestones)['id']}")
    made = {"title": "Something broke", "assignee_id": some(people)["id"], "labels": [some(labels)], "milestone_id": some(milestones)["id"]}
    issue = call("POST", f"/v1/projects/{project['key']}/issues", body=made)
    found = _listed(tracker, project["key"], labels, people)
    for row in [*pick.sample(found, min(2, len(found))), issue]:
        _worked_on(tracker, row, people, milestones)
    mine = call("GET", f"/v1/users/{some(people)['id']}/issues")["items"]
    if mine:
        row = some(mine)
        call("GET", f"/v1/projects/{row['project_key']}/issues/{row['number']}")
        call("GET", f"/v1/issues/{row['id']}/comments")
    _planned(tracker, issue)


def _listed(tracker: Tracker, key: str, labels: list[str], people: list[Body]) -> list[Body]:
    pick, path = tracker.random, f"/v1/projects/{key}/issues"
    query: dict[str, Any] = pick.choice(({"state": "open"}, {"label": pick.choice(labels)}, {"assignee": pick.choice(people)["id"]}, {}))
    answer = tracker.call("GET", path, query)
    rows = answer["issues"]
    while answer["page_info"]["next"] and pick.random() < 0.7:
        answer = tracker.call("GET", path, {**query, "cursor": answer["page_info"]["next"]})
        rows = rows + answer["issues"]
    return list(rows)


def _worked_on(tracker: Tracker, row: Body, people: list[Body], milestones: list[Body]) -> None:
    call, some, pick = tracker.call, tracker.some, tracker.random
    path = f"/v1/projects/{row['project_key']}/issues/{row['number']}"
    whole = call("GET", path)
    if whole["milestone_id"] and pick.random() < 0.5:
        call("GET", f"/v1/milestones/{whole['milestone_id']}")
    if whole["assignee"] and pick.random() < 0.4:
        call("GET", f"/v1/users/{whole['assignee']['id']}")
    for file in whole["attachments"][:1]:
        call("GET", f"/v1/attachments/{file['id']}")
    call("POST", f"/v1/issues/{whole['id']}/comments", body={"body": "I had a look at this one"})
    comments = call("GET", f"/v1/issues/{whole['id']}/comments")
    if pick.random() < 0.4:
        call("GET", f"/v1/users/{some(comments)['author']['id']}")
        call("DELETE", f"/v1/comments/{some(comments)['id']}")
    if pick.random() < 0.5:
        made = call("POST", f"/v1/issues/{whole['id']}/attachments", body={"name": "trace.txt"})
        call("GET", f"/v1/attachments/{made['id']}")
    change: Body = pick.choice(({"state": "closed"}, {"assignee_id": some(people)["id"]}, {"milestone_id": some(milestones)["id"]}))
    call("PATCH", path, body=change)


def _planned(tracker: Tracker, issue: Body) -> None:
    call, some = tracker.call, tracker.some
    board = some(call("GET", "/v1/boards")["boards"])
    column = some(call("GET", f"/v1/boards/{board['id']}/columns")["columns"])
    call("POST", f"/v1/columns/{column['id']}/cards", body={"issue_id": issue["id"], "position": tracker.random.randint(1, 5)})
    keys = sorted({board["project"]["key"], issue["project_key"]})
    hits = call("POST", "/v1/search", body={"project_keys": keys, "query": "broke", "limit": 8})["hits"]
    hit = some(hits)
    call("GET", f"/v1/projects/{hit['project_key']}/issues/{hit['issue_number']}")
    call("GET", f"/v1/issues/{hit['issue_id']}/comments")


def recorded(sessions: int = 25, seed: int = 23) -> list[dict[str, Any]]:
    """The entries of some sittings."""
    tracker = Tracker(seed)
    for _ in range(sessions):
        session(tracker)
    return tracker.entries
