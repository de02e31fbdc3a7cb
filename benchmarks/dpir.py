"""deepinv's DPIR with a prior of this package as its denoiser."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from deepinv.optim import BaseOptim
from deepinv.optim.data_fidelity import L2
from deepinv.optim.optimizers import create_iterator
from deepinv.optim.prior import PnP
from numpy.typing import NDArray

from invdiff.bridges import Channels, as_denoiser, to_deepinv
from invdiff.classical import best_by_truth
from invdiff.diffusion import Problem
from invdiff.diffusion.sampler import scale_of
from invdiff.errors import InputError
from invdiff.evaluation import Outcome
from invdiff.evaluation.contenders import Progress
from invdiff.priors import Prior
from invdiff.reconstruction import Cases

HIGHEST_LEVEL = 49 / 255
WEIGHTS = (0.115, 0.23, 0.46, 0.92)
"""Of the prior. The paper's is 0.23; deepinv takes noise below 0.01 for 0.01, which comes to a larger one."""


@dataclass(frozen=True, eq=False)
class DPIR:
    """Half-quadratic splitting by deepinv: the paper's levels, in equal ratios from 49 / 255 to the noise's, and its
    rule for the weight of the data, at the weight of the prior that suits the truth best.

    Zhang et al., Plug-and-play image restoration with deep denoiser prior, IEEE Transactions on Pattern Analysis and
    Machine Intelligence 44 (2021); its eight steps are deepinv's too. As in deepinv the denoiser sees the image as it
    is, not turned from step to step as in the paper's code, and the data's step is 50 of conjugate gradients.

    Args:
        prior: the denoiser.
        steps: network calls.
    """

    prior: Prior
    steps: int
    name = "DPIR"
    prior_name = ""

    @property
    def settings(self) -> str:
        return f"steps={self.steps}, best by the truth of the weights {', '.join(f'{w:.3g}' for w in WEIGHTS)}"

    def check(self, cases: Cases) -> None:
        """Refuse several map sets: a denoiser takes one image.

        Raises:
            InputError: the scan has several.
        """
        if cases.has_map_sets:
            raise InputError(f"{cases.name} has several map sets, but DPIR reconstructs one image.")

    def __call__(self, cases: Cases, seed: int, keep: Path, progress: Progress) -> Outcome:
        """Of the seconds of all weights, the mean is told."""
        start, truth = perf_counter(), cases.ground_truth
        best = best_by_truth(partial(self._images, cases), WEIGHTS, truth)
        return Outcome(best.image, (perf_counter() - start) / len(WEIGHTS), self.steps, best.weight)

    def _images(self, cases: Cases, weight: float) -> NDArray[np.inexact]:
        nothing = np.zeros(cases.sampled.shape, np.complex64)
        made = {number: self._image(cases.problem(number), weight) for number in cases.full}
        return np.stack([made.get(number, nothing) for number in cases.slices])

    def _image(self, problem: Problem, weight: float) -> NDArray[np.inexact]:
        problem = problem.to(self.prior.device)
        scale = scale_of(problem, self.prior)
        noise = problem.noise_std / scale
        levels = torch.logspace(np.log10(HIGHEST_LEVEL), np.log10(noise), self.steps)
        denoiser = PnP(denoiser=as_denoiser(self.prior))
        algorithm = BaseOptim(
            create_iterator("HQS", prior=denoiser, cost_fn=None, g_first=False),
            max_iter=self.steps,
            data_fidelity=L2(),
            prior=denoiser,
            early_stop=False,
            params_algo={"stepsize": (levels / noise) ** 2 / weight, "g_param": levels},
        )
        data = Channels(tuple(problem.y.shape))(problem.y / scale)[None]
        with torch.no_grad():
            found = algorithm(data, to_deepinv(problem.operator))[0]
        return scale * Channels(problem.operator.domain_shape).H(found).cpu().numpy()
