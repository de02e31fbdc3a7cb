"""Parameters that several parts and methods have, with what they are and what they may be."""

from math import inf
from typing import Annotated

from invdiff.within import BELOW_ONE, SMALLEST, Within, at_least, not_negative, positive

MOST_STEPS = 100_000
"""Of a grid: its levels are held in memory, and published runs have thousands."""

StepCount = Annotated[int, Within(1, MOST_STEPS, "number of noise levels", (10, 2000), log=True)]
SigmaMax = Annotated[float, positive("highest noise level, in units of the prior's images", (0.2, 400), log=True)]
SigmaMin = Annotated[
    float, positive("lowest noise level above zero, in units of the prior's images", (0.001, 0.05), log=True)
]
ChainLength = Annotated[int, Within(1, MOST_STEPS, "number of levels of the whole chain", (100, 4000), log=True)]
FirstRate = Annotated[
    float, Within(SMALLEST, BELOW_ONE, "rate of noise of a chain's first step", (1e-5, 1e-3), log=True)
]
LastRate = Annotated[float, Within(SMALLEST, BELOW_ONE, "rate of noise of a chain's last step", (0.005, 0.1), log=True)]
FirstTime = Annotated[float, Within(SMALLEST, 1, "largest time at which there is an image left", (0.9, 1))]
LastTime = Annotated[float, Within(SMALLEST, 1, "smallest time that is sampled", (1e-5, 0.01), log=True)]
TimesNoise = Annotated[float, positive("last level in units of the measurement's noise", (0.5, 4), log=True)]
Bend = Annotated[float, Within(0.1, 1000, "exponent that bends the spacing of noise levels", (1, 10))]
FreshNoise = Annotated[float, Within(0, 1, "share of fresh noise", (0, 1))]
DataShare = Annotated[float, Within(0, 1, "share of the data where they are less noisy than the level", (0, 1))]
ConsistencyLength = Annotated[float, Within(0, 1, "length of a consistency step", (0, 1), weighs_data=True)]
Snr = Annotated[float, positive("length of a Langevin step against the noise", (0.05, 1), log=True)]
Repetitions = Annotated[int, at_least(1, "number of steps at each level", (1, 10))]
LikelihoodWidth = Annotated[
    float, positive("width of the likelihood in units of the noise level", (0.3, 10), log=True, weighs_data=True)
]
HeldBack = Annotated[
    float, not_negative("least noise of the data that is reckoned with, in units of the level", (0, 0.3))
]
Relaxation = Annotated[float, Within(1e-6, 2 - 1e-6, "length of a move, 1 for a draw anew", (0.2, 1.5))]
DataStd = Annotated[float, positive("standard deviation of the prior's images", (0.05, 1), log=True)]
NoiseFloor = Annotated[
    float, not_negative("least standard deviation of noise that is reckoned with", (0, 0.05), weighs_data=True)
]
LikelihoodWeight = Annotated[
    float,
    Within(
        0,
        inf,
        "weight of the data against the prior, infinity for the data alone",
        (0.1, 1000),
        log=True,
        weighs_data=True,
    ),
]
ImageWeight = Annotated[float, positive("weight of the prior against the data", (0.1, 30), log=True)]
StepTowardsData = Annotated[
    float, not_negative("length of a step towards the data, in units of the image", (0.1, 3), log=True)
]
LangevinLength = Annotated[
    float, positive("length of a Langevin step, in units of the lowest level's variance", (1e-6, 1e-4), log=True)
]
FirstSenseLength = Annotated[float, Within(0, 1, "length of the first SENSE step", (0, 1))]
LastSenseLength = Annotated[float, Within(0, 1, "length towards which SENSE steps go", (0, 1))]
Period = Annotated[int, at_least(1, "number of iterations from one step to the next", (1, 100), log=True)]
StartTime = Annotated[float, Within(0, 1, "SDE's time to start at", (0.1, 0.9))]
StartSigma = Annotated[
    float, not_negative("noise level to start at, in units of the prior's images", (0.05, 10), log=True)
]
AdamRate = Annotated[float, positive("length of a step of Adam, in units of the image", (0.01, 1), log=True)]
DataWeight = Annotated[float, positive("weight of the data's score against the prior's", (0.5, 20), log=True)]
PriorWeight = Annotated[float, not_negative("weight of the prior against the data", (0.05, 5), log=True)]
DrawSteps = Annotated[int, at_least(1, "number of steps in which a clean image is drawn", (1, 10))]
