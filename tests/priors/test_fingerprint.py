"""Priors with other answers have other fingerprints; the same prior, wherever it comes from, has the same."""

import copy
import inspect
import pickle
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from invdiff.diffusion import Problem
from invdiff.errors import InputError
from invdiff.operators import fourier
from invdiff.priors import (
    EDM,
    Clean,
    ConditionalPrior,
    GaussianMixturePrior,
    GaussianPrior,
    Intensity,
    LogSigma,
    NCSNppConfig,
    NCSNv2,
    NCSNv2Config,
    Noise,
    Prior,
    Score,
    ScorePrior,
    SigmaLabel,
    StepNumber,
    SubVPScaling,
    SubVPTime,
    UNet,
    Velocity,
    VPTime,
    load_prior,
    save_prior,
)
from invdiff.priors.conditional import _Conditioned
from invdiff.priors.unit_white import UnitWhite
from invdiff.verification.parts_alike import PartsAlike


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def unet(channels: int = 2, seed: int = 0, **changes: Any) -> UNet:
    torch.manual_seed(seed)
    return UNet(**({"channels": channels, "widths": (4, 8), "blocks": 1, "embedding": 4, "norm": "none"} | changes))


def score_prior(network: nn.Module | None = None, channels: tuple[int, ...] = (1, 2), **changes: Any) -> ScorePrior:
    arguments: dict[str, Any] = {"parameterisation": Velocity(), "sigma_range": (0.01, 10.0)} | changes
    return ScorePrior(unet() if network is None else network, channels=channels, **arguments)


def of_four_channels(**changes: Any) -> ScorePrior:
    return score_prior(unet(4), (4,), **changes)


def mixture(**changes: Any) -> dict[str, Any]:
    return {"weights": numbers(2), "means": numbers(2, 1, 3, 4), "covariances": numbers(2, 1, 3, 4) + 1} | changes


KINDS: dict[type[Prior], tuple[Callable[[], dict[str, Any]], dict[str, list[Any]]]] = {
    ScorePrior: (
        lambda: {"network": unet(), "parameterisation": Velocity(), "channels": (1, 2), "sigma_range": (0.01, 10.0)},
        {
            "network": [unet(seed=1), unet(blocks=2), unet(patch=2), unet().double(), nn.Sequential(unet())],
            "parameterisation": [Score(), Noise(), EDM(0.5), Velocity(LogSigma()), Velocity(VPTime(b1=19.0))],
            "channels": [(1,), (2,), (2, 1)],
            "sigma_range": [(0.02, 10.0), (0.01, 11.0)],
            "intensity": [Intensity(), Intensity(99.0), Intensity(value=255.0)],
            "network_range": [(-1.0, 1.0)],
            "data_std": [0.2, 0.3],
            "power_spectrum": [(1.0,), (1.0, 0.5), (0.5, 1.0)],
            "micro_batch": [1, 2],
            "memory_budget": [10**6],
            "about": [{"name": "one"}, {"name": "other"}, {"one": "name"}],
        },
    ),
    ConditionalPrior: (
        lambda: {"denoiser": of_four_channels()},
        {"denoiser": [of_four_channels(data_std=0.3), of_four_channels(parameterisation=EDM(0.5))]},
    ),
    _Conditioned: (
        lambda: {
            "denoiser": of_four_channels(),
            "zero_filled": torch.complex(numbers(1, 3, 4), numbers(1, 3, 4, seed=1)),
            "unsampled": numbers(1, 3, 4) < 0.5,
        },
        {
            "denoiser": [of_four_channels(data_std=0.3)],
            "zero_filled": [torch.complex(numbers(1, 3, 4), numbers(1, 3, 4))],
            "unsampled": [numbers(1, 3, 4) < 0.2],
        },
    ),
    GaussianPrior: (
        lambda: {"mean": numbers(1, 3, 4), "covariance": numbers(1, 3, 4) + 1},
        {
            "mean": [numbers(1, 3, 4, seed=1), numbers(1, 3, 4) + 1, -numbers(1, 3, 4)],
            "covariance": [numbers(1, 3, 4), torch.eye(12), torch.eye(12) + 0.1],
        },
    ),
    GaussianMixturePrior: (
        mixture,
        {
            "weights": [numbers(2, seed=1), numbers(2).flip(0)],
            "means": [numbers(2, 1, 3, 4, seed=1), numbers(2, 1, 3, 4).flip(0)],
            "covariances": [numbers(2, 1, 3, 4) + 2, [torch.eye(12), 2 * torch.eye(12)]],
        },
    ),
    PartsAlike: (
        lambda: {"part": GaussianMixturePrior(**mixture())},
        {"part": [GaussianMixturePrior(**mixture(weights=numbers(2, seed=1)))]},
    ),
    UnitWhite: (
        lambda: {"prior": score_prior(intensity=Intensity(value=255.0))},
        {"prior": [score_prior(intensity=Intensity(value=254.0)), score_prior(unet(seed=1), data_std=0.3)]},
    ),
}
CHANGES = [(kind, name, other) for kind, (_, others) in KINDS.items() for name in others for other in others[name]]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
Fingerprint = Callable[[Prior], str]


