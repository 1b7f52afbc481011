"""Changes the arithmetic of dose, rate, vials, formulas and units in every way mutmut knows, and tells which changes the tests notice.

Usage: python scripts/mutation.py [--results]

Which files and which tests: [tool.mutmut] of pyproject.toml. Each change that no test noticed has to be argued in EQUIVALENT, where nothing that
the program says can tell it from the original; all others are gaps. Writes docs/generated/mutation.md; 1 below the stated score, or with a gap.
With --results nothing is run again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "docs" / "generated" / "mutation.md"
MUTMUT = str(Path(sys.executable).parent / "mutmut")
STATED = 95.0  # per cent
NOTICED = ("killed", "timeout", "segfault")
# function, what was written instead -> why it is the same program
EQUIVALENT: dict[tuple[str, str], str] = {
    (
        "convert",
        'def convert(quantity: Quantity, to: str, substance: str = "XXXX") -> Quantity:',
    ): "no substance of the table has this name either, so it means no substance",
    ("plain", 'text = format(value, "F")'): "F and f differ for NaN and infinity alone, and a quantity is finite",
    (
        "plain",
        'return text.rstrip("XX0XX").rstrip(".") if "." in text else text',
    ): "a number has no X to strip",
    (
        "plain",
        'return text.rstrip("0").rstrip("XX.XX") if "." in text else text',
    ): "a number has no X to strip",
    (
        "_capped",
        "return (*kept, RateStep(cap, None, None))",
    ): "whether a source prints a step is not carried into a schedule",
    (
        "egfr_ckid_u25",
        'k = grown if age_years >= _U25_GROWN else base * _DIGITS.power(Decimal("1.008") if years <= 0 else growth, years)',
    ): "at 12 years the power is that of 0, which is 1 for either growth",
    (
        "egfr_ckid_u25",
        'k = grown if age_years >= _U25_GROWN else base * _DIGITS.power(Decimal("1.008") if years < 1 else growth, years)',
    ): "years are whole: below 1 is 0 or less, and at 0 either growth gives 1",
    ("_fewest", "fewest: list[int | None] = [1]"): "every count is one higher; only differences and the smallest are used",
    (
        "_fewest",
        "for amount in range(1, most + 2):",
    ): "a longer table; what covers a dose with less than one whole vial to spare stands before it",
    ("_taken", "left = (fewest[amount] or 1) - 1"): "an amount that is taken apart can be made, so its count is never missing",
}
HEAD = """# Mutation testing of the arithmetic

Made by `python scripts/mutation.py` with mutmut: every operator, number, text and argument in these files was changed, one at a time, and the tests
named in `[tool.mutmut]` of `pyproject.toml` were run. A change that no test notices either is the same program in other words, and is argued below, or
is a gap. Numbers that stand outside functions (factors of units) are not changed by the tool; `tests/fhir/test_units.py` and
`tests/fhir/test_units_against_reference.py` hold each of them.

"""


@dataclass(frozen=True)
class Mutant:
    """One change: where, how it ended, and the lines before and after."""

    name: str
    status: str
    before: str = ""
    after: str = ""

    @property
    def file(self) -> str:
        """The module it is in."""
        return self.name.rpartition(".")[0].replace(".", "/") + ".py"

    @property
    def function(self) -> str:
        """The function it is in."""
        return self.name.rpartition(".")[2].partition("__mutmut")[0].removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")


def said(*arguments: str) -> str:
    """What mutmut answers."""
    return subprocess.run([MUTMUT, *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout  # noqa: S603 - a program of ours, arguments as a list


def run() -> None:
    """All mutants, on both cores; the progress of the tool is thousands of lines, and nobody reads them."""
    subprocess.run([MUTMUT, "run", "--max-children", "2"], cwd=ROOT, stdout=subprocess.DEVNULL, check=False)  # noqa: S603 - a program of ours, arguments as a list


def mutants() -> list[Mutant]:
    """Every mutant; those that survived with the lines that differ."""
    found = []
    for line in said("results", "--all", "true").splitlines():
        name, _, status = line.strip().rpartition(": ")
        if name and status in NOTICED:
            found.append(Mutant(name, status))
        elif name:
            lines = [x for x in said("show", name).splitlines() if x[:1] in "+-" and not x.startswith(("+++", "---"))]
            before, after = (" ".join(x[1:].strip() for x in lines if x[0] == sign) for sign in "-+")
            found.append(Mutant(name, status, before, after))
    return found


def page(found: list[Mutant]) -> tuple[str, float, int]:
    """The page, the score in per cent, and the number of survivors that nobody argued."""
    noticed, every = (Counter(m.file for m in found if all_ or m.status in NOTICED) for all_ in (False, True))
    score = 100 * sum(noticed.values()) / max(1, len(found))
    rows = [f"| `{file}` | {every[file]} | {noticed[file]} | {100 * noticed[file] / every[file]:.1f} % |" for file in sorted(every)]
    lines, gaps = [], 0
    for m in (m for m in found if m.status not in NOTICED):
        argued = EQUIVALENT.get((m.function, m.after))
        gaps += argued is None
        lines.append(f"| {m.function} | `{m.before.replace('|', '¦')}` | `{m.after.replace('|', '¦')}` | {argued or f'GAP ({m.status})'} |")
    table = "| file | changes | noticed | share |\n|---|---|---|---|\n" + "\n".join(rows) + "\n\n"
    total = f"{sum(noticed.values())} of {len(found)} changes were noticed ({score:.1f} %); at least {STATED:.0f} % have to be.\n"
    survivors = (
        "\nNot noticed:\n\n| function | written | changed to | why |\n|---|---|---|---|\n" + "\n".join(lines) + "\n" if lines else ""
    )
    return HEAD + table + total + survivors, score, gaps


def main() -> int:
    """Runs, writes the page, prints its last part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", action="store_true", help="only write the page again, from the last run")
    if not parser.parse_args().results:
        run()
    made, score, gaps = page(mutants())
    REPORT.write_text(made, encoding="utf-8")
    print(made.removeprefix(HEAD))
    return int(gaps > 0 or score < STATED)


if __name__ == "__main__":
    sys.exit(main())
