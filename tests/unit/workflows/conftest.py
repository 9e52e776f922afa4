"""What the stories share: a shop that is built and approved once."""

from collections.abc import Iterator

import pytest

from tests.support.drift_project import Place, Service, make
from tests.support.upstream import Upstream


@pytest.fixture(scope="session")
def drifting_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Approved, without a baseline, and its service: never written to by a test."""
    service = Service()
    with Upstream(service) as at:
        yield Place(make(tmp_path_factory.mktemp("drifting"), at), service)


@pytest.fixture(scope="session")
def measured_shop(drifting_shop: Place, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The same with a baseline; its tests write beside it and never into it."""
    shop = drifting_shop.shop.copy(tmp_path_factory.mktemp("measured"))
    shop.snapshot()
    return Place(shop, drifting_shop.service)
