"""Contraindications that a raw record can show by code sets alone: reactions, IgA, what the product holds, the person, the product."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ivig_fhir.fhir.codes import codings, texts
from ivig_fhir.fhir.reading import notes, parts, status_among, word
from ivig_fhir.fhir.references import own_reference
from ivig_fhir.fhir.stored_order import Resource
from ivig_fhir.order.recompute.dose import Dose
from ivig_fhir.order.recompute.facts import Facts
from ivig_fhir.order.recompute.findings import OVERRIDE, STOP, WARNING, Found, against
from ivig_fhir.order.recompute.lines import Recalculated
from ivig_fhir.order.recompute.measured import newest
from ivig_fhir.order.recompute.weight import Body

SEVERE, ANTIBODIES = "hypersensitivity.severe-reaction", "hypersensitivity.iga-antibodies"
PROLINE, FRUCTOSE, YOUNG, CORN = "excipient.proline", "excipient.fructose", "excipient.sorbitol-under-two", "excipient.corn-maltose"
_OUT = ("refuted", "entered-in-error")
_OVER = ("inactive", "remission", "resolved")
_SOFT = ("unconfirmed", "provisional", "differential")
_NO_ALLERGY = ("no-known-allergy", "no-known-drug-allergy", "allergies-not-asked")


def contraindication_lines(f: Facts, body: Body, dose: Dose) -> Iterable[Recalculated]:
    """One line for each, whether found or not."""
    yield against(f, SEVERE, list(_severe(f)))
    yield against(f, ANTIBODIES, list(_antibodies(f)))
    yield against(f, PROLINE, list(_disorder(f, PROLINE, "hyperprolinemia", "hyperprolinemia-nonspecific")))
    yield against(f, FRUCTOSE, list(_disorder(f, FRUCTOSE, "hfi", "fructose-unspecified")))
    yield against(f, YOUNG, list(_young(f)))
    yield against(f, CORN, list(_corn(f)))
    yield against(f, "renal.sucrose", [Found(WARNING, "the product holds sucrose")] if _holds(f, "renal.sucrose") else [])
    yield against(f, "identity.deceased", list(_person(f)))
    yield against(f, "identity.birth-date-or-sex", list(_demographics(f)))
    yield against(f, "product.no-rate-table", list(_product(f)))
    yield against(f, "product.diluent", list(_diluent(f)))


def _is(f: Facts, set_id: str, *concepts: object) -> bool:
    """Whether codes or words of the concepts are in a value set; a word that the set excludes wins."""
    chosen, names = f.tables.value_sets[set_id], [t for c in concepts for t in texts(c)]
    return not chosen.excludes(names) and bool(chosen.by_code([c for k in concepts for c in codings(k)]) or chosen.by_text(names))


def _allergies(f: Facts, set_id: str) -> Iterator[Resource]:
    """Allergies of a set, whatever became of them; neither refuted ones nor those that say that there is none."""
    for a in f.of("AllergyIntolerance"):
        about = [a.get("code"), *(r.get("substance") for r in parts(a, "reaction"))]
        if status_among(a.get("verificationStatus"), _OUT) or not _is(f, set_id, *about):
            continue
        if not any(_says(f, name, a.get("code")) for name in _NO_ALLERGY):
            yield a


def _says(f: Facts, set_id: str, concept: object) -> bool:
    chosen = f.tables.value_sets.get(set_id)
    return chosen is not None and bool(chosen.by_code(codings(concept)) or chosen.by_text(texts(concept)))


def _conditions(f: Facts, set_id: str, history: bool = False) -> Iterator[tuple[Resource, bool]]:
    """Conditions of a set, and whether each is only suspected; with `history` those that are over too."""
    for c in f.of("Condition"):
        kept = history or not status_among(c.get("clinicalStatus"), _OVER)
        if kept and not status_among(c.get("verificationStatus"), _OUT) and _is(f, set_id, c.get("code")):
            yield c, bool(status_among(c.get("verificationStatus"), _SOFT))


def _is_severe(f: Facts, a: Resource) -> bool:
    signs, reactions = f.tables.value_sets["anaphylaxis-manifestation"], parts(a, "reaction")
    shown = [m for r in reactions for m in parts(r, "manifestation")]
    seen = any(signs.by_code(codings(m)) or signs.by_text(texts(m)) for m in shown)
    return word(a, "criticality") == "high" or seen or any(word(r, "severity") == "severe" for r in reactions)


def _severe(f: Facts) -> Iterator[Found]:
    """A severe reaction to immunoglobulin; what is over, suspected, or does not say to which product asks for a reason."""
    for a in _allergies(f, "ig-therapy"):
        if _is_severe(f, a):
            yield Found(OVERRIDE if status_among(a.get("clinicalStatus"), _OVER) else STOP, own_reference(a))
    ours, others = (f.tables.value_sets[s] for s in ("ig-therapy", "other-blood-product"))
    for c, soft in _conditions(f, "severe-ig-reaction-condition", history=True):
        names = texts(c.get("code"))
        beside = (*notes(c), *(t for e in parts(c, "evidence") for k in parts(e, "code") for t in texts(k)))
        named, other = ours.by_text(names), others.by_text(names)
        noted, foreign = ours.by_text(beside), others.by_text(beside)
        if named or (not other and noted and not foreign):
            yield Found(OVERRIDE if soft else STOP, own_reference(c))
        elif not other and not (foreign and not noted):
            yield Found(OVERRIDE, f"{own_reference(c)}, which does not name the product")


def _antibodies(f: Facts) -> Iterator[Found]:
    """IgA deficiency with antibodies against IgA or a reaction; all three together are the labelled contraindication."""
    diagnosed = list(_conditions(f, "iga-deficiency"))
    low = _low_iga(f)
    reacted = [(a, False) for a in _allergies(f, "ig-therapy") if _is_severe(f, a) or not _is_mild(f, a)]
    reacted += list(_conditions(f, "blood-product-hypersensitivity", history=True))
    if not diagnosed and not low:
        return
    positive, negative = _tests(f)
    where = ", ".join([*(own_reference(c) for c, _ in (*diagnosed, *reacted)), *low, *positive])
    if positive and reacted:
        unsure = (not low and all(soft for _, soft in diagnosed)) or all(soft for _, soft in reacted)
        yield Found(OVERRIDE if unsure else STOP, where)
    elif positive or (reacted and not negative):
        yield Found(OVERRIDE, where)


def _low_iga(f: Facts) -> list[str]:
    """The newest IgA below the limit, at an age at which that means deficiency; "less than n" counts where n is not above the limit."""
    if f.at is None or f.years is None or f.years < f.tables.limit(ANTIBODIES, "min_age_years"):
        return []
    limit = f.tables.limit(ANTIBODIES, "iga_deficient_below_mg_dl")
    value = next((m for m in newest(f, f.tables.panels["iga"], f.at) if m.final), None)
    if value is None or value.bound in (">", ">="):
        return []
    return [value.reference] if value.value < limit or (value.bound == "<" and value.value == limit) else []


def _is_mild(f: Facts, a: Resource) -> bool:
    """Every sign of the reaction is one that does not point to hypersensitivity, and there is at least one."""
    mild = f.tables.value_sets["mild-infusion-symptom"]
    shown = [m for r in parts(a, "reaction") for m in parts(r, "manifestation")]
    signs = [bool(mild.by_code((c,))) for m in shown for c in codings(m)] + [bool(mild.by_text((t,))) for m in shown for t in texts(m)]
    return bool(signs) and all(signs)


def _tests(f: Facts) -> tuple[list[str], bool]:
    """Positive tests for antibodies against IgA, and whether there is a negative one."""
    panel, positive, negative = f.tables.panels["anti-iga"], [], False
    yes, no = f.tables.value_sets["result-positive"], f.tables.value_sets["result-negative"]
    for o in f.of("Observation"):
        names = " ".join(texts(o.get("code"))).lower()
        if word(o, "status") not in ("final", "amended", "corrected", "preliminary") or not any(t in names for t in panel.terms):
            continue
        told = (*texts(o.get("valueCodeableConcept")), *((word(o, "valueString"),) if word(o, "valueString") else ()))
        codes = codings(o.get("valueCodeableConcept"))
        if yes.by_code(codes) or yes.by_text(told):
            positive.append(own_reference(o))
        elif word(o, "status") != "preliminary" and (no.by_code(codes) or no.by_text(told)):
            negative = True
    return positive, negative


def _holds(f: Facts, check: str) -> bool:
    """Whether the product holds one of the stabilisers of a check."""
    asked = f.tables.thresholds[check]["stabilizers"]
    return any(s in asked for s in (f.product.stabilizers if f.product else ()))


def _may_hold(f: Facts, check: str) -> bool:
    """Whether it holds one, or nobody knows what it holds."""
    return _holds(f, check) or not (f.product and f.product.stabilizers)


def _disorder(f: Facts, check: str, certain: str, wider: str) -> Iterator[Found]:
    """A metabolic disorder and a product that holds what harms it: a stop where both are sure."""
    if not _may_hold(f, check):
        return
    own = list(_conditions(f, certain))
    harmless = f.tables.value_sets["fructosuria-benign"]
    for c, soft in own:
        benign = certain == "hfi" and bool(harmless.by_code(codings(c.get("code"))))
        sure = _holds(f, check) and not soft and not benign
        yield Found(STOP if sure else OVERRIDE, own_reference(c))
    named = {own_reference(c) for c, _ in own}
    yield from (Found(OVERRIDE, own_reference(c)) for c, _ in _conditions(f, wider) if own_reference(c) not in named)


def _young(f: Facts) -> Iterator[Found]:
    limit = f.tables.limit(YOUNG, "age_months_below")
    if f.months is not None and f.months < limit and _may_hold(f, YOUNG):
        yield Found(
            OVERRIDE, f"{f.months} months old, the product holds {', '.join(f.product.stabilizers) if f.product else 'nobody knows what'}"
        )


def _corn(f: Facts) -> Iterator[Found]:
    forbidden = f.product is not None and f.product.id in f.tables.thresholds[CORN]["forbidden_products"]
    for a in _allergies(f, "corn-allergy"):
        if _may_hold(f, CORN) and not status_among(a.get("clinicalStatus"), _OVER):
            yield Found(STOP if forbidden and _holds(f, CORN) else OVERRIDE, own_reference(a))


def _person(f: Facts) -> Iterator[Found]:
    if f.person.get("deceasedBoolean") is True or word(f.person, "deceasedDateTime"):
        yield Found(STOP, f"{f.patient} is recorded as dead")
    if f.person.get("active") is False:
        yield Found(OVERRIDE, f"{f.patient} is not in use")


def _demographics(f: Facts) -> Iterator[Found]:
    if f.born is None or (f.today is not None and f.born > f.today):
        yield Found(STOP, f"birth date {word(f.person, 'birthDate') or 'not recorded'}")


def _product(f: Facts) -> Iterator[Found]:
    if f.product is None or not f.product.orderable:
        yield Found(STOP, "not a product that is ordered")
    elif not f.product.ladders:
        yield Found(STOP, f"no rate table for {f.product.brand}")


def _diluent(f: Facts) -> Iterator[Found]:
    chosen = str((f.approved.selections if f.approved else {}).get("diluent") or "")
    if f.product is not None and chosen in f.product.diluents_excluded:
        yield Found(STOP, f"{chosen} is excluded by the label")
