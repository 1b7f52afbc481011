"""IVIG order sets over SMART on FHIR, from launch to a verified order."""
