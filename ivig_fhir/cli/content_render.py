"""`ivig-fhir content render`: order sets, products and checks as one page that prints, with every source."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ivig_fhir.cli.inputs import content_and_site, moment
from ivig_fhir.content.document import Document, as_html
from ivig_fhir.content.load import read_folder
from ivig_fhir.content.pages import Library, check_page, file_page, order_set_page, product_page
from ivig_fhir.errors import SelectionError, SettingsError
from ivig_fhir.settings import Settings

_SHARED = ("policies.toml", "companions.toml", "observations.toml")


def register(parts: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the part and its options."""
    render = parts.add_parser("render", help="a page to print, with citations", description=__doc__)
    render.add_argument("ids", metavar="ID", nargs="*", help="ids of order sets, products or checks; without any, everything")
    render.add_argument("--site", metavar="FILE", help="the site file: whose reviews are shown")
    render.add_argument("--now", metavar="WHEN", help="the day on which reviews must hold; default today")
    render.add_argument("--output", "-o", metavar="FILE", help="where to; default standard output")
    render.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Writes one self-contained HTML file. SelectionError for an unknown id, SettingsError for a place that is none."""
    content, site = content_and_site(arguments.site)
    library = Library(read_folder(Settings.from_env().content), content, moment(arguments.now, site).date(), site)
    made = as_html(tuple(_documents(arguments.ids, library)), f"Clinical content {content.version}")
    if not arguments.output:
        sys.stdout.write(made)
        return 0
    try:
        Path(arguments.output).write_text(made, encoding="utf-8")
    except OSError as error:
        raise SettingsError(said=f"The file {arguments.output} cannot be written.") from error
    return 0


def _documents(ids: Sequence[str], library: Library) -> Iterator[Document]:
    content = library.content
    for id_ in ids or (*content.order_sets, *content.products, *content.checks):
        if id_ in content.order_sets:
            yield order_set_page(id_, library)
        elif id_ in content.products:
            yield product_page(id_, library)
        elif id_ in content.checks:
            yield check_page(id_, library)
        else:
            raise SelectionError(said=f"{id_} is no order set, product or check.")
    if not ids:
        yield from (file_page(name, library) for name in _SHARED)
