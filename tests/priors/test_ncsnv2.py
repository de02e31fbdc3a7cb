import numpy as np
import pytest
import torch
from pydantic import ValidationError

from invdiff.errors import InputError
from invdiff.priors import NCSNv2, NCSNv2Config
from invdiff.priors.networks.ncsnv2_blocks import CRP, MSF, RCU, InstanceNormPlus, RefineBlock, ResidualBlock

TINY = NCSNv2Config(channels=1, ngf=4, sigma_begin=50, sigma_end=0.01)


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.fixture(scope="session")
def by_hand(plain):
    """NCSNv2's parts in NumPy, on top of what it shares with NCSN++."""

    class ByHand(plain):
        @staticmethod
        def elu(x):
            return np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1)

        def instance(self, name, x):
            means = np.array([channel.mean() for channel in x])
            kept = (means - means.mean()) / np.sqrt(means.var(ddof=1) + 1e-5) * self.state[f"{name}.alpha"]
            rows = []
            for channel, mean, shift, gamma, beta in zip(
                x, means, kept, self.state[f"{name}.gamma"], self.state[f"{name}.beta"], strict=True
            ):
                rows.append(gamma * ((channel - mean) / np.sqrt(channel.var() + 1e-5) + shift) + beta)
            return np.stack(rows)

        def residual(self, name, x, dilation=1, first=False):
            shrinks = first and dilation == 1
            h = self.conv(f"{name}conv1", self.elu(self.instance(f"{name}normalize1", x)), dilation=dilation)
            h = self.elu(self.instance(f"{name}normalize2", h))
            if shrinks:
                direct = self.mean(self.conv(f"{name}shortcut.conv", x))
                return direct + self.mean(self.conv(f"{name}conv2.conv", h))
            direct = self.conv(f"{name}shortcut", x, dilation=dilation) if first else x
            return direct + self.conv(f"{name}conv2", h, dilation=dilation)

        def rcu(self, name, x, units):
            for unit in range(1, units + 1):
                h = self.conv(f"{name}{unit}_1_conv", self.elu(x))
                x = x + self.conv(f"{name}{unit}_2_conv", self.elu(h))
            return x

        @staticmethod
        def pool(x):
            """The largest of 5 x 5 pixels around each."""
            padded = np.pad(x, ((0, 0), (2, 2), (2, 2)), constant_values=-np.inf)
            height, width = x.shape[1:]
            return np.max([padded[:, i : i + height, j : j + width] for i in range(5) for j in range(5)], axis=0)

        def crp(self, name, x):
            x = self.elu(x)
            first = self.conv(f"{name}convs.0", self.pool(x))
            return x + first + self.conv(f"{name}convs.1", self.pool(first))

        @staticmethod
        def enlarge(x, size):
            """Linear interpolation in which corner pixels stay at the corners."""
            for axis, wanted in ((1, size[0]), (2, size[1])):
                now = x.shape[axis]
                places = np.arange(wanted) * (now - 1) / (wanted - 1)
                below = np.minimum(places.astype(int), max(now - 2, 0))
                above = np.minimum(below + 1, now - 1)
                part = (places - below).reshape([-1 if a == axis else 1 for a in range(3)])
                x = np.take(x, below, axis) * (1 - part) + np.take(x, above, axis) * part
            return x

        def msf(self, name, inputs):
            size = inputs[0].shape[1:]
            return sum(self.enlarge(self.conv(f"{name}convs.{i}", x), size) for i, x in enumerate(inputs))

        def refine(self, name, *inputs, last=1):
            adapted = [self.rcu(f"{name}adapt_convs.{i}.", x, 2) for i, x in enumerate(inputs)]
            fused = self.msf(f"{name}msf.", adapted) if len(adapted) > 1 else adapted[0]
            return self.rcu(f"{name}output_convs.", self.crp(f"{name}crp.", fused), last)

        def stage(self, name, x, dilation=1, first=True):
            return self.residual(f"{name}.1.", self.residual(f"{name}.0.", x, dilation, first), dilation)

        def network(self, x, sigma):
            r1 = self.stage("res1", self.conv("begin_conv", 2 * x - 1), first=False)
            r2 = self.stage("res2", r1)
            r3 = self.stage("res3", r2)
            r31 = self.stage("res31", r3)
            r4 = self.stage("res4", r31, 2)
            h = self.refine("refine1.", self.stage("res5", r4, 4))
            h = self.refine("refine2.", r4, h)
            h = self.refine("refine31.", r31, h)
            h = self.refine("refine3.", r3, h)
            h = self.refine("refine4.", r2, h)
            h = self.refine("refine5.", r1, h, last=3)
            return self.conv("end_conv", self.elu(self.instance("normalizer", h))) / sigma

    return ByHand


def assert_agrees(result: torch.Tensor, expected) -> None:
    np.testing.assert_allclose(result.numpy(), np.stack(expected), rtol=1e-8, atol=1e-8)


