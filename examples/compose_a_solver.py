"""Exchange one part of a solver at a time, on the measured scan that ships with the package."""

import torch

from invdiff import Problem, Sampler, load_prior
from invdiff.data import combine, estimate_maps, noise_std, to_image
from invdiff.data.masks import achieved_acceleration, equispaced
from invdiff.diffusion import (
    VE,
    DPMSolver2M,
    GradientConsistency,
    Karras,
    PosteriorVariance,
    Proximal,
    Renoise,
    ReverseDiffusion,
    SplitComplex,
    TwoChannel,
)
from invdiff.metrics import psnr
from invdiff.operators import sense
from invdiff.reconstruction import sample_scan

STEPS = 8  # so that this runs in seconds; take 40 for results


def main() -> None:
    full = sample_scan()
    scan = full.undersample(equispaced(full.image_shape, every=4, centre_lines=20))
    maps = estimate_maps(scan)
    mask = torch.from_numpy(scan.sampled)
    y = torch.from_numpy(scan.kspace[0])[:, mask]
    problem = Problem(sense(mask, torch.from_numpy(maps[0])), y, noise_std(scan.kspace, scan.mask))
    truth = combine(to_image(full.kspace), maps)
    print(f"{problem.operator!r}, acceleration {achieved_acceleration(scan.mask):.2f}")

    grid = Karras(STEPS, sigma_max=1.0, sigma_min=0.01)
    noise = VE(sigma_min=0.01, sigma_max=1.0)
    guidance = Proximal(PosteriorVariance(data_std=0.2), noise_from="estimate")
    solvers = {
        "fresh noise at every level": Sampler(noise, grid, [Renoise(eta=1.0)], TwoChannel(), guidance=guidance),
        "another predictor": Sampler(noise, grid, [DPMSolver2M()], TwoChannel(), guidance=guidance),
        "another signal": Sampler(noise, grid, [Renoise(eta=1.0)], SplitComplex(), guidance=guidance),
        "consistency steps, no guidance": Sampler(
            noise, grid, [ReverseDiffusion(), GradientConsistency(1.0)], TwoChannel()
        ),
    }
    prior = load_prior("builtin")
    for name, sampler in solvers.items():
        posterior = sampler(problem, prior, samples=2, seed=0)
        print(f"{name}: {psnr(truth, posterior.mean.numpy()[None]):.2f} dB with {posterior.nfe} network calls a sample")


if __name__ == "__main__":
    main()
