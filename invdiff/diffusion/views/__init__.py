"""What the state of a problem is. One view a file."""

from invdiff.diffusion.views.base import View
from invdiff.diffusion.views.sense import Sense
from invdiff.diffusion.views.soss import Soss
from invdiff.diffusion.views.unsampled_kspace import UnsampledKspace

__all__ = ["Sense", "Soss", "UnsampledKspace", "View"]
