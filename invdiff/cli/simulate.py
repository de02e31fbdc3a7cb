"""``invdiff simulate``: a scan of an image that is known."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from invdiff.cli.completion import mask_names
from invdiff.cli.options import Force, condition_of
from invdiff.cli.output import tell
from invdiff.errors import InputError

if TYPE_CHECKING:
    from invdiff.data import NonCartesianScan, Scan, Trajectory


def simulate(
    image: Annotated[
        Path, typer.Argument(metavar="IMAGE", help="NIfTI, DICOM, PNG, TIFF, JPEG or .npy file, real or complex.")
    ],
    out: Annotated[Path, typer.Option(help="The .h5 file to write.")],
    coils: Annotated[int, typer.Option(help="Number of coils, in a ring; 1 sees everything alike.")] = 8,
    phase: Annotated[str, typer.Option(help="Phase given to a real image: smooth or none.")] = "smooth",
    mask: Annotated[
        str | None,
        typer.Option(
            show_default="random",
            autocompletion=mask_names,
            help="Sampling pattern: equispaced, random, bernoulli, gaussian, gaussian2d, uniform2d, poisson, radial, "
            "or published: equispaced-fastmri, bernoulli-fastmri, equispaced-jalal, random-jalal, uniform-scoremri, "
            "gaussian-scoremri, gaussian2d-scoremri, uniform2d-scoremri.",
        ),
    ] = None,
    trajectory: Annotated[
        str | None,
        typer.Option(help="Sample along a trajectory instead: radial (by the golden angle) or spiral."),
    ] = None,
    spokes: Annotated[
        int | None,
        typer.Option(min=1, help="Spokes of a radial scan.", show_default="by the acceleration"),
    ] = None,
    interleaves: Annotated[
        int | None,
        typer.Option(min=1, help="Interleaves of a spiral scan.", show_default="16"),
    ] = None,
    oversampling: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=16,
            help="Samples along a readout of a trajectory for each that the field of view asks for.",
            show_default="2",
        ),
    ] = None,
    delay: Annotated[
        float,
        typer.Option(
            help="Delay of the gradients, in samples of a trajectory: so far off the file says that they are."
        ),
    ] = 0.0,
    acceleration: Annotated[
        float | None,
        typer.Option(help="Sample one point in so many; of a spiral, at the edge of k-space.", show_default="4"),
    ] = None,
    centre_fraction: Annotated[
        float | None, typer.Option(help="Part of each sampled axis kept around the centre.", show_default="0.08")
    ] = None,
    noise_std: Annotated[
        float,
        typer.Option(help="Noise of each real and imaginary part of k-space; a real image's maximum counts as 1."),
    ] = 0.005,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of mask, phase and noise.")] = 0,
    slices: Annotated[
        list[int] | None, typer.Option("--slice", help="A slice to take (repeat for more); all by default.")
    ] = None,
    force: Force = False,
) -> None:
    """Scan an image: coils, phase, a mask or a trajectory, and noise. The file keeps the truth and the coil maps."""
    from invdiff.data import achieved_acceleration, read_geometry, read_image, simulate_along, write_scan
    from invdiff.data import simulate as scan_of
    from invdiff.files.publish import publish

    volume = read_image(image, slices)
    side = (volume.shape[1], volume.shape[2])
    known: dict[str, Any] = {"coils": coils, "phase": phase, "noise_std": noise_std, "seed": seed, "name": out.name}
    known["geometry"] = read_geometry(image, slices)
    scan: Scan | NonCartesianScan
    if trajectory is None:
        if (spokes, interleaves, oversampling, delay) != (None, None, None, 0.0):
            raise InputError("--spokes, --interleaves, --oversampling and --delay are of a --trajectory.")
        drawn = condition_of(mask or "random", acceleration, centre_fraction, seed)
        scan = scan_of(volume, mask=drawn.draw(side), **known)
    else:
        if mask is not None:
            raise InputError("A --mask is of samples on a grid; leave it out beside --trajectory.")
        points = _trajectory(
            trajectory, max(side), spokes, interleaves, oversampling or 2, acceleration, centre_fraction
        )
        scan = simulate_along(volume, points, delay=delay, **known)
    publish(out, lambda place: write_scan(scan, place), replace=force)
    along = "" if trajectory is None else f"{scan.kspace.shape[2]} readouts of {scan.kspace.shape[3]} samples, "
    tell(
        f"{out}: {scan.slices} slice(s) of {side[0]} x {side[1]} by {coils} coils, {along}"
        f"achieved acceleration {achieved_acceleration(scan.mask):.2f}"
    )


def _trajectory(
    name: str,
    side: int,
    spokes: int | None,
    interleaves: int | None,
    oversampling: int,
    acceleration: float | None,
    centre_fraction: float | None,
) -> "Trajectory":
    from invdiff.data import Condition, radial, spiral

    if name == "radial" and (centre_fraction is not None or None not in (spokes, acceleration)):
        raise InputError(
            "A radial scan has --spokes, or as many as an --acceleration leaves, and no --centre-fraction; leave out "
            "what it has not."
        )
    factor = Condition.acceleration if acceleration is None else acceleration
    centre = Condition.centre_fraction if centre_fraction is None else centre_fraction
    if not (math.isfinite(factor) and factor > 0):
        raise InputError(f"An acceleration is a positive number, not {factor}.")
    match name, spokes, interleaves:
        case "radial", _, None:
            return radial(spokes or math.ceil(math.pi / 2 * side / factor), oversampling * side)
        case "spiral", None, _:
            return spiral(interleaves or 16, side, factor, centre, oversampling)
        case (("radial" | "spiral"), _, _):
            raise InputError("A radial scan has --spokes and a spiral one --interleaves; leave out those of the other.")
    raise InputError(f"There is no trajectory '{name}'; choose radial or spiral.")
