"""FINUFFT's plans for the points of one trajectory, each made when it is first asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from invdiff.errors import InputError
from invdiff.operators.base import Shape


@dataclass(frozen=True, eq=False)
class NonUniformPlans:
    """The sums over pixels and over samples of `NonUniformFourier`, unscaled, for the points of one frame.

    A plan is for one number of transforms and of threads; it can neither be copied nor run twice at once, so copies
    make plans of their own. All are in double precision, so that no solver's tolerance meets their error.

    Args:
        points: float64 ``(samples, dimensions)`` in cycles per pixel.
        shape: the image's.
        eps: relative error of a transform.
    """

    points: NDArray[np.float64]
    shape: Shape
    eps: float
    _plans: dict[tuple[int, int], Any] = field(default_factory=dict, init=False)
    _lock: Any = field(default_factory=Lock, init=False)

    def __reduce__(self) -> Any:
        return NonUniformPlans, (self.points, self.shape, self.eps)

    def samples(self, images: Tensor) -> Tensor:
        """Sum over pixels of x(r) exp(-2πi k·r): complex128 ``(count, *shape)`` to ``(count, samples)``, on CPUs."""
        with self._lock, _short_of_memory():
            return torch.from_numpy(self._plan(len(images)).execute(_plain(images)))

    def images(self, samples: Tensor) -> Tensor:
        """Sum over samples of y(k) exp(2πi k·r): complex128 ``(count, samples)`` to ``(count, *shape)``, on CPUs."""
        with self._lock, _short_of_memory():
            return torch.from_numpy(self._plan(len(samples)).execute_adjoint(_plain(samples)))

    def _plan(self, count: int) -> Any:
        threads = torch.get_num_threads()
        if (count, threads) not in self._plans:
            try:
                from finufft import Plan
            except ImportError as error:
                raise InputError(
                    "NonUniformFourier runs on FINUFFT; install it: pip install 'invdiff[nufft]'."
                ) from error
            plan = Plan(
                2,
                self.shape,
                count,
                self.eps,
                dtype="complex128",
                nthreads=threads,
                spread_thread=2,  # a thread a transform: threads that share one add up in no fixed order
            )
            plan.setpts(*np.ascontiguousarray(2 * np.pi * self.points.T))
            self._plans[count, threads] = plan
        return self._plans[count, threads]


@contextmanager
def _short_of_memory() -> Iterator[None]:
    """Memory that there isn't is a MemoryError, as elsewhere; FINUFFT raises a RuntimeError."""
    try:
        yield
    except RuntimeError as error:
        if "malloc" in str(error):
            raise MemoryError(str(error)) from error
        raise


def _plain(x: Tensor) -> NDArray[Any]:
    numbers: NDArray[Any] = x.resolve_conj().resolve_neg().contiguous().numpy()
    return numbers
