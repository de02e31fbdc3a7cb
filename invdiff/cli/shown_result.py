"""A result as a person looks at it: its images by their titles, its pictures, and scores as a table."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from invdiff.metrics import Scores
    from invdiff.reconstruction import Cases, Reconstruction


def titled(seen: "Reconstruction", cases: "Cases") -> dict[str, Any]:
    """The images of a result by their titles: what it began from first, and the best last."""
    from invdiff.reconstruction import find_kind

    images: dict[str, Any] = {find_kind(cases.operator).begins_as: seen.zero_filled}
    count = seen.samples.shape[1]
    if count:
        images[f"{seen.attributes['samples_method']}, {f'mean of {count}' if count > 1 else 'one sample'}"] = seen.mean
    if seen.estimate is not None:
        images[f"{seen.attributes['method']}, {seen.attributes['nfe']} calls"] = seen.estimate
    return images


def draw(path: Path, seen: "Reconstruction", cases: "Cases") -> list[Path]:
    """The result's panel and, of several slices, a contact sheet; every file that there is now."""
    from invdiff.pictures import write_panel
    from invdiff.reconstruction import write_contact_sheet

    panel, sheet = path.with_name("panel.png"), path.with_name("slices.png")
    images = titled(seen, cases)
    numbers = [int(number) for number in seen.attributes["slice"]]
    known = {"truth": seen.ground_truth, "std": seen.magnitude_std, "density": cases.density}
    write_panel(panel, images, **known, numbers=numbers)
    if cases.count == 1:
        return [path, panel]
    write_contact_sheet(sheet, path)
    return [path, panel, sheet]


def write_scores(path: Path, scored: "Mapping[str, Scores]", numbers: list[int], target: str) -> Path:
    """Write a row for each image of some slices, whose scores are of the volume that they make."""
    from invdiff.files.csv_table import write_csv

    same = {"slices": " ".join(map(str, numbers)), "target": target}
    rows = [{"image": title, **vars(found), **same} for title, found in scored.items()]
    write_csv(path, ("image", *vars(next(iter(scored.values()))), *same), rows)
    return path