def made(kind: type[Prior], **changes: Any) -> Prior:
    return kind(**(KINDS[kind][0]() | changes))


def check_told_apart(kind: type[Prior], name: str, other: Any, fingerprint: Fingerprint = Prior.fingerprint) -> None:
    assert fingerprint(made(kind)) != fingerprint(made(kind, **{name: other})), (kind, name, other)


# Other priors


def test_every_kind_of_prior_is_tried_and_every_argument_of_it() -> None:
    def below(kind: type) -> Iterator[type]:
        for each in kind.__subclasses__():
            yield from (each, *below(each))

    shipped = {kind for kind in below(Prior) if kind.__module__.startswith("invdiff.")}
    assert {kind for kind in shipped if not kind.__module__.startswith("invdiff.testing")} == set(KINDS)
    for kind, (_, others) in KINDS.items():
        assert [*others] == [*inspect.signature(kind).parameters], kind


@pytest.mark.parametrize(("kind", "name", "other"), CHANGES, ids=lambda value: getattr(value, "__name__", None))
def test_a_prior_with_another_argument_is_another(kind: type[Prior], name: str, other: Any) -> None:
    check_told_apart(kind, name, other)


@every_kind
def test_no_two_of_them_are_taken_for_one(kind: type[Prior]) -> None:
    changed = [made(kind, **{name: other}) for of, name, other in CHANGES if of is kind]
    assert len({prior.fingerprint() for prior in [made(kind), *changed]}) == len(changed) + 1


def test_a_fingerprint_without_the_parameterisation_is_noticed() -> None:
    def forgetful(prior: Prior) -> str:
        bare = copy.copy(prior)
        del bare.parameterisation
        return bare.fingerprint()

    check_told_apart(ScorePrior, "sigma_range", (0.02, 10.0), forgetful)
    with pytest.raises(AssertionError):
        check_told_apart(ScorePrior, "parameterisation", EDM(0.5), forgetful)


def test_a_fingerprint_of_tensors_alone_is_noticed() -> None:
    def of_tensors(prior: Prior) -> str:
        return str([tensor.tolist() for tensor in prior.tensors()])

    check_told_apart(GaussianPrior, "mean", numbers(1, 3, 4, seed=1), of_tensors)
    for name in ("parameterisation", "sigma_range", "network_range"):
        with pytest.raises(AssertionError):
            check_told_apart(ScorePrior, name, KINDS[ScorePrior][1][name][0], of_tensors)
    with pytest.raises(AssertionError):
        check_told_apart(GaussianMixturePrior, "means", numbers(2, 1, 3, 4, seed=1), of_tensors)


