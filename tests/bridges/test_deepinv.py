"""Operators, physics and denoisers across the border to deepinv."""

import pickle
from collections.abc import Callable
from typing import Any

import deepinv
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from invdiff.bridges import Channels, as_denoiser, from_deepinv, to_deepinv
from invdiff.data.coils import birdcage_maps
from invdiff.diffusion import Problem, RealImage, SplitComplex
from invdiff.errors import InputError
from invdiff.methods import fast
from invdiff.operators import (
    Fourier,
    FromFunctions,
    LinearOperator,
    Mask,
    RealPart,
    Sensitivities,
    Stack,
    fourier,
    inpainting,
    sense,
)
from invdiff.priors import GaussianPrior, Prior, load_prior
from invdiff.testing import OperatorContract, dense

GENERATOR = torch.Generator().manual_seed(0)
SHAPE = (4, 6)


def normal(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, dtype=dtype, generator=GENERATOR)


MASK = torch.rand(SHAPE, generator=GENERATOR) > 0.4
MAPS, SETS = normal(3, *SHAPE, dtype=torch.complex128), normal(2, 3, *SHAPE, dtype=torch.complex128)
OPERATORS: dict[str, tuple[LinearOperator, tuple[int, ...], tuple[int, ...]]] = {
    "single coil": (fourier(MASK), (2, *SHAPE), (2, int(MASK.sum()))),
    "SENSE, zeros filled in": (Mask(MASK) @ Fourier(SHAPE) @ Sensitivities(MAPS), (2, *SHAPE), (2, 3, *SHAPE)),
    "SENSE, points": (sense(MASK, MAPS), (2, *SHAPE), (2, 3, int(MASK.sum()))),
    "soft SENSE": (sense(MASK, SETS), (2, 2, *SHAPE), (2, 3, int(MASK.sum()))),
    "inpainting": (inpainting(MASK), (2, *SHAPE), (2, int(MASK.sum()))),
    "real image": (fourier(MASK) @ RealPart(SHAPE).H, (1, *SHAPE), (2, int(MASK.sum()))),
    "real measurement": (RealPart(SHAPE), (2, *SHAPE), (1, *SHAPE)),
    "real convolution": ((fourier(MASK) @ RealPart(SHAPE).H).gram, (1, *SHAPE), (1, *SHAPE)),
    "two measurements": (Stack((fourier(MASK), inpainting(MASK))), (2, *SHAPE), (2, 2 * int(MASK.sum()))),
}
every_operator = pytest.mark.parametrize("name", OPERATORS)


def complex_of(x: Tensor) -> Tensor:
    """(B, 2, *) as complex, (B, 1, *) as real: written out once more."""
    return x[:, 0] + 1j * x[:, 1] if x.shape[1] == 2 else x[:, 0]


# Operators as physics


@every_operator
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_physics_are_the_operator(name: str, dtype: torch.dtype) -> None:
    A, image, measurement = OPERATORS[name]
    physics, x, y = to_deepinv(A), normal(2, *image, dtype=dtype), normal(2, *measurement, dtype=dtype)
    made, back = physics.A(x), physics.A_adjoint(y)
    assert isinstance(physics, deepinv.physics.LinearPhysics)
    assert (made.dtype, back.dtype) == (dtype, dtype)
    assert (made.shape, back.shape) == (y.shape, x.shape)
    assert (physics.A(x[:0]).shape, physics.A_adjoint(y[:0]).shape) == (y[:0].shape, x[:0].shape)
    assert torch.equal(physics(x), made)  # there is no noise
    if name != "soft SENSE":  # whose two channels are not its two map sets
        torch.testing.assert_close(complex_of(made), A(complex_of(x)))
        torch.testing.assert_close(complex_of(back), A.H(complex_of(y)))
    torch.testing.assert_close(physics.A_adjoint_A(x), physics.A_adjoint(physics.A(x)))


@every_operator
def test_deepinv_finds_the_adjoint_and_the_norm(name: str) -> None:
    A, image, _ = OPERATORS[name]
    physics, x = to_deepinv(A), normal(1, *image)
    torch.manual_seed(0)
    assert physics.adjointness_test(x, num_samples=3) < 1e-12
    assert physics.adjointness_test(img_size=image, dtype=torch.float64) < 1e-12
    norm = physics.compute_norm(x[0], squared=False, max_iter=2000, tol=1e-8, verbose=False)
    assert norm == pytest.approx(A.norm(), rel=1e-2)


def test_deepinv_would_find_a_wrong_adjoint() -> None:
    A = fourier(MASK)
    wrong = FromFunctions(A.forward, lambda y: 1.01 * A.adjoint(y), A.domain_shape, A.codomain_shape)
    assert to_deepinv(wrong).adjointness_test(normal(1, 2, *SHAPE)) > 1e-3


