"""The house keeps its walls: who may import whom, and what the core may never touch; then the proof that this is noticed."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "ivig_fhir"

# Lines of the house, top first; a module may import its own folder and folders on lower lines.
LINES = (
    ("app",),
    ("web", "cds", "cli"),
    ("workflow",),
    ("store",),
    ("smart", "ehr"),
    ("order",),
    ("proposal",),
    ("chart",),  # reads with the code sets and panels of the content; see docs/decisions/0003
    ("content",),
    ("fhir",),
    ("settings", "observe"),
    ("errors",),
)
CORE = ("content", "chart", "proposal", "order", "fhir")
# What only some modules may import. A name ending in a dot stands for the folder.
ONLY = {
    "requests": ("ehr/client", "smart/discovery", "smart/token", "smart/keys", "app", "sandbox/"),
    "flask": ("app", "web/", "cds/", "sandbox/"),
    "flask_wtf": ("app", "web/"),
    "sqlalchemy": ("store/",),
    "alembic": ("store/",),
    "sqlite3": ("sandbox/",),
    "fhir.resources": ("fhir/building",),
    "pydantic": ("fhir/building",),
    "structlog": ("observe",),
    "jwt": ("smart/", "sandbox/", "cds/trust"),
    "cryptography": ("store/", "smart/", "sandbox/"),
}
# The core is pure: no clock, chance, network, disk, environment, logging, threads or SQL. Two modules read package data, and say why.
IMPURE = {
    "os",
    "random",
    "secrets",
    "socket",
    "threading",
    "logging",
    "time",
    "subprocess",
    "asyncio",
    "sqlite3",
    "urllib.request",
    "http",
    "io",
    "shutil",
    "tempfile",
}
MAY_READ = {"content/load": {"pathlib", "tomllib"}, "fhir/r4_table": {"importlib", "json"}}
READERS = {"pathlib", "importlib"}
CLOCK = re.compile(r"\b(datetime\.now|datetime\.utcnow|date\.today|time\.time|uuid4|uuid1)\b")
LITERALS = {0, 1, 2, 10, 60, 100, 1000}
LITERAL_FREE = "proposal/"
MAY_HAVE_LITERALS = ("proposal/formulas",)
# The second calculation shares the vocabulary of FHIR and the types of the content with the first, and nothing else.
SECOND = "order/recompute/"
SECOND_MAY_IMPORT = ("ivig_fhir.fhir", "ivig_fhir.content.model", "ivig_fhir.content.site", "ivig_fhir.errors")
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "service"}


def names(folder: Path = PACKAGE) -> list[str]:
    return sorted(str(p.relative_to(folder).with_suffix("")) for p in folder.rglob("*.py"))


def imports(tree: ast.AST) -> list[tuple[str, int]]:
    """(module, level) of every import; `from a import b` counts as a and a.b."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(a.name, 0) for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [(node.module or "", node.level), *((f"{node.module}.{a.name}", node.level) for a in node.names)]
    return found


def room(name: str) -> str:
    return name.split("/")[0]


def line_of(folder: str) -> int:
    return next((n for n, line in enumerate(LINES) if folder in line), -1)


def import_faults(name: str, tree: ast.AST) -> list[str]:
    faults = []
    own = room(name)
    for module, level in imports(tree):
        if level:
            faults.append(f"{name}: relative import")
        if module.startswith("ivig_fhir."):
            faults += house_faults(name, own, module.split(".")[1])
        for banned, allowed in ONLY.items():
            if (module == banned or module.startswith(banned + ".")) and not any(
                name == a or (a.endswith("/") and name.startswith(a)) for a in allowed
            ):
                faults.append(f"{name}: imports {banned}")
        if module.startswith("fhir.resources") and not module.startswith("fhir.resources.R4B") and module != "fhir.resources":
            faults.append(f"{name}: imports fhir.resources outside R4B")
        top = module.split(".")[0]
        if own in CORE and (top in IMPURE or module in IMPURE or (top in READERS and top not in MAY_READ.get(name, set()))):
            faults.append(f"{name}: the core imports {top}")
    if name.startswith(SECOND):
        own_room = "ivig_fhir." + SECOND.rstrip("/").replace("/", ".")
        mine = [m for m, _ in imports(tree) if m.startswith("ivig_fhir.")]
        faults += [f"{name}: imports {m}, and calculates apart" for m in mine if not m.startswith((own_room, *SECOND_MAY_IMPORT))]
    return faults


