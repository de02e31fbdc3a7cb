"""``invdiff simulate``: a scan of an image that is known."""

from pathlib import Path
from typing import Annotated

import typer

from invdiff.cli.output import tell


def simulate(
    image: Annotated[Path, typer.Argument(help="NIfTI, DICOM, PNG, TIFF, JPEG or .npy file, real or complex.")],
    out: Annotated[Path, typer.Option(help="The .h5 file to write.")],
    coils: Annotated[int, typer.Option(help="Number of coils, in a ring; 1 sees everything alike.")] = 8,
    phase: Annotated[str, typer.Option(help="Phase given to a real image: smooth or none.")] = "smooth",
    mask: Annotated[
        str,
        typer.Option(
            help="Sampling pattern: equispaced, random, bernoulli, gaussian, gaussian2d, uniform2d, poisson, radial, "
            "or published: equispaced-fastmri, bernoulli-fastmri, equispaced-jalal, random-jalal, uniform-scoremri, "
            "gaussian-scoremri, gaussian2d-scoremri, uniform2d-scoremri."
        ),
    ] = "random",
    acceleration: Annotated[float, typer.Option(help="Sample one point in so many.")] = 4.0,
    centre_fraction: Annotated[float, typer.Option(help="Part of each sampled axis kept around the centre.")] = 0.08,
    noise_std: Annotated[
        float,
        typer.Option(help="Noise of each real and imaginary part of k-space; a real image's maximum counts as 1."),
    ] = 0.005,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of mask, phase and noise.")] = 0,
    slices: Annotated[list[int] | None, typer.Option(help="A slice to take (repeat for more); all by default.")] = None,
) -> None:
    """Scan an image: coils, phase, undersampling and noise. The file keeps the truth and the coil maps."""
    from invdiff.data import MASKS, achieved_acceleration, read_geometry, read_image, write_scan
    from invdiff.data import simulate as scan_of
    from invdiff.errors import InputError

    if mask not in MASKS:
        raise InputError(f"There is no mask '{mask}'; choose one of {', '.join(MASKS)}.")
    volume = read_image(image, slices)
    pattern = MASKS[mask]((volume.shape[1], volume.shape[2]), acceleration, centre_fraction, seed)
    scan = scan_of(
        volume,
        coils=coils,
        phase=phase,
        mask=pattern,
        noise_std=noise_std,
        seed=seed,
        name=out.name,
        geometry=read_geometry(image, slices),
    )
    write_scan(scan, out)
    tell(
        f"{out}: {scan.slices} slices of {volume.shape[1]} x {volume.shape[2]} by {coils} coils, "
        f"achieved acceleration {achieved_acceleration(scan.mask):.2f}"
    )
