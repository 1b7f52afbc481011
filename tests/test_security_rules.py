"""Static rules that no general tool knows: how this app asks others, shows words, compares secrets; and that each exception is argued."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "ivig_fhir"
TEMPLATES = sorted(PACKAGE.rglob("templates/*.html"))
CODE = sorted([*PACKAGE.rglob("*.py"), *(ROOT / "scripts").glob("*.py"), ROOT / "server.py"])

# Asking over the network: a limit of time, no redirect, no whole body in memory, no credentials of a .netrc file.
ASKED_WITH = {"timeout", "allow_redirects", "stream", "auth"}
NEVER_CALLED = {
    "eval", "exec", "compile", "__import__", "render_template_string", "Markup", "from_string", "mktemp", "md5", "sha1",
    "_create_unverified_context", "disable_warnings",
}  # fmt: skip
NEVER_IMPORTED = {"pickle", "marshal", "shelve", "dill", "yaml", "xml.sax", "xml.dom", "telnetlib", "ftplib", "cgi"}
# The only places where chance may be anything but `secrets`: how long a retry waits, and the sandbox's people.
CHANCE = {"ehr/retry"}


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""


def is_asking(node: ast.Call) -> bool:
    """Whether this sends a request: a verb of a session that is called `http`."""
    if not isinstance(node.func, ast.Attribute) or node.func.attr not in ("get", "post", "put", "delete", "request", "head", "send"):
        return False
    owner = node.func.value
    name = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
    return name in ("http", "requests")


def faults_of_code(name: str, text: str) -> Iterator[str]:
    """What is wrong in one module."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
            yield from (f"{name}: imports {n}" for n in names if n in NEVER_IMPORTED)
            if "random" in names and name not in CHANCE:
                yield f"{name}: chance comes from secrets"
        if not isinstance(node, ast.Call):
            continue
        keywords = {k.arg: k.value for k in node.keywords if k.arg}
        if called(node) in NEVER_CALLED and not (called(node) == "compile" and isinstance(node.func, ast.Attribute)):
            yield f"{name}:{node.lineno}: calls {called(node)}"
        if is_asking(node) and not keywords.keys() >= ASKED_WITH:
            yield f"{name}:{node.lineno}: asks without {', '.join(sorted(ASKED_WITH - keywords.keys()))}"
        if "verify" in keywords or "shell" in keywords:
            yield f"{name}:{node.lineno}: verify= or shell="
        redirects = keywords.get("allow_redirects")
        if redirects is not None and not (isinstance(redirects, ast.Constant) and redirects.value is False):
            yield f"{name}:{node.lineno}: follows redirects"
        if name.startswith("store/") and called(node) == "text" and not isinstance(node.args[0], ast.Constant):
            yield f"{name}:{node.lineno}: SQL that is put together"


def faults_of_exceptions(name: str, text: str) -> Iterator[str]:
    """Exceptions from the security rules of the linter that give no reason, or hold for more than a line."""
    for number, line in enumerate(text.splitlines(), start=1):
        if re.search(r"nosec|noqa(?!: [A-Z]+\d+)|ruff: noqa", line):
            yield f"{name}:{number}: an exception from everything"
        if re.search(r"# noqa: .*\bS\d{3}", line) and not re.search(r"# noqa: [A-Z0-9, ]+ - \w", line):
            yield f"{name}:{number}: an exception without a reason"


def faults_of_template(name: str, text: str) -> Iterator[str]:
    """What would weaken the escaping, the policy or the forms of a page."""
    yield from (f"{name}: {found}" for found in re.findall(r"\|\s*safe\b|autoescape|Markup|\bjavascript:", text))
    yield from (f"{name}: inline {found}" for found in re.findall(r"<style|\sstyle\s*=|\son[a-z]+\s*=|<script(?![^>]*\ssrc=)", text))
    yield from (f"{name}: an attribute without quotes: {found}" for found in re.findall(r"[a-z-]+=\{\{", text))
    yield from (f"{name}: a window without rel" for tag in re.findall(r"<a [^>]*_blank[^>]*>", text) if "rel=" not in tag)
    for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", text, re.S):
        if name not in ("post_on.html",) and "token()" not in form and "csrf_token" not in form:
            yield f"{name}: a form without its token"


@pytest.mark.parametrize("path", CODE, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_module_breaks_a_rule(path: Path) -> None:
    name = str(path.relative_to(PACKAGE if path.is_relative_to(PACKAGE) else ROOT).with_suffix(""))
    text = path.read_text(encoding="utf-8")
    rules = [] if name.startswith(("sandbox/", "scripts/")) else list(faults_of_code(name, text))
    assert [*rules, *faults_of_exceptions(name, text)] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_template_breaks_a_rule(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    faults = list(faults_of_template(path.name, text))
    if "sandbox" in path.parts:  # another program, whose sign-in knows no session before its form is sent
        faults = [f for f in faults if "without its token" not in f]
    assert faults == []


PLANTED = [
    ("web/a", "x = eval('1')", "calls eval"),
    ("web/a", "import pickle", "imports pickle"),
    ("smart/a", "import random", "secrets"),
    ("web/a", "from markupsafe import Markup\nx = Markup(y)", "calls Markup"),
    ("smart/a", "http.get(url, timeout=3)", "without allow_redirects, auth, stream"),
    ("smart/a", "self.http.post(url, timeout=3, allow_redirects=True, stream=True, auth=a)", "follows redirects"),
    ("smart/a", "http.get(url, timeout=3, allow_redirects=False, stream=True, auth=a, verify=False)", "verify="),
    ("cli/a", "run('ls', shell=True)", "shell="),
    ("store/a", "conn.execute(text(f'select {x}'))", "put together"),
    ("web/a", "x = hashlib.md5(b'')", "calls md5"),
]


@pytest.mark.parametrize(("name", "code", "said"), PLANTED)
def test_a_planted_fault_in_a_module_is_noticed(name: str, code: str, said: str) -> None:
    assert any(said in fault for fault in faults_of_code(name, code))


@pytest.mark.parametrize("line", ["x = 1  # noqa", "x = 1  # noqa: S608", "x = 1  # nosec", "# ruff: noqa"])
def test_an_exception_without_a_reason_is_noticed(line: str) -> None:
    assert list(faults_of_exceptions("web/a", line))
    assert not list(faults_of_exceptions("web/a", "x = 1  # noqa: S608 - the names are constants"))


@pytest.mark.parametrize(
    "html",
    [
        "{{ v.name | safe }}", "<p onclick=\"x()\">", "<p style=\"color:red\">", "<script>x()</script>", "<a href={{ v.url }}>", "<style>p{}</style>",
        '<a href="{{ v.url }}" target="_blank">', '<form action="x" method="post"><button>Go</button></form>', "{% autoescape false %}",
    ],
)  # fmt: skip
def test_a_planted_fault_in_a_template_is_noticed(html: str) -> None:
    assert list(faults_of_template("a.html", html))


def test_every_test_that_the_security_page_names_exists() -> None:
    named = re.findall(r"`([a-z_]+/test_[a-z_]+\.py|test_[a-z_]+\.py)`", (ROOT / "SECURITY.md").read_text(encoding="utf-8"))
    assert len(named) > 15
    assert [name for name in named if not any((folder / name).is_file() for folder in (ROOT, ROOT / "tests"))] == []
