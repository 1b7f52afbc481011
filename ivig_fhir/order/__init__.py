"""An order: approved by a prescriber, written as one transaction, compared with what was stored, recalculated and verified."""
