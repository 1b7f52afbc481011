"""The spine: one step of an order's life per file, in the order in which they happen.

open_chart → propose → approve → write_back → verify ⇄ reply

Beside it, for whoever connects the app to a server: `doctor` (what would it do there?), `smoke` (does it, once, from end to end?), and
`open_server` (a server for development, where nobody signs in).
"""
