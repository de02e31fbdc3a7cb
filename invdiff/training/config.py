"""What ``invdiff train`` reads: every choice of a run of training."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from invdiff.data import MASKS
from invdiff.errors import InputError
from invdiff.priors import EDM, NCSNppConfig, Noise, Score, Velocity
from invdiff.priors.labels import LogSigma
from invdiff.priors.networks.unet import UNetConfig
from invdiff.training.augmentation import Augmentation
from invdiff.training.images import ImagesConfig
from invdiff.training.noise_levels import LogNormal, LogUniform, Mixture, NoiseLevels, Share
from invdiff.training.optimisers import AdamConfig, OptimiserConfig
from invdiff.training.positive import Positive
from invdiff.training.schedules import Cosine, Schedule
from invdiff.training.weighting import EDMWeight, Weighting

Period = Annotated[int, Field(ge=0)]


class BatchSize(BaseModel):
    """The images of one step."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    side: Annotated[int, Field(ge=8, le=4096)] = Field(description="Side of the square that is cut out of an image.")
    images: Annotated[int, Field(ge=1, le=65536)] = Field(description="How many, in each process.")


def check_ascending(pair: tuple[float, float], name: str) -> None:
    """Raise ``InputError`` unless the first number is below the second."""
    if pair[0] >= pair[1]:
        raise InputError(f"{name} {pair} must be ascending")


