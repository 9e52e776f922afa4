"""What a live recorder gives becomes a capture: through host filter, selection and redaction, as it comes, and then as `capture import` writes it.

For `capture proxy`, `capture record`, `capture otlp`: each brings an iterable of what it saw, and this keeps it, also when Ctrl-C ended it.
Nothing is written before the recording has ended; what lies in memory until then is redacted.
"""

from collections.abc import Iterable

from caskmcp.compiler.capture.stage import Item
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.record.interrupt import until_interrupted
from caskmcp.store import manifest, secret
from caskmcp.workflows import capture, intake


def first_parties(world: World, hosts: tuple[str, ...], name: str | None = None) -> tuple[str, ...]:
    """The hosts of the project here with those that were given. name: as for `keep`. Raises CASK-I001 where none is known, and what a broken manifest raises."""
    return tuple(manifest.parse(capture.place_of(world, capture.hosts_of(hosts), name=name).text).hosts)


def keep(
    world: World,
    kind: str,
    recorded: Iterable[Item],
    hosts: tuple[str, ...],
    label: str,
    *,
    name: str | None = None,
    keep_: tuple[str, ...] = (),
) -> Report:
    """Write `captures/<id>/`, add `- capture: ID` and the hosts to cask.yaml, and say what was left out and why.

    recorded: asked for one by one, and not before everything else was checked: a generator that starts its recorder at its first item starts
    nothing in vain. It ends by itself (its duration), or by Ctrl-C or SIGTERM, which reach it as KeyboardInterrupt where it waits or at its
    last `yield`: it may then give what is still under way, or just end. kind: goes into the receipt. label: how the report calls the recorder.
    name: the toolpack's id, for a fresh manifest. keep_: as for `capture.take`.
    Raises CASK-C003 if nothing was kept, and what `recorded` raises; then nothing is written.
    """
    wanted = capture.hosts_of(hosts)
    place = capture.place_of(world, wanted, name=name)
    project = capture.keeping(manifest.parse(place.text), keep_)
    key = secret.redaction_key(world.files, place.root, world.entropy)
    taken = intake.record(project, until_interrupted(recorded), key, kind=kind, label=label)
    return capture.keep(world, place, [taken], wanted, key)
