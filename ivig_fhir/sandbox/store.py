"""Resources with every version they ever had, and who points at whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ivig_fhir.sandbox.codec import decode, encode
from ivig_fhir.sandbox.compartment import named_patients, provenance_targets
from ivig_fhir.sandbox.database import Database
from ivig_fhir.sandbox.references import targets

# How a version came about that no client wrote; clients are told it was a PUT.
LOADED = "LOAD"
_COLUMNS = "r.type, r.id, r.version, r.updated, r.method, r.body"


@dataclass(frozen=True, slots=True)
class Stored:
    """One version of one resource; `body` is None for the version that deleted it; `updated` is an instant."""

    type: str
    id: str
    version: int
    updated: str
    method: str
    body: dict[str, Any] | None

    @property
    def reference(self) -> str:
        """`Type/id`."""
        return f"{self.type}/{self.id}"


class Store:
    """The record of everybody; `base` is the FHIR base, against which absolute references are local."""

    def __init__(self, database: Database, base: str) -> None:
        self._database = database
        self.base = base

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing for the writes inside."""
        return self._database.transaction()

    def current(self, type_: str, id_: str) -> Stored | None:
        """The newest version, a deletion included; None for what never was."""
        rows = self._database.rows(f"select {_COLUMNS} from resource r where type = ? and id = ? and current = 1", type_, id_)  # noqa: S608 - only constants and question marks are put in
        return _stored(rows[0]) if rows else None

    def history(self, type_: str, id_: str) -> list[Stored]:
        """Every version, newest first."""
        sql = f"select {_COLUMNS} from resource r where type = ? and id = ? order by version desc"  # noqa: S608 - only constants and question marks are put in
        return [_stored(row) for row in self._database.rows(sql, type_, id_)]

    def candidates(self, type_: str, pointing_at: Iterable[str] | None = None, ids: Iterable[str] | None = None) -> list[Stored]:
        """Living resources of a type in the order they came; narrowed to those pointing at one of `Type/id`, or to some ids."""
        sql, values = f"select {_COLUMNS} from resource r where r.type = ? and r.current = 1 and r.deleted = 0", [type_]  # noqa: S608 - only constants and question marks are put in
        if ids is not None:
            known = list(ids)
            sql, values = sql + f" and r.id in ({_marks(known)})", [*values, *known]
        if pointing_at is not None:
            wanted = list(pointing_at)
            sql += f" and exists (select 1 from link l where l.type = r.type and l.id = r.id and l.target in ({_marks(wanted)}))"  # noqa: S608 - only constants and question marks are put in
            values = [*values, *wanted]
        return [_stored(row) for row in self._database.rows(sql + " order by r.seq", *values)]

    def put(self, resource: dict[str, Any], now: datetime, method: str) -> Stored:
        """Stores a new version of a resource that has its type and id; meta.versionId and meta.lastUpdated are the server's."""
        type_, id_ = str(resource["resourceType"]), str(resource["id"])
        version, updated = self._next(type_, id_), _instant(now)
        held = resource.get("meta")
        meta = {**(held if isinstance(held, dict) else {}), "versionId": str(version), "lastUpdated": updated}
        body = {
            "resourceType": type_,
            "id": id_,
            "meta": meta,
            **{k: v for k, v in resource.items() if k not in ("resourceType", "id", "meta")},
        }
        self._write(Stored(type_, id_, version, updated, method, body))
        return Stored(type_, id_, version, updated, method, body)

    def delete(self, type_: str, id_: str, now: datetime) -> None:
        """Stores the version that says the resource is gone."""
        self._write(Stored(type_, id_, self._next(type_, id_), _instant(now), "DELETE", None))

    def referrers(self, target: str) -> list[str]:
        """`Type/id` of every living resource that points at `target`."""
        return [f"{row[0]}/{row[1]}" for row in self._database.rows("select type, id from link where target = ?", target)]

    def exists(self, reference: str) -> bool:
        """Whether a `Type/id` is there and not deleted."""
        type_, _, id_ = reference.partition("/")
        held = self.current(type_, id_)
        return held is not None and held.body is not None

    def belongs_to(self, resource: dict[str, Any], patient: str | None) -> bool:
        """Whether a resource is in a patient's record; a Provenance is where one of its targets is."""
        if patient in named_patients(resource, self.base):
            return True
        if resource.get("resourceType") != "Provenance":
            return False
        held = (self.current(*target.split("/", 1)) for target in provenance_targets(resource, self.base))
        return any(one and one.body and patient in named_patients(one.body, self.base) for one in held)

    def recent(self, patient: str, limit: int) -> list[Stored]:
        """The newest versions that clients wrote in a patient's record, newest first."""
        sql = (
            "with own (type, id) as (select type, id from link where target = ?), "  # noqa: S608 - only constants and question marks are put in
            "about (type, id) as (select l.type, l.id from link l join own on l.target = own.type || '/' || own.id "
            "where l.type = 'Provenance') "
            f"select {_COLUMNS} from (select type, id from own union select type, id from about) p "
            "join resource r on r.type = p.type and r.id = p.id where r.method != ? order by r.seq desc limit ?"
        )
        return [_stored(row) for row in self._database.rows(sql, f"Patient/{patient}", LOADED, limit)]

    def is_empty(self) -> bool:
        """Whether nothing was ever stored."""
        return self._database.row("select 1 from resource limit 1") is None

    def note(self, patient: str, story: str, fault: str | None) -> None:
        """Keeps what the cast says of a patient."""
        self._database.run("insert or replace into patient_note (id, story, fault) values (?, ?, ?)", patient, story, fault)

    def notes(self) -> dict[str, tuple[str, str | None]]:
        """Patient id to story and preset fault."""
        return {row[0]: (row[1], row[2]) for row in self._database.rows("select id, story, fault from patient_note")}

    def _next(self, type_: str, id_: str) -> int:
        row = self._database.row("select max(version) from resource where type = ? and id = ?", type_, id_)
        return int(row[0] or 0) + 1 if row else 1

    def _write(self, new: Stored) -> None:
        with self._database.transaction():
            self._database.run("update resource set current = 0 where type = ? and id = ?", new.type, new.id)
            self._database.run(
                "insert into resource (type, id, version, updated, method, deleted, current, body) values (?, ?, ?, ?, ?, ?, 1, ?)",
                *(new.type, new.id, new.version, new.updated, new.method, int(new.body is None), encode(new.body) if new.body else None),
            )
            self._database.run("delete from link where type = ? and id = ?", new.type, new.id)
            for target in targets(new.body, self.base) if new.body else ():
                self._database.run("insert or ignore into link (type, id, target) values (?, ?, ?)", new.type, new.id, target)


def _stored(row: tuple[Any, ...]) -> Stored:
    type_, id_, version, updated, method, body = row
    return Stored(type_, id_, version, updated, method, decode(body) if body is not None else None)


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
