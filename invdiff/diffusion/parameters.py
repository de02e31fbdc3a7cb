"""Parameters that several parts and methods have, with what they are and what they may be."""

from math import inf
from typing import Annotated

from invdiff.within import Within, at_least, not_negative, positive

MOST_STEPS = 100_000
"""Of a grid: its levels are held in memory, and published runs have thousands."""

StepCount = Annotated[int, Within(1, MOST_STEPS, "number of noise levels")]
SigmaMax = Annotated[float, positive("highest noise level, in units of the prior's images")]
SigmaMin = Annotated[float, positive("lowest noise level above zero, in units of the prior's images")]
ChainLength = Annotated[int, Within(1, MOST_STEPS, "number of levels of the whole chain")]
TimesNoise = Annotated[float, positive("last level in units of the measurement's noise")]
Bend = Annotated[float, Within(0.1, 1000, "exponent that bends the spacing of noise levels")]
FreshNoise = Annotated[float, Within(0, 1, "share of fresh noise")]
DataShare = Annotated[float, Within(0, 1, "share of the data where they are less noisy than the level")]
ConsistencyLength = Annotated[float, Within(0, 1, "length of a consistency step", usual=(0, 1))]
Snr = Annotated[float, positive("length of a Langevin step against the noise")]
Repetitions = Annotated[int, at_least(1, "number of steps at each level")]
LikelihoodWidth = Annotated[
    float, positive("width of the likelihood in units of the noise level", usual=(0.3, 10), log=True)
]
HeldBack = Annotated[float, not_negative("least noise of the data that is reckoned with, in units of the level")]
Relaxation = Annotated[float, Within(1e-6, 2 - 1e-6, "length of a move, 1 for a draw anew")]
DataStd = Annotated[float, positive("standard deviation of the prior's images")]
NoiseFloor = Annotated[float, not_negative("least standard deviation of noise that is reckoned with", usual=(0, 0.05))]
LikelihoodWeight = Annotated[
    float, Within(0, inf, "weight of the data against the prior, infinity for the data alone", (0.1, 1000), log=True)
]
ImageWeight = Annotated[float, positive("weight of the prior against the data")]
StepTowardsData = Annotated[float, not_negative("length of a step towards the data, in units of the image")]
LangevinLength = Annotated[float, positive("length of a Langevin step, in units of the lowest level's variance")]
FirstSenseLength = Annotated[float, Within(0, 1, "length of the first SENSE step")]
LastSenseLength = Annotated[float, Within(0, 1, "length towards which SENSE steps go")]
Period = Annotated[int, at_least(1, "number of iterations from one step to the next")]
StartTime = Annotated[float, Within(0, 1, "SDE's time to start at")]
StartSigma = Annotated[float, not_negative("noise level to start at, in units of the prior's images")]
AdamRate = Annotated[float, positive("length of a step of Adam, in units of the image")]
DataWeight = Annotated[float, positive("weight of the data's score against the prior's")]
PriorWeight = Annotated[float, not_negative("weight of the prior against the data")]
DrawSteps = Annotated[int, at_least(1, "number of steps in which a clean image is drawn")]