def house_faults(name: str, own: str, other: str) -> list[str]:
    if own in ("__init__", other) or other.startswith("__"):
        return []
    if own == "sandbox":
        return [f"{name}: the sandbox imports {other}"]
    if other == "sandbox":
        return [f"{name}: imports the sandbox"]
    if own == "cli" and other == "app":  # the one named exception: it starts the app
        return []
    return [f"{name}: imports {other}, which stands above or beside it"] if line_of(other) <= line_of(own) or line_of(own) < 0 else []


def purity_faults(name: str, tree: ast.AST, text: str) -> list[str]:
    faults = []
    if room(name) in CORE:
        faults += [f"{name}: uses {m.group(0)}" for m in CLOCK.finditer(text)]
        faults += [
            f"{name}: opens a file"
            for n in ast.walk(tree)
            if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "open"
        ]
        faults += [
            f"{name}: float()" for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "float"
        ]
    if name != "settings":
        faults += [
            f"{name}: reads the environment"
            for n in ast.walk(tree)
            if isinstance(n, ast.Attribute) and n.attr in ("environ", "getenv") and isinstance(n.value, ast.Name) and n.value.id == "os"
        ]
    if name.startswith(LITERAL_FREE) and name not in MAY_HAVE_LITERALS:
        numbers = [
            n.value
            for n in ast.walk(tree)
            if isinstance(n, ast.Constant) and isinstance(n.value, int | float) and not isinstance(n.value, bool)
        ]
        faults += [f"{name}: the number {n} belongs into order_sets" for n in numbers if n not in LITERALS]
    broad = [
        n
        for n in ast.walk(tree)
        if isinstance(n, ast.ExceptHandler)
        and (n.type is None or (isinstance(n.type, ast.Name) and n.type.id in ("Exception", "BaseException")))
    ]
    broad = [n for n in broad if not (isinstance(n.body[-1], ast.Raise) and n.body[-1].exc is None)]  # undo and pass on is fine
    if broad and name not in ("app", "web/errors", "cds/errors", "sandbox/fhir_api", "sandbox/server"):
        faults.append(f"{name}: catches everything")
    return faults


def size_faults(name: str, tree: ast.Module, text: str) -> list[str]:
    faults = [f"{name}: more than 300 lines"] if text.count("\n") > 300 else []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and "/migrations/" not in name and (node.end_lineno or 0) - node.lineno >= 50:
            faults.append(f"{name}: {node.name} has more than 50 lines")
    if not ast.get_docstring(tree):
        faults.append(f"{name}: no docstring")
    if name.split("/")[-1] in NAMELESS:
        faults.append(f"{name}: a name that says nothing")
    return faults


def faults_of(name: str, text: str) -> list[str]:
    tree = ast.parse(text)
    return import_faults(name, tree) + purity_faults(name, tree, text) + size_faults(name, tree, text)


@pytest.mark.parametrize("name", names())
def test_every_module_keeps_to_its_room(name: str) -> None:
    assert faults_of(name, (PACKAGE / f"{name}.py").read_text(encoding="utf-8")) == []


