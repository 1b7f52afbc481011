"""The spine: one step of an order's life per file, in the order in which they happen.

open_chart → propose → approve → write_back → verify ⇄ reply
"""
