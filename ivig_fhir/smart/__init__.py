"""How the EHR lets us in: SMART App Launch, from an issuer's entry to a launch context.

Read issuers → discovery → scopes → launch → token → keys → identity → context → signin. Every outgoing request goes through a
`requests.Session` that is passed in, to hosts of the issuer table only. Nothing here reads FHIR data or keeps anything.
"""