def test_instance_normalisation_keeps_how_means_differ(by_hand, randomised) -> None:
    norm, x = randomised(InstanceNormPlus(5)), noise(2, 5, 4, 3) + torch.arange(5)[:, None, None]
    reference = by_hand({f"norm.{name}": value.numpy() for name, value in norm.state_dict().items()})
    assert_agrees(norm(x), [reference.instance("norm", one) for one in x.numpy()])


@pytest.mark.parametrize(
    ("channels", "first", "dilation"), [((4, 4), False, 1), ((4, 6), True, 1), ((4, 4), False, 2), ((4, 4), True, 4)]
)
def test_residual_block(by_hand, randomised, channels, first, dilation) -> None:
    block, x = randomised(ResidualBlock(*channels, first=first, dilation=dilation)), noise(2, 4, 9, 6)
    assert_agrees(block(x), [by_hand.of(block).residual("", one, dilation, first) for one in x.numpy()])


def test_parts_of_refinement(by_hand, randomised) -> None:
    x = noise(2, 4, 7, 6)
    rcu, crp = randomised(RCU(4, 3)), randomised(CRP(4))
    assert_agrees(rcu(x), [by_hand.of(rcu).rcu("", one, 3) for one in x.numpy()])
    assert_agrees(crp(x), [by_hand.of(crp).crp("", one) for one in x.numpy()])
    small = noise(2, 6, 3, 1)
    msf, refine = randomised(MSF((4, 6), 5)), randomised(RefineBlock((4, 6), 5, 3))
    pairs = list(zip(x.numpy(), small.numpy(), strict=True))
    assert_agrees(msf([x, small]), [by_hand.of(msf).msf("", pair) for pair in pairs])
    assert_agrees(refine(x, small), [by_hand.of(refine).refine("", *pair, last=3) for pair in pairs])


@pytest.mark.parametrize(
    "part", ["res5.1.conv2.weight", "res4.0.shortcut.weight", "refine31.msf.convs.1.weight", "normalizer.alpha"]
)
def test_the_whole_network_agrees_with_numpy_and_not_with_a_changed_weight(by_hand, randomised, part) -> None:
    network, x = randomised(NCSNv2(TINY)), noise(1, 1, 49, 40)  # six by five where dilation is 4
    for parameter in network.parameters():
        parameter.mul_(0.33)  # so that every path is felt
    reference = by_hand.of(network)
    found = network(x, torch.tensor([0.3], dtype=torch.float64))[0].numpy()
    expected = reference.network(x[0].numpy(), 0.3)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())
    reference.state[part] = 1.01 * reference.state[part]
    assert np.abs(found - reference.network(x[0].numpy(), 0.3)).max() > 1e-5 * np.abs(expected).max()


def test_totals_and_widths_are_those_of_the_published_network() -> None:
    with torch.device("meta"):
        network = NCSNv2(NCSNv2Config.jalal2021())
    parameters = dict(network.named_parameters())
    assert network.state_dict().keys() == parameters.keys()
    assert len(parameters) == 229
    assert sum(parameter.numel() for parameter in parameters.values()) == 94_130_306
    shapes = {name: tuple(parameter.shape) for name, parameter in parameters.items()}
    for name, shape in {
        "begin_conv.weight": (128, 2, 3, 3),
        "res2.0.shortcut.conv.weight": (256, 128, 1, 1),
        "res31.0.conv2.conv.weight": (256, 256, 3, 3),
        "res4.0.shortcut.weight": (512, 256, 3, 3),
        "res5.1.normalize2.alpha": (512,),
        "refine1.output_convs.1_2_conv.weight": (512, 512, 3, 3),
        "refine2.msf.convs.1.weight": (256, 512, 3, 3),
        "refine31.adapt_convs.1.2_2_conv.weight": (256, 256, 3, 3),
        "refine4.crp.convs.1.weight": (128, 128, 3, 3),
        "refine5.output_convs.3_2_conv.weight": (128, 128, 3, 3),
    }.items():
        assert shapes[name] == shape, name


@pytest.mark.parametrize(
    ("shape", "levels"), [((1, 2, 16, 16), (1,)), ((1, 1, 16, 15), (1,)), ((2, 1, 16, 16), (1,)), ((1, 16, 16), (1,))]
)
def test_images_that_do_not_fit_are_refused(shape, levels) -> None:
    with pytest.raises(InputError, match=r"sides of at least 16.*\("):
        NCSNv2(TINY)(torch.rand(shape), torch.ones(levels))


@pytest.mark.parametrize("changes", [{"ngf": 0}, {"sigma_end": 232}, {"channels": 0}, {"levels": 3}])
def test_configurations_are_validated(changes) -> None:
    with pytest.raises(ValidationError):
        NCSNv2Config.model_validate(NCSNv2Config.jalal2021().model_dump() | changes)
