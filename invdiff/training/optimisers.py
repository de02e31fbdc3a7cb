"""The optimisers that a configuration names, each built for a network."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from torch import nn
from torch.optim import Adam, Optimizer

from invdiff.training.muon import Muon

Rate = Annotated[float, Field(gt=0, le=1)]
Betas = tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]]
SHARE = "share_of_lr"
"""A parameter group's learning rate, in parts of the configuration's."""


class AdamConfig(BaseModel):
    """Adam (Kingma and Ba 2015), without weight decay."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["adam"] = Field("adam", description="Adam, for all of the network.")
    lr: Rate = Field(6e-4, description="The learning rate between warm-up and decay.")
    betas: Betas = Field((0.9, 0.99), description="How slowly the means of gradients and of their squares move.")

    def build(self, network: nn.Module) -> list[Optimizer]:
        """The optimisers of a network's parameters."""
        return [Adam(_group(network.parameters(), self.lr), betas=self.betas)]


class MuonConfig(BaseModel):
    """`invdiff.training.muon.Muon` for the convolutions inside the network, and Adam for the rest: first and last
    convolution, transposed ones, linear layers, biases."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["muon"] = Field("muon", description="Muon for the inner convolutions, Adam for the rest.")
    lr: Rate = Field(2e-3, description="The learning rate between warm-up and decay.")
    momentum: Annotated[float, Field(ge=0, lt=1)] = Field(0.95, description="Momentum of Muon.")
    adam_fraction: Annotated[float, Field(gt=0, le=10)] = Field(
        0.4, description="Adam's learning rate, in parts of lr."
    )
    betas: Betas = Field((0.9, 0.99), description="Decay rates of Adam.")

    def build(self, network: nn.Module) -> list[Optimizer]:
        """The optimisers of a network's parameters."""
        convolutions = [module.weight for module in network.modules() if isinstance(module, nn.Conv2d)]
        inner = {id(weight) for weight in convolutions[1:-1]}
        muon, adam = (
            [weight for weight in network.parameters() if (id(weight) in inner) == inside] for inside in (True, False)
        )
        optimisers: list[Optimizer] = [Adam(_group(adam, self.lr, self.adam_fraction), betas=self.betas)]
        if muon:
            optimisers.append(Muon(_group(muon, self.lr), self.lr, self.momentum))
        return optimisers


def _group(parameters: Any, lr: float, share: float = 1.0) -> list[dict[str, Any]]:
    return [{"params": list(parameters), "lr": share * lr, SHARE: share}]


OptimiserConfig = Annotated[AdamConfig | MuonConfig, Field(discriminator="kind")]
