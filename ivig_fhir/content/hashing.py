"""Content by hash: what a reviewer signs, and what two versions are compared by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def hash_of(data: Any) -> str:
    """SHA-256 of parsed content in one canonical spelling: comments, layout and order of keys do not count, every value does."""
    spelled = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(spelled.encode()).hexdigest()


def digest_of(hashes: Mapping[str, str]) -> str:
    """One digest over the hashes of all files."""
    return hash_of(dict(hashes))
