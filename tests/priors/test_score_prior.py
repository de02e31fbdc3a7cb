import math

import pytest
import torch
from torch import Tensor, nn

from invdiff.errors import InputError
from invdiff.priors import EDM, Intensity, NCSNpp, NCSNppConfig, Noise, Score, ScorePrior, UNet
from invdiff.priors.memory import peak_bytes

RANGE = (0.01, 10.0)


class Probe(nn.Module):
    """Records what it is asked; answers with zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[int, ...]] = []
        self.labels: list[float] = []
        self.images: list[Tensor] = []

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        self.calls.append(tuple(x.shape))
        self.labels.extend(label.tolist())
        self.images.append(x)
        return torch.zeros_like(x)


def prior_of(network: nn.Module, **options: object) -> ScorePrior:
    return ScorePrior(network, **({"parameterisation": Score(), "channels": (1,), "sigma_range": RANGE} | options))


def randomised_networks() -> list[tuple[nn.Module, object]]:
    torch.manual_seed(0)
    config = NCSNppConfig(image_size=8, nf=8, ch_mult=(1, 2), num_res_blocks=1, attn_resolutions=(4,), sigma_max=10)
    networks = [(UNet(1, widths=(8, 16), blocks=1, embedding=16), EDM(0.2)), (NCSNpp(config), Score())]
    for network, _ in networks:
        for parameter in network.parameters():
            nn.init.normal_(parameter, std=0.2)
    return networks


@pytest.mark.parametrize(("network", "parameterisation"), randomised_networks())
def test_results_do_not_depend_on_the_batch_bit_for_bit(network, parameterisation) -> None:
    prior = prior_of(network, parameterisation=parameterisation)
    x = torch.randn(7, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    for ask in (prior.denoise, prior.score):
        together = ask(x, 0.5)
        assert together.isfinite().all()
        assert torch.equal(together, torch.cat([ask(one[None], 0.5) for one in x]))
        assert torch.equal(together.flip(0), ask(x.flip(0), 0.5))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_on_a_gpu_the_batch_is_one_call_and_agrees() -> None:
    probe = Probe()
    prior_of(probe).denoise(torch.zeros(5, 1, 4, 4, device="cuda"), 1.0)
    assert probe.calls == [(1, 1, 4, 4), (5, 1, 4, 4)]  # the first finds out what an image takes
    network, parameterisation = randomised_networks()[0]
    prior = prior_of(network, parameterisation=parameterisation)
    x = torch.randn(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    here = prior.denoise(x, 0.5)
    there = prior.to("cuda").denoise(x.cuda(), 0.5).cpu()
    torch.testing.assert_close(there, here, rtol=1e-3, atol=1e-3)


def test_a_budget_of_memory_is_kept_and_changes_nothing() -> None:
    (network, parameterisation), _ = randomised_networks()
    x = torch.randn(7, 1, 12, 10, generator=torch.Generator().manual_seed(0))
    alone = prior_of(network, parameterisation=parameterisation)
    one = peak_bytes(lambda: alone.denoise(x[:1], 1.0))[1]
    answer = alone.denoise(x, 1.0)
    peaks = []
    for images in (1, 2, 3, 7):
        prior = prior_of(network, parameterisation=parameterisation, memory_budget=int(images * one * 1.05))
        prior.denoise(x, 1.0)  # finds out what an image takes
        again, peak = peak_bytes(lambda prior=prior: prior.denoise(x, 1.0))
        torch.testing.assert_close(again, answer)
        peaks.append(peak)
        assert peak <= prior.memory_budget + 3 * x.nbytes  # input, scaled input and results stay beside the network
    assert peaks == sorted(set(peaks))
    with pytest.raises(InputError, match="more than the memory_budget of 100"):
        prior_of(network, memory_budget=100).denoise(x, 1.0)


def test_peak_memory_counts_what_lives_at_a_time_once() -> None:
    x = torch.zeros(1000)

    def run() -> torch.Tensor:
        a = x + 1  # 4000 bytes
        b = a * 2  # 8000
        del a
        return b.view(10, 100) + 1  # 8000 again

    result, peak = peak_bytes(run)
    assert peak == 8000
    assert torch.equal(result, torch.full((10, 100), 3.0))


@pytest.mark.parametrize(("micro_batch", "sizes"), [(None, [1] * 5), (2, [2, 2, 1]), (8, [5])])
def test_micro_batches(micro_batch, sizes) -> None:
    probe = Probe()
    answer = prior_of(probe, micro_batch=micro_batch).denoise(torch.zeros(5, 1, 4, 4), 1.0)
    assert [call[0] for call in probe.calls] == sizes
    assert answer.shape == (5, 1, 4, 4)


def test_outside_the_trained_range_the_label_is_clamped_and_the_preconditioning_is_not() -> None:
    probe = Probe()
    prior = prior_of(probe, parameterisation=Noise(label=Score().label))
    for sigma in (0.001, 0.5, 1000.0):
        prior.denoise(torch.ones(1, 1, 4, 4), sigma)
    assert probe.labels == pytest.approx([0.01, 0.5, 10.0])
    assert [image.max().item() for image in probe.images] == pytest.approx(
        [1 / math.sqrt(1 + s**2) for s in (0.001, 0.5, 1000)]
    )


def test_a_network_of_another_range_is_shown_that_range() -> None:
    probe = Probe()
    prior = prior_of(probe, network_range=(-1, 1))
    prior.denoise(torch.tensor([0.0, 0.25, 1.0]).reshape(1, 1, 1, 3), 0.5)
    assert probe.images[0].flatten().tolist() == [-1.0, -0.5, 1.0]
    assert probe.labels == [1.0]
    prior.denoise(torch.zeros(1, 1, 4, 4), 1000.0)
    assert probe.labels[1] == 20.0  # the highest level of training on the images' scale is 10


def test_the_network_is_frozen_and_the_callers_gradient_mode_rules() -> None:
    network, parameterisation = randomised_networks()[0]
    prior = prior_of(network.train(), parameterisation=parameterisation)
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    x = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0), requires_grad=True)
    prior.denoise(x, 0.5).sum().backward()
    assert x.grad.abs().max() > 0
    with torch.no_grad():
        assert not prior.denoise(x, 0.5).requires_grad


def test_dtype_of_the_question_is_kept_also_under_autocast() -> None:
    network, parameterisation = randomised_networks()[0]
    prior = prior_of(network, parameterisation=parameterisation)
    x = torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    double, single = prior.denoise(x, 0.5), prior.denoise(x.float(), 0.5)
    assert double.dtype == torch.float64
    torch.testing.assert_close(double.float(), single)
    with torch.autocast("cpu", torch.bfloat16):
        half = prior.denoise(x.float(), 0.5)
    assert half.dtype == torch.float32
    assert 0 < (half - single).abs().max() < 0.1


def test_what_it_says_of_itself() -> None:
    prior = prior_of(Probe(), channels=(1, 2), intensity=Intensity(99, 2.0), data_std=0.3, about={"name": "probe"})
    assert (prior.power_spectrum, prior.network_range) == (None, (0, 1))
    assert prior_of(Probe(), power_spectrum=[2, 0.5]).power_spectrum == (2, 0.5)
    assert prior.channels == (1, 2)
    assert prior.intensity == Intensity(99, 2.0)
    assert prior.data_std == 0.3
    assert prior.about == {"name": "probe"}
    assert prior.to("cpu") is prior


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda p: p.denoise(torch.zeros(1, 3, 4, 4), 1.0), r"1 or 2 channels.*\(1, 3, 4, 4\)"),
        (lambda p: p.denoise(torch.zeros(1, 4, 4), 1.0), r"\(1, 4, 4\)"),
        (lambda p: p.denoise(torch.zeros(1, 1, 4, 4, dtype=torch.complex64), 1.0), "complex64"),
        (lambda p: p.denoise(torch.zeros(1, 1, 4, 4), -1.0), "at least 0"),
        (lambda p: p.score(torch.zeros(1, 1, 4, 4), 0.0), "above 0"),
    ],
)
def test_images_and_levels_that_do_not_fit_are_refused(ask, says) -> None:
    with pytest.raises(InputError, match=says):
        ask(prior_of(Probe(), channels=(1, 2)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"channels": ()},
        {"channels": (0,)},
        {"sigma_range": (0.0, 1.0)},
        {"sigma_range": (2.0, 1.0)},
        {"micro_batch": 0},
        {"memory_budget": 0},
        {"data_std": 0.0},
        {"network_range": (1.0, 1.0)},
        {"network_range": (-math.inf, 1.0)},
        {"power_spectrum": ()},
        {"power_spectrum": (1.0, -0.1)},
        {"power_spectrum": (math.nan,)},
    ],
)
def test_wrong_descriptions_are_refused(wrong) -> None:
    with pytest.raises(InputError, match=next(iter(wrong)).replace("channels", "channels it accepts")):
        prior_of(Probe(), **wrong)
