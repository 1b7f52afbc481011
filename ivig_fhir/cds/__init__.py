"""The entrance for machines, CDS Hooks: services, requests, prefetch, cards, trust; routes last, and nothing decided here."""