@given(
    coils=st.integers(1, 4), height=st.integers(1, 7), width=st.integers(1, 7), batch=st.integers(1, 3),
    seed=st.integers(0, 100), real=st.booleans(),
)  # fmt: skip
@settings(max_examples=30)
def test_the_adjoint_is_exact_for_any_shape(
    coils: int, height: int, width: int, batch: int, seed: int, real: bool
) -> None:
    generator = torch.Generator().manual_seed(seed)
    mask = torch.rand(height, width, generator=generator) > 0.3
    mask[0, 0] = True
    maps = torch.randn(coils, height, width, dtype=torch.complex128, generator=generator)
    A = sense(mask, maps)
    physics = to_deepinv(A @ RealPart((height, width)).H if real else A)
    x = torch.randn(batch, *physics.img_size, dtype=torch.float64, generator=generator)
    y = torch.randn(batch, *physics.measurement_size, dtype=torch.float64, generator=generator)
    left, right = (physics.A(x) * y).sum(), (x * physics.A_adjoint(y)).sum()
    assert abs(left - right) <= 1e-12 * (1 + x.norm() * y.norm() * maps.abs().max())


@every_operator
def test_deepinv_s_solvers_run_on_it(name: str) -> None:
    """Its conjugate gradients find the pseudo-inverse, and the point next to z that explains the data."""
    A, image, measurement = OPERATORS[name]
    physics, z, y = to_deepinv(A), normal(1, *image), normal(1, *measurement)
    near = physics.prox_l2(z, y, gamma=3.0, solver="CG", max_iter=200, tol=1e-10)
    torch.testing.assert_close(near + 3 * physics.A_adjoint_A(near), z + 3 * physics.A_adjoint(y), rtol=1e-5, atol=1e-5)
    found = physics.A_dagger(physics.A(z), solver="CG", max_iter=500, tol=1e-10)
    torch.testing.assert_close(physics.A(found), physics.A(z), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("wrong", [(2, 2, 4, 5), (2, 1, 4, 6), (4, 6), (2, 3, 4, 6), ()])
def test_arrays_of_other_shapes_are_refused(wrong: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"takes real arrays \(B, 2, 4, 6\) but got"):
        to_deepinv(sense(MASK, MAPS)).A(normal(*wrong))


def test_physics_can_be_cloned() -> None:
    physics, x = to_deepinv(sense(MASK, MAPS)), normal(1, 2, *SHAPE)
    assert torch.equal(physics.clone().A(x), physics.A(x))


# Reconstructions by deepinv, with a prior of this package


def measured(side: int = 32, noise_std: float = 0.01) -> tuple[LinearOperator, Tensor, Tensor]:
    """Every third line of smooth discs, of which four coils see each, and the truth."""
    rows, columns = torch.meshgrid(*2 * [torch.linspace(-1, 1, side)], indexing="ij")
    disc = (rows.square() + columns.square() < 0.6).float() - 0.5 * (rows.abs() + columns.abs() < 0.4).float()
    truth = torch.polar(disc, 0.5 * rows)
    mask = torch.zeros(side, side, dtype=torch.bool)
    mask[:, ::3] = mask[:, side // 2 - 3 : side // 2 + 3] = True
    A = sense(mask, torch.as_tensor(birdcage_maps(4, (side, side))))
    y = A(truth)
    return A, y + noise_std * normal(*y.shape, dtype=torch.complex64), truth


def error(image: Tensor, truth: Tensor) -> float:
    return float((image - truth).norm() / truth.norm())


def test_dpir_reconstructs_with_the_built_in_prior() -> None:
    A, y, truth = measured()
    physics, data = to_deepinv(A), Channels(tuple(y.shape))(y)[None]
    found, unaware = (
        deepinv.optim.DPIR(sigma=0.02, denoiser=as_denoiser(prior))(data, physics)
        for prior in (load_prior("builtin"), Unaware())
    )
    image, undone, zero_filled = (
        Channels(tuple(truth.shape)).H(x[0]) for x in (found, unaware, physics.A_adjoint(data))
    )
    assert error(image, truth) < 0.3 * error(zero_filled, truth)
    assert error(image, truth) < 0.8 * error(undone, truth)


class Unaware(Prior):
    """It denoises nothing."""

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return x


def test_proximal_gradient_descent_reconstructs() -> None:
    A, y, truth = measured()
    physics, data = to_deepinv(A), Channels(tuple(y.shape))(y)[None]
    model = deepinv.optim.optim_builder(
        "PGD", prior=deepinv.optim.PnP(as_denoiser(load_prior("builtin"))), data_fidelity=deepinv.optim.L2(),
        max_iter=15, params_algo={"stepsize": 1.0, "g_param": 0.05},
    )  # fmt: skip
    with torch.no_grad():
        image = Channels(tuple(truth.shape)).H(model(data, physics)[0])
    assert error(image, truth) < 0.5 * error(A.H(y), truth)


# Priors as denoisers


PRIOR = GaussianPrior(torch.zeros(2, 3, 3), torch.full((2, 3, 3), 0.5))


@pytest.mark.parametrize("levels", [0.3, torch.tensor(0.3), torch.tensor([0.3]), [0.3], torch.full((3, 1, 1, 1), 0.3)])
def test_a_level_for_all_images(levels: Any) -> None:
    denoiser, x = as_denoiser(PRIOR), normal(3, 2, 3, 3)
    assert isinstance(denoiser, deepinv.models.Denoiser)
    torch.testing.assert_close(denoiser(x, levels), PRIOR.denoise(x, 0.3))


@given(levels=st.lists(st.sampled_from([0.1, 0.3, 2.0]), min_size=1, max_size=5))
def test_a_level_for_each_image(levels: list[float]) -> None:
    x = normal(len(levels), 2, 3, 3)
    alone = torch.cat([PRIOR.denoise(item[None], level) for item, level in zip(x, levels, strict=True)])
    torch.testing.assert_close(as_denoiser(PRIOR)(x, torch.tensor(levels, dtype=torch.float64)), alone)
    if len({*levels}) > 1:
        assert not torch.allclose(as_denoiser(PRIOR)(x, levels[0]), alone)


@pytest.mark.parametrize("channels", [1, 2])
def test_images_of_one_channel_and_of_two(channels: int) -> None:
    prior, x = load_prior("builtin"), normal(2, channels, 16, 16, dtype=torch.float32)
    assert torch.equal(as_denoiser(prior)(x, 0.2), prior.denoise(x, 0.2))


@pytest.mark.parametrize(
    ("x", "sigma", "words"),
    [
        (normal(3, 3, 4, 4), 0.1, r"1 or 2 channels, H, W\) but got torch.float64 of shape \(3, 3, 4, 4\)"),
        (normal(2, 4, 4), 0.1, "channels, H, W"),
        (normal(1, 2, 4, 4, dtype=torch.complex64), 0.1, "real images .* but got torch.complex64"),
        (normal(3, 2, 4, 4), torch.tensor([0.1, 0.2]), "3 images have one noise level, or one each, but got 2"),
        (normal(1, 2, 16, 16), float("nan"), "sigma = nan"),
        (normal(1, 2, 16, 16), -0.1, "sigma = -0.1"),
    ],
)
def test_what_no_denoiser_takes_is_refused(x: Tensor, sigma: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        as_denoiser(load_prior("builtin"))(x, sigma)


def test_a_prior_of_something_else_is_no_denoiser() -> None:
    with pytest.raises(InputError, match="deepinv's denoisers take images, but this prior knows the unsampled k-space"):
        as_denoiser(load_prior("mc_ddpm"))


# Physics as operators


def tomography(**settings: Any) -> Any:
    given = {"angles": 5, "img_width": 4, "circle": False, "normalize": False, "dtype": torch.float64, **settings}
    return deepinv.physics.Tomography(**given).double()


def mri() -> Any:
    return deepinv.physics.MRI(mask=MASK.double(), img_size=(2, *SHAPE)).double()


def multi_coil() -> Any:
    return deepinv.physics.MultiCoilMRI(mask=MASK.double(), coil_maps=MAPS[None].clone(), img_size=(2, *SHAPE)).double()


def blur(padding: str) -> Any:
    return deepinv.physics.Blur(filter=normal(1, 1, 3, 3), padding=padding).double()


def by_functions() -> Any:
    matrix = normal(5, 24)
    return deepinv.physics.LinearPhysics(
        A=lambda x: x.flatten(1) @ matrix.T, A_adjoint=lambda y: (y @ matrix).reshape(-1, 1, *SHAPE)
    ).double()


PHYSICS: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
    "tomography": (tomography, (4, 4)),
    "blur": (lambda: blur("circular"), SHAPE),
    "blur, smaller": (lambda: blur("valid"), (3, *SHAPE)),
    "blur by FFT": (lambda: deepinv.physics.BlurFFT((1, *SHAPE), filter=normal(1, 1, 3, 3)).double(), SHAPE),
    "super-resolution": (
        lambda: deepinv.physics.Downsampling(
            (2, *SHAPE), filter=normal(1, 1, 3, 3), factor=2, padding="circular"
        ).double(),
        (2, *SHAPE),
    ),
    "inpainting": (lambda: deepinv.physics.Inpainting((1, *SHAPE), mask=MASK[None].double()).double(), SHAPE),
    "MRI": (mri, (2, *SHAPE)),
    "multi-coil MRI": (multi_coil, (2, *SHAPE)),
}


@pytest.mark.parametrize("check", [name for name in dir(OperatorContract) if name.startswith("test_")])
@pytest.mark.parametrize("name", PHYSICS)
def test_contract(name: str, check: str) -> None:
    class Of(OperatorContract):
        dtype = torch.float64

        def operator(self) -> LinearOperator:
            make, shape = PHYSICS[name]
            return from_deepinv(make(), shape)

    getattr(Of(), check)()


@pytest.mark.parametrize("name", PHYSICS)
def test_the_operator_is_the_physics(name: str) -> None:
    make, shape = PHYSICS[name]
    physics = make()
    A, x = from_deepinv(physics, shape), normal(3, *((1, *shape) if len(shape) == 2 else shape))
    torch.testing.assert_close(A(x.reshape(3, *shape)), physics.A(x))
    y = normal(*physics.A(x).shape)
    torch.testing.assert_close(A.H(y), physics.A_adjoint(y).reshape(3, *shape))


@pytest.mark.parametrize("name", PHYSICS)
def test_it_pickles_after_use_and_keeps_to_itself(name: str) -> None:
    make, shape = PHYSICS[name]
    physics, x = make(), normal(*shape)
    physics.A_adjoint(physics.A(normal(1, *((1, *shape) if len(shape) == 2 else shape))))
    A = from_deepinv(physics, shape)
    y = A(x)
    A.H(y)
    assert torch.equal(pickle.loads(pickle.dumps(A))(x), y)
    for buffer in physics.buffers():
        buffer.zero_()
    assert torch.equal(A(x), y)


def test_functions_of_one_s_own() -> None:
    A = from_deepinv(by_functions(), SHAPE)
    torch.testing.assert_close(dense(A.H, torch.float64), dense(A, torch.float64).T)


def test_there_and_back() -> None:
    A = sense(MASK, MAPS)
    between = from_deepinv(to_deepinv(A).double(), (2, *SHAPE))
    again = Channels(A.codomain_shape).H @ between @ Channels(SHAPE)
    torch.testing.assert_close(dense(again), dense(A))


def test_deepinv_s_mri_is_reconstructed_by_our_sampler() -> None:
    _, _, truth = measured()
    mask = torch.zeros(truth.shape)
    mask[:, ::2] = mask[:, 12:20] = 1
    channels = Channels(tuple(truth.shape))
    A = channels.H @ from_deepinv(deepinv.physics.MRI(mask=mask, img_size=(2, *truth.shape)), (2, *truth.shape))
    problem = Problem(A @ channels, (A @ channels)(truth), noise_std=0.005)
    found = fast(steps=10, signal=SplitComplex())(problem, load_prior("builtin")).mean
    assert error(found, truth) < 0.5 * error(problem.zero_filled, truth)


def test_deepinv_s_tomography_is_reconstructed_by_our_sampler() -> None:
    truth = measured()[2].abs()
    A = from_deepinv(tomography(angles=20, img_width=32, normalize=True, dtype=torch.float32).float(), (32, 32))
    problem = Problem(A, A(truth), noise_std=0.005)
    found = fast(steps=10, signal=RealImage())(problem, load_prior("builtin")).mean
    assert error(found, truth) < 0.2


class Squared(deepinv.physics.Physics):
    def A(self, x: Tensor) -> Tensor:
        return x.square()


@pytest.mark.parametrize(
    ("make", "shape", "words"),
    [
        (Squared, SHAPE, "takes a deepinv LinearPhysics; Squared is none"),
        (lambda: torch.nn.Linear(2, 2), SHAPE, "Linear is none"),
        (lambda: tomography(adjoint_via_backprop=False), (4, 4), "Tomography gives as its adjoint is not the ad"),
        (tomography, (5, 5), r"Tomography can't measure images of shape \(1, 5, 5\): Input image size"),
        (mri, SHAPE, r"MRI can't measure images of shape \(1, 4, 6\)"),
        (lambda: deepinv.physics.stack(mri(), mri()), (2, *SHAPE), "make one real array of an image, but .* several"),
        (lambda: deepinv.physics.LinearPhysics(A=lambda x: x, A_adjoint=lambda y: 2 * y), SHAPE, "is not the adjoint"),
        (lambda: deepinv.physics.LinearPhysics(A=lambda x: x + 1, A_adjoint=lambda y: y), SHAPE, "is not linear"),
        (lambda: deepinv.physics.LinearPhysics(A=lambda x: x + 0j, A_adjoint=lambda y: y.real), SHAPE, "complex64"),
    ],
)  # fmt: skip
def test_what_is_no_operator_is_refused(make: Callable[[], Any], shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        from_deepinv(make(), shape)
    assert "\n" not in str(caught.value)
