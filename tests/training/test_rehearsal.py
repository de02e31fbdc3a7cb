from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from invdiff.training import Rehearsal, TrainingConfig, prepare, rehearse

TINY = {
    "data": {"kind": "phantoms", "count": 4, "val_count": 1, "side": 32},
    "network": {"architecture": "unet", "channels": 2, "widths": [4, 4], "blocks": 1, "embedding": 4, "patch": 2},
    "batches": [{"side": 16, "images": 2}, {"side": 24, "images": 1}], "steps": 9, "workers": 0,
}  # fmt: skip


def test_a_rehearsal_tells_size_and_time_and_leaves_pictures_alone(tmp_path: Path) -> None:
    config = TrainingConfig.model_validate(TINY)
    task, network = prepare(config)
    told = rehearse(task, network, config, tmp_path)
    assert told.parameters == sum(p.numel() for p in config.network.build().parameters())
    assert told.steps == 9
    assert min(told.network_seconds, told.images_seconds) > 0
    assert [path.name for path in tmp_path.iterdir()] == ["pictures"]
    assert {path.name for path in told.pictures} == {"augmented-16.png", "augmented-24.png"}
    for path in told.pictures:
        with Image.open(path) as picture:
            assert len(picture.getcolors()) > 50


def test_workers_prepare_images_beside_the_network() -> None:
    alone = Rehearsal(1, 1, network_seconds=2.0, images_seconds=6.0, workers=0, pictures=())
    assert alone.step_seconds == pytest.approx(8)
    assert replace(alone, workers=2).step_seconds == pytest.approx(3)
    assert replace(alone, workers=6).step_seconds == pytest.approx(2)
