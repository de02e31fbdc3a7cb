"""What is seen of lesions: `python benchmarks/lesions.py table` and `picture out.png` of the package's scan, and
`python benchmarks/lesions.py coverage ../shared/data/slices.h5` of simulated ones, whose truth is known.

Prints the lines that docs/detection.md holds. Seed 0; the estimate's difference, samples of `fast`.
"""

from itertools import islice
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from scipy.stats import t as student
from series import middle_slices

from invdiff.data import simulate
from invdiff.data.condition import Condition
from invdiff.evaluation import Detection, Finding, Lesion, detect, lesions_all_over
from invdiff.methods import estimate, fast
from invdiff.pictures import write_panel
from invdiff.priors import load_prior
from invdiff.reconstruction import Cases, known_noise, sample_scan, scan_cases

SAMPLINGS = {
    "full": None,
    "4x lines": Condition("random", 4.0, 0.08),
    "8x lines": Condition("random", 8.0, 0.06),
    "8x Poisson": Condition("poisson", 8.0, 0.08),
}
CONTRAST = 0.1
PLACE = (70.0, 60.0)
HALF = 12  # pixels from the lesion to the side of a picture

app = typer.Typer(add_completion=False)


def cases_of(sampling: str) -> Cases:
    """The package's scan."""
    scan, condition = sample_scan(), SAMPLINGS[sampling]
    mask = None if condition is None else condition.draw(scan.image_shape)
    return known_noise(scan_cases(scan, "sense", mask=mask), load_prior("builtin"))


def looked(cases: Cases, lesions: list[Lesion], samples: int) -> Detection:
    """As the command looks."""
    (problem,) = cases
    spread = fast() if samples else None
    return detect(problem, estimate(), load_prior("builtin"), lesions, samples=samples or 1, spread=spread)


@app.command()
def table(samples: Annotated[int, typer.Option(help="For the spread.")] = 8) -> None:
    """Lesions all over the package's scan, by sampling and size."""
    print("| sampling | size in pixels | lesions | recovered, median | least | most | spread, median |\n|" + "---|" * 7)
    for sampling in SAMPLINGS:
        cases = cases_of(sampling)
        (problem,) = cases
        for size in (2, 3, 5):
            lesions = lesions_all_over(problem.least_squares(), (size, size), CONTRAST)
            findings = looked(cases, lesions, samples).findings
            shares = [finding.share for finding in findings]
            spread = np.median([finding.spread for finding in findings])
            figures = f"{np.median(shares):.0%} | {min(shares):.0%} | {max(shares):.0%} | {spread:.3f}"
            print(f"| {sampling} | {size} | {len(shares)} | {figures} |", flush=True)


@app.command()
def picture(out: Path, samples: Annotated[int, typer.Option(help="For the spread.")] = 8) -> None:
    """One lesion of three pixels at two accelerations."""
    lesion = Lesion(PLACE, (3, 3), CONTRAST)
    rows, columns = (slice(int(centre) - HALF, int(centre) + HALF + 1) for centre in PLACE)
    images = {}
    for sampling in ("8x lines", "4x lines"):
        found = looked(cases_of(sampling), [lesion], samples)
        (finding,) = found.findings
        print(f"{sampling}: recovered {finding.recovered:.3f}, {finding.share:.0%}, spread {finding.spread:.3f}")
        images[f"{sampling}\n{finding.share:.0%}"] = found.difference[None, rows, columns].abs().numpy()
    images["the lesion"] = found.inserted[None, rows, columns].abs().numpy()
    write_panel(out, images)


def holds(finding: Finding, truth: float, level: float = 0.9) -> bool:
    """Whether the interval of a sample beside so many others, by Student's t, holds the truth."""
    count, mean, std = len(finding.amounts), finding.amounts.mean(), finding.amounts.std(ddof=1)
    return abs(truth - mean) <= student.ppf(0.5 + level / 2, count - 1) * std * (1 + 1 / count) ** 0.5


@app.command()
def coverage(
    data: Path,
    split: str = "test",
    scans: Annotated[int, typer.Option(help="Middle slices of the first series.")] = 2,
    samples: int = 8,
    size: float = 4.0,
) -> None:
    """How often the 90 % interval of samples holds the amount of a lesion that is in the truth with it."""
    print("| sampling | lesions | recovered, median | error over spread | 90 % holds |\n|" + "---|" * 5)
    for sampling in ("4x lines", "8x lines"):
        condition = SAMPLINGS[sampling]
        assert condition is not None
        held, shares, ratios = [], [], []
        for _, image in islice(middle_slices(data, split), scans):
            mask = condition.draw(image.shape)
            cases = scan_cases(simulate(image, coils=8, mask=mask, noise_std=0.005), "sense")
            (problem,) = cases
            lesions = lesions_all_over(problem.least_squares(), (size, size), CONTRAST)
            found = looked(cases, lesions, samples)
            truth = torch.from_numpy(cases.ground_truth[0])
            for finding in found.findings:
                alone = finding.lesion.within(found.image)
                own = CONTRAST * float((alone.conj() * truth).real.sum() / alone.abs().square().sum())
                held.append(holds(finding, own + CONTRAST))
                shares.append(finding.share)
                ratios.append((finding.amounts.mean() - own - CONTRAST) / finding.spread)
        error = np.sqrt(np.mean(np.square(ratios)))
        print(f"| {sampling} | {len(held)} | {np.median(shares):.0%} | {error:.2f} | {np.mean(held):.0%} |", flush=True)


if __name__ == "__main__":
    app()
