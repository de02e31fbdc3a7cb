"""The loop, written once: whatever a network is taught, on one process or many, stopped and gone on with."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from invdiff.errors import InputError
from invdiff.files.folder import make_folder
from invdiff.priors import ConditionalPrior, ScorePrior, save_prior
from invdiff.training.batches import Batches
from invdiff.training.config import RunConfig
from invdiff.training.config_file import write_config
from invdiff.training.interrupts import deferred_interrupts
from invdiff.training.logs import Logs
from invdiff.training.optimisers import SHARE
from invdiff.training.placement import Placement
from invdiff.training.state import State
from invdiff.training.tasks.task import LOSS, Task

if TYPE_CHECKING:
    from accelerate import Accelerator

CHECKPOINT, PRIOR, BEST = "checkpoint.pt", "prior.safetensors", "best.safetensors"
Progress = Callable[[int, int], None]
Say = Callable[[str], None]


def silent(*_: object) -> None:
    """Say nothing."""


def fit(
    task: Task,
    network: nn.Module,
    config: RunConfig,
    out: Path,
    *,
    progress: Progress = silent,
    say: Say = silent,
) -> ScorePrior | ConditionalPrior:
    """Train a network, from OUT/checkpoint.pt where there is one, and write OUT/prior.safetensors at the end.

    OUT/best.safetensors is the prior whose validation loss was the lowest, from before the first step on.

    Run in several processes (``torchrun``, ``accelerate launch``), each sees batches of its own, gradients are
    averaged, and the first process writes. Losses go to OUT/losses.csv, scores to OUT/validation.csv, both to
    OUT/tensorboard, pictures to OUT/pictures, and the configuration to OUT/config.yaml.

    SIGINT and SIGTERM end a run after the step that is being done, with a checkpoint.

    Args:
        task: what is learned.
        network: with fresh weights.
        config: how.
        out: an existing folder.
        progress: called with (steps done, steps in all), in the first process.
        say: called with lines about how it goes, in the first process.

    Returns:
        The prior, of the averaged network.

    Raises:
        InputError: accelerate or tensorboard isn't installed, the checkpoint is of another run, the loss is not
            finite, or a file can't be written.
        KeyboardInterrupt: it was stopped; the checkpoint is written.
    """
    accelerator = make_accelerator()
    try:
        return _fit(task, network, config, out, accelerator, progress, say)
    finally:
        accelerator.end_training()


def _fit(
    task: Task,
    network: nn.Module,
    config: RunConfig,
    out: Path,
    accelerator: "Accelerator",
    progress: Progress,
    say: Say,
) -> ScorePrior | ConditionalPrior:
    device, process = accelerator.device, accelerator.process_index
    placement = Placement(config, device)
    state = State.begin(placement.network(network).train(), config)
    if (out / CHECKPOINT).exists():
        state.load(out / CHECKPOINT, config)
    model = accelerator.prepare_model(network)
    loader = Batches(task, config.batches, config.seed, process).loader(
        range(state.step, config.steps), config.workers, pinned=device.type == "cuda"
    )
    watch = _Watch(task, state, config, out, progress, say) if accelerator.is_main_process else None
    if watch is not None and state.step == 0:
        watch.validate("before the first step")
    with deferred_interrupts() as interrupt:
        for batch in loader:
            seed_dropout(config.seed, state.step, process)
            with placement.autocast():
                loss = task.loss(model, placement.batch(batch))
            accelerator.backward(loss)
            norm = accelerator.clip_grad_norm_(network.parameters(), config.gradient_clip or torch.inf)
            asked = torch.tensor(float(interrupt.asked), device=device)
            told = torch.stack([loss.detach().float(), norm.float(), asked])
            told = accelerator.reduce(told, "mean")  # so that all know, and all agree
            move(state, config)
            mean_loss, mean_norm, stop = told.tolist()  # waits for the device, so it comes last
            _check_finite(mean_loss, mean_norm, state.step, config, out)
            if watch is not None:
                watch.look(mean_loss, mean_norm, stopped=stop > 0)
            if stop > 0:
                raise KeyboardInterrupt
    if watch is not None:
        watch.close()
        watch.save_prior(PRIOR)
    return prior_now(task, state, config)


def make_accelerator() -> "Accelerator":
    """The devices and processes that there are; GPUs where there are some.

    Raises:
        InputError: accelerate isn't installed.
    """
    try:
        from accelerate import Accelerator
    except ImportError as error:
        raise InputError("Training runs on accelerate; install it: pip install 'invdiff[train]'.") from error
    return Accelerator(cpu=not torch.accelerator.is_available(), mixed_precision="no")


def move(state: State, config: RunConfig) -> None:
    """One step of the optimisers along the gradients that there are, and of the average."""
    rate = config.learning_rate(state.step)
    for optimiser in state.optimisers:
        for group in optimiser.param_groups:
            group["lr"] = rate * group[SHARE]
        optimiser.step()
        optimiser.zero_grad()
    state.average.update_parameters(state.network)
    state.step += 1


def prior_now(task: Task, state: State, config: RunConfig) -> ScorePrior | ConditionalPrior:
    """The prior that a run has come to."""
    return task.prior(state.average.module, {**config.about, "steps": str(state.step)})


def seed_dropout(seed: int, step: int, process: int) -> None:
    """Torch's own random numbers of a step; batches do not use them."""
    torch.manual_seed(int(np.random.SeedSequence((seed, step, process)).generate_state(1, np.uint64)[0] >> 1))


