"""The average of the weights, which is what a prior gets, follows within a short run whatever its decay."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from invdiff.training import read_config
from invdiff.training.state import averaged


def share_of_the_first(average: AveragedModel, network: nn.Linear, steps: int) -> float:
    """What the average holds of weights that were one after the first step, and zero after all others."""
    for weight in (1.0, *[0.0] * (steps - 1)):
        with torch.no_grad():
            network.weight.fill_(weight)
        average.update_parameters(network)
    return float(average.module.weight.detach())


@given(decay=st.floats(0, 0.99999), steps=st.integers(60, 300))
def test_it_forgets_where_a_run_began(decay: float, steps: int) -> None:
    network = nn.Linear(1, 1, bias=False)
    assert share_of_the_first(averaged(network, decay), network, steps) < 1e-6


def test_one_that_does_not_grow_would_keep_nothing_else() -> None:
    network = nn.Linear(1, 1, bias=False)
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(0.9999))
    assert share_of_the_first(average, network, 300) > 0.9


def test_fine_tuning_averages_over_the_end_of_its_run() -> None:
    """Where its rate falls to zero."""
    config = read_config("fine-tune", {"data.kind": "phantoms"})
    assert 1 / (1 - config.ema_decay) < config.steps / 4
    assert config.learning_rate(config.steps - 1) < 0.01 * config.optimiser.lr
