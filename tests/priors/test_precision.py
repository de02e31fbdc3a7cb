"""In which numbers networks compute: chosen by name and device, near each other, and the same bit for bit twice."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from invdiff.errors import InputError
from invdiff.priors import EDM, ConditionalPrior, GaussianPrior, Intensity, Prior, ScorePrior, UNet
from invdiff.priors.precision import choose_precision, has_bfloat16
from invdiff.priors.unit_white import UnitWhite

CPU = torch.device("cpu")
LACKING = {"avx2": True, "avx512_bf16": False, "architecture": "amx_bf16"}
HAVING = {"avx2": True, "avx512_bf16": False, "amx_bf16": True}


@pytest.fixture
def capable_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, object]], None]:
    """Says what the processor can do."""
    return lambda capabilities: monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)


def prior(channels: tuple[int, ...] = (1, 2)) -> ScorePrior:
    torch.manual_seed(0)
    network = UNet(channels=max(channels), widths=(8, 16), blocks=1, embedding=16)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.2)
    return ScorePrior(network, EDM(0.2), channels=channels, sigma_range=(0.01, 10.0), intensity=Intensity(99.9, 2.0))


def noisy() -> Tensor:
    return torch.randn(3, 2, 8, 8, generator=torch.Generator().manual_seed(1))


# Chosen


@pytest.mark.parametrize(("capabilities", "auto"), [(HAVING, "bf16"), (LACKING, "f32"), ({}, "f32")])
def test_auto_is_what_the_processor_has_instructions_for(
    capable_of, capabilities: dict[str, object], auto: str
) -> None:
    capable_of(capabilities)
    assert has_bfloat16(CPU) == (auto == "bf16")
    assert choose_precision("auto", CPU) == auto
    assert choose_precision("f32", CPU) == "f32"


def test_a_torch_that_does_not_say_is_taken_to_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert choose_precision("auto", CPU) == "f32"


def test_what_the_processor_lacks_is_refused(capable_of) -> None:
    capable_of(LACKING)
    sentence = "This cpu has no instructions for bfloat16; take the precision f32, or auto"
    for each in (prior(), ConditionalPrior(prior((4,))), GaussianPrior(torch.zeros(2, 4, 4), torch.ones(2, 4, 4))):
        with pytest.raises(InputError, match=sentence):
            each.in_precision("bf16")
        assert each.precision == "f32"
        assert each.in_precision("auto").precision == "f32"


@pytest.mark.parametrize("asked", ["fp8", "float32", ""])
def test_other_precisions_are_refused(asked: str) -> None:
    with pytest.raises(InputError, match=rf"no precision '{asked}'; there are auto, f32, bf16"):
        prior().in_precision(asked)


def test_without_a_network_there_is_no_choice(capable_of) -> None:
    capable_of(HAVING)
    exact = GaussianPrior(torch.zeros(2, 8, 8), torch.ones(2, 8, 8))
    before = exact.denoise(noisy(), 0.5)
    assert exact.in_precision("bf16").precision == "f32"
    assert torch.equal(exact.denoise(noisy(), 0.5), before)


# Computed in


def check_near(single: Callable[[Tensor], Tensor], half: Callable[[Tensor], Tensor]) -> None:
    """As near as numbers of 8 bits are, and no nearer."""
    x = noisy()
    expected, found = single(x), half(x)
    assert found.dtype == x.dtype
    error = float((found - expected).norm() / expected.norm())
    assert 1e-5 < error < 0.05


@pytest.mark.parametrize("ask", [Prior.denoise, Prior.score])
def test_bfloat16_is_near_single_precision(capable_of, ask: Callable[..., Tensor]) -> None:
    capable_of(HAVING)
    method = ask.__name__
    assert prior().precision == "f32"
    half, single = prior().in_precision("bf16"), prior().in_precision("f32")
    if method == "denoise":
        check_near(lambda x: single.denoise(x, 0.5), lambda x: half.denoise(x, 0.5))
    else:
        check_near(lambda x: x + 0.25 * single.score(x, 0.5), lambda x: x + 0.25 * half.score(x, 0.5))


@pytest.mark.parametrize(
    "broken", [lambda x: prior().denoise(x, 0.5), lambda x: 1.1 * prior().denoise(x, 0.5), lambda x: x.double()]
)
def test_what_is_too_near_or_too_far_is_noticed(broken: Callable[[Tensor], Tensor]) -> None:
    single = prior()
    with pytest.raises(AssertionError):
        check_near(lambda x: single.denoise(x, 0.5), broken)


@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_twice_is_the_same_bit_for_bit_whatever_the_batch(capable_of, precision: str) -> None:
    capable_of(HAVING)
    asked, x = prior().in_precision(precision), noisy()
    once = asked.denoise(x, 0.5)
    assert torch.equal(asked.denoise(x, 0.5), once)
    assert torch.equal(prior().in_precision(precision).denoise(x, 0.5), once)
    assert torch.equal(torch.cat([asked.denoise(one[None], 0.5) for one in x]), once)


def test_single_precision_comes_back(capable_of) -> None:
    capable_of(HAVING)
    there = prior().in_precision("bf16")
    there.denoise(noisy(), 0.5)
    assert torch.equal(there.in_precision("f32").denoise(noisy(), 0.5), prior().denoise(noisy(), 0.5))


def test_priors_around_others_say_in_what_they_compute(capable_of) -> None:
    capable_of(HAVING)
    assert ConditionalPrior(prior((4,)).in_precision("bf16")).precision == "bf16"
    assert UnitWhite(prior().in_precision("bf16")).precision == "bf16"
    conditional = ConditionalPrior(prior((4,)))
    assert (conditional.in_precision("bf16").precision, conditional.in_precision("f32").precision) == ("bf16", "f32")
