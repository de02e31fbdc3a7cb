"""Between this package and others: operators and priors of the one as parts of the other's algorithms."""

from invdiff.bridges.channels import Channels
from invdiff.bridges.deepinv import as_denoiser, from_deepinv, to_deepinv

__all__ = ["Channels", "as_denoiser", "from_deepinv", "to_deepinv"]
