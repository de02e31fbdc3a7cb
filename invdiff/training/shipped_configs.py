"""Configurations that come with the package, by name."""

import os
from pathlib import Path

_FOLDER = Path(__file__).parent / "configs"
SHIPPED_CONFIGS = {path.stem: path for path in sorted(_FOLDER.glob("*.yaml"))}
"""The file of each."""


def find_config(source: str | os.PathLike[str]) -> Path:
    """The file of a configuration that comes with the package, or else the path itself."""
    return SHIPPED_CONFIGS.get(os.fspath(source), Path(source))


def describe_config(name: str) -> str:
    """What a configuration is for: its file's first line."""
    return SHIPPED_CONFIGS[name].read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
