"""Published solvers, and ours: a file a paper, each method a few parts put together."""

from invdiff.methods.blumenthal2025 import pula
from invdiff.methods.boys2024 import tmpd
from invdiff.methods.calibrated import calibrated
from invdiff.methods.chung2022 import (
    chung2022_complex,
    chung2022_hybrid,
    chung2022_magnitude_phase,
    chung2022_real,
    chung2022_soss,
)
from invdiff.methods.chung2022ccdf import ccdf
from invdiff.methods.chung2023 import dps
from invdiff.methods.chung2024 import dds
from invdiff.methods.estimate import estimate
from invdiff.methods.fast import fast
from invdiff.methods.jalal2021 import jalal2021
from invdiff.methods.kawar2022 import ddrm
from invdiff.methods.mardani2024 import red_diff
from invdiff.methods.method import OF_VOLUMES, Method
from invdiff.methods.registry import METHODS, find_method
from invdiff.methods.rozet2024 import mmps
from invdiff.methods.song2020 import score_sde
from invdiff.methods.song2021 import song2021, song2021_baseline, song2021_langevin, song2021_langevin_projection
from invdiff.methods.song2023 import pigdm
from invdiff.methods.split_gibbs import split_gibbs
from invdiff.methods.unconditional import UNCONDITIONAL, unconditional
from invdiff.methods.wu2024 import pnp_dm
from invdiff.methods.xie2022 import mc_ddpm
from invdiff.methods.zhang2025 import daps
from invdiff.methods.zhu2023 import diffpir

__all__ = [
    "METHODS",
    "OF_VOLUMES",
    "UNCONDITIONAL",
    "Method",
    "calibrated",
    "ccdf",
    "chung2022_complex",
    "chung2022_hybrid",
    "chung2022_magnitude_phase",
    "chung2022_real",
    "chung2022_soss",
    "daps",
    "ddrm",
    "dds",
    "diffpir",
    "dps",
    "estimate",
    "fast",
    "find_method",
    "jalal2021",
    "mc_ddpm",
    "mmps",
    "pigdm",
    "pnp_dm",
    "pula",
    "red_diff",
    "score_sde",
    "song2021",
    "song2021_baseline",
    "song2021_langevin",
    "song2021_langevin_projection",
    "split_gibbs",
    "tmpd",
    "unconditional",
]
