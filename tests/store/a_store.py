"""What the store tests keep: one run, one order, one session."""

from __future__ import annotations

from datetime import UTC, datetime

from ivig_fhir.smart.context import LaunchContext
from ivig_fhir.smart.identity import Identity
from ivig_fhir.smart.tenancy import Tenancy
from ivig_fhir.smart.token import TokenResponse
from ivig_fhir.store import orders, proposals
from ivig_fhir.store.database import Database, Tx
from ivig_fhir.store.orders import Order
from ivig_fhir.store.proposals import Run

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ISS = "https://ehr.example.org/fhir"
HERE = Tenancy(ISS)
WARD = Tenancy(ISS, "ward-7")
ELSEWHERE = Tenancy("https://other.example/fhir")
DOCTOR = "Practitioner/doctor"
PHARMACIST = "Practitioner/pharmacist"
RUN = "0b0e8a52-6f0c-4b7e-9f5c-0d3c4f3f3a01"
OTHER = "0b0e8a52-6f0c-4b7e-9f5c-0d3c4f3f3a02"
DIGEST = "sha256:" + "a" * 64
IDENTITY = Identity(DOCTOR, "Practitioner", "doctor", "u-1", verified=True, display="Canary Doctor")
CONTEXT = LaunchContext(ISS, "order", "patient/*.rs", patient="pat-1", identity=IDENTITY)
TOKEN = TokenResponse("canary-access", NOW, "patient/*.rs", refresh_token="canary-refresh")


def begun(tx: Tx, run: str = RUN, user: str = DOCTOR, tenancy: Tenancy = HERE) -> Run:
    patient = "pat-2" if run == OTHER and tenancy == HERE else "pat-1"  # a patient has one order on its way
    return proposals.start(tx, run, tenancy, patient, user, NOW, '{"indication": "cidp"}')


def approved(database: Database, run: str = RUN, tenancy: Tenancy = HERE, to_send: bool = False) -> Order:
    with database.write() as tx:
        begins = begun(tx, run, tenancy=tenancy)
        texts = ('{"dose": 35.50}', '{"resourceType": "Bundle"}', '{"who": "x"}')
        return orders.approve(tx, begins, DIGEST, *texts, DOCTOR, NOW, to_send)


def state(database: Database, run: str = RUN, tenancy: Tenancy = HERE) -> str:
    with database.read() as tx:
        return proposals.load(tx, tenancy, run).state
