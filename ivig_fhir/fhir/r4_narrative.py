"""Whether a narrative is the harmless XHTML that R4 allows: well-formed, only formatting, and with something to read."""

from __future__ import annotations

from xml.etree import ElementTree

XHTML = "{http://www.w3.org/1999/xhtml}"
_TAGS = """
    a abbr acronym address area b bdo big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i
    img kbd li map ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var
"""
_ATTRIBUTES = """
    abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff cite class color colspan
    coords dir frame headers height href hspace id lang longdesc name nohref noshade rowspan rules scope shape size span src start
    style summary tabindex title type usemap valign value vspace width {http://www.w3.org/XML/1998/namespace}lang
    {http://www.w3.org/XML/1998/namespace}space
"""
_ALLOWED_TAGS, _ALLOWED_ATTRIBUTES = frozenset(XHTML + tag for tag in _TAGS.split()), frozenset(_ATTRIBUTES.split())
_LINKS = ("href", "src", "cite", "longdesc", "usemap")


def narrative_fault(div: str) -> tuple[str, str] | None:
    """What is wrong with Narrative.div, as (invariant, message); None when nothing is.

    See: invariants txt-1 and txt-2, http://hl7.org/fhir/R4/narrative.html
    """
    if "<!DOCTYPE" in div or "<!ENTITY" in div or "<?" in div:
        return "txt-1", "narrative declares a document type, an entity or an instruction"
    try:
        root = ElementTree.fromstring(div)  # noqa: S314 - document types and entities were refused above
    except ElementTree.ParseError:
        return "txt-1", "narrative is not well-formed XHTML"
    if root.tag != XHTML + "div":
        return "txt-1", "narrative is not one div of the XHTML namespace"
    for element in root.iter():
        if element.tag not in _ALLOWED_TAGS or set(element.keys()) - _ALLOWED_ATTRIBUTES:
            return "txt-1", "narrative has a tag or an attribute that is not formatting"
        if any("script:" in element.get(link, "").lower() for link in _LINKS):
            return "txt-1", "narrative has a link that runs a script"
    if not "".join(root.itertext()).strip() and root.find(f".//{XHTML}img") is None:
        return "txt-2", "narrative has nothing to read"
    return None
