"""Between this package and others: operators and priors of the one as parts of the other's algorithms."""

from invdiff.bridges.channels import Channels, between_reals
from invdiff.bridges.deepinv import as_denoiser, from_deepinv, to_deepinv
from invdiff.bridges.instruments import Blur, Enlarger, Instrument, SinglePixelCamera, Tomograph
from invdiff.bridges.mrpro import from_mrpro, to_mrpro
from invdiff.bridges.scipy import from_scipy, to_scipy
from invdiff.bridges.sigpy import from_sigpy, to_sigpy
from invdiff.bridges.torch import from_torch

__all__ = [
    "Blur",
    "Channels",
    "Enlarger",
    "Instrument",
    "SinglePixelCamera",
    "Tomograph",
    "as_denoiser",
    "between_reals",
    "from_deepinv",
    "from_mrpro",
    "from_scipy",
    "from_sigpy",
    "from_torch",
    "to_deepinv",
    "to_mrpro",
    "to_scipy",
    "to_sigpy",
]
