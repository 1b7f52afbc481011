"""`python -m ivig_fhir.cli`, the same as `ivig-fhir`."""

import sys

from ivig_fhir.cli import main

sys.exit(main())
