"""Each peer once for a module, and the app over it afresh for a test; a peer that cannot be had here is a reason to skip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import a_hapi, a_medplum, a_sekmet
from peers.a_peer import Peer
from peers.a_place import Place, place


@pytest.fixture(scope="module")
def hapi(request: pytest.FixtureRequest, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """HAPI; a module that is no proof does not wait for its jars."""
    proof = request.node.get_closest_marker("proof") is not None
    why = a_hapi.missing(shared) if proof else a_hapi.slow(shared)
    if why:
        pytest.skip(why)
    with a_hapi.hapi(shared, tmp_path_factory.mktemp("hapi") / "log") as peer:
        yield peer


@pytest.fixture(scope="module")
def sekmet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """sekmet-fhir."""
    if why := a_sekmet.missing():
        pytest.skip(why)
    with a_sekmet.sekmet(tmp_path_factory.mktemp("sekmet")) as peer:
        yield peer


@pytest.fixture(scope="module")
def medplum(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """Medplum's router."""
    if why := a_medplum.missing():
        pytest.skip(why)
    with a_medplum.medplum(tmp_path_factory.mktemp("medplum") / "log") as peer:
        yield peer


@pytest.fixture
def on_hapi(hapi: Peer, tmp_path: Path) -> Iterator[Place]:
    """The app over HAPI."""
    with place(hapi, tmp_path) as made:
        yield made


@pytest.fixture
def on_sekmet(sekmet: Peer, tmp_path: Path) -> Iterator[Place]:
    """The app over sekmet-fhir."""
    with place(sekmet, tmp_path) as made:
        yield made


@pytest.fixture
def on_medplum(medplum: Peer, tmp_path: Path) -> Iterator[Place]:
    """The app over Medplum's router."""
    with place(medplum, tmp_path) as made:
        yield made
