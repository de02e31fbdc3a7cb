"""Contracts that a part of your own inherits, to be tested as the built-in parts are.

A pytest module of yours needs a few lines::

    class TestMyOperator(OperatorContract):
        def operator(self):
            return MyOperator(...)

and so a prior, a grid, a signal, a view, a guidance, a step or a predictor. A part of a sampler is tried in a few steps
of a small problem; one that needs another overrides `PartContract.problem`, `PartContract.prior` or the sampler itself.

Nothing here needs pytest: `dot_test` and `dense` also serve in a notebook, and a contract's tests are plain methods.
"""

from invdiff.testing.affine import affine_map
from invdiff.testing.grids import GridContract
from invdiff.testing.guidance import GuidanceContract
from invdiff.testing.operators import OperatorContract, dense, dot_test
from invdiff.testing.part import PartContract
from invdiff.testing.priors import PriorContract
from invdiff.testing.signals import SignalContract
from invdiff.testing.steps import PredictorContract, StepContract
from invdiff.testing.views import ViewContract

__all__ = [
    "GridContract",
    "GuidanceContract",
    "OperatorContract",
    "PartContract",
    "PredictorContract",
    "PriorContract",
    "SignalContract",
    "StepContract",
    "ViewContract",
    "affine_map",
    "dense",
    "dot_test",
]