PARAMETERISATIONS = st.one_of(
    st.builds(Score, st.builds(LogSigma, st.floats(0.1, 2))),
    st.builds(Noise, st.builds(VPTime, st.floats(0.1, 0.2), st.floats(1, 20), st.floats(1, 999))),
    st.builds(Clean, st.just(SigmaLabel()), st.just(SubVPScaling())),
    st.builds(Velocity, st.builds(SubVPTime, st.floats(0.1, 0.2), st.floats(1, 20))),
    st.builds(EDM, st.floats(0.1, 1), st.builds(StepNumber, st.sampled_from([(0.1, 1.0), (0.1, 0.5, 1.0)]))),
)


@settings(max_examples=50, deadline=None)
@given(one=PARAMETERISATIONS, other=PARAMETERISATIONS)
def test_parameterisations_are_told_apart_as_they_differ(one: Any, other: Any) -> None:
    network = unet()
    first, second = (score_prior(network, parameterisation=each).fingerprint() for each in (one, other))
    assert (first == second) == (one == other)
    assert first == score_prior(network, parameterisation=replace(one)).fingerprint()


@pytest.mark.parametrize("attribute", list(Prior.__annotations__))
def test_whatever_a_user_says_of_a_prior_is_told(attribute: str) -> None:
    prior = made(GaussianPrior)
    before = prior.fingerprint()
    setattr(prior, attribute, "another")
    assert prior.fingerprint() != before


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 99), place=st.integers(0, 11), bit=st.integers(0, 63))
def test_one_bit_of_a_tensor_tells_priors_apart(seed: int, place: int, bit: int) -> None:
    prior = made(GaussianPrior, mean=numbers(1, 3, 4, seed=seed))
    other = copy.deepcopy(prior)
    other._mean.view(torch.int64).view(-1)[place] ^= 1 << bit if bit < 63 else -(1 << 63)
    assert prior.fingerprint() != other.fingerprint()


# The same prior


@every_kind
def test_a_prior_that_is_made_again_copied_or_moved_is_the_same(kind: type[Prior]) -> None:
    prior = made(kind)
    expected = prior.fingerprint()
    copies = [made(kind), copy.copy(prior), copy.deepcopy(prior), pickle.loads(pickle.dumps(prior)), prior.to("cpu")]
    assert [each.fingerprint() for each in copies] == [expected] * len(copies)
    assert prior.in_precision("f32").fingerprint() == expected
    assert len(expected) == 64


