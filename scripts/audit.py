"""Dependency audit and bill of materials; a package that was not audited is a failure, never green.

Usage: python scripts/audit.py  (needs pip-audit on the path, and its database within reach)
       python scripts/audit.py --bill  (the bill of materials alone, offline)
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
OUT = ROOT / "var" / "bill-of-materials.json"


def pins() -> list[tuple[str, str]]:
    """(name, version) of every runtime dependency."""
    return re.findall(r"^([A-Za-z0-9_.\-]+)==([^\s;\\]+)", LOCK.read_text(encoding="utf-8"), re.M)


def licence(name: str) -> str:
    """The licence that the installed package declares."""
    try:
        found = metadata(name)
    except PackageNotFoundError:
        return "not installed here"
    return found.get("License-Expression") or (found.get("License") or "").split("\n")[0][:60] or "not declared"


def bill_of_materials() -> Path:
    """Writes a CycloneDX 1.5 list of the pinned runtime dependencies."""
    parts = [
        {
            "type": "library",
            "bom-ref": f"{n}@{v}",
            "name": n,
            "version": v,
            "purl": f"pkg:pypi/{n.lower().replace('_', '-')}@{v}",
            "licenses": [{"license": {"name": licence(n)}}],
        }
        for n, v in pins()
    ]
    OUT.parent.mkdir(exist_ok=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    about = {"component": {"type": "application", "bom-ref": project["name"], "name": project["name"], "version": project["version"]}}
    bill = {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "metadata": about, "components": parts}
    OUT.write_text(json.dumps(bill, indent=1), encoding="utf-8")
    return OUT


def audit() -> tuple[bool, str]:
    """(passed, what was found). Every pin must have been looked up."""
    tool = shutil.which("pip-audit") or shutil.which("pip-audit", path=str(Path(sys.executable).parent))
    if tool is None:
        return False, "not audited: pip-audit is not installed"
    command = [tool, "--requirement", str(LOCK), "--disable-pip", "--require-hashes", "--format", "json", "--progress-spinner", "off"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603 - a program of ours, arguments as a list
        found = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, json.JSONDecodeError, KeyError):
        return False, "not audited: the vulnerability database could not be reached"
    skipped = [d["name"] for d in found if "skip_reason" in d]
    missing = {n.lower().replace("_", "-") for n, _ in pins()} - {d["name"].lower().replace("_", "-") for d in found}
    if skipped or missing or not found:
        return False, f"not audited: {len(skipped) + len(missing) or 'all'} packages were skipped"
    vulnerable = [f"{d['name']} {d['version']}: {v['id']}" for d in found for v in d.get("vulns", [])]
    return not vulnerable, "; ".join(vulnerable) or f"{len(found)} packages audited, none with a known vulnerability"


def main() -> int:
    """0 only when every package was audited and none is vulnerable; with --bill when the bill was written."""
    print(f"bill of materials: {bill_of_materials().relative_to(ROOT)}, {len(pins())} packages")
    if "--bill" in sys.argv[1:]:
        return 0
    passed, said = audit()
    print(said, file=sys.stdout if passed else sys.stderr)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
