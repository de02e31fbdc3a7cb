"""What is seen of lesions: `python benchmarks/lesions.py table` and `picture out.png` of the package's scan, and
`python benchmarks/lesions.py coverage ../shared/data/slices.h5` of simulated ones, whose truth is known.

Prints the lines that docs/detection.md holds. Seed 0; the estimate's difference, samples of `calibrated`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from series import middle_slices

from invdiff.data import simulate
from invdiff.data.condition import Condition
from invdiff.evaluation import Detection, Finding, Lesion, detect, lesions_all_over
from invdiff.methods import calibrated, estimate
from invdiff.pictures import write_panel
from invdiff.priors import load_prior
from invdiff.reconstruction import Cases, known_noise, sample_scan, scan_cases
from invdiff.reconstruction.audit import Correction, audit
from invdiff.reconstruction.uncertainty.student import Student

SAMPLINGS = {
    "full": None,
    "4x lines": Condition("random", 4.0, 0.08),
    "8x lines": Condition("random", 8.0, 0.06),
    "8x Poisson": Condition("poisson", 8.0, 0.08),
}
CONTRAST = 0.1
PLACE = (62.0, 46.0)
HALF = 12  # pixels from the lesion to the side of a picture

app = typer.Typer(add_completion=False)


def cases_of(sampling: str) -> Cases:
    """The package's scan."""
    scan, condition = sample_scan(), SAMPLINGS[sampling]
    mask = None if condition is None else condition.draw(scan.image_shape)
    return known_noise(scan_cases(scan, "sense", mask=mask), load_prior("builtin"))


def looked(cases: Cases, lesions: list[Lesion], samples: int, correction: Correction | None = None) -> Detection:
    """As the command looks, which corrects the spread."""
    (problem,) = cases
    prior = load_prior("builtin")
    return detect(problem, estimate(), prior, lesions, samples=samples, spread=calibrated(), correction=correction)


@app.command()
def table(samples: Annotated[int, typer.Option(help="For the spread.")] = 8) -> None:
    """Lesions all over the package's scan, by sampling and size."""
    print(
        "| sampling | size in pixels | lesions | recovered, median | least | most | spread as drawn, median |\n|"
        + "---|" * 7
    )
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
    """One lesion of two pixels at two accelerations, near a place where these differ most."""
    lesion = Lesion(PLACE, (2, 2), CONTRAST)
    rows, columns = (slice(int(centre) - HALF, int(centre) + HALF + 1) for centre in PLACE)
    images = {}
    for sampling in ("8x lines", "4x lines"):
        cases = cases_of(sampling)
        (problem,) = cases
        audited = audit(problem, calibrated(), load_prior("builtin"), image=estimate(), samples=samples).correction
        found = looked(cases, [lesion], samples, audited)
        (finding,) = found.findings
        print(f"{sampling}: recovered {finding.recovered:.3f}, {finding.share:.0%}, spread {finding.spread:.3f}")
        images[f"{sampling}\n{finding.share:.0%}"] = found.difference[None, rows, columns].abs().numpy()
    images["the lesion"] = found.inserted[None, rows, columns].abs().numpy()
    write_panel(out, images)


def halved(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means of two by two pixels."""
    height, width = (side // 2 for side in image.shape)
    return image[: 2 * height, : 2 * width].reshape(height, 2, width, 2).mean(axis=(1, 3))


def nearest(finding: Finding, findings: Sequence[Finding]) -> Finding:
    """The nearest other one: by what is painted over there is told what may be here, where nobody knows of a lesion."""
    here = np.array(finding.lesion.place)
    others = [other for other in findings if other is not finding]
    return min(others, key=lambda other: float(np.linalg.norm(here - other.lesion.place)))


@app.command()
def coverage(
    data: Path,
    split: str = "test",
    scans: Annotated[int, typer.Option(help="Middle slices of so many series, evenly chosen, at half the size.")] = 4,
    samples: int = 8,
    size: float = 3.0,
) -> None:
    """How often the 90 % interval of samples holds the amount of a lesion that is in the truth with it."""
    prior = load_prior("builtin")
    every = [halved(image) for _, image in middle_slices(data, split)]
    images = [every[k * len(every) // scans] for k in range(scans)]
    print("| sampling | interval | lesions | recovered, median | error over its scale | 90 % holds |\n|" + "---|" * 6)
    for sampling in ("4x lines", "8x lines"):
        condition = SAMPLINGS[sampling]
        assert condition is not None
        shares: list[float] = []
        found: dict[str, list[tuple[Student, float]]] = {
            "of samples as drawn": [],
            "corrected": [],
            "corrected, and what is painted over": [],
        }
        for image in images:
            scan = simulate(image, coils=8, mask=condition.draw(image.shape), noise_std=0.005)
            cases = scan_cases(scan, "sense")
            (problem,) = cases
            lesions = lesions_all_over(problem.least_squares(), (size, size), CONTRAST)
            audited = audit(problem, calibrated(), prior, image=estimate(), samples=samples).correction
            truth = torch.from_numpy(cases.ground_truth[0])
            drawn, corrected = looked(cases, lesions, samples), looked(cases, lesions, samples, audited)
            shares += [finding.share for finding in drawn.findings]
            for plain, finding in zip(drawn.findings, corrected.findings, strict=True):
                alone = finding.lesion.within(corrected.image)
                own = CONTRAST * float((alone.conj() * truth).real.sum() / alone.abs().square().sum())
                told = (
                    plain.amount(0.0),
                    finding.amount(0.0),
                    finding.amount(nearest(finding, corrected.findings).painted_over),
                )
                for each, amount in zip(found.values(), told, strict=True):
                    each.append((amount, own + CONTRAST))
        for interval, each in found.items():
            errors = [float((amount.centre - there) / amount.scale) for amount, there in each]
            held = np.mean([abs(amount.centre - there) <= amount.half_width(0.9) for amount, there in each])
            figures = f"{np.median(shares):.0%} | {np.sqrt(np.mean(np.square(errors))):.2f} | {held:.0%}"
            print(f"| {sampling} | {interval} | {len(each)} | {figures} |", flush=True)


if __name__ == "__main__":
    app()