def test_the_device_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither that of tensors nor one that is noted beside them."""

    class Somewhere(GaussianPrior):
        def __init__(self, device: str) -> None:
            super().__init__(numbers(1, 3, 4), numbers(1, 3, 4))
            self.where = torch.device(device)

    moved: list[Tensor] = []
    cpu = Tensor.cpu
    monkeypatch.setattr(Tensor, "cpu", lambda tensor: moved.append(tensor) or cpu(tensor))
    assert Somewhere("cpu").fingerprint() == Somewhere("cuda:1").fingerprint()
    assert len(moved) == 4  # means and variances


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
@pytest.mark.parametrize("kind", [ScorePrior, ConditionalPrior])
def test_a_prior_that_is_loaded_is_the_one_that_was_saved(tmp_path: Path, kind: type[Prior], suffix: str) -> None:
    prior = score_prior(intensity=Intensity(99, 1), data_std=1, about={"name": "one", "data": "two"})
    prior = prior if kind is ScorePrior else ConditionalPrior(of_four_channels())
    save_prior(prior, tmp_path / f"prior{suffix}")
    loaded = [load_prior(tmp_path / f"prior{suffix}").fingerprint() for _ in range(2)]
    assert loaded == [prior.fingerprint()] * 2


@pytest.mark.parametrize(
    "network",
    [
        unet,
        NCSNppConfig(
            nf=4, ch_mult=(1, 2), num_res_blocks=1, image_size=16, channels=2, sigma_min=0.01, sigma_max=10
        ).build,
        partial(NCSNv2, NCSNv2Config(ngf=4, sigma_begin=9, sigma_end=0.1)),
    ],
)
def test_a_prior_that_was_asked_is_the_same(network: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    prior = score_prior(network(), memory_budget=2**30)
    before = prior.fingerprint()
    prior.denoise(numbers(1, 2, 16, 16).float(), 0.5)
    assert prior.fingerprint() == before


def test_a_prior_is_another_once_it_is_given_a_measurement() -> None:
    prior, mask = ConditionalPrior(of_four_channels()), numbers(4, 4) < 0.6
    operator = fourier(mask)
    ys = [torch.complex(numbers(*operator.codomain_shape, seed=seed), torch.zeros(1).double()) for seed in (0, 1)]
    given_them = [prior.given(Problem(operator, y)).fingerprint() for y in ys]
    assert len({prior.fingerprint(), *given_them}) == 3


# Priors and networks of users


class Users(Prior):
    """A prior with an attribute of any kind."""

    def __init__(self, held: Any) -> None:
        self.held = held

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return x


class Net(nn.Module):
    """A network with a setting of any kind."""

    def __init__(self, held: Any) -> None:
        super().__init__()
        self.held, self.me = held, self.forward

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        return x


@dataclass
class Settings:
    width: int
    weight: Tensor


@dataclass(frozen=True, slots=True)
class Slotted:
    width: int


class Plain:
    def __init__(self, width: int) -> None:
        self.width = width

    def grown(self) -> int:
        return self.width + 1


def scaling(factor: float) -> Callable[[Tensor], Tensor]:
    return lambda x: factor * x


def itself(depth: int) -> list[Any]:
    """A list that holds itself, some lists down."""
    inner = whole = []
    for _ in range(depth):
        inner.append([])
        inner = inner[0]
    inner.append(whole)
    return whole


def hooked(factor: float) -> nn.Module:
    network = nn.Linear(1, 1, bias=False, dtype=torch.float64)
    network.weight = nn.Parameter(torch.ones(1, 1))
    network.register_forward_hook(partial(torch.mul, other=factor))
    return network


HELD: dict[str, list[Callable[[], Any]]] = {
    "numbers": [lambda: 1, lambda: 2, lambda: 1.5, lambda: 1j, lambda: True, lambda: None, lambda: float("inf")],
    "text": [lambda: "1", lambda: "2", lambda: b"1", lambda: ""],
    "NumPy numbers": [lambda: np.float32(0.1), lambda: np.float64(0.2), lambda: np.int64(7)],
    "tensors": [
        lambda: torch.zeros(2), lambda: torch.zeros(2, 1), lambda: torch.zeros(1), lambda: torch.zeros(2).double(),
        lambda: torch.zeros(2, dtype=torch.bfloat16), lambda: torch.zeros(2, dtype=torch.complex64),
        lambda: torch.tensor(0.0), lambda: torch.zeros(0), lambda: torch.arange(6.0).reshape(2, 3).T,
        lambda: torch.tensor([1j]).conj(), lambda: torch.tensor([1j]),
    ],
    "arrays": [
        lambda: np.zeros(2), lambda: np.zeros((2, 1)), lambda: np.zeros(2, "f4"), lambda: np.arange(6).reshape(2, 3),
        lambda: np.arange(6).reshape(3, 2).T, lambda: np.array([1, "a"], dtype=object),
    ],
    "containers": [
        list, lambda: [1], lambda: [[1]], lambda: [1, 2], lambda: [[1], 2], lambda: {1, 2}, lambda: {1: 2},
        lambda: {2: 1}, lambda: {1: (2, 3)}, lambda: {"a": 1, "b": 2}, lambda: {"a": 2, "b": 1}, lambda: range(3),
        lambda: itself(0), lambda: itself(1),
    ],
    "objects": [
        lambda: Settings(1, torch.zeros(1)), lambda: Settings(2, torch.zeros(1)), lambda: Settings(1, torch.ones(1)),
        lambda: Slotted(1), lambda: Slotted(2), lambda: Plain(1), lambda: Plain(2), lambda: torch.float32,
        lambda: torch.float64, lambda: NCSNv2Config(sigma_begin=9, sigma_end=1),
        lambda: NCSNv2Config(sigma_begin=9, sigma_end=2),
    ],
    "functions": [
        lambda: scaling(1), lambda: scaling(2), lambda: lambda x: x + 1, lambda: lambda x: x + 2, lambda: torch.relu,
        lambda: torch.sigmoid, lambda: nn.functional.silu, lambda: partial(scaling, 1), lambda: partial(scaling, 2),
        lambda: Plain(1).grown, lambda: Plain(2).grown, lambda: Plain, lambda: Settings, lambda: np, lambda: torch,
    ],
    "networks": [
        lambda: unet(), lambda: unet(seed=1), lambda: unet(blocks=2),
        lambda: nn.Dropout(0.1), lambda: nn.Dropout(0.2), lambda: nn.ReLU(), lambda: nn.Sequential(nn.ReLU()),
        lambda: Net(1), lambda: Net(2), lambda: Net(scaling(1)), lambda: Net(Net(1)), lambda: hooked(1),
        lambda: hooked(2),
    ],
    "priors": [lambda: made(GaussianPrior), lambda: made(GaussianMixturePrior), lambda: Users(1), lambda: Users(2)],
}  # fmt: skip


@pytest.mark.parametrize("several", HELD.values(), ids=HELD)
@pytest.mark.parametrize("around", [Users, lambda held: score_prior(Net(held)), lambda held: Users({"a": [held]})])
def test_attributes_of_any_kind_tell_priors_apart(several: list[Callable[[], Any]], around: Callable) -> None:
    first, again = ([around(make()).fingerprint() for make in several] for _ in range(2))
    assert first == again
    assert len(set(first)) == len(several)


def test_attributes_of_a_class_tell_priors_apart() -> None:
    """As where a cell of a notebook is run once more."""

    def kind(strength: float) -> type[Prior]:
        return type("Mine", (Users,), {"strength": strength})

    assert kind(1.0)(0).fingerprint() == kind(1.0)(0).fingerprint() != kind(2.0)(0).fingerprint()


def test_a_network_in_training_is_another() -> None:
    assert Users(nn.Dropout().train()).fingerprint() != Users(nn.Dropout().eval()).fingerprint()


def test_where_a_tensor_stands_in_memory_decides_nothing() -> None:
    network = unet()
    before = score_prior(network).fingerprint()
    assert score_prior(network.to(memory_format=torch.channels_last)).fingerprint() == before


def test_a_compiled_network_is_the_same() -> None:
    network = unet()
    before = score_prior(network).fingerprint()
    assert score_prior(torch.compile(network)).fingerprint() == before == score_prior(network).fingerprint()


@pytest.mark.parametrize("held", [threading.Lock(), (i for i in "ab")], ids=["lock", "generator"])
@pytest.mark.parametrize("around", [Users, lambda held: Users([held]), lambda held: score_prior(Net({1: held}))])
def test_what_can_t_be_looked_into_is_refused(held: Any, around: Callable[[Any], Prior]) -> None:
    prior = around(held)
    name, kind = ("held", "Users") if isinstance(prior, Users) else ("network", "ScorePrior")
    words = rf"{kind}\.{name} holds a {type(held).__name__}, .* override {kind}\.fingerprint\(\)"
    with pytest.raises(InputError, match=words):
        prior.fingerprint()


def test_a_class_that_overrides_it_is_asked() -> None:
    class Known(Users):
        def fingerprint(self) -> str:
            return "known"

    lock = threading.Lock()
    assert Known(lock).fingerprint() == "known"
    assert Users(Known(lock)).fingerprint() == Users(Known(threading.Lock())).fingerprint()