class _Watch:
    """What the first process does beside training: tables, scores, pictures, checkpoints."""

    def __init__(self, task: Task, state: State, config: RunConfig, out: Path, progress: Progress, say: Say) -> None:
        self._task, self._state, self._config, self._out = task, state, config, out
        self._progress, self._say = progress, say
        write_config(config, out / "config.yaml")
        self._logs = Logs(out, state.step)
        if state.step:
            say(f"goes on from step {state.step} of {config.steps}, by {out / CHECKPOINT}")

    def look(self, loss: float, norm: float, *, stopped: bool) -> None:
        """After a step."""
        config, state, step = self._config, self._state, self._state.step
        last = step == config.steps
        state.recent.append((loss, norm))
        mean_loss, mean_norm = np.mean(state.recent, axis=0).tolist()
        rate = config.learning_rate(step - 1)
        if step % config.validate_every == 0 or last:
            self.validate(f"loss {mean_loss:.4g}, learning rate {rate:.3g}")
        if step % config.log_every == 0 or last:
            self._logs.add("losses", step, {"loss": mean_loss, "gradient_norm": mean_norm, "learning_rate": rate})
            state.recent.clear()
        if config.draw_every and (step % config.draw_every == 0 or last):
            pictures = self._out / "pictures"
            make_folder(pictures)
            self._task.draw(state.average.module, pictures, step)
        if step % config.save_every == 0 or last or stopped:
            state.save(self._out / CHECKPOINT, config)
        self._progress(step, config.steps)

    def validate(self, so_far: str) -> None:
        """Score the averaged network, keep it where it is the best yet, and say so in a line."""
        state, scores = self._state, self._task.validate(self._state.average.module)
        self._logs.add("validation", state.step, scores)
        if scores[LOSS] < state.best[0]:
            state.best = scores[LOSS], state.step
            self.save_prior(BEST)
        others = ", ".join(f"{name} {score:.2f}" for name, score in scores.items() if name != LOSS)
        self._say(
            f"step {state.step} of {self._config.steps}: {so_far}; validation loss {scores[LOSS]:.4g} "
            f"(best {state.best[0]:.4g} at step {state.best[1]}), {others}"
        )

    def save_prior(self, name: str) -> None:
        """Write the prior that the run has come to."""
        prior = prior_now(self._task, self._state, self._config)
        save_prior(prior, self._out / name, dtype=getattr(torch, self._config.prior_dtype))

    def close(self) -> None:
        self._logs.close()


def _check_finite(loss: float, norm: float, step: int, config: RunConfig, out: Path) -> None:
    if math.isfinite(loss) and math.isfinite(norm):
        return
    kept = out / CHECKPOINT
    last = f"{kept} is of before and was kept" if kept.exists() else "there was no checkpoint yet"
    raise InputError(
        f"Training diverged at step {step}: its loss is {loss:g}, its gradient's norm {norm:g}. Lower optimiser.lr "
        f"(now {config.optimiser.lr:g}) or gradient_clip, or raise warm_up; {last}."
    )