class RunConfig(BaseModel):
    """How a network is trained, whatever it learns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: ImagesConfig | None = Field(None, description="The images to train on.")
    validation: ImagesConfig | None = Field(
        None, description="Where the images to validate on come from, if not from the data."
    )
    batches: Annotated[tuple[BatchSize, ...], Field(min_length=1)] = Field(
        (BatchSize(side=128, images=8),),
        description="What a step sees, one of these at random: small squares for variety, whole slices for context.",
    )
    steps: Annotated[int, Field(gt=0, le=1_000_000_000)] = Field(4000, description="Steps in all.")
    seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(0, description="Seed of all random numbers.")
    optimiser: OptimiserConfig = Field(AdamConfig(), description="What moves the weights.")
    warm_up: Period = Field(200, description="Steps in which the learning rate rises.")
    schedule: Schedule = Field(Cosine(), description="How the learning rate falls.")
    gradient_clip: Annotated[float, Field(gt=0)] | None = Field(
        1.0, description="The largest norm of a gradient; null lets all pass."
    )
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.999,
        description="Decay of the average of the weights, which is what the prior gets; (1 + n) / (10 + n) in its "
        "first steps n.",
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="Numbers of the network's products; bfloat16 is faster on GPUs."
    )
    channels_last: bool = Field(
        False, description="Pixel by pixel in memory, which many GPUs and some CPUs like better."
    )
    workers: Annotated[int, Field(ge=0, le=256)] = Field(2, description="Processes that prepare batches, for each one.")
    log_every: PositiveInt = Field(20, description="Steps between rows of losses.csv.")
    save_every: PositiveInt = Field(500, description="Steps between checkpoints.")
    validate_every: PositiveInt = Field(500, description="Steps between validations.")
    draw_every: Period = Field(1000, description="Steps between pictures; 0 for none.")
    prior_dtype: Literal["float32", "float16", "bfloat16"] = Field(
        "float16", description="Numbers of the weights in prior.safetensors."
    )
    about: dict[str, str] = Field({}, description="Notes that travel with the prior, such as data and licence.")

    def learning_rate(self, step: int) -> float:
        """The learning rate of a step, as the optimiser uses it and as it is written down."""
        rise = min(1.0, (step + 1) / max(1, self.warm_up))
        return self.optimiser.lr * rise * self.schedule(step, self.steps)


class TrainingConfig(RunConfig):
    """A prior of images, trained by denoising score matching."""

    task: Literal["score_matching"] = Field("score_matching", description="A prior of images.")
    validation_images: PositiveInt = Field(12, description="How many of them, evenly spaced.")
    augmentation: Augmentation = Field(Augmentation(), description="What is done to an image at random.")
    channels: Annotated[dict[Annotated[int, Field(ge=1, le=2)], Positive], Field(min_length=1)] = Field(
        {1: 0.6, 2: 0.4},
        description="What the prior takes, and how often a batch is such: 1 for real images (half of them magnitudes, "
        "half real parts), 2 for real and imaginary part.",
    )
    network: Annotated[UNetConfig | NCSNppConfig, Field(discriminator="architecture")] = Field(
        UNetConfig(channels=2, widths=(16, 48, 96, 192), blocks=2, embedding=128, patch=1, norm="group"),
        description="`unet` (the fast one) or `ncsnpp`, with its sizes.",
    )
    start: str | None = Field(None, description="A prior whose weights the network begins with.")
    parameterisation: Annotated[Score | Noise | Velocity | EDM, Field(discriminator="kind")] = Field(
        Velocity(LogSigma(0.25)),
        description="What the network gives: `score` (VE), `noise` or `velocity` (VP), or `edm`.",
    )
    weighting: Weighting = Field(EDMWeight(sigma_data=0.4), description="How much each noise level counts.")
    noise_levels: NoiseLevels = Field(
        Mixture(
            parts=(
                Share(share=0.88, levels=LogNormal()),
                Share(share=0.12, levels=LogUniform(sigma_min=0.5, sigma_max=400)),
            )
        ),
        description="How noise levels are drawn.",
    )
    sigma_range: tuple[Positive, Positive] = Field(
        (0.002, 400.0), description="What drawn levels are clipped to, in units of white; the prior is good for these."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        check_ascending(self.sigma_range, "sigma_range")
        match self.network:
            case UNetConfig(channels=channels) if max(self.channels) > channels:
                raise InputError(f"the network takes {channels} channel(s), but channels asks for {max(self.channels)}")
            case NCSNppConfig(channels=channels) if set(self.channels) != {channels}:
                raise InputError(
                    f"this ncsnpp takes {channels} channel(s) and no other number; set channels to {{{channels}: 1}}"
                )
        return self


class UnsampledKspaceConfig(RunConfig):
    """A conditional prior, of unsampled k-space given the sampled, trained on complex images made of magnitudes."""

    task: Literal["unsampled_kspace"] = Field(description="A prior of unsampled k-space given the sampled.")
    network: UNetConfig = Field(
        UNetConfig(channels=4, widths=(32, 48, 64, 80), blocks=2, embedding=64, patch=2),
        description="`unet` with its sizes; of its four channels two are the noisy image and two the zero-filled one.",
    )
    masks: Annotated[dict[str, Positive], Field(min_length=1)] = Field(
        {"random": 0.35, "equispaced": 0.25, "bernoulli": 0.1, "uniform2d": 0.1, "gaussian2d": 0.1, "poisson": 0.1},
        description="Kinds of masks, and how often an image has one.",
    )
    acceleration: tuple[Positive, Positive] = Field((3.0, 10.0), description="How much masks leave out, log-uniform.")
    centre_fraction: tuple[Positive, Positive] = Field(
        (0.04, 0.1), description="Part of a side that is always sampled."
    )
    data_std: Positive = Field(0.04, description="Standard deviation of unsampled k-space, in units of white.")
    sigma_range: tuple[Positive, Positive] = Field(
        (0.002, 100.0), description="What drawn levels are clipped to, in units of white; the prior is good for these."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in ("acceleration", "centre_fraction", "sigma_range"):
            check_ascending(getattr(self, name), name)
        unknown = sorted(set(self.masks) - set(MASKS))
        if unknown:
            raise InputError(f"masks: there is no {unknown[0]!r}; there are {', '.join(MASKS)}")
        if self.acceleration[0] <= 1 or self.centre_fraction[1] >= 1:
            raise InputError("accelerations are above 1 and fractions of the centre below 1")
        if self.network.channels != 4:
            raise InputError(f"network.channels is {self.network.channels}, and this task shows 4")
        return self


CONFIGS: dict[str, type[TrainingConfig | UnsampledKspaceConfig]] = {
    "score_matching": TrainingConfig,
    "unsampled_kspace": UnsampledKspaceConfig,
}
"""The configuration of each task, by the ``task`` that a file names; the first where it names none."""
