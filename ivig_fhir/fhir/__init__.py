"""FHIR R4 as vocabulary, without a network: reading, quantities and units, codes, checking and building."""
