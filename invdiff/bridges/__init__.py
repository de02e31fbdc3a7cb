"""Between this package and others: operators and priors of the one as parts of the other's algorithms."""

from invdiff.bridges.channels import Channels, between_reals
from invdiff.bridges.deepinv import as_denoiser, from_deepinv, to_deepinv
from invdiff.bridges.scipy import from_scipy, to_scipy
from invdiff.bridges.sigpy import from_sigpy, to_sigpy

__all__ = [
    "Channels",
    "as_denoiser",
    "between_reals",
    "from_deepinv",
    "from_scipy",
    "from_sigpy",
    "to_deepinv",
    "to_scipy",
    "to_sigpy",
]
