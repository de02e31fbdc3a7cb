"""SENSE gram against one raw FFT pair, and against peers: `python benchmarks/operators.py`.

8 coils, 320 x 320, complex64. The raw pair is `ifft2(fft2(stack))` on the coil images. All sides run in one process,
interleaved; medians. glibc's heap thresholds are fixed first (the process restarts itself with them), since page
faults would decide otherwise.
"""

import os
import sys
from collections.abc import Callable

HEAP = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 32)}
if any(os.environ.get(name) != value for name, value in HEAP.items()):
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **HEAP})

import torch  # noqa: E402
from interleaved import medians  # noqa: E402
from torch import Tensor  # noqa: E402

from invdiff.operators import sense  # noqa: E402

COILS, SIDE, REPEATS = 8, 320, 40
Side = Callable[[], Tensor]


def centred(x: Tensor, transform: Callable[..., Tensor]) -> Tensor:
    axes = (-2, -1)
    return torch.fft.fftshift(transform(torch.fft.ifftshift(x, dim=axes), norm="ortho"), dim=axes)


def naive(mask: Tensor, maps: Tensor, x: Tensor) -> Tensor:
    kspace = mask * centred(maps * x, torch.fft.fft2)
    return (maps.conj() * centred(kspace, torch.fft.ifft2)).sum(0)


def with_deepinv(mask: Tensor, maps: Tensor, x: Tensor) -> Side:
    import deepinv

    physics = deepinv.physics.MultiCoilMRI(mask=mask[None, None].float(), coil_maps=maps[None], img_size=(SIDE, SIDE))
    pair = torch.view_as_real(x).movedim(-1, 0)[None].contiguous()
    return lambda: torch.view_as_complex(physics.A_adjoint_A(pair)[0].movedim(0, -1).contiguous())


def with_sigpy(mask: Tensor, maps: Tensor, x: Tensor) -> Side:
    import sigpy.mri.linop

    operator = sigpy.mri.linop.Sense(maps.numpy(), weights=mask.float().numpy())
    normal, image = operator.N, x.numpy()
    return lambda: torch.from_numpy(normal(image))


def with_mrpro(mask: Tensor, maps: Tensor, x: Tensor) -> Side:
    from mrpro.operators import CartesianMaskingOp, FastFourierOp, SensitivityOp

    coils = SensitivityOp(maps[None, :, None])
    operator = CartesianMaskingOp(mask[None, None, None].float()) @ FastFourierOp((-2, -1)) @ coils
    gram, image = operator.gram, x[None, None, None]
    return lambda: gram(image)[0][0, 0, 0]


def main() -> None:
    print("heap:", ", ".join(f"{name}={value}" for name, value in HEAP.items()), "torch", torch.__version__)
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn(COILS, SIDE, SIDE, dtype=torch.complex64, generator=generator)
    maps = maps / maps.abs().square().sum(0).sqrt()
    x = torch.randn(SIDE, SIDE, dtype=torch.complex64, generator=generator)
    stack = maps * x
    lines = (torch.rand(SIDE, generator=generator) < 0.25).expand(SIDE, SIDE).contiguous()
    masks = {"2-D mask": torch.rand(SIDE, SIDE, generator=generator) < 0.25, "lines": lines}
    for threads in (1, 2):
        torch.set_num_threads(threads)
        for kind, mask in masks.items():
            gram = sense(mask, maps).gram
            sides: dict[str, Side] = {
                "raw fft2 + ifft2": lambda: torch.fft.ifft2(torch.fft.fft2(stack)),
                "invdiff": lambda gram=gram: gram(x),
                "naive": lambda mask=mask: naive(mask, maps, x),
            }
            for peer, build in {"sigpy": with_sigpy, "deepinv": with_deepinv, "mrpro": with_mrpro}.items():
                try:
                    sides[peer] = build(mask, maps, x)
                except ImportError as error:
                    print(f"{peer} is not installed: {error}")
            truth = naive(mask, maps, x)
            for name, run in list(sides.items())[1:]:
                error = float((run() - truth).norm() / truth.norm())
                assert error < 1e-5, f"{name} differs from the naive gram by {error:.1e}"
            times = medians(sides, REPEATS)
            print(f"\n{threads} thread(s), {kind}")
            for name, seconds in times.items():
                print(
                    f"  {name:18s}{seconds * 1e3:8.2f} ms   {seconds / times['raw fft2 + ifft2']:5.2f} x raw"
                    f"   {seconds / times['invdiff']:5.2f} x invdiff"
                )


if __name__ == "__main__":
    main()
