"""A tiny untrained prior, tiny scans and pictures, and the command line in this process."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from PIL import Image

from invdiff.cli import main
from invdiff.data import shepp_logan, simulate, write_scan
from invdiff.data.masks import equispaced
from invdiff.diffusion import Bound
from invdiff.priors import EDM, ConditionalPrior, Intensity, ScorePrior, UNet, save_prior

SHAPE = (24, 20)
PHANTOM = np.abs(shepp_logan(SHAPE))


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


@pytest.fixture
def invdiff(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """`main` with these arguments; an exception that it lets through fails the test."""

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr("sys.argv", ["invdiff", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "200")
        capfd.readouterr()
        with pytest.raises(SystemExit) as exit_:
            main()
        captured = capfd.readouterr()
        return Ran(int(exit_.value.code or 0), captured.out, captured.err)

    return run


def tiny_prior(channels: tuple[int, ...] = (1, 2)) -> ScorePrior:
    torch.manual_seed(0)
    network = UNet(channels=max(channels), widths=(4, 4), blocks=1, embedding=4)
    torch.nn.init.normal_(network.conv_out.weight, std=0.1)  # it starts at zero
    return ScorePrior(
        network, EDM(0.2), channels=channels, sigma_range=(0.002, 400.0), intensity=Intensity(99.9, 1.0), data_std=0.2
    )


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Inputs for every operator, a prior of one or two channels, one of one channel, and one of unsampled k-space."""
    folder = tmp_path_factory.mktemp("inputs")
    save_prior(tiny_prior(), folder / "prior.safetensors")
    save_prior(tiny_prior((1,)), folder / "one.safetensors")
    save_prior(ConditionalPrior(tiny_prior((4,))), folder / "conditional.safetensors")
    mask = equispaced(SHAPE, 2, 8)
    multi = simulate(np.stack([PHANTOM, PHANTOM[::-1]]), coils=3, mask=mask, noise_std=0.01)
    single = simulate(PHANTOM, coils=1, mask=mask, noise_std=0.01)
    write_scan(multi.select([0]), folder / "truth.h5")  # the baselines that a truth brings are slow
    write_scan(replace(multi, ground_truth=None, mask=mask), folder / "sense.h5")
    write_scan(replace(single, ground_truth=None, mask=mask), folder / "fourier.h5")
    rng = np.random.default_rng(0)
    known = rng.random(SHAPE) < 0.6
    crooked = (PHANTOM * np.exp(0.5j)).astype(np.complex64)
    np.savez(folder / "inpainting.npz", image=np.where(known, crooked, np.nan), mask=known, noise_std=0.01)
    with h5py.File(folder / "inpainting.h5", "w") as file:
        file.update({"image": np.where(known, PHANTOM, 0)[None], "mask": known, "ground_truth": PHANTOM[None]})
    noisy = PHANTOM + 0.05 * rng.standard_normal(SHAPE)
    np.save(folder / "denoise.npy", noisy)
    np.savez(folder / "denoise.npz", image=crooked, ground_truth=crooked, noise_std=0.05)
    Image.fromarray((200 * noisy).clip(0, 255).astype(np.uint8)).save(folder / "denoise.png")
    return folder


@pytest.fixture
def interrupt_after() -> Callable[[pytest.MonkeyPatch, int], None]:
    """Ctrl-C when so many images are made: estimates or samples."""

    def interrupt(monkeypatch: pytest.MonkeyPatch, finished: int) -> None:
        draw, count = Bound.draw, 0

        def interrupted(self: Bound, *args: Any, **kwargs: Any) -> Any:
            nonlocal count
            if count == finished:
                raise KeyboardInterrupt
            count += 1
            return draw(self, *args, **kwargs)

        monkeypatch.setattr(Bound, "draw", interrupted)

    return interrupt
