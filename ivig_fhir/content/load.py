"""The only module that reads content files: the folder `order_sets/` becomes one Content, valid as a whole or refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ivig_fhir.content.course import read_course
from ivig_fhir.content.dispense import read_dispense
from ivig_fhir.content.figure import read_figures
from ivig_fhir.content.files import CSV, TOML, Files, Texts, parse_toml
from ivig_fhir.content.hashing import digest_of, hash_of
from ivig_fhir.content.infusion_sheet import read_infusion_sheet
from ivig_fhir.content.load_checks import Index, read_checks, read_index
from ivig_fhir.content.load_companions import read_companions, refuse_dangling_words
from ivig_fhir.content.load_indications import read_order_set, read_payers
from ivig_fhir.content.load_parts import read_citations, read_panels
from ivig_fhir.content.load_policies import read_policies
from ivig_fhir.content.load_products import read_known, read_product
from ivig_fhir.content.model import Check, Content, OrderSet, Product, Regimen
from ivig_fhir.content.reading import Table, by_id, fault
from ivig_fhir.content.recognition import IMMUNOGLOBULIN, with_products
from ivig_fhir.content.releases import FOLDER, name_of, read_release, refuse_changed
from ivig_fhir.content.standing import common_parts
from ivig_fhir.content.value_sets import Row, value_set
from ivig_fhir.content.verification import read_verification
from ivig_fhir.fhir.codes import ValueSet

_INDEX = "checks/index.toml"
_KNOWN = "products/known.toml"
_RETIRING = ("indications/", "products/")
_PATTERNS = ("*.toml", "checks/*.toml", "products/*.toml", "indications/*.toml", "value_sets/*.csv", f"{FOLDER}/*.toml")


def read_folder(folder: Path) -> dict[str, str]:
    """Every content file of a folder as text, by its name there. ContentError for one that is not UTF-8."""
    found = {}
    for path in sorted(p for pattern in _PATTERNS for p in folder.glob(pattern)):
        name = path.relative_to(folder).as_posix()
        try:
            found[name] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise fault(name, "", "is not UTF-8") from None
    return found


def load_content(folder: Path) -> Content:
    """All content of a folder. Pure but for reading it; nothing is cached. ContentError names file and key of the first fault."""
    return parse_content(read_folder(folder))


def parse_content(texts: Texts) -> Content:
    """The content that these texts are, by the names of their files. ContentError names file and key of the first fault."""
    files = Files(texts)
    citations = read_citations(files.toml("references.toml"), "references.toml")
    rows = {Path(name).stem: files.rows(name) for name in files.names("value_sets", CSV)}
    sets = {id_: value_set(id_, found) for id_, found in rows.items()}
    weight, rounding, constants = read_policies(files.toml("policies.toml"), "policies.toml", citations)
    index = read_index(files.toml(_INDEX), _INDEX)
    companions, rules = read_companions(files.toml("companions.toml"), "companions.toml", citations)
    _refuse_unknown_checks(constants, index)
    figures = read_figures(files.toml("figures.toml"), "figures.toml", citations)
    guide = read_verification(files.toml("verification.toml"), "verification.toml", citations)
    sheet = read_infusion_sheet(files.toml("infusion_sheet.toml"), "infusion_sheet.toml", citations)
    course = read_course(files.toml("course.toml"), "course.toml", citations, {id_ for _, id_, _ in index})
    gate = read_dispense(files.toml("dispense.toml"), "dispense.toml", citations)
    named = {"check_index": index, "rules": rules, "figures": figures, "verification": guide}
    named |= {"infusion_sheet": sheet, "course": course, "dispense": gate}
    products = _products(files, citations)
    known = _known(files, citations, products)
    if IMMUNOGLOBULIN in sets:
        sets[IMMUNOGLOBULIN] = with_products(sets[IMMUNOGLOBULIN], products.values(), known)
    content = Content(
        version=_version(files),
        order_sets=MappingProxyType(_order_sets(files, citations, rows, sets)),
        products=MappingProxyType(products),
        checks=MappingProxyType(_checks(files, citations, index)),
        panels=MappingProxyType(read_panels(files.toml("observations.toml"), "observations.toml", citations)),
        weight_policies=MappingProxyType(weight),
        rounding_policies=MappingProxyType(rounding),
        companions=companions,
        payers=read_payers(files.toml("payers.toml"), "payers.toml", citations),
        value_sets=MappingProxyType(sets),
        citations=MappingProxyType(citations),
        constants=MappingProxyType({**constants, **named, "known_products": known}),
        files=MappingProxyType(files.read),
        common=common_parts(files.read),
        digest=digest_of({name: file.hash for name, file in files.read.items()}),
    )
    files.end(also=f"{FOLDER}/")
    _refuse_dangling(content)
    _refuse_changed(files, content)
    return content


def _refuse_changed(files: Files, content: Content) -> None:
    """A version that was released says what it said then, for ever."""
    name = name_of(content.version)
    if files.has(name):
        refuse_changed(read_release(parse_toml(files.text(name), name), name), content.files)


def _version(files: Files) -> str:
    Table(files.toml("release.toml"), "release.toml").end()
    return files.read["release.toml"].governance.version


def _products(files: Files, citations: Collection[str]) -> dict[str, Product]:
    found = {}
    for name in files.names("products", TOML):
        if name != _KNOWN:
            data = files.toml(name)
            made = read_product(data, files.read[name], citations)
            found[_named_as_file(made.id, name)] = made
    return found


def _order_sets(
    files: Files, citations: Collection[str], rows: Mapping[str, list[Row]], sets: Mapping[str, ValueSet]
) -> dict[str, OrderSet]:
    found = {}
    for name in files.names("indications", TOML):
        codes = f"indication-{Path(name).stem}"
        if codes not in sets:
            raise fault(f"value_sets/{codes}.csv", "", "is missing")
        data = files.toml(name)
        file = files.read[name]
        signed = hash_of([file.hash, [list(r) for r in rows[codes]]])  # a reviewer signs the diagnosis codes with the order set
        made = read_order_set(data, replace(file, hash=signed), citations, sets[codes])
        found[_named_as_file(made.id, name)] = made
    return found


def _checks(files: Files, citations: Collection[str], index: Index) -> dict[str, Check]:
    found: list[Check] = []
    for name in files.names("checks", TOML):
        if name != _INDEX:
            found.extend(read_checks(files.toml(name), name, citations, index))
    checks = by_id(found, lambda c: c.id, "checks")
    return {id_: checks[id_] for _, id_, _ in index if id_ in checks}


def _known(files: Files, citations: Collection[str], products: Mapping[str, Product]) -> Mapping[str, tuple[str, ...]]:
    """Names by which a product is recognised in a chart: those that can be ordered, and those that only history knows."""
    others = read_known(files.toml(_KNOWN), _KNOWN, citations)
    for id_ in others:
        if id_ in products:
            raise fault(_KNOWN, id_, "has a file of its own")
    return MappingProxyType({**{p.id: p.names for p in products.values()}, **others})


def _named_as_file(id_: str, name: str) -> str:
    if Path(name).stem != id_:
        raise fault(name, "id", f"is {id_!r}, which is not the name of the file")
    return id_


def _refuse_unknown_checks(constants: Mapping[str, Any], index: Index) -> None:
    """Whoever names a check must name one that there is."""
    ids = {id_ for _, id_, _ in index}
    named = [
        ("site.may_shorten_days_of", constants["stale_days_checks"]),
        ("limits.data_required", constants["data_required"]),
        ("products.checks", constants["product_checks"]),
    ]
    for key, checks in named:
        for check in checks:
            if check not in ids:
                raise fault("policies.toml", key, f"names the check {check!r}, which index.toml does not have")


def _refuse_dangling(content: Content) -> None:
    """What one file says of another must be true."""
    refuse_dangling_words(content)
    for name, part in content.files.items():
        if part.governance.retired and not (name.startswith(_RETIRING) and name != _KNOWN):
            raise fault(name, "status", "is 'retired', which only an order set or a product can be")
    companions = {c.id for c in content.companions}
    _refuse_dangling_sheet(content, companions)
    for check in content.checks.values():
        for action in check.actions:
            if action.companion and action.companion not in companions:
                raise fault("checks", f"check[{check.id}].actions", f"names {action.companion!r}, which companions.toml does not have")
    for criterion in content.payers:
        if not set(criterion.order_sets) <= set(content.order_sets):
            raise fault("payers.toml", f"criterion[{criterion.id}].order_sets", "names what is no order set")
    for item in content.order_sets.values():
        file = f"indications/{item.id}.toml"
        if item.default_product not in content.products:
            raise fault(file, "default_product", f"is {item.default_product!r}, which is no product here")
        default = content.products[item.default_product]
        if not (default.marketed and default.ladders):
            raise fault(file, "default_product", f"is {item.default_product!r}, which is not made or has no rate table")
        if default.governance.retired and not item.governance.retired:
            raise fault(file, "default_product", f"is {item.default_product!r}, which is retired")
        for regimen in item.regimens:
            _refuse_dangling_regimen(content, regimen, file)


def _refuse_dangling_sheet(content: Content, companions: Collection[str]) -> None:
    guide, file = content.constants["infusion_sheet"], "infusion_sheet.toml"
    if guide.vitals.first not in {id_ for _, id_, _ in content.constants["check_index"]}:
        raise fault(file, "vitals.first", f"names the check {guide.vitals.first!r}, which index.toml does not have")
    for named in (m.companion for r in guide.reactions for m in r.medicines):
        if named not in companions:
            raise fault(file, "reaction.medicines", f"names {named!r}, which companions.toml does not have")


def _refuse_dangling_regimen(content: Content, regimen: Regimen, file: str) -> None:
    at, latest = f"regimen[{regimen.id}]", content.constants["review_months"]
    for key, table in (("label_days", regimen.label_days), ("label_g_kg", regimen.label_g_kg)):
        unknown = next((p for p in table if p not in content.constants["known_products"]), None)
        if unknown:
            raise fault(file, f"{at}.{key}", f"names {unknown!r}, which is no product here")
    if regimen.not_for and regimen.not_for not in content.value_sets:
        raise fault(file, f"{at}.not_for", f"is {regimen.not_for!r}, which is no value set")
    if regimen.review_months is not None and regimen.review_months > latest:
        raise fault(file, f"{at}.review_months", f"is later than the {latest} months after which every series is reviewed")
