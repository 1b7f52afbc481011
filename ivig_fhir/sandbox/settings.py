"""What may differ between two sandboxes: addresses, where the data lie, which cast is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
CAST = PACKAGE / "cast"


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """Settings of one sandbox; addresses without a trailing slash, `database` a file or `:memory:`, `cast` a folder or None for nobody."""

    base_url: str = "http://127.0.0.1:5001"
    app_url: str = "http://127.0.0.1:5000"
    database: str = ":memory:"
    cast: Path | None = CAST

    @property
    def fhir_base(self) -> str:
        """The FHIR base, which is also the SMART issuer and the OpenID issuer."""
        return f"{self.base_url}/fhir"
