"""The algebra of linear operators. Nothing here knows what diffusion is."""

from invdiff.operators.adjoint import Adjoint
from invdiff.operators.arrays import Array
from invdiff.operators.base import LinearOperator, NoiseSource, Shape
from invdiff.operators.basis import Basis
from invdiff.operators.block_circulant import BlockCirculant
from invdiff.operators.block_diagonal import BlockDiagonal
from invdiff.operators.circulant import Circulant
from invdiff.operators.conjugate_gradient import ConvergenceWarning
from invdiff.operators.crop import Crop, Pad
from invdiff.operators.density import pipe, voronoi
from invdiff.operators.diagonal import Diagonal
from invdiff.operators.fourier import Fourier
from invdiff.operators.functions import FromFunctions, without_structure
from invdiff.operators.gram import Gram
from invdiff.operators.identity import Identity
from invdiff.operators.lift import Lift, lift
from invdiff.operators.mask import Mask
from invdiff.operators.non_uniform_fourier import NonUniformFourier
from invdiff.operators.nothing import Nothing
from invdiff.operators.off_resonance import OffResonance, off_resonance
from invdiff.operators.product import Product
from invdiff.operators.real_part import RealPart
from invdiff.operators.regularised import Regularised
from invdiff.operators.scaled import Scaled
from invdiff.operators.sense_gram import SenseGram
from invdiff.operators.sensitivities import Sensitivities
from invdiff.operators.shorthands import denoising, fourier, inpainting, non_cartesian_sense, sense, subspace
from invdiff.operators.spectral import Spectral
from invdiff.operators.stack import Stack
from invdiff.operators.structure import Structure
from invdiff.operators.subsample import Subsample
from invdiff.operators.subspace_gram import SubspaceGram
from invdiff.operators.sum import Sum
from invdiff.operators.toeplitz import Toeplitz

__all__ = [
    "Adjoint",
    "Array",
    "Basis",
    "BlockCirculant",
    "BlockDiagonal",
    "Circulant",
    "ConvergenceWarning",
    "Crop",
    "Diagonal",
    "Fourier",
    "FromFunctions",
    "Gram",
    "Identity",
    "Lift",
    "LinearOperator",
    "Mask",
    "NoiseSource",
    "NonUniformFourier",
    "Nothing",
    "OffResonance",
    "Pad",
    "Product",
    "RealPart",
    "Regularised",
    "Scaled",
    "SenseGram",
    "Sensitivities",
    "Shape",
    "Spectral",
    "Stack",
    "Structure",
    "Subsample",
    "SubspaceGram",
    "Sum",
    "Toeplitz",
    "denoising",
    "fourier",
    "inpainting",
    "lift",
    "non_cartesian_sense",
    "off_resonance",
    "pipe",
    "sense",
    "subspace",
    "voronoi",
    "without_structure",
]
