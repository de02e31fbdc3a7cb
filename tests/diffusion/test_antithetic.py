"""Pairs of samples with opposite noise."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from invdiff.diffusion import DDIM, VE, Converged, Geometric, NoiseStream, Proximal, Sampler, TwoChannel
from invdiff.errors import InputError
from invdiff.methods import METHODS

CPU = torch.device("cpu")
SAMPLER = Sampler(
    VE(0.1, 4), Geometric(4), [DDIM(0.7)], TwoChannel(), guidance=Proximal(2.0, Converged(1e-12)), noise="antithetic"
)


@given(
    seed=st.integers(0, 9), pair=st.integers(0, 5), iteration=st.integers(0, 3),
    kind=st.sampled_from([torch.float32, torch.complex128]),
)  # fmt: skip
@settings(max_examples=30)
def test_a_pair_has_opposite_noise(seed: int, pair: int, iteration: int, kind: torch.dtype) -> None:
    samples = [2 * pair + 1, 2 * pair, 2 * pair + 2]
    x = torch.zeros(3, 4, 5, dtype=kind)
    made = {}
    for pairing in ("antithetic", "independent"):
        stream = NoiseStream(seed, 0, samples, CPU, pairing=pairing)
        stream.rewind(iteration)
        made[pairing] = [stream.like(x), stream.like(x)]
    for odd, even, other in made["antithetic"]:
        assert torch.equal(odd, -even)
        assert not torch.allclose(other.abs(), even.abs())
    assert not torch.equal(made["independent"][0][0], -made["independent"][0][1])
    assert torch.equal(made["antithetic"][0][1], made["independent"][0][1])


def test_what_is_drawn_beside_noise_a_pair_shares() -> None:
    stream = NoiseStream(3, 1, [0, 1], CPU, pairing="antithetic")
    stream.rewind(2)
    turns = stream.draw((5,), torch.float64)
    assert torch.equal(turns[0], turns[1])


def test_the_mean_of_a_pair_is_without_noise_where_steps_are_affine(small) -> None:
    problem, prior = small.problem("sense"), small.prior(2)

    def means(sampler: Sampler) -> list[torch.Tensor]:
        return [sampler(problem, prior, samples=2, seed=seed).mean for seed in (0, 1)]

    torch.testing.assert_close(*means(SAMPLER), rtol=1e-9, atol=1e-9)
    one, other = means(replace(SAMPLER, noise="independent"))
    assert not torch.allclose(one, other, rtol=1e-2)


def test_samples_depend_on_their_index_alone(small) -> None:
    bound = SAMPLER.bind(small.problem("sense"), small.prior(2))
    whole = bound.draw(4).samples
    assert torch.equal(bound.draw(range(3, 4)).samples[0], whole[3])
    torch.testing.assert_close(bound.draw(range(1, 3), together=2).samples, whole[1:3], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", METHODS)
def test_it_is_an_option_of_every_method(name: str) -> None:
    assert METHODS[name].with_settings({"noise": "antithetic"}).noise == "antithetic"
    assert METHODS[name].build().noise == "independent"


def test_other_pairings_are_refused() -> None:
    for make in (
        lambda: replace(SAMPLER, noise="opposite"),
        lambda: NoiseStream(0, 0, [0], CPU, pairing="opposite"),
    ):
        with pytest.raises(InputError, match="noise is independent or antithetic, but got '"):
            make()
    with pytest.raises(InputError, match="fast's noise should be 'independent' or 'antithetic', not 'none'"):
        METHODS["fast"].with_settings({"noise": "none"})
