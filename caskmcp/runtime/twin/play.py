"""The twin itself: a request in, the answer out, and what writes leave behind."""

from caskmcp.runtime.twin.operations import Known
from caskmcp.runtime.twin.wire import Answer, Request


class Twin:
    """Answers requests. Not safe for threads: the server asks one at a time."""

    def __init__(self, known: Known) -> None:
        self._known = known

    def answer(self, request: Request) -> Answer:
        """The answer to a request."""
        exact = self._known.heard.get(request.key)
        if exact is not None:
            return exact
        return Answer(404, {"error": "not_found"}, "json", "application/json")
