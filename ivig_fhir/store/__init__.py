"""What we keep, and the only SQL: launches, sessions, proposals, orders, outbox and audit, on SQLite or PostgreSQL.

Every function takes a `Tx` (an open database transaction with the key ring) and `now`. Whatever holds patient data or a token is
sealed before it is stored; an audit row is written in the same transaction as the change it records.
"""
