"""k-space of an image whose spins do not all precess at the scanner's frequency."""

import math
from collections.abc import Iterator
from functools import reduce

import torch
from torch import Tensor

from invdiff.errors import InputError
from invdiff.operators.arrays import Array, as_tensor
from invdiff.operators.base import LinearOperator, in_precision_of
from invdiff.operators.frozen import Frozen
from invdiff.operators.wrapper import Wrapper

MOST_TURNS = 100
LEAST_ERROR = 1e-8
_ROUNDING = 1e-12  # of singular values
_SPARE = 0.95  # of the error, since it is looked at on a grid


class OffResonance(Wrapper, Frozen):
    """x -> sum over l of b_l(t) F (c_l(r) x): time segmentation (Noll, IEEE Transactions on Medical Imaging 10, 1991;
    Sutton, Noll and Fessler, IEEE Transactions on Medical Imaging 22, 2003). Build it with `off_resonance`.

    Args:
        operator: F, from an image to its k-space without off-resonance.
        weights: b, complex ``(segments, *times)``, where ``times`` broadcasts to what F makes.
        phases: c, complex ``(segments, *image)``, of the image that F takes.
    """

    operator: LinearOperator
    weights: Tensor
    phases: Tensor
    preserves_reals = False

    def forward(self, x: Tensor) -> Tensor:
        return reduce(torch.add, (b * self.operator.forward(c * x) for b, c in self._segments(x)))

    def adjoint(self, y: Tensor) -> Tensor:
        return reduce(torch.add, (c.conj() * self.operator.adjoint(b.conj() * y) for b, c in self._segments(y)))

    def _segments(self, x: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        return zip(in_precision_of(x, self.weights), in_precision_of(x, self.phases), strict=True)

    def __repr__(self) -> str:
        inner = repr(self.operator)
        return f"({inner})(Δf)" if " " in inner else f"{inner}(Δf)"


def off_resonance(operator: LinearOperator, field_map: Array, times: Array, *, error: float = 1e-3) -> OffResonance:
    """The k-space that ``operator`` makes of x(r) exp(-2πi Δf(r) t) at each readout time t.

    It takes as few segments as keep to ``error``; each of them costs one application of ``operator``.

    b and c are the singular functions of exp(-2πi f t) for f between the lowest and the highest of the map, and t
    between the first and the last time: of all sums of so many terms the one of least squares (Fessler et al., IEEE
    Transactions on Signal Processing 53, 2005). Both intervals are weighed as Chebyshev's polynomials are, more at the
    ends, for the sake of the largest error.

    Coil maps commute with the phases, so ``off_resonance(F, field_map, times) @ Sensitivities(maps)`` is that of coils.

    Args:
        operator: F, without off-resonance, from one image to its k-space, all of it or the measured samples.
        field_map: Δf in Hz, real, of the image's shape; zero where there is no signal. Where a scanner's convention has
            the other sign, give ``-field_map``.
        times: when each sample is read, in seconds after the phases of all spins agreed; real, of a shape that
            broadcasts to what F makes: ``(H, 1)`` for readouts along axis -2, ``(W,)`` along the last.
        error: the largest of abs(exp(-2πi f t) - sum over l of b_l(t) c_l) over both intervals.

    Raises:
        InputError: a shape does not fit, numbers are not real or not finite, ``error`` is not between 1e-8 and 1, or
            phases differ by more than 100 turns within the readout.
    """
    field_map, times = as_tensor(field_map, "off_resonance"), as_tensor(times, "off_resonance")
    times = times.to(field_map.device)
    _check(operator, field_map, times)
    if not LEAST_ERROR <= error < 1:
        raise InputError(f"The error of off_resonance is from {LEAST_ERROR:g} to below 1, but got {error}.")
    nodes = 32 + 4 * math.ceil(_turns(field_map, times))
    frequencies, moments = _chebyshev(field_map, nodes), _chebyshev(times, nodes)
    left, values, right = torch.linalg.svd(_phasors(moments, frequencies))
    rank = int((values > _ROUNDING * values[0]).sum())
    of_times, of_frequencies = right[:rank].conj(), (left[:, :rank] / values[:rank]).mH
    between, within = (_chebyshev(array, 2 * nodes + 1) for array in (field_map, times))
    terms = zip(_projected(of_times, frequencies, within), _projected(of_frequencies, moments, between), strict=True)
    count = _count(_phasors(within, between), terms, error)
    kind = field_map.dtype.to_complex()
    weights = _projected(of_times[:count], frequencies, times)
    phases = _projected(of_frequencies[:count], moments, field_map)
    return OffResonance(operator, weights.to(kind), phases.to(kind))


def _check(operator: LinearOperator, field_map: Tensor, times: Tensor) -> None:
    if operator.real_domain:
        raise InputError(
            f"{operator!r} takes real images, but off-resonance makes them complex; put RealPart(shape).H behind it."
        )
    if tuple(field_map.shape) != operator.domain_shape:
        raise InputError(
            f"The field map has shape {tuple(field_map.shape)} but {operator!r} takes {operator.domain_shape}."
        )
    made = operator.codomain_shape
    lengths = (1,) * (len(made) - times.ndim) + tuple(times.shape)
    if len(lengths) != len(made) or any(n not in (1, m) for n, m in zip(lengths, made, strict=True)):
        raise InputError(
            f"The readout times have shape {tuple(times.shape)}, which does not broadcast to {made}, the samples that "
            f"{operator!r} makes."
        )
    for name, array in (("field map", field_map), ("readout times", times)):
        if not (array.is_floating_point() and bool(torch.isfinite(array).all())):
            raise InputError(f"off_resonance needs real, finite numbers in the {name}; set what is unknown to zero.")
    turns = _turns(field_map, times)
    if turns > MOST_TURNS:
        raise InputError(
            f"The field map spans {float(field_map.max() - field_map.min()):.4g} Hz and the readout times "
            f"{float(times.max() - times.min()):.4g} s, in which phases part by {turns:.4g} turns and at most "
            f"{MOST_TURNS} are corrected; give Hz and seconds, and zero where there is no signal."
        )


def _turns(field_map: Tensor, times: Tensor) -> float:
    """By how many turns the phases of two pixels differ at most at the end of the readout, if they agreed at its
    beginning: about the number of segments."""
    (low, high), (first, last) = field_map.double().aminmax(), times.double().aminmax()
    return float((high - low) * (last - first))


def _count(left: Tensor, terms: Iterator[tuple[Tensor, Tensor]], error: float) -> int:
    """After how many terms the sum of b_l c_l is that near to the exact phasors."""
    for count, (b, c) in enumerate(terms, start=1):
        left = left - torch.outer(b, c)
        if float(left.abs().max()) <= _SPARE * error:
            return count
    raise AssertionError("All singular functions together are exact to rounding.")


def _projected(rows: Tensor, nodes: Tensor, points: Tensor) -> Tensor:
    """Each row's sum of exp(-2πi node point) over the nodes, ``(rows, *points)``."""
    pieces = [rows @ _phasors(nodes, some) for some in points.double().flatten().split(4096)]
    return torch.cat(pieces, dim=1).reshape(len(rows), *points.shape)


def _phasors(times: Tensor, frequencies: Tensor) -> Tensor:
    """exp(-2πi f t) of every pair, ``(times, frequencies)``."""
    turns = torch.outer(times, frequencies)
    return torch.polar(torch.ones_like(turns), -2 * math.pi * turns)


def _chebyshev(numbers: Tensor, count: int) -> Tensor:
    """Points from the least to the largest of the numbers, dense at both ends: where Chebyshev's polynomials are
    extreme."""
    low, high = numbers.double().aminmax()
    angles = torch.linspace(math.pi, 0, count, dtype=torch.float64, device=numbers.device)
    return (low + high) / 2 + (high - low) / 2 * angles.cos()
