"""What the trials so far say of the whole space: a Gaussian process, and where to look next, by Ax.

Both functions rebuild the model from the trials, so that they are all the state there is: a search that was stopped
goes on as if it had not been.
"""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from invdiff.errors import InputError
from invdiff.tuning.space import Parameters, Space

if TYPE_CHECKING:
    from ax.api.client import Client

Scores = Sequence[tuple[Parameters, float | None]]
"""Points and their scores, ``None`` where a trial failed."""

_SCORE = "score"


def require_ax() -> None:
    """Say so at once where the library is missing.

    Raises:
        InputError: it is.
    """
    if find_spec("ax") is None:
        raise InputError("The search needs Ax; install it: pip install 'invdiff[tune]'.")


def propose(space: Space, scores: Scores, count: int, seed: int, *, higher_is_better: bool) -> list[Parameters]:
    """Where to look next: ``count`` points to be tried side by side.

    Ax's default: a Gaussian process with expected improvement (Ament et al., Unexpected improvements to expected
    improvement for Bayesian optimization, NeurIPS 2023).

    Args:
        space: where to look.
        scores: of the points tried so far, at least one of them not ``None``.
        count: how many points.
        seed: the same trials and seed give the same points.
        higher_is_better: what is sought.
    """
    with _client(space, scores, seed, higher_is_better) as client:
        proposed = client.get_next_trials(count).values()
    return [{one.name: one.nearest(_number(point[one.name])) for one in space.ranges} for point in proposed]


def predict(
    space: Space, scores: Scores, points: Sequence[Parameters]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of the score at each point, ``(points,)`` each.

    BoTorch's default Gaussian process. Ax's own flattens poor scores to see the good ones better, so it would not pass
    through the trials.

    Args:
        space: where all points lie.
        scores: of the points tried so far, at least one of them not ``None``.
        points: where to predict.
    """
    with _quiet():
        import torch
        from botorch.fit import fit_gpytorch_mll
        from botorch.models import SingleTaskGP
        from gpytorch.mlls import ExactMarginalLogLikelihood

        tried = torch.tensor([space.fractions(point) for point, score in scores if score is not None])
        found = torch.tensor([[score] for _, score in scores if score is not None], dtype=torch.float64)
        model = SingleTaskGP(tried.double(), found)
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
        with torch.no_grad():
            posterior = model.posterior(torch.tensor([space.fractions(point) for point in points]).double())
            mean, variance = posterior.mean[:, 0], posterior.variance[:, 0]
    return mean.numpy(), variance.sqrt().numpy()


@contextmanager
def _client(space: Space, scores: Scores, seed: int, higher_is_better: bool) -> "Iterator[Client]":
    """Ax with these trials, its random numbers seeded and its talk turned down."""
    with _quiet():
        from ax.api.client import Client
        from ax.api.configs import RangeParameterConfig
        from ax.utils.common.logger import set_stderr_log_level
        from ax.utils.common.random import with_rng_seed

        set_stderr_log_level(logging.ERROR)
        client = Client()
        client.configure_experiment(
            [
                RangeParameterConfig(
                    one.name,
                    (one.low, one.high),
                    "int" if one.integer else "float",
                    scaling="log" if one.log else "linear",
                )
                for one in space.ranges
            ]
        )
        client.configure_optimization(_SCORE if higher_is_better else f"-{_SCORE}")
        client.configure_generation_strategy(initialization_budget=0, initialize_with_center=False)
        for point, score in scores:
            index = client.attach_trial(dict(point))
            if score is None:
                client.mark_trial_failed(index)
            else:
                client.complete_trial(index, {_SCORE: score})
        with with_rng_seed(int(np.random.SeedSequence([seed, len(scores)]).generate_state(1)[0])):
            yield client


@contextmanager
def _quiet() -> Iterator[None]:
    """Ax and the libraries below it warn about each other's deprecations, and of fits that they then mend."""
    with warnings.catch_warnings():
        for module in ("ax", "botorch", "gpytorch", "linear_operator", "torch.jit"):
            warnings.filterwarnings("ignore", module=rf"{module}(\.|$)")
        yield


def _number(value: Any) -> float:
    assert isinstance(value, int | float)
    return value
