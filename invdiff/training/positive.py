"""Numbers above zero in a configuration."""

from typing import Annotated

from pydantic import Field

from invdiff.within import LARGEST, SMALLEST

Positive = Annotated[float, Field(ge=SMALLEST, le=LARGEST)]
"""One whose square and inverse can be computed with."""
