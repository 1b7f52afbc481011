"""The entrance for people: launch, review, pharmacy and status pages; reads requests, calls the workflow, renders."""
