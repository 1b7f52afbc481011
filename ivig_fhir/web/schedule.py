"""The days of an order as a page shows them: grams beside each date, and a series in words, never as an open end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from ivig_fhir.web.render import amount, day, plural

View = dict[str, Any]
_TILES = 8


def days_view(per_infusion_g: Decimal | str, days: list[date] | list[str], series: Mapping[str, Any] | None, year: bool = True) -> View:
    """The grams of one infusion, on how many days, and a tile for each date; of many dates the first ones, and all in a list.

    `series` as in the answer, or None.
    """
    grams = amount(per_infusion_g, "g")
    said = _said(len(days), series["cycles"] if series else 1, series["interval_weeks"] if series else "")
    dated = [{"day": day(d, year=year), "grams": grams} for d in days]
    whole = len(days) <= _TILES
    return {"grams": grams, "each": said, "days": dated if whole else dated[: _TILES // 2], "all": [] if whole else dated}


def _said(days: int, courses: int, weeks: object) -> str:
    """On how many days the grams of one infusion are given; of a series also in how many courses, and how far apart."""
    if days == 1:
        return "in one infusion"
    if courses == 1:
        return f"each day, on {days} days"
    return (
        f"on each of {days} days, {weeks} weeks apart"
        if courses == days
        else f"on each of {days} days: {courses} courses, {weeks} weeks apart"
    )


def series_facts(series: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """The facts of a series: all its grams, named as such, and when it is reviewed."""
    if not series:
        return []
    return [
        ("Whole series", f"{amount(series['total_g'], 'g')} in {plural(series['cycles'], 'course')}, to {day(series['last'])}"),
        ("Review", f"{day(series['review_on'])}, before more"),
    ]
