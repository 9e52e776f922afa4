"""doit as the runner: graph, order, threads, delayed tasks and unmet dependencies are its; states, keys and files are the plan's.

`TaskControl` and `Runner` are driven directly: `DoitMain` would load plug-ins of any installed distribution, read `pyproject.toml` of the
working directory and swallow exceptions. Nothing here writes a database or touches the standard streams. ADR 0001.
"""

from collections.abc import Iterator
from typing import Any, Final

from doit.action import BaseAction
from doit.control import TaskControl
from doit.dependency import DependencyStatus
from doit.exceptions import TaskFailed, UnmetDependency
from doit.runner import MThreadRunner, Runner
from doit.task import DelayedLoader, Task

from caskmcp.compiler.pipeline import Stage
from caskmcp.engine.perform import Pool, Resolve, perform
from caskmcp.engine.plan import Plan, State, Step
from caskmcp.load import load

_DONE: Final = "inputs came out the same"


class StageFailed(TaskFailed):  # type: ignore[misc]
    """A stage's exception, kept as itself: doit keeps texts only."""

    def __init__(self, name: str, cause: BaseException) -> None:
        super().__init__(f"{name}: {cause}")
        self.cause = cause


class StageAction(BaseAction):  # type: ignore[misc]
    """One step as a doit action that leaves the standard streams alone."""

    out = err = result = None

    def __init__(self, plan: Plan, step: Step, pool: Pool | None, resolve: Resolve) -> None:
        self.plan, self.step, self.pool, self.resolve = plan, step, pool, resolve
        self.values: dict[str, Any] = {}
        self.task = None

    def execute(self, out: Any = None, err: Any = None) -> StageFailed | None:
        """Do the step; a failure is returned, as doit wants it."""
        try:
            perform(self.plan, self.step, self.pool, self.resolve)
        except Exception as cause:
            return StageFailed(self.step.name, cause)
        return None


class PlanState:
    """The plan in the place of doit's dependency manager: no `uptodate` callables, no database."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def get_status(self, task: Any, tasks: Any, get_log: bool = False) -> Any:
        """Called in the main thread, after all that the task waits for."""
        status, step = DependencyStatus(get_log), self.plan.steps.get(task.name)  # no step: a group
        if step is not None and step.state is State.WAIT:
            self._settle(step)
        if step is not None and step.state is not State.FRESH:
            status.status = "run"
        return status

    def _settle(self, step: Step) -> None:
        state = self.plan.decide(step)
        if state is State.WAIT:
            raise RuntimeError(f"{step.title} was to be run, but it {step.why}")
        if state is State.FRESH:
            step.why = _DONE
            self.plan.commit(step.name)

    def save_success(self, task: Any, result_hash: Any = None) -> None:
        """Called in the main thread; memory only."""
        if task.name in self.plan.steps:
            self.plan.commit(task.name)

    def status_is_ignore(self, task: Any) -> bool:
        """Nothing is ever ignored."""
        return False

    def remove_success(self, task: Any) -> None:
        """There is nothing to remove: receipts are written after success alone."""

    def close(self) -> None:
        """There is no database."""

    def get_values(self, task_name: str) -> dict[str, Any]:
        """Tasks hand nothing over through doit."""
        return {}


class Reporter:
    """Collects failures. `execute_task` runs in workers, the rest in the main thread; none may raise."""

    def __init__(self) -> None:
        self.failures: list[tuple[str, Any]] = []
        self.broken: list[str] = []

    def add_failure(self, task: Any, fail: Any) -> None:
        """Keep a failure; those that only follow from another one are left out."""
        if not isinstance(fail, UnmetDependency):
            self.failures.append((task.name, fail))

    def runtime_error(self, message: str) -> None:
        """Keep what doit says of itself."""
        self.broken.append(message)

    def _nothing(self, *_: Any) -> None:
        """The plan knows already."""

    initialize = get_status = execute_task = add_success = skip_uptodate = skip_ignore = _nothing
    teardown_task = cleanup_error = complete_run = _nothing


def run(plan: Plan, *, jobs: int = 1, pool: Pool | None = None, resolve: Resolve = load) -> list[tuple[Step, BaseException]]:
    """Do what is stale. Returns the failures in the order of the plan; stops at the first. Call it inside the lock."""
    graph, reporter = TaskControl(_tasks(plan, pool, resolve)), Reporter()
    graph.process(None)
    arguments = (PlanState(plan), reporter, False, False)
    try:
        (MThreadRunner(*arguments, None, jobs) if jobs > 1 else Runner(*arguments)).run_all(graph.task_dispatcher())
    except BaseException:
        plan.stop()  # no write after this; doit's threads go on after Ctrl-C has raised
        raise
    if reporter.broken:
        raise RuntimeError(f"doit: {reporter.broken[0]}")
    order = list(plan.steps)
    failed = [(plan.steps[name], getattr(fail, "cause", fail)) for name, fail in reporter.failures]
    return sorted(failed, key=lambda each: order.index(each[0].name))


def _tasks(plan: Plan, pool: Pool | None, resolve: Resolve) -> list[Any]:
    """The stale part of the plan as doit tasks; rows whose groups are not known yet come from one delayed loader, after the split."""

    def task(step: Step, known: set[str]) -> Any:
        return Task(step.name, [StageAction(plan, step, pool, resolve)], task_dep=[name for name in step.after if name in known])

    def group(row: str, steps: list[Step]) -> Any:
        return Task(row, None, task_dep=[step.name for step in steps if step.row.name == row], has_subtask=True)

    now, late = plan.stale(), [row.name for row in plan.open_rows]
    fans = list(dict.fromkeys(step.row.name for step in now if step.row.per))

    def make() -> Iterator[Any]:  # once, after the split; each placeholder is replaced by its group
        new = [step for step in plan.reopen() if step.state is not State.FRESH] if plan.groups is not None else []
        yield from (group(row, new) for row in late)
        yield from (task(step, {*late, *(each.name for each in new)}) for step in new)

    known = {step.name for step in now} | set(fans) | set(late)
    loader = DelayedLoader(make, executed=_splitter(plan.rows)) if late else None
    return [*(task(step, known) for step in now), *(group(row, now) for row in fans), *(Task(row, None, loader=loader) for row in late)]


def _splitter(rows: tuple[Stage, ...]) -> str:
    return next(row.name for row in rows if row.splits)
