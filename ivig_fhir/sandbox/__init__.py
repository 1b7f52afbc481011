"""An EHR in a box for demonstration and tests: authorization server, FHIR R4 server, chart page; imports nothing of the app.

Read in this order:

- `settings`, `server`: what differs between two sandboxes; where the parts are wired into one Flask application
- `cast`, `users`, `loading`: the patients and the four people that are there at the start, and charts loaded later
- `database`, `handles`, `store`: one SQLite file: short-lived secrets; resources with every version
- `codec`, `outcome`, `resource_types`, `references`, `compartment`: the FHIR vocabulary of this server
- `parameters`, `elements`, `dates`, `matching`, `query`, `search`, `paging`: searching
- `interactions`, `writing`, `transaction`, `capability`, `fhir_api`: reading, writing, and their HTTP surface
- `scopes`, `access`: what a token allows, asked on every request
- `clients`, `keys`, `authorize`, `token`: SMART App Launch: registered apps, the signing key, codes and tokens
- `faults`: the named ways to misbehave, one entry each, chosen for one launch
- `scripting`, `chart`, `chart_page`: endpoints for scripts, and the page a person sees
- `adapter`: the same application behind `requests`, in process, for tests
"""
