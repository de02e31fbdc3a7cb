import hashlib

import pytest

from invdiff.errors import InputError
from invdiff.priors import PUBLISHED, NCSNppConfig, NCSNv2Config
from invdiff.priors.checkpoints.published import find_published
from invdiff.priors.checkpoints.weights import outline

# Of the names and shapes of weights, sorted, as the projects' own code builds them from their own configurations.
DIGESTS = {
    "song2021": "c6306b010b214863",
    "chung2022": "c82e6ad7ecc284c4",
    "jalal2021": "d10a2bb3d5ca1da0",
    "subvp/cifar10_ddpmpp_continuous": "35230bfbd09f2a75",
    "subvp/cifar10_ddpmpp_deep_continuous": "fc184ea6a508accc",
    "subvp/cifar10_ncsnpp_continuous": "ee2c10f38890881f",
    "subvp/cifar10_ncsnpp_deep_continuous": "4399747fce7d5874",
    "ve/bedroom_ncsnpp_continuous": "214f55a6574f280d",
    "ve/celebahq_256_ncsnpp_continuous": "214f55a6574f280d",
    "ve/celebahq_ncsnpp_continuous": "90984e6b8dba6d04",
    "ve/church_ncsnpp_continuous": "214f55a6574f280d",
    "ve/cifar10_ncsnpp_continuous": "e0f3d21dbde8148d",
    "ve/cifar10_ncsnpp_deep_continuous": "70ba21c144a4e45f",
    "ve/ffhq_256_ncsnpp_continuous": "214f55a6574f280d",
    "ve/ffhq_ncsnpp_continuous": "90984e6b8dba6d04",
    "vp/cifar10_ddpmpp_continuous": "35230bfbd09f2a75",
    "vp/cifar10_ddpmpp_deep_continuous": "fc184ea6a508accc",
    "vp/cifar10_ncsnpp_continuous": "ee2c10f38890881f",
    "vp/cifar10_ncsnpp_deep_continuous": "4399747fce7d5874",
}


def test_names() -> None:
    assert find_published("chung2022") == NCSNppConfig.chung2022()
    assert find_published("song2021") == NCSNppConfig.song2021()
    assert find_published("jalal2021") == NCSNv2Config.jalal2021()
    assert len(PUBLISHED) == 3 + 16
    for name, config in PUBLISHED.items():
        process, _, rest = name.partition("/")
        if rest:
            assert config.sde == f"{process}sde"
            assert config.channels == 3


def test_deeper_networks_and_those_of_other_processes_differ_in_that_alone() -> None:
    for name in ("vp/cifar10_ddpmpp", "subvp/cifar10_ncsnpp", "ve/cifar10_ncsnpp"):
        plain, deep = PUBLISHED[f"{name}_continuous"], PUBLISHED[f"{name}_deep_continuous"]
        assert plain.model_copy(update={"num_res_blocks": 8}) == deep
    vp, sub_vp = PUBLISHED["vp/cifar10_ncsnpp_continuous"], PUBLISHED["subvp/cifar10_ncsnpp_continuous"]
    assert vp.model_copy(update={"sde": "subvpsde"}) == sub_vp


@pytest.mark.parametrize("name", DIGESTS)
def test_weights_have_the_names_and_shapes_of_the_published_code(name: str) -> None:
    lines = [f"{key} {tuple(tensor.shape)}" for key, tensor in outline(PUBLISHED[name]).state_dict().items()]
    assert hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16] == DIGESTS[name]


def test_yaml(tmp_path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("image_size: 320\nch_mult: [1, 2]\nnum_res_blocks: 2\nsigma_max: 100\n")
    assert (
        find_published(path)
        == find_published(str(path))
        == NCSNppConfig(image_size=320, ch_mult=(1, 2), num_res_blocks=2, sigma_max=100)
    )
    path.write_text("{architecture: ncsnv2, channels: 1, sigma_begin: 90, sigma_end: 0.01}")
    assert find_published(path) == NCSNv2Config(channels=1, sigma_begin=90, sigma_end=0.01)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[1, 2", r"mine\.yaml is no YAML"),
        ("- 1", "holds no fields"),
        ("", "holds no fields"),
        ("nf: 128", "no network's configuration .image_size: Field required"),
        ("architecture: unet", "no network's configuration .the whole: .*'unet'"),
        ("image_size: 8\nch_mult: [1]\nnum_res_blocks: 1\n", "the whole: .*sigma_max"),
        ("image_size: 8\nch_mult: [1]\nnum_res_blocks: 1\nsde: vpsde\nbeta_max: 1.0e9", "beta_max"),
        ("image_size: 8\nch_mult: [1]\nnum_res_blocks: 1\nsigma_max: 5\n3: 4\n", "no network's configuration"),
    ],
)
def test_other_yaml_is_refused(tmp_path, text, says) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=says) as refusal:
        find_published(path)
    assert "\n" not in str(refusal.value)


def test_other_names_are_refused(tmp_path) -> None:
    with pytest.raises(
        InputError, match=r"chung2021 is no configuration .* there are song2021, chung2022, jalal2021, "
    ):
        find_published("chung2021")
    with pytest.raises(InputError, match=r"absent\.yaml can't be read: No such file"):
        find_published(tmp_path / "absent.yaml")
    (tmp_path / "latin.yml").write_bytes(b"caf\xe9: 1")
    with pytest.raises(InputError, match=r"latin\.yml is no YAML"):
        find_published(tmp_path / "latin.yml")
