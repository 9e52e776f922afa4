"""`cask capture otlp`: what programs on this machine export to a receiver on 127.0.0.1, into a capture."""

from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.record import otlp
from caskmcp.workflows import live


def run(world: World, *, hosts: tuple[str, ...], port: int, duration: float | None) -> Report:
    """Receive until the duration (seconds) is over, or until Ctrl-C. hosts: first parties beside the project's; nothing else is kept.

    Raises CASK-C020 where the port cannot be had, CASK-C003 where nothing was kept, CASK-I001 for what is given.
    """
    ours = live.first_parties(world, hosts)

    def tell(bound: int) -> None:
        for line in instructions(bound, ours, duration, protobuf=otlp.takes_protobuf()):
            world.console.note(line)

    return live.keep(world, "otel", otlp.exchanges(port=port, duration=duration, tell=tell), hosts, "the receiver")


def instructions(port: int, hosts: tuple[str, ...], duration: float | None, *, protobuf: bool) -> tuple[str, ...]:
    """What a person has to set so that a program sends its traces here. protobuf: whether that can be read."""
    form = "http/protobuf" if protobuf else "http/json"
    lacks = () if protobuf else ("JSON alone is read: protobuf needs pip install 'caskmcp[otel]'",)
    end = f" It ends by itself after {duration:g} s." if duration else ""
    return (
        f"Receiver on {otlp.ADDRESS}:{port} (OTLP over HTTP)",
        f"Keeps calls of {', '.join(hosts)}. Start your program with:",
        f"  OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_PROTOCOL={form} OTEL_EXPORTER_OTLP_ENDPOINT=http://{otlp.ADDRESS}:{port}",
        *lacks,
        f"Ctrl-C ends the recording and keeps what was seen.{end}",
    )
