"""Lease: who writes has a claim on the run, which lasts as long as the writes go on."""

from __future__ import annotations

from collections.abc import Callable

from ivig_fhir.store import orders
from ivig_fhir.workflow.runtime import Runtime


def going_on(runtime: Runtime, run: str) -> Callable[[], None]:
    """What to call before each of several writes, so that nobody looks meanwhile for what is still on its way."""

    def keep() -> None:
        with runtime.database.write() as tx:
            orders.keep_claim(tx, run, runtime.now())

    return keep
