"""`ivig-fhir content check`: is the content valid, what changed since it was released, and what has this site still to sign."""

from __future__ import annotations

import argparse
from collections import Counter
from datetime import date

from ivig_fhir.cli.inputs import content_and_site, moment
from ivig_fhir.cli.versions import latest_release
from ivig_fhir.content.governance import ContentFile
from ivig_fhir.content.model import Content
from ivig_fhir.content.releases import differences, unraised
from ivig_fhir.content.standing import Standing, all_parts, parts_of_order, standings
from ivig_fhir.errors import SelectionError
from ivig_fhir.settings import Settings


def register(parts: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the part and its options."""
    check = parts.add_parser("check", help="load everything, strictly, and say what is unreviewed", description=__doc__)
    check.add_argument("--site", metavar="FILE", help="the site file, TOML, with the site's signatures")
    check.add_argument("--now", metavar="WHEN", help="the day on which reviews must hold; default today")
    check.add_argument("--to-sign", action="store_true", help="print what has no valid review, as TOML to fill in")
    check.add_argument("--indication", metavar="ID", help="only what an order of this order set stands on; needs --product")
    check.add_argument("--product", metavar="ID", help="... with this product")
    check.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """0 when the content is valid; a fault is a ContentError. Unreviewed content is valid, and said."""
    content, site = content_and_site(arguments.site)
    today = moment(arguments.now, site).date()
    found = standings(_asked(content, arguments), site, today)
    lines = _to_sign(found) if arguments.to_sign else [*_held(content), *_governance(content, today), *_released(content), *_reviews(found)]
    print("\n".join(lines))
    return 0


def _asked(content: Content, arguments: argparse.Namespace) -> tuple[ContentFile, ...]:
    if arguments.indication is None and arguments.product is None:
        return all_parts(content)
    order_set, product = content.order_sets.get(arguments.indication), content.products.get(arguments.product)
    if order_set is None or product is None:
        raise SelectionError(said="--indication and --product go together, and must be ids of the content.")
    return parts_of_order(content, order_set, product)


def _held(content: Content) -> list[str]:
    index = content.constants["check_index"]
    return [
        f"Content {content.version}, {content.digest}",
        f"{len(content.order_sets)} order sets, {len(content.products)} products, {len(content.checks)} of {len(index)} checks built",
        f"{len(content.value_sets)} value sets, {len(content.citations)} citations, {len(content.files)} files",
    ]


def _governance(content: Content, today: date) -> list[str]:
    heads = [file.governance for file in content.files.values()]
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(Counter(h.status for h in heads).items()))
    first = min(h.review_by for h in heads)
    late = [name for name, file in content.files.items() if file.governance.review_by < today.isoformat()]
    due = f"{len(late)} files should have been read again: {', '.join(late)}" if late else f"first to be read again by {first}"
    return [f"Status: {statuses}; {due}"]


def _released(content: Content) -> list[str]:
    """How the content stands to the newest release beside it."""
    release = latest_release(Settings.from_env().content)
    if release is None:
        return ["Nothing was released yet."]
    changed, kept = differences(release, content.files), unraised(release, content.files, content.version)
    if not changed:
        return [f"This is release {release.version} of {release.released_on}, unchanged."]
    names = f"; not raised to {content.version}: {', '.join(kept)} (`content raise` does it)" if kept else ""
    return [f"{len(changed)} files differ from release {release.version} of {release.released_on}{names}"]


def _reviews(found: tuple[Standing, ...]) -> list[str]:
    counts = Counter(s.problem or "reviewed" for s in found)
    said = ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
    return [f"Reviews at this site: {len(found)} parts, {said}" + ("" if counts["reviewed"] == len(found) else " (--to-sign prints them)")]


def _to_sign(found: tuple[Standing, ...]) -> list[str]:
    """Blocks for the site file. They load only once they are filled in."""
    lines = []
    for standing in found:
        if standing.problem:
            part, head = standing.part, standing.part.governance
            lines.append(f"# {part.name}, version {head.version}, to be read again by {head.review_by}: {standing.problem}")
            lines += [f'[review."{part.hash}"]', 'reviewed_by = ""', 'reviewed_on = ""', 'expires_on = ""', ""]
    return lines or ["# Every part has a valid review."]
