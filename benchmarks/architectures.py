"""Candidates for a prior, the same network time for each: `python benchmarks/architectures.py slices.h5 OUT`.

Each is the recipe `builtin` (invdiff/training/configs), with batches that suit a CPU and some fields exchanged,
trained from fresh weights on one thread for so many minutes of processor time; images are made by another process.
Then each denoises every third slice of `val`: real images, and, in the last column, images with a smooth phase (a
prior of one channel takes real and imaginary part one by one). OUT keeps the priors, so that a stopped run goes on.
"""

import time
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from denoising import SIGMAS
from interleaved import medians
from series import middle_slices
from torch import Tensor

from invdiff.cli.heap import keep_heap
from invdiff.data.phantom import smooth_phase
from invdiff.priors import ScorePrior, load_prior, save_prior
from invdiff.training import ScoreMatching, read_config
from invdiff.training.batches import Batches
from invdiff.training.config import TrainingConfig
from invdiff.training.loop import move
from invdiff.training.state import State
from invdiff.training.tasks.score_matching import as_channels

RECIPE = "builtin"
COMPLEX_SIGMA = 0.1
ON_A_CPU = {
    "batches": "[{side: 96, images: 6}, {side: 128, images: 4}, {side: 192, images: 2}, {side: 256, images: 1}]",
    "precision": "float32",
    "schedule": "{kind: constant}",
}
NCSNPP = {
    "network": "{architecture: ncsnpp, image_size: 256, nf: 16, ch_mult: [1, 2, 2, 2], num_res_blocks: 1, "
    "attn_resolutions: [32], sigma_max: 400}",
    "channels": "{1: 1}",
    "parameterisation": "{kind: score}",
    "weighting": "{kind: score}",
}

CANDIDATES: dict[str, dict[str, str]] = {
    "widths 16, 48, 96, 192, two blocks": {},
    "wider, one block: 24, 48, 96, 192": {"network.widths": "[24, 48, 96, 192]", "network.blocks": "1"},
    "narrower: 16, 32, 32, 32": {"network.widths": "[16, 32, 32, 32]"},
    "five levels: 16, 32, 64, 128, 256": {"network.widths": "[16, 32, 64, 128, 256]"},
    "no norms, 2 x 2 patches: 64, 96, 128, 160": {
        "network.widths": "[64, 96, 128, 160]",
        "network.patch": "2",
        "network.norm": "none",
    },
    "EDM": {"parameterisation": "{kind: edm, sigma_data: 0.2}", "weighting.sigma_data": "0.2"},
    "real images alone": {"network.channels": "1", "channels": "{1: 1}"},
    "complex images alone": {"channels": "{2: 1}"},
    "NCSN++ of nf 16 (attention, pyramids), real images, score under VE": NCSNPP,
}


def train_for(seconds: float, config: TrainingConfig) -> ScorePrior:
    """The average of the weights after so much processor time of this process."""
    assert config.data is not None
    task = ScoreMatching(config, config.data.read("train"), config.data.read("val"))
    torch.manual_seed(config.seed)
    state = State.begin(config.network.build().train(), config)
    end = time.process_time() + seconds
    for batch in Batches(task, config.batches, config.seed).loader(range(config.steps), workers=1):
        if time.process_time() > end:
            break
        task.loss(state.network, batch).backward()
        torch.nn.utils.clip_grad_norm_(state.network.parameters(), config.gradient_clip or torch.inf)
        move(state, config)
    return task.prior(state.average.module, {"steps": str(state.step)})


def denoised(prior: ScorePrior, image: Tensor, sigma: float) -> Tensor:
    """A real or complex image (H, W), by real and imaginary part where the prior wants it so."""
    channels = as_channels(image.numpy()[None])
    if channels.shape[1] in prior.channels:
        made = prior.denoise(channels, sigma)
    elif image.is_complex():
        made = prior.denoise(channels.movedim(1, 0), sigma).movedim(0, 1)
    else:
        noise = sigma * torch.randn(channels.shape, generator=torch.Generator().manual_seed(1))
        return prior.denoise(torch.cat([channels, noise], 1), sigma)[0, 0]
    return torch.view_as_complex(made[0].movedim(0, -1).contiguous()) if image.is_complex() else made[0, 0]


def psnr(prior: ScorePrior, clean: Tensor, sigma: float, seed: tuple[int, int]) -> float:
    """Peak one; the mean squared error is that of a real number."""
    generator = torch.Generator().manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
    noise = torch.randn((*clean.shape, 2), generator=generator)
    noisy = clean + sigma * (torch.view_as_complex(noise) if clean.is_complex() else noise[..., 0])
    error = (denoised(prior, noisy, sigma) - clean).abs().square().mean() / (2 if clean.is_complex() else 1)
    return float(-10 * torch.log10(error))


def main(
    path: Annotated[Path, typer.Argument(help="Grouped HDF5 of magnitude slices.")],
    out: Annotated[Path, typer.Argument(help="Folder of the priors.")],
    minutes: Annotated[float, typer.Option(help="Of processor time, for each.")] = 5,
) -> None:
    """Train the candidates that are missing and print the table."""
    keep_heap()
    torch.set_num_threads(1)
    out.mkdir(parents=True, exist_ok=True)
    priors = {}
    for number, (name, exchanged) in enumerate(CANDIDATES.items()):
        file = out / f"{number}.safetensors"
        if not file.exists():
            settings = {"data.path": str(path)} | ON_A_CPU | exchanged
            save_prior(train_for(60 * minutes, read_config(RECIPE, settings)), file)
            print(f"trained: {name}", flush=True)
        priors[name] = load_prior(file)
    images = [torch.from_numpy(image) for _, image in list(middle_slices(path, "val"))[::3]]
    phases = [torch.from_numpy(smooth_phase(tuple(image.shape), i)) for i, image in enumerate(images)]
    shifted = [torch.polar(image, phase) for image, phase in zip(images, phases, strict=True)]
    columns = [(images, sigma) for sigma in SIGMAS] + [(shifted, COMPLEX_SIGMA)]
    square = torch.rand(256, 256)
    times = medians({name: partial(denoised, prior, square, 0.1) for name, prior in priors.items()}, repeats=7)
    print(
        "| network | parameters | steps | ms |", " | ".join(f"{s:g}" for s in SIGMAS), f"| complex, {COMPLEX_SIGMA} |"
    )
    print("|---" * (len(columns) + 4) + "|")
    for name, prior in priors.items():
        means = [
            np.mean([psnr(prior, x, sigma, (i, j)) for i, x in enumerate(chosen)])
            for j, (chosen, sigma) in enumerate(columns)
        ]
        count = sum(weight.numel() for weight in prior.network.parameters()) / 1e6
        scores = " | ".join(f"{mean:.2f}" for mean in means)
        print(f"| {name} | {count:.1f} million | {prior.about['steps']} | {1000 * times[name]:.0f} | {scores} |")


if __name__ == "__main__":
    typer.run(main)
