"""Measures the engine on this machine and writes docs/generated/performance.json; 1 when a limit is missed.

Usage: python scripts/bench.py [--quick]

Every item is measured alone: wall-clock percentiles and median CPU time over its runs, and the most memory that one run allocates. Charts are
synthetic (`bench_chart.py`); each proposal is made from a chart that no proposal was made from before, so nothing is remembered between runs.
Memory of a process is that of a fresh one. Ratios come from alternating runs in this process. Charts over the wire are opened on a server in
a process of its own that answers each request after 50 ms (`bench_wire.py`); `chart_open_vs_slowest_query` is that of a chart of 500 resources
in pages of 100, opened and read as facts, against one and a half times its slowest search with all its pages.
"""

from __future__ import annotations

import argparse
import base64
import gc
import json
import os
import platform
import secrets
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from time import perf_counter_ns, process_time_ns
from typing import Any

from bench_chart import NOW, record
from bench_wire import opening, server

from ivig_fhir.chart.bundle import from_documents
from ivig_fhir.chart.read import read_chart
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.load import load_content
from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.fhir.building import decode, encode
from ivig_fhir.proposal.propose import propose
from ivig_fhir.proposal.selections import parse_selections

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "docs" / "generated" / "performance.json"
ORDER_SETS = ROOT / "order_sets"
ORDER = {"indication": "cidp", "regimen": "cidp-load", "product": "gamunex-c"}
SIZES = {500: 200, 5_000: 40, 50_000: 7}  # resources: runs
NOT_MEASURED = {
    "proposal_vs_hapi_apply": "no PlanDefinition is compiled from the content yet, so there is nothing for the peer to apply",
    "proposal_vs_cql": "the checks do not exist as CQL",
}
WIRE = {500: (100, 15), 5_000: (500, 7), 20_000: (1_000, 3)}  # resources: page size of the server, runs
LARGE = 20_000
Measured = dict[str, float | int]


