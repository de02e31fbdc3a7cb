"""The gram of radial SENSE against one raw FFT pair, the transform itself, and peers: `python benchmarks/nufft.py`.

8 coils, 320 x 320, 80 spokes of 640 samples, complex64, one thread. The raw pair is `ifft2(fft2(stack))` on the coil
images. All sides run in one process, interleaved; medians of CPU time, which tells the same beside other work. glibc's
heap thresholds are fixed first, as in `operators.py`. Peers run as they come, with the accuracy of their defaults.
"""

import math
import os
import sys
import time
from collections.abc import Callable

HEAP = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 32)}
if any(os.environ.get(name) != value for name, value in HEAP.items()):
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **HEAP})

import torch  # noqa: E402
from interleaved import medians  # noqa: E402
from torch import Tensor  # noqa: E402

from invdiff.operators import Identity, NonUniformFourier, Sensitivities, non_cartesian_sense  # noqa: E402
from invdiff.operators.conjugate_gradient import Solution  # noqa: E402

COILS, SIDE, SPOKES, REPEATS = 8, 320, 80, 15
Side = Callable[[], Tensor]


def radial(spokes: int, side: int) -> Tensor:
    """Cycles per pixel, of spokes that are sampled twice as densely as pixels need, (spokes * 2 side, 2)."""
    turns = torch.arange(spokes, dtype=torch.float64)[:, None] * math.pi / spokes
    along = (torch.arange(2 * side, dtype=torch.float64) - side) / (2 * side)
    return torch.stack([along * turns.sin(), along * turns.cos()], dim=-1).flatten(0, 1)


def with_sigpy(points: Tensor, maps: Tensor, x: Tensor) -> dict[str, Side]:
    import sigpy
    import sigpy.mri.linop

    coordinates, image = (points * SIDE).numpy(), x.numpy()
    there = sigpy.mri.linop.Sense(maps.numpy(), coord=coordinates)
    transform = sigpy.linop.NUFFT(maps.shape, coordinates, toeplitz=True)
    coils = sigpy.linop.Multiply(image.shape, maps.numpy())
    kernel = coils.H * transform.N * coils
    return {
        "sigpy, there and back": lambda: torch.from_numpy(there.H(there(image))),
        "sigpy, Toeplitz": lambda: torch.from_numpy(kernel(image)),
    }


def with_mrpro(points: Tensor, maps: Tensor, x: Tensor) -> dict[str, Side]:
    from mrpro.data import KTrajectory, SpatialDimension
    from mrpro.operators import FourierOp, SensitivityOp

    ky, kx = (axis.reshape(1, 1, 1, SPOKES, -1).float() * SIDE for axis in points.T)
    whole = SpatialDimension(1, SIDE, SIDE)
    transform = FourierOp(whole, whole, KTrajectory(torch.zeros(1, 1, 1, 1, 1), ky, kx))
    coils, image = SensitivityOp(maps[None, :, None]), x[None, None, None]
    gram = (transform @ coils).gram
    return {"mrpro, Toeplitz": lambda: gram(image)[0][0, 0, 0]}


def with_torchkbnufft(points: Tensor, maps: Tensor, x: Tensor) -> dict[str, Side]:
    from torchkbnufft import ToepNufft, calc_toeplitz_kernel

    kernel = calc_toeplitz_kernel((2 * math.pi * points.T).float(), (SIDE, SIDE), norm="ortho")
    toeplitz, image, coils = ToepNufft(), x[None, None], maps[None]
    return {"torchkbnufft, Toeplitz": lambda: toeplitz(image, kernel, smaps=coils, norm="ortho")[0, 0]}


def with_mri_nufft(points: Tensor, maps: Tensor, x: Tensor) -> dict[str, Side]:
    import mrinufft

    kind = mrinufft.get_operator("finufft")
    there = kind(points.float().numpy(), (SIDE, SIDE), n_coils=COILS, smaps=maps.numpy(), squeeze_dims=True)
    image = x.numpy()
    return {"mri-nufft, there and back": lambda: torch.from_numpy(there.adj_op(there.op(image)))}


def iterations(points: Tensor) -> None:
    """What the nearest circulant saves conjugate gradients, with smooth maps and an image of random squares."""
    from sigpy.mri import birdcage_maps

    operator = non_cartesian_sense(points, birdcage_maps((COILS, SIDE, SIDE)))
    generator = torch.Generator().manual_seed(0)
    squares = torch.randn(2, SIDE // 8, SIDE // 8, generator=generator)
    image = torch.complex(*squares).repeat_interleave(8, 0).repeat_interleave(8, 1)
    b = operator.H(operator(image))
    for weight in (1e-2, 1e-3, 1e-4):
        system = weight * operator.norm_bound() ** 2 * Identity((SIDE, SIDE)) + operator.gram
        found: list[Solution] = []
        for preconditioner in (None, system.preconditioner):
            system.solve(b, tol=1e-5, preconditioner=preconditioner, report=found.append)
        plain, preconditioned = (solution.iterations for solution in found)
        print(
            f"to a residual of 1e-5 with a weight of {weight:.0e}: {plain} iterations, preconditioned {preconditioned}"
        )


def main() -> None:
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn(COILS, SIDE, SIDE, dtype=torch.complex64, generator=generator)
    maps = maps / maps.abs().square().sum(0).sqrt()
    x = torch.randn(SIDE, SIDE, dtype=torch.complex64, generator=generator)
    points, stack = radial(SPOKES, SIDE), maps * x
    operator = NonUniformFourier(points, (SIDE, SIDE)) @ Sensitivities(maps)
    begin = time.perf_counter()
    gram = operator.gram
    gram(x)
    print(f"the first gram, with its kernel: {time.perf_counter() - begin:.2f} s")
    sides: dict[str, Side] = {
        "raw fft2 + ifft2": lambda: torch.fft.ifft2(torch.fft.fft2(stack)),
        "invdiff, gram": lambda: gram(x),
        "FINUFFT, there and back": lambda: operator.H(operator(x)),
    }
    builders = {
        "sigpy": with_sigpy,
        "mrpro": with_mrpro,
        "torchkbnufft": with_torchkbnufft,
        "mri-nufft": with_mri_nufft,
    }
    for peer, build in builders.items():
        try:
            sides |= build(points, maps, x)
        except ImportError as error:
            print(f"{peer} is not installed: {error}")
    truth = gram(x)
    for name, run in list(sides.items())[2:]:
        made = run()
        scale = torch.vdot(made.flatten(), truth.flatten()) / made.norm() ** 2  # each scales its transform in its way
        print(f"{name} differs from the gram by {float((scale * made - truth).norm() / truth.norm()):.1e}")
    for name, seconds in (times := medians(sides, REPEATS, time.process_time)).items():
        print(f"  {name:26s}{seconds * 1e3:9.2f} ms   {seconds / times['raw fft2 + ifft2']:6.2f} x raw", end="")
        print(f"   {seconds / times['invdiff, gram']:6.2f} x invdiff")
    iterations(points)


if __name__ == "__main__":
    main()
