"""Whether a text is a UCUM unit: the grammar of case-sensitive UCUM over the atoms that medicine uses."""

from __future__ import annotations

import re
from functools import lru_cache

# Atoms that take a prefix. Left out on purpose, although they are UCUM: kelvin, gauss, tesla and other atoms of physics whose
# symbols turn a slip into a valid unit (`K/uL` for thousands per microlitre, `MG` for milligrams).
_METRIC = """
    m s g L l t mol eq osm kat U [iU] [IU] J cal W V Hz Pa bar N Bq Ci Gy Sv lm lx S m[Hg] m[H2O] Cel B
    [arb'U] [anti'Xa'U] [PFU] [CFU]
"""
# ... and those that take none.
_PLAIN = """
    min h d wk mo a mo_j a_j deg % [ppth] [ppm] [ppb] [pptr] [pi] 10* 10^ [degF] [pH] [lb_av] [oz_av] [gr] [in_i] [ft_i] [yd_i]
    [sft_i] [sin_i] [foz_us] [cup_us] [tbs_us] [tsp_us] [pt_us] [qt_us] [gal_us] [in_us] [ft_us] [stone_av] [drp] [Cal] [MET]
    [HPF] [LPF] [Ch] [diop] [S] [USP'U] [Amb'a'1'U] [CCID_50] [TCID_50] [EID_50] [FFU] [ELU] [EIA'U] [GPL'U] [MPL'U] [APL'U]
    [beth'U] [BAU] [AU] [PNU] [Lf] [todd'U] [bdsk'U] [knk'U] [ka'U] [mclg'U] [dye'U] [smgy'U] [D'ag'U] [tb'U] [hp'_X] [hp'_C]
    [in_i'Hg] [in_i'H2O] [psi] [PRU] [wood'U]
"""
_PREFIX = "Y Z E P T G M k h da d c m u n p f a z y"


def _any(symbols: str) -> str:
    return "|".join(re.escape(s) for s in sorted(symbols.split(), key=len, reverse=True))


_ANNOTATION = r"\{[\x21-\x7a|~]*\}"
# The longest plain atom is tried before a prefixed one, so that `min` is a minute and never a milli-something.
_UNIT = rf"(?:(?:{_any(_PLAIN)})|(?:(?:{_any(_PREFIX)})?(?:{_any(_METRIC)})))(?:[+-]?[0-9]+)?"
_COMPONENT = re.compile(rf"(?:{_UNIT}(?:{_ANNOTATION})?|{_ANNOTATION}|[1-9][0-9]*(?:{_ANNOTATION})?)(?=[./)]|$)")
# A dose that nobody could mean: a prefix for large multiples on a gram or litre is a case slip (`ML`, `Mg`).
_CASE_SLIP = re.compile(r"(?<![A-Za-z])(?:Y|Z|E|P|T|G|M)(?:g|L|l)(?![A-Za-z\[])")


@lru_cache(maxsize=2048)
def is_ucum(text: str) -> bool:
    """Whether `text` is a unit in case-sensitive UCUM, among the atoms used in medicine.

    `mL/kg/h`, `10*9/L`, `mm[Hg]`, `{INR}` and `mL/min/{1.73_m2}` are; `grams`, `ml/hr`, `day`, `mcg` and `mEq` are not.
    Megalitres and gigagrams are refused although UCUM has them. Does not say whether two units are commensurable.
    See: https://ucum.org/ucum (grammar in section 2, table of terminal symbols)
    """
    if _CASE_SLIP.search(text):
        return False
    end = _term(text, 0)
    return end == len(text)


def _term(text: str, at: int) -> int:
    """The end of the term that starts here: components joined by '.' or '/', a leading '/' allowed; -1 when there is none."""
    if text[at : at + 1] == "/":
        at += 1
    while True:
        at = _component(text, at)
        if at < 0 or text[at : at + 1] not in (".", "/"):
            return at
        at += 1


def _component(text: str, at: int) -> int:
    if text[at : at + 1] == "(":
        end = _term(text, at + 1)
        return end + 1 if end > 0 and text[end : end + 1] == ")" else -1
    found = _COMPONENT.match(text, at)
    return found.end() if found and found.end() > at else -1
