"""The structure of a shape, built by genson from skeletons: value-free stand-ins that have every type and key that was seen.

genson says which types, properties and items there are; counts, formats, vocabularies and bounds are added by `schema`. Skeletons are
made in sorted order, so the order of samples cannot matter.
"""

from itertools import zip_longest
from typing import Any, Final

from genson import SchemaBuilder

from caskmcp.model.observation import Shape

# fmt: off
SCALARS: Final = (
    # count       stand-in
    ("nulls",     None),
    ("booleans",  False),
    ("integers",  0),
    ("numbers",   0.5),
    ("strings",   ""),
)
# fmt: on
_ABSENT: Final = object()


def structure(shape: Shape) -> dict[str, Any]:
    """genson's schema of all skeletons of a shape, without `$schema`."""
    builder = SchemaBuilder(schema_uri=None)
    for skeleton in skeletons(shape):
        builder.add_object(skeleton)
    return dict(builder.to_schema())


def skeletons(shape: Shape) -> list[Any]:
    """Stand-ins that together have every type, key and item of a shape."""
    out: list[Any] = [value for name, value in SCALARS if getattr(shape, name)]
    if shape.arrays:
        out.append(skeletons(shape.items) if shape.items else [])
    if shape.objects:
        out += _objects(shape)
    return out


def _objects(shape: Shape) -> list[dict[str, Any]]:
    columns = {key: skeletons(child) for key, child in sorted(shape.properties.items())}
    rows = zip_longest(*columns.values(), fillvalue=_ABSENT) if columns else [()]
    return [{key: value for key, value in zip(columns, row, strict=True) if value is not _ABSENT} for row in rows]
