"""What people ask of each command, as they would type it: shown by ``--help`` and on the page of commands."""

EXAMPLES: dict[str, tuple[str, ...]] = {
    "solve": (
        "invdiff solve",
        "invdiff solve scan.h5 --out result --save nifti",
        "invdiff solve scans/ --dry-run",
        "invdiff solve scan.h5 --method dds --set gamma=100 --samples 4",
        "invdiff solve --config run.yaml --seed 1",
        "invdiff solve scan.h5 --method fast --print-config > run.yaml",
    ),
    "doctor": ("invdiff doctor", "invdiff doctor scan.h5", "invdiff doctor --prior prior.safetensors --json"),
    "export": ("invdiff export result/reconstruction.h5 image.nii.gz", "invdiff export result/reconstruction.h5 bart"),
    "report": ("invdiff report result/reconstruction.h5", "invdiff report results/"),
    "regions": ("invdiff regions result/reconstruction.h5 --region lesion=40:52,60:71",),
    "detect": ("invdiff detect scan.h5 --size 4px --contrast 0.2",),
    "evaluate": (
        "invdiff evaluate",
        "invdiff evaluate scans/ --method fast --baseline l1-wavelet --acceleration 4 --acceleration 8",
        "invdiff evaluate scans/ --prior builtin --prior mine.safetensors",
    ),
    "verify": ("invdiff verify calibrated --short", "invdiff verify dds --set gamma=10 --budget 50"),
    "tune-lambda": (
        "invdiff tune-lambda",
        "invdiff tune-lambda scans/ --method dds --param gamma:0.1:1000:log --trials 30",
    ),
    "train": ("invdiff train prior.yaml --out training", "invdiff train prior.yaml --set optimiser.lr=1e-3"),
    "sample": ("invdiff sample --samples 4", "invdiff sample --prior prior.safetensors --size 128x96 --set steps=50"),
    "simulate": (
        "invdiff simulate head.png --out scan.h5 --mask poisson --acceleration 6",
        "invdiff simulate head.nii.gz --out radial.h5 --trajectory radial --spokes 64",
    ),
    "methods": ("invdiff methods", "invdiff methods dds", "invdiff methods --bibtex dds"),
    "operators": ("invdiff operators",),
    "convert": ("invdiff convert published.pth prior.safetensors --prior-config chung2022",),
}
"""Command lines by the name of their command."""


def shown_below_help(command: str) -> str:
    """A command's examples as its ``--help`` ends with them, not wrapped."""
    return "\n".join(("Examples:", "", "\b", *EXAMPLES[command]))
