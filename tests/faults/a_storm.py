"""How the journeys are run: by hypothesis, many at random; and one after another, a death at every point of every act."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any

from faults.a_course import WHY, looked_at
from faults.a_journey import LEASE, Journey
from faults.a_mishap import WRITE_FAULTS
from faults.a_stand import FHIR, NOTE, Stand
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.errors import FlakyFailure
from hypothesis.stateful import run_state_machine_as_test

_NUMBERS = itertools.count(1)
TRIES = 4
FIRST_LOOKS = 8  # of an act: before its write, and what is read back; after them a page may read the whole chart again


def journeys(stand: Stand, census: Counter[str], number: int, count: int, steps: int = 7, **more: Any) -> None:
    """Random journeys, `count` of them from one seed; `more` replaces what a journey has, such as the names of its faults."""
    kind = type("Journeys", (Journey,), {"stand": stand, "census": census, "number": _NUMBERS, **more})
    how = settings(
        max_examples=count,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    try:
        run_state_machine_as_test(seed(number)(kind), settings=how)
    except FlakyFailure as flaky:  # real processes race: what was true once counts, though the same steps end well another time
        raise AssertionError("\n".join(str(e) for e in flaky.exceptions)) from flaky


# What has to be done before an act can be done.
ACTS: dict[str, tuple[str, ...]] = {
    "approve": (),
    "look for it": ("approve in the dark",),
    "send again": ("approve in vain",),
    "verify": ("approve",),
    "query": ("approve",),
    "reject": ("approve",),
    "answer": ("approve", "query"),
    "withdraw": ("approve",),
    "deliver what waits": ("approve in vain",),
    "deliver what is uncertain": ("approve in the dark",),
    "deliver a decision": ("approve", "verify in the dark"),
    "hold": ("approve", "verify"),
    "look and release": ("approve", "verify"),
    "look and hold": ("approve", "verify"),
    "go on after a look held": ("approve", "verify", "look and hold"),
}


def deaths_of(stand: Stand, census: Counter[str], act: str) -> Iterator[str]:
    """Every point of an act at which the app can die: as one act without a death reaches them."""
    reached = _begun(stand, census, act)[1].points
    for point, times in sorted(reached.items()):
        if not point.endswith("read"):
            yield from (f"{point} {n}" for n in range(1, min(times, FIRST_LOOKS if point.endswith("look") else times) + 1))


def dies(stand: Stand, census: Counter[str], act: str, die: str) -> None:
    """One journey in which the app dies at a point of an act; both stores are looked at, and it settles.

    An act may be refused where the machine was too slow to read a chart to its end: it is tried again with another patient.
    """
    for _ in range(TRIES):
        one, _said = _begun(stand, census, act, die)
        one.teardown()
        if one.deaths:
            census[f"deaths at every point: {act}"] += 1
            return
    raise AssertionError(f"{act} did not come to {die}")


def _begun(stand: Stand, census: Counter[str], act: str, die: str = "") -> tuple[Journey, Any]:
    one: Journey = type("One", (Journey,), {"stand": stand, "census": census, "number": _NUMBERS})()
    one.admit("mg-crisis-ckd")
    for before in ACTS[act]:
        _do(one, before, "")
    stand.kill()  # what a process keeps in memory would make the points of one act differ from another's
    stand.start()
    return one, _do(one, act, die)


def _do(one: Journey, act: str, die: str) -> Any:
    """One act; its answer. In vain: no write arrives; in the dark: it is stored, its answer lost, and nobody can look for it."""
    lost, vain = _named("drop after commit"), _named("drop before send")
    if act.startswith("deliver"):
        one.stand.wait(LEASE)
        return one.delivered((), die)
    if act.startswith("approve"):
        dark = _named("500", methods=["GET"], path=r"^/fhir/MedicationRequest\?.*identifier=", nth=2, times=40)
        faults = {"approve": (), "approve in vain": (vain,), "approve in the dark": (lost, dark)}[act]
        return one.step("approve", "prescriber", f"orders/{one.run}/approve", one.approval(), faults, die)
    if act in ("look for it", "send again"):
        one.stand.wait(LEASE)
        return one.step("send or look for it", "prescriber", f"orders/{one.run}/resend", {}, (), die)
    if act in ("answer", "withdraw"):
        return one.step(act, "prescriber", f"orders/{one.run}/{act}", {"note": NOTE}, (), die)
    if act.startswith("look and"):
        where = f"pharmacy/{one.run}/recheck/{one.comes_to(0)}"
        body = looked_at(one.tab("pharmacist").look(where).body, act == "look and release")
        return one.step(act, "pharmacist", where, body, (), die)
    if act in ("hold", "go on after a look held"):
        word = "hold" if act == "hold" else "resume"
        return one.step(act, "pharmacist", f"pharmacy/{one.run}/{word}", WHY.get(word, {"note": NOTE}), (), die)
    word = act.split()[0]
    case = one.tab("pharmacist").look(f"pharmacy/{one.run}/").body
    reason = {} if word == "verify" else {"code": "dose", "note": NOTE}
    dark = _named("500", methods=["GET"], path=r"^/fhir/MedicationRequest/", nth=2, times=40)
    faults = (lost, dark) if "dark" in act else ()
    return one.step(word, "pharmacist", f"pharmacy/{one.run}/{word}", {"digest": case["digest"], **reason}, faults, die)


def _named(name: str, **more: Any) -> dict[str, Any]:
    return {**WRITE_FAULTS[name], "path": FHIR, "name": name, **more}
