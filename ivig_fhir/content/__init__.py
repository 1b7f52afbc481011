"""The clinical content of `order_sets/` as typed, validated, citable data."""
