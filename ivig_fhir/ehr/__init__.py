"""The EHR's FHIR server over the wire: what it can do, what it says of one patient, what it is asked to store.

Read in this order:

- `client`, `retry`, `failures`: one request and its answer; when a read is tried again; which error an answer is
- `capability`, `profiles`: what the server says it can do, what it is known to do, and so how an order is written
- `search`, `filters`, `fetch`: one search to its last page; what of it is believed; the whole chart at once
- `locate`, `write`, `reconcile`, `update`: is the order there already; sending it; settling a lost answer; changing what is there
"""
