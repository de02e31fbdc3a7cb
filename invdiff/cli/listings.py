"""``invdiff methods`` and ``invdiff operators``: what there is."""


def methods() -> None:
    """List the methods, with their parameters and defaults."""
    import textwrap

    from invdiff.diffusion import METHODS

    for method in METHODS.values():
        sampler = method.build()
        settings = " ".join(f"{name}={_shown(value)}" for name, value in method.defaults.items())
        print(f"{method.name}  ({sampler.nfe} network calls a sample, signal {_shown(sampler.signal)})")
        for text in (method.paper, f"--set {settings}"):
            print(textwrap.fill(text, width=100, initial_indent="    ", subsequent_indent="          "))
        print()


def operators() -> None:
    """List the operators, with what they mean and read."""
    from rich.console import Console
    from rich.table import Table

    table = Table("operator", "mathematics", "input", box=None, pad_edge=False)
    table.add_row("sense", "P(Λ) F S", "multi-coil k-space: HDF5 (fastMRI layout, ISMRMRD) or .npz; maps optional")
    table.add_row("fourier", "P(Λ) F", "single-coil k-space: the same files with one coil")
    table.add_row("inpainting", "P(Λ)", "an 'image' and a 'mask' of known pixels: HDF5 or .npz")
    table.add_row("denoise", "I", "an 'image', 'noise_std' optional: HDF5, .npz, NIfTI, PNG or .npy")
    Console(soft_wrap=False).print(table)


def _shown(value: object) -> str:
    names = {"RealImage()": "real", "SplitComplex()": "split", "TwoChannel()": "two"}
    return names.get(repr(value), repr(value))
