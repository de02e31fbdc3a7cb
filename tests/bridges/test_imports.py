"""What the bridges load before one is crossed: nothing from the other side."""

import subprocess
import sys

OTHER_SIDES = {"deepinv", "mrpro", "pylops", "sigpy", "torchvision"}


def loaded_by(statement: str) -> set[str]:
    """Top-level modules in a new interpreter after a statement."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    return set(done.stdout.split())


def test_the_bridges_load_no_other_library() -> None:
    assert not loaded_by("import invdiff.bridges") & OTHER_SIDES


def test_crossing_one_loads_its_library() -> None:
    crossing = (
        "from invdiff.bridges import to_deepinv; from invdiff.operators import Identity; to_deepinv(Identity((2,)))"
    )
    assert loaded_by(crossing) & OTHER_SIDES >= {"deepinv"}
