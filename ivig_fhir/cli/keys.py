"""`ivig-fhir keys`: the app's client keys, for EHRs to which it proves itself with a signature; and rotation of the key ring at rest."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ivig_fhir.settings import Settings

if TYPE_CHECKING:
    from ivig_fhir.store.client_keys import KeptKey


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its parts."""
    parts = commands.add_parser("keys", help="the app's client keys, and the key ring at rest", description=__doc__).add_subparsers(
        dest="part", required=True, metavar="part"
    )
    new = parts.add_parser("new", help="make a key; it is published at once and signs when every EHR has seen it")
    new.add_argument("--algorithm", choices=("ES384", "RS384"), default="ES384")
    new.set_defaults(run=run_new)
    shown = parts.add_parser("list", help="the keys and what each is good for now")
    shown.add_argument("--format", choices=("text", "json"), default="text")
    shown.set_defaults(run=run_list)
    retire = parts.add_parser("retire", help="end a key; it stays published until no EHR can need it")
    retire.add_argument("kid")
    retire.add_argument("--at-once", action="store_true", help="no longer published either: its private part may have become known")
    retire.set_defaults(run=run_retire)
    sealed = parts.add_parser("reseal", help="seal what is stored under the newest of IVIG_SECRET_KEYS, so that older ones may leave")
    sealed.set_defaults(run=run_reseal)


def run_new(arguments: argparse.Namespace) -> int:
    """Makes a key; its kid and the moment from which it signs."""
    from ivig_fhir.app import create_database  # the store is not loaded for the other commands
    from ivig_fhir.smart.client_keys import make_key
    from ivig_fhir.store import client_keys

    settings, now = Settings.from_env(), datetime.now(UTC)
    with create_database(settings).write() as tx:
        key = client_keys.add(tx, make_key(arguments.algorithm), now, _overlap(settings))
    print(_line(key, now))
    print(f"Published at {settings.base_url}/.well-known/jwks.json: register this address with the EHR.")
    return 0


def run_list(arguments: argparse.Namespace) -> int:
    """Every key there ever was, oldest first."""
    from ivig_fhir.app import create_database
    from ivig_fhir.store import client_keys

    now = datetime.now(UTC)
    with create_database(Settings.from_env()).read() as tx:
        keys = client_keys.kept(tx)
    if arguments.format == "json":
        print(json.dumps([_as_json(key, now) for key in keys], indent=2))
        return 0
    for key in keys:
        print(_line(key, now))
    print(f"{sum(key.state(now) == 'signing' for key in keys)} of {len(keys)} keys sign now")
    return 0


def run_retire(arguments: argparse.Namespace) -> int:
    """Ends a key."""
    from ivig_fhir.app import create_database
    from ivig_fhir.store import client_keys

    settings, now = Settings.from_env(), datetime.now(UTC)
    with create_database(settings).write() as tx:
        key = client_keys.retire(tx, arguments.kid, now, _overlap(settings), arguments.at_once)
    print(_line(key, now))
    return 0


def run_reseal(arguments: argparse.Namespace) -> int:
    """Moves everything to the newest key of the ring; says which keys may leave."""
    from ivig_fhir.app import create_database
    from ivig_fhir.store.reseal import reseal

    settings = Settings.from_env()
    with create_database(settings).write() as tx:
        moved = reseal(tx, datetime.now(UTC))
    newest, *older = (kid for kid, _ in settings.secret_keys)
    print(f"{sum(moved.values())} values sealed anew; everything is under {newest}")
    for kid in older:
        print(f"{kid}: {moved.get(kid, 0)} values moved; it may leave IVIG_SECRET_KEYS")
    return 0


def _overlap(settings: Settings) -> timedelta:
    return timedelta(hours=settings.key_overlap_hours)


def _line(key: KeptKey, now: datetime) -> str:
    ends = {
        "announced": f"signs from {_moment(key.signs_from)}",
        "signing": f"since {_moment(key.signs_from)}",
        "retired": f"published until {_moment(key.published_until)}",
        "gone": f"since {_moment(key.published_until)}",
    }
    return f"{key.kid}  {key.algorithm}  {key.state(now):<9}  {ends[key.state(now)]}"


def _as_json(key: KeptKey, now: datetime) -> dict[str, str | None]:
    times = {name: getattr(key, name) for name in ("created", "signs_from", "retired", "published_until")}
    shown = {name: None if value is None else _moment(value) for name, value in times.items()}
    return {"kid": key.kid, "algorithm": key.algorithm, "state": key.state(now), **shown}


def _moment(value: datetime | None) -> str:
    return "" if value is None else value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