DOC = '"""A module."""\n'
PLANTED = [
    ("chart/a", "from ivig_fhir.proposal import model", "stands above"),
    ("chart/a", "from ivig_fhir import store", "stands above"),
    ("content/a", "from ivig_fhir.chart import facts", "beside"),
    ("smart/a", "from ivig_fhir.ehr import client", "beside"),
    ("web/a", "from ivig_fhir.cli import main", "beside"),
    ("order/a", "from . import states", "relative"),
    ("proposal/a", "import requests", "imports requests"),
    ("proposal/a", "import os", "the core imports os"),
    ("chart/a", "import random", "the core imports random"),
    ("order/a", "from pathlib import Path", "the core imports pathlib"),
    ("order/a", "from datetime import datetime\nx = datetime.now()", "datetime.now"),
    ("chart/a", "x = open('f')", "opens a file"),
    ("proposal/a", "x = float('1')", "float()"),
    ("web/a", "import os\nx = os.environ", "environment"),
    ("proposal/a", "LIMIT = 30", "belongs into order_sets"),
    ("ehr/a", "import flask", "imports flask"),
    ("web/a", "import sqlalchemy", "imports sqlalchemy"),
    ("order/a", "from fhir.resources.R4B import patient", "imports fhir.resources"),
    ("fhir/building", "from fhir.resources.patient import Patient", "outside R4B"),
    ("sandbox/a", "from ivig_fhir.errors import IvigError", "the sandbox imports"),
    ("web/a", "from ivig_fhir.sandbox import server", "imports the sandbox"),
    ("order/recompute/dose", "from ivig_fhir.proposal import dosing", "calculates apart"),
    ("order/recompute/weight", "from ivig_fhir.chart import observations", "calculates apart"),
    ("order/recompute/weight", "import ivig_fhir.chart.observations", "calculates apart"),
    ("order/recompute/rates", "from ivig_fhir.order import verification", "calculates apart"),
    ("order/recompute/tables", "from ivig_fhir.content.load import load_content", "calculates apart"),
    ("order/recompute/__init__", "from ivig_fhir.proposal.vials import vials_for", "calculates apart"),
    ("ehr/a", "try:\n    x = 1\nexcept Exception:\n    x = 2", "catches everything"),
    ("fhir/utils", "x = 1", "says nothing"),
    ("fhir/a", "\n" * 301, "300 lines"),
    ("fhir/a", "def f():\n" + "    x = 1\n" * 60, "50 lines"),
]


@pytest.mark.parametrize(("name", "code", "said"), PLANTED)
def test_a_planted_fault_is_noticed(name: str, code: str, said: str) -> None:
    assert any(said in fault for fault in faults_of(name, DOC + code + "\n"))


def test_a_module_without_a_docstring_is_noticed() -> None:
    assert "fhir/a: no docstring" in faults_of("fhir/a", "x = 1\n")


def test_a_clean_module_has_no_fault() -> None:
    assert faults_of("proposal/a", DOC + "from ivig_fhir.fhir.quantity import Quantity\nx = 100\n") == []


def test_the_map_names_every_folder_and_the_reading_order_of_the_spine() -> None:
    shown = (PACKAGE / "__init__.py").read_text(encoding="utf-8")
    for folder in sorted(p.name for p in PACKAGE.iterdir() if p.is_dir() and p.name != "__pycache__"):
        assert f"{folder}/" in shown, folder


def test_the_revisions_of_the_store_are_one_line() -> None:
    """Two that name the same one before them, or each other, would keep every installation from starting."""
    texts = (p.read_text(encoding="utf-8") for p in (PACKAGE / "store/migrations/versions").glob("0*.py"))
    found = (re.search(r'^revision = "(\d+)"\ndown_revision = (?:None|"(\d+)")$', text, re.MULTILINE) for text in texts)
    follows = {match[2]: match[1] for match in found if match}
    assert len(follows) == len(list((PACKAGE / "store/migrations/versions").glob("0*.py")))
    seen, at = [], None
    while at in follows:
        at = follows.pop(at)
        seen.append(at)
    assert not follows, f"{seen} and, apart from it, {follows}"
