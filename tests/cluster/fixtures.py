"""Hosts and clusters for tests in any folder, started once and cleared after every test.

`hosts` and `cluster` mark a test `cluster` and `slow`, and skip it where there can be none. Other
kinds:

    @pytest.mark.parametrize("hosts", [{"debian": True}], indirect=True)
    @pytest.mark.parametrize("cluster", [{"proctrack": "linuxproc"}], indirect=True)
"""

import functools
from collections.abc import Callable, Iterator

import pytest

from tests.cluster import namespaces, slurm
from tests.cluster.hosts import Hosts
from tests.cluster.slurm import Cluster

NAMES = ("start_hosts", "start_cluster", "hosts", "cluster")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if set(NAMES) & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.cluster)
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def start_hosts(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., Hosts]]:
    """Function (options of `Hosts`) -> two hosts; the same ones for the same options."""
    yield from _starter(Hosts, namespaces.unavailable(), tmp_path_factory)


@pytest.fixture(scope="session")
def start_cluster(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., Cluster]]:
    """Function (options of `Cluster`) -> a cluster; the same one for the same options."""
    yield from _starter(Cluster, slurm.unavailable(), tmp_path_factory)


@pytest.fixture
def hosts(request: pytest.FixtureRequest, start_hosts) -> Iterator[Hosts]:
    """Two hosts without Slurm."""
    found = start_hosts(**getattr(request, "param", {}))
    yield found
    found.clear()


@pytest.fixture
def cluster(request: pytest.FixtureRequest, start_cluster) -> Iterator[Cluster]:
    """Two hosts with Slurm."""
    found = start_cluster(**getattr(request, "param", {}))
    yield found
    found.clear()


def _starter(kind, reason, tmp_path_factory):
    if reason:
        pytest.skip(reason)
    started = []

    @functools.cache
    def start(**options):
        started.append(kind(tmp_path_factory.mktemp(kind.__name__.lower()), **options))
        return started[-1]

    yield start
    for one in started:
        one.stop()
