"""The words of the audit as plain English: one table for every act that is recorded, and what belongs to no order."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# {who} a person or "The app"; {note} what the row says; {order}, {stored}, {said}, {second}: from what is kept of the order, or empty.
ANSWERED, WENT_ON = "order.answered", "order.went-on"  # acts that share the audit's word with another and are told apart by their place
SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "run.started": "{who} started the order as a draft; nothing was written.",
        "order.changed": "{who} changed the choices{note}.",
        "order.revised": "{who} changed the choices after signing{note}. The approval was void.",
        "order.approved": "{who} approved{order}.",
        "order.sending": "{who} sent the order to the EHR.",
        "order.unanswered": "The EHR did not answer: nobody could say what it had stored.",
        "order.reconciling": "{who} had the EHR asked for the order before anything was sent again.",
        "order.completing": "{who} had what was missing in the EHR sent.",
        "order.unsent": "The EHR holds nothing of the order{note}. The approval stands.",
        "order.sent": "The EHR stored the order as a draft for the pharmacist{stored}{note}.",
        "order.incomplete": "The EHR stored the order, and lost a part of it{stored}{note}.",
        "order.uncertain": "Nobody could say what the EHR had stored.",
        "order.proposed": "The order was a draft again.",
        "order.claimed": "{who} claimed the order.",
        "order.started": "{who} began to review the order.",
        "order.taken-over": "{who} took the review over.",
        "order.released": "{who} handed the order back{note}.",
        "order.calculated-apart": "{who} calculated the order without seeing the result{note}.",
        "order.deciding": "{who} made a decision; it was sent to the EHR.",
        "order.undecided": "The EHR does not hold that decision: the order stands as it stood.",
        "order.queried": "{who} asked the prescriber{said}.",
        ANSWERED: "{who} answered{said}. The order waited for the pharmacist again.",
        "order.verified": "{who} verified the order{second}. It became active.",
        WENT_ON: "{who} decided that the order goes on{said}.",
        "order.rejected": "{who} rejected the order{said}.",
        "order.cancelled": "{who} withdrew the order{said}.",
        "order.on-hold": "{who} put the order on hold{said}.",
        "order.stopped": "{who} stopped the order{said}.",
        "order.completed": "{who} closed the order: every infusion was given{said}.",
        "order.entered-in-error": "{who} took the order back as written by mistake{said}.",
        "order.companions": "{who} tried again to bring what goes with the order after it; {note} of it do not follow.",
        "order.dispensed": "{who} handed the product out.",
        "order.dispensed-with-reason": "{who} handed the product out with a reason, against a condition of the hand-out{note}.",
        "order.reconciled": "{who} cleared the discrepancy of a hand-out.",
        "infusion.released": "{who} looked at the patient again and released {note}.",
        "infusion.told": "{who} told the EHR of the release of {note}.",
        "infusion.held": "{who} looked at the patient again and held {note}.",
        "infusion.cleared": "{who} decided that {note} goes on.",
        "session.started": "{who} opened the app{note}.",
        "session.ended": "{who} left the app.",
        "launch.refused": "A launch was refused{note}.",
        "key.made": "A key of the app was made{note}.",
        "key.retired": "A key of the app was retired{note}.",
        "keys.resealed": "What is stored was sealed anew{note}.",
        "cds.feedback": "The EHR reported what became of a card{note}.",
    }
)
# How the choices of a prescriber are called, by their names among the selections.
CHOICES: Mapping[str, str] = MappingProxyType(
    {
        "absolute_max_g": "limit in grams",
        "companions": "companion orders",
        "concentration_mg_ml": "concentration",
        "cycles": "number of courses",
        "dates": "dates",
        "days": "days",
        "diluent": "diluent",
        "dose": "dose",
        "indication": "indication",
        "interval_weeks": "interval",
        "overrides": "reasons for findings",
        "premedication": "premedication",
        "product": "product",
        "rate": "pump rate",
        "regimen": "regimen",
        "replaces": "the order that it replaces",
        "rounding": "rounding",
        "run": "run",
        "setting": "setting",
        "start": "start",
        "thromboprophylaxis": "thrombosis prophylaxis",
        "vial_sizes_g": "vial sizes",
        "weight": "dosing weight",
    }
)
_CHANGES = frozenset({"order.changed", "order.revised"})
_PLAIN_NOTE = frozenset({"infusion.released", "infusion.told", "infusion.held", "infusion.cleared", "order.companions"})
UNKNOWN = "Something was recorded that this page has no words for: {what}."


def sentence(word: str, who: str, note: str, **kept: str) -> str:
    """What happened, in one sentence; a word that is not in the table is named and never left out."""
    if word in _CHANGES:
        note = ", ".join(CHOICES.get(name, name) for name in note.split(", "))
    said = note if word in _PLAIN_NOTE else f": {note}" if note else ""
    blanks = {"order": "", "stored": "", "said": "", "second": "", **kept}
    return SENTENCES.get(word, UNKNOWN).format(who=who, note=said, what=word, **blanks)
