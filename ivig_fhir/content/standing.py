"""Whether a site has reviewed what an order stands on: every part of the content that counts, and what is wrong with its review."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from ivig_fhir.content.governance import ContentFile, Review
from ivig_fhir.content.hashing import digest_of
from ivig_fhir.content.model import Content, OrderSet, Product
from ivig_fhir.content.site import Site

UNSIGNED, UNDUE, EXPIRED, OVERDUE = "unsigned", "undue", "expired", "overdue"
_CODES = "value_sets/"
_SHARED = (
    "policies.toml",
    "companions.toml",
    "course.toml",
    "figures.toml",
    "observations.toml",
    "products/known.toml",
    "verification.toml",
    "infusion_sheet.toml",
    "dispense.toml",
)


@dataclass(frozen=True, slots=True)
class Standing:
    """One part of the content and its review at a site. problem: unsigned, undue (dated after today), expired,
    overdue (the part's own `review_by` is past), or ""."""

    part: ContentFile
    review: Review | None
    problem: str


def parts_of_order(content: Content, order_set: OrderSet, product: Product) -> tuple[ContentFile, ...]:
    """What an order stands on and a reviewer signs: its order set with the diagnosis codes, its product, and what every order shares."""
    return (part_of_order_set(order_set), part_of_product(product), *content.common)


def all_parts(content: Content) -> tuple[ContentFile, ...]:
    """Every part that a site can sign."""
    sets = tuple(part_of_order_set(o) for o in content.order_sets.values())
    return (*sets, *(part_of_product(p) for p in content.products.values()), *content.common)


def common_parts(files: Mapping[str, ContentFile]) -> tuple[ContentFile, ...]:
    """What every order stands on: the checks, one file a question, the lists, the policies, and the value sets as one part.

    The diagnosis codes of an indication belong to its order set. References are not signed: the keys that name them are.
    """
    shared = [file for name, file in files.items() if name.startswith("checks/") or name in _SHARED]
    codes = {name: file for name, file in files.items() if name.startswith(_CODES) and not name.startswith(f"{_CODES}indication-")}
    newest = max(file.governance.version for file in codes.values())
    first_due = min(file.governance.review_by for file in codes.values())
    head = replace(next(iter(codes.values())).governance, version=newest, review_by=first_due)
    together = ContentFile(_CODES, digest_of({name: file.hash for name, file in codes.items()}), head)
    return (*sorted(shared, key=lambda file: file.name), together)


def part_of_order_set(order_set: OrderSet) -> ContentFile:
    """An order set as it is signed: the file together with its diagnosis codes."""
    return ContentFile(f"indications/{order_set.id}.toml", order_set.content_hash, order_set.governance)


def part_of_product(product: Product) -> ContentFile:
    """A product as it is signed."""
    return ContentFile(f"products/{product.id}.toml", product.content_hash, product.governance)


def standings(parts: Sequence[ContentFile], site: Site, today: date) -> tuple[Standing, ...]:
    """The review of each part at this site on this day. A signature holds to the end of its last day, and of the part's `review_by`."""
    return tuple(_standing(part, site.reviews.get(part.hash), today) for part in parts)


def shortfalls(content: Content, site: Site, order_set: OrderSet, product: Product, today: date) -> tuple[Standing, ...]:
    """What is missing for an order to stand on reviewed content; empty when every part is signed and none has run out."""
    return tuple(s for s in standings(parts_of_order(content, order_set, product), site, today) if s.problem)


def reviewed_share(content: Content, site: Site, today: date) -> str:
    """How much of the content is reviewed at this site: none, part or all."""
    found = [not s.problem for s in standings(all_parts(content), site, today)]
    return "all" if all(found) else "part" if any(found) else "none"


def _standing(part: ContentFile, review: Review | None, today: date) -> Standing:
    return Standing(part, review, _problem(part, review, today.isoformat()))


def _problem(part: ContentFile, review: Review | None, today: str) -> str:
    if review is None:
        return UNSIGNED
    if review.reviewed_on > today:
        return UNDUE
    if review.expires_on and review.expires_on < today:
        return EXPIRED
    return OVERDUE if part.governance.review_by < today else ""