def measure(work: Callable[[Any], object], runs: int, prepare: Callable[[], Any] = lambda: None) -> Measured:
    """Percentiles over `runs`, each on what `prepare` gave; the first run warms up and is not counted."""
    wall, cpu = [], []
    gc.collect()
    for number in range(runs + 1):
        given = prepare()
        at, used = perf_counter_ns(), process_time_ns()
        work(given)
        used, at = process_time_ns() - used, perf_counter_ns() - at
        if number:
            wall.append(at / 1e6)
            cpu.append(used / 1e6)
    wall.sort()
    cpu.sort()
    given = prepare()
    tracemalloc.start()
    work(given)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    marks = {f"p{p}_ms": round(wall[min(len(wall) - 1, len(wall) * p // 100)], 3) for p in (50, 95, 99)}
    return {**marks, "cpu_ms": round(cpu[len(cpu) // 2], 3), "peak_mb": round(peak / 2**20, 2), "n": runs}


def chart_of(content: Content, size: int) -> ChartSnapshot:
    """A chart of so many resources."""
    return read_chart(from_documents(record(content, size)), content, NOW, UTC)


def process_mb(code: str) -> float:
    """Most memory that a fresh process held after running `code`, in MB."""
    said = "\nprint(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).split()[1])"
    with tempfile.TemporaryDirectory() as folder:
        key = "k1:" + base64.b64encode(secrets.token_bytes(32)).decode()
        env = {**os.environ, "IVIG_SECRET_KEYS": key, "IVIG_DATABASE_URL": f"sqlite:///{folder}/bench.sqlite"}
        done = subprocess.run([sys.executable, "-c", code + said], capture_output=True, text=True, check=True, cwd=ROOT, env=env)  # noqa: S603 - a program of ours, arguments as a list
    return round(int(done.stdout.split()[-1]) / 1024, 1)


def engine(content: Content, sizes: dict[int, int]) -> dict[str, Measured]:
    """Loading content, reading charts, proposing from them."""
    work = {"content_load": measure(lambda _: load_content(ORDER_SETS).lexicon, 15)}
    chosen, site = parse_selections(ORDER), Site()
    for size, runs in sizes.items():
        resources = record(content, size)
        read = measure(lambda r: read_chart(from_documents(r), content, NOW, UTC), max(5, runs // 4), lambda kept=resources: kept)
        work[f"chart_read_{size}"] = read
        chart = chart_of(content, size)
        # A copy of the chart and of the content forgets what an earlier proposal looked up.
        fresh = lambda kept=chart: replace(kept)  # noqa: E731
        work[f"proposal_{size}"] = measure(lambda c: propose(c, chosen, content, NOW, site), runs, fresh)
    return work


def against_models(content: Content) -> float:
    """Reading a Bundle of 500 as a chart, against validating the same resources with fhir.resources; alternating, medians of CPU time."""
    from fhir.resources.R4B import get_fhir_model_class

    texts = [encode(r) for r in record(content, 500)]
    document = b"[" + b",".join(texts) + b"]"
    named = [(get_fhir_model_class(decode(t)["resourceType"]), t) for t in texts]
    ours, theirs = [], []
    for _ in range(12):
        at = process_time_ns()
        read_chart(from_documents(decode(document)), content, NOW, UTC)
        ours.append(process_time_ns() - at)
        at = process_time_ns()
        for model, text in named:
            model.model_validate_json(text)
        theirs.append(process_time_ns() - at)
    return round(sorted(theirs)[6] / sorted(ours)[6], 2)


def memory() -> dict[str, float]:
    """Processes with all content loaded: the engine alone, and the web app."""
    engine_ = "from pathlib import Path; from ivig_fhir.content.load import load_content; load_content(Path('order_sets')).lexicon"
    app = "from ivig_fhir.app import create_app; from ivig_fhir.settings import Settings; create_app(Settings.from_env())"
    reader = "import sys; sys.path.insert(0, 'scripts'); from bench_wire import open_once; "
    with server(4, WIRE[LARGE][0]) as small, server(LARGE, WIRE[LARGE][0]) as large:
        opened = {
            "open_4_resources_mb": process_mb(f"{reader}open_once('{small}')"),
            "open_20000_resources_mb": process_mb(f"{reader}open_once('{large}')"),
        }
    return {"engine_with_content_mb": process_mb(engine_), "app_with_content_mb": process_mb(app), **opened}


def wire(content: Content, quick: bool) -> dict[str, dict[str, float | int]]:
    """Opening charts of several sizes over the wire."""
    return {str(size): opening(content, size, page, 2 if quick else runs) for size, (page, runs) in WIRE.items()}


def limits(report: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """What is promised: measured and limit. Growth counts from 500 to 50,000 resources, where linear growth is 100."""
    work = report["work"]
    return {
        "one proposal from 500 resources, ms of CPU": (work["proposal_500"]["cpu_ms"], 10),
        "growth from 500 to 50,000 resources": (report["growth"]["proposal"], 100),
        "content loads, ms": (work["content_load"]["cpu_ms"], 300),
        "process with all content, MB": (report["memory"]["engine_with_content_mb"], 150),
        "app with all content, MB": (report["memory"]["app_with_content_mb"], 150),
        "opening a chart, of 1.5 times its slowest search": (report["ratios"]["chart_open_vs_slowest_query"], 1),
        "process that opened a chart of 20,000, MB": (report["memory"]["open_20000_resources_mb"], 200),
    }


def main() -> int:
    """Measures, writes, prints the limits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer runs, nothing written")
    quick = parser.parse_args().quick
    content = load_content(ORDER_SETS)
    sizes = {size: max(3, runs // 20) if quick else runs for size, runs in SIZES.items()}
    work = engine(content, sizes)
    growth = {name: round(work[f"{name}_50000"]["cpu_ms"] / work[f"{name}_500"]["cpu_ms"], 1) for name in ("proposal", "chart_read")}
    over_wire = wire(content, quick)
    machine = {"cpus": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version(), "system": platform.system()}
    report = {
        "machine": machine,
        "runs": sum(int(w["n"]) for w in work.values()),
        "work": work,
        "growth": growth,
        "memory": memory(),
        "wire": over_wire,
        "ratios": {"parse_vs_fhir_resources": against_models(content), "chart_open_vs_slowest_query": over_wire["500"]["ratio"]},
        "not_measured": NOT_MEASURED,
    }
    missed = 0
    for name, (value, limit) in limits(report).items():
        missed += value > limit
        print(f"{'over ' if value > limit else '     '} {name}: {value} of at most {limit}")
    print(f"      against fhir.resources, reading 500 resources: {report['ratios']['parse_vs_fhir_resources']} times as fast")
    if not quick:
        REPORT.write_text(json.dumps(report, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
