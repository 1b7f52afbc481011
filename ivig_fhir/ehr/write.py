"""Write: an approved order, or a decision on it, sent once; looked for before, after a refusal and after silence; never sent blindly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.ehr.locate import Look, Sighting, anchor, look_for
from ivig_fhir.ehr.modes import WriteMode
from ivig_fhir.ehr.reconcile import Ledger, Written, main_reference, not_sent, place, place_of, reconcile, settled, sight
from ivig_fhir.errors import (
    ChangedInEhr,
    EhrBusy,
    EhrUnavailable,
    FhirError,
    Forbidden,
    NotFhir,
    NotNegotiable,
    OutcomeInstead,
    OutcomeUnknown,
    RequestRejected,
    ResourceGone,
    SeveralAnchors,
    StateError,
    TokenRejected,
)
from ivig_fhir.fhir.outcome import worst
from ivig_fhir.fhir.reading import part, parts, word
from ivig_fhir.order.receipt import ALREADY, MISSING, REFUSED, STORED, UNKNOWN, UNSUPPORTED, Part
from ivig_fhir.order.transaction import Entry, Transaction, resolve, sequential

# A server may still be storing what it has not answered: it is looked for again after these seconds before it counts as not there.
_LOOKS_AGAIN = (1.0, 2.0)
# Errors of a search that only say that the server does not search like this; any other one ends the write before it began.
_CANNOT_SEARCH = (RequestRejected, ResourceGone, Forbidden, NotFhir, NotNegotiable)
_SETTLED = (STORED, ALREADY, UNSUPPORTED)


def _nothing() -> None:
    """Nobody waits to hear that the writes go on."""


def write(client: FhirClient, transaction: Transaction, how: WriteMode, going_on: Callable[[], None] = _nothing) -> Written:
    """Send one act, unless it is in the EHR already. `going_on` is called before each of several writes, which may take long together.

    FhirError with the reason when nothing of it was stored; SeveralAnchors when the run is there more than once; OutcomeUnknown when
    nobody can say, and then it is to be looked for, not to be sent again. A token that is refused is renewed where it can be, and the
    act looked for before it is sent once more. See: FHIR R4 http, transaction and create.
    """
    if not how.writes:
        raise ValueError(f"nothing is written in mode {how.mode}")
    used = client.token()
    try:
        return _unless_there(client, transaction, how, going_on)
    except TokenRejected:
        if not client.renew(used):
            raise
        return _unless_there(client, transaction, how, going_on)


def _unless_there(client: FhirClient, transaction: Transaction, how: WriteMode, going_on: Callable[[], None]) -> Written:
    """One attempt, after a look."""
    before = look_for(client, transaction)
    if before.look is Look.THERE:
        return settled(client, transaction, how.mode, _atomic(how), "already-there")
    if before.look is Look.CHANGED:
        raise ChangedInEhr("before sending")
    if before.error is not None and not isinstance(before.error, _CANNOT_SEARCH):
        raise before.error
    if how.mode == "sequential":
        return _one_by_one(client, transaction, going_on)
    try:
        return _whole(client, transaction, how)
    except (ResourceGone, Forbidden):
        # The server takes no transactions, or not with all of these types, whatever it declares; nothing of it was stored.
        return _one_by_one(client, transaction, going_on)


def find_out(client: FhirClient, transaction: Transaction, how: WriteMode) -> Written:
    """What became of an act whose answer was lost earlier: reconciled, or not-sent. Writes nothing.

    OutcomeUnknown when it still cannot be said; ChangedInEhr when somebody else's version stands there.
    """
    sighting = look_for(client, transaction)
    if sighting.look is Look.THERE:
        return settled(client, transaction, how.mode, _atomic(how))
    if sighting.look is Look.NOT_THERE:
        return not_sent(transaction, how.mode)
    raise ChangedInEhr("after a lost answer") if sighting.look is Look.CHANGED else OutcomeUnknown("cannot be looked for")


def complete(client: FhirClient, transaction: Transaction, earlier: Sequence[Part], going_on: Callable[[], None] = _nothing) -> Written:
    """Send only the parts that are missing or were refused, each after it was looked for. `going_on` as for `write`.

    A part whose fate is unknown and that cannot be looked for stays unknown. StateError where the order itself is not there.
    """
    ledger = Ledger(transaction)
    before = {p.role: p for p in earlier}
    for entry in transaction.entries:
        done = before.get(entry.role)
        if done is not None and done.state in _SETTLED:
            ledger.note(entry, done.state, (done.reference or "", done.version or ""), done.said)
    lead, where = anchor(transaction), main_reference(ledger)
    if where is None or ledger.state(lead) is None:
        raise StateError("parts without their order", said="The order itself is not in the EHR; its parts are not sent without it.")
    for entry in sequential(transaction):
        if ledger.state(entry) is not None:
            continue
        going_on()
        sighting = sight(client, entry, where)
        if sighting.look is Look.THERE and sighting.resource is not None:
            ledger.note(entry, STORED, place(sighting.resource))
        elif sighting.look is Look.UNKNOWN and entry.role in before and before[entry.role].state == UNKNOWN:
            ledger.note(entry, UNKNOWN, said=before[entry.role].said)
        else:
            _later(client, entry, ledger)
    return ledger.written("sequential", "stored")


def _atomic(how: WriteMode) -> bool:
    return how.mode == "transaction" and how.atomic


def _whole(client: FhirClient, transaction: Transaction, how: WriteMode) -> Written:
    """The act as one transaction."""
    try:
        reply = client.post("", transaction.bundle())
    except FhirError as error:
        if not _is_there(client, transaction, error):
            return not_sent(transaction, how.mode)
        # After a refusal only a server that does not roll back still holds something.
        return settled(client, transaction, how.mode, _atomic(how) and isinstance(error, OutcomeUnknown))
    ledger = Ledger(transaction)
    _by_position(ledger, reply.body)
    reconcile(client, ledger, how.atomic)
    lead = ledger.state(anchor(transaction))
    if lead not in (STORED, ALREADY):
        raise OutcomeInstead("transaction") if word(reply.body, "resourceType") == "OperationOutcome" else OutcomeUnknown("transaction")
    return ledger.written(how.mode, "already-there" if lead == ALREADY else "stored")


def _by_position(ledger: Ledger, body: Any) -> None:
    """What a transaction-response says of each entry. Nothing of it is believed when entries are missing or types do not fit."""
    entries, answers = ledger.transaction.entries, parts(body, "entry")
    if len(answers) != len(entries):
        return
    for entry, answer in zip(entries, answers, strict=True):
        response = part(answer, "response")
        status, location = word(response, "status")[:3], word(response, "location")
        at = place_of(entry, location, word(response, "etag"), part(answer, "resource"))
        if location and not at[0]:
            ledger.parts.clear()
            ledger.known.clear()
            return
        if status[:1] in ("4", "5"):
            issue = worst(part(response, "outcome"))
            ledger.note(entry, REFUSED, said=issue.said if issue else f"Refused with {status}.")
        elif status or at[0]:
            ledger.note(entry, ALREADY if status == "200" and entry.conditional else STORED, at)


def _one_by_one(client: FhirClient, transaction: Transaction, going_on: Callable[[], None]) -> Written:
    """The order first; where it fails nothing else is written. Then its parts; one that fails never undoes what is stored.

    Of a decision, what stands before the order goes before it: companions that become active with it.
    """
    ledger = Ledger(transaction)
    lead = anchor(transaction)
    entries = sequential(transaction)
    first = next(e for e in entries if e.role == lead.role)
    try:
        for entry in entries if lead.method == "POST" else ():
            if entry.method == "PUT":  # what a new order takes the place of is out of its way before it comes
                _send(client, entry, ledger)
        for entry in entries[: entries.index(first)] if lead.method == "PUT" else ():
            going_on()
            _later(client, entry, ledger)
            if ledger.state(entry) in (MISSING, UNKNOWN):  # the EHR is away, or slow: the rest follows the order
                break
        _send(client, first, ledger)
    except FhirError as error:
        if not _is_there(client, transaction, error):
            return not_sent(transaction, "sequential")
        _look_at(client, first, ledger)
    if ledger.state(first) == ALREADY:
        reconcile(client, ledger, False, ALREADY)
        return ledger.written("sequential", "already-there")
    for entry in entries:
        if entry.role != first.role and ledger.state(entry) is None:
            going_on()
            _later(client, entry, ledger)
    return ledger.written("sequential", "stored")


def _later(client: FhirClient, entry: Entry, ledger: Ledger) -> None:
    """One part beside the order. A type that the server refused once is not sent again."""
    if any(p.type == entry.type and p.state == UNSUPPORTED for p in ledger.parts.values()):
        ledger.note(entry, UNSUPPORTED, said="The EHR does not take this kind of resource.")
        return
    try:
        _send(client, entry, ledger)
    except StateError:
        ledger.note(entry, MISSING, said="It needs a part that was not stored.")
    except (OutcomeUnknown, OutcomeInstead):
        _look_at(client, entry, ledger)
    except (Forbidden, ResourceGone) as error:
        ledger.note(entry, UNSUPPORTED, said=error.message)
    except (EhrUnavailable, EhrBusy, TokenRejected) as error:
        ledger.note(entry, MISSING, said=error.message)
    except FhirError as error:
        ledger.note(entry, REFUSED, said=error.message)


def _send(client: FhirClient, entry: Entry, ledger: Ledger) -> None:
    """One write with the references that are known by now; where the answer does not say where it is stored, it is looked for."""
    ready = resolve(entry, ledger.known)
    if entry.method == "PUT":
        reply = client.put(entry.url, ready.resource, if_match=entry.if_match or "")
    else:
        reply = client.post(entry.url, ready.resource, if_none_exist=entry.if_none_exist)
    at = place_of(entry, reply.location, reply.etag, reply.body)
    ledger.note(entry, ALREADY if reply.status == 200 and entry.conditional else STORED, at)
    if not at[0]:
        sighting = sight(client, entry, main_reference(ledger))
        if sighting.look is Look.THERE and sighting.resource is not None:
            ledger.note(entry, ledger.state(entry) or STORED, place(sighting.resource))


def _look_at(client: FhirClient, entry: Entry, ledger: Ledger) -> None:
    """Settle one write whose answer was lost."""
    sighting = _patiently(client, lambda: sight(client, entry, main_reference(ledger)))
    if sighting.look is Look.THERE and sighting.resource is not None:
        ledger.note(entry, STORED, place(sighting.resource))
    elif sighting.look is Look.NOT_THERE:
        ledger.note(entry, MISSING, said="Not sent: the EHR did not answer, and does not hold it.")
    else:
        ledger.note(entry, UNKNOWN, said="The EHR did not say whether it stored this.")


def _is_there(client: FhirClient, transaction: Transaction, error: FhirError) -> bool:
    """Whether an act is in the EHR although its write failed; False after a lost answer when it is not.

    Raises the error itself after a refusal of what is not there, ChangedInEhr where another version stands, and OutcomeUnknown where the
    answer was lost and it cannot be looked for.
    """
    if isinstance(error, EhrUnavailable):  # no connection was made: nothing left this machine
        raise error
    lost = isinstance(error, OutcomeUnknown)
    sighting = _patiently(client, lambda: look_for(client, transaction)) if lost else look_for(client, transaction)
    if sighting.look is Look.THERE:
        return True
    if sighting.look is Look.CHANGED:
        raise ChangedInEhr("version moved", told=error.told) from error
    if lost and sighting.look is Look.NOT_THERE:
        return False
    if isinstance(error, OutcomeInstead) and sighting.look is Look.UNKNOWN:  # a success that says it failed proves neither
        raise OutcomeUnknown(error.detail, told=error.told) from error
    raise _meaning(transaction, error)


def _patiently(client: FhirClient, look: Callable[[], Sighting]) -> Sighting:
    sighting = look()
    for pause in _LOOKS_AGAIN:
        if sighting.look is not Look.NOT_THERE:
            break
        client.patience.sleep(pause)
        sighting = look()
    return sighting


def _meaning(transaction: Transaction, error: FhirError) -> FhirError:
    """409 and 412 mean what the act makes them mean: a changed version where it updates, somebody writing the same where it creates."""
    updates = any(e.if_match for e in transaction.entries)
    if isinstance(error, SeveralAnchors) and updates:
        return ChangedInEhr(error.detail, told=error.told)
    if isinstance(error, ChangedInEhr) and not updates:
        return EhrBusy(error.detail, said="The EHR is storing something else at this moment; nothing was sent.", told=error.told)
    return error
