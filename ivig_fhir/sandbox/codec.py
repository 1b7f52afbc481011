"""JSON whose decimals keep their digits, both ways."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def decode(data: bytes | str) -> Any:
    """Parsed JSON with Decimal for every number that has a point or an exponent; ValueError when it is not JSON."""
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error


def encode(value: Any) -> str:
    """The JSON text of a value; `10.50` stays `10.50`."""
    return _ENCODER.encode(value).decode()
