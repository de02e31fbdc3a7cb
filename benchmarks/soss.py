"""What reconstructing every coil costs beside its network calls: `python benchmarks/soss.py`.

`chung2022_soss` and `chung2022_hybrid` on eight coils of the package's scan with the shipped prior, at the fastest
micro-batch of a few: the solve over the network calls in it, and for the hybrid over those and its SENSE steps. The
images do not depend on the micro-batch, and the tensors of a call stay within a budget of four images. One thread.
"""

import statistics
import time
from dataclasses import replace

import torch
from overhead import Timed

from invdiff.diffusion import Context, Every, Lagging, Problem, Sampler, SenseStep, State, Step
from invdiff.methods import chung2022_hybrid, chung2022_soss
from invdiff.operators import sense
from invdiff.priors import ScorePrior, load_prior
from invdiff.priors.memory import peak_bytes
from invdiff.reconstruction import sample_cases

COILS, STEPS, REPEATS = 8, 8, 3


def batched(prior: ScorePrior, micro_batch: int) -> ScorePrior:
    return ScorePrior(
        prior.network,
        prior.parameterisation,
        channels=prior.channels,
        sigma_range=prior.sigma_range,
        intensity=prior.intensity,
        micro_batch=micro_batch,
    )


class TimedStep(Step):
    """A step that adds up its time."""

    def __init__(self, step: Step) -> None:
        self.step, self.seconds = step, 0.0

    @property
    def needs(self) -> frozenset[str]:
        return self.step.needs

    def __call__(self, state: State, context: Context) -> State:
        begin = time.perf_counter()
        state = self.step(state, context)
        self.seconds += time.perf_counter() - begin
        return state


def eight_coils() -> Problem:
    (found,) = sample_cases("sense", seed=0)
    subsample, _, sensitivities = found.operator.factors
    return Problem(sense(subsample.operator.mask, sensitivities.maps[:COILS]), found.y[:COILS], found.noise_std)


def seconds_of(run) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def main() -> None:
    torch.set_num_threads(1)
    prior, problem = load_prior("builtin"), eight_coils()
    images = torch.randn(2 * COILS, 1, *problem.operator.domain_shape)
    sizes = {size: batched(prior, size) for size in (1, 2, 4, 8, 16)}
    for candidate in sizes.values():
        candidate.denoise(images, 1.0)
    times = {
        size: statistics.median(seconds_of(lambda c=c: c.denoise(images, 1.0)) for _ in range(REPEATS))
        for size, c in sizes.items()
    }
    print("one call on 8 coils, by images together:", ", ".join(f"{n}: {t:.2f} s" for n, t in times.items()))
    fastest = min(times, key=times.__getitem__)
    for name, make in (("chung2022_soss", soss), ("chung2022_hybrid, m=2", hybrid)):
        ratios = []
        for repeat in range(REPEATS + 1):
            timed, sense_step = Timed(sizes[fastest]), TimedStep(SenseStep())
            sampler = make(sense_step)
            whole = seconds_of(lambda sampler=sampler, timed=timed: sampler(problem, timed))
            if repeat:
                ratios.append(whole / (timed.seconds + sense_step.seconds))
        ratio = statistics.median(ratios)
        print(f"{name}, {fastest} image(s) together: {ratio:.3f} times its network calls and SENSE steps")
    _, one = peak_bytes(lambda: sizes[1].network(images[:1], torch.zeros(1)))
    for size in (1, 4):
        _, peak = peak_bytes(lambda c=sizes[size]: soss(None)(problem, c))
        print(f"{size} image(s) together: the solve takes {peak / 1e6:.1f} MB, a network call {size * one / 1e6:.1f}")


def soss(_: Step | None) -> Sampler:
    return chung2022_soss(STEPS)


def hybrid(sense_step: Step) -> Sampler:
    sampler = chung2022_hybrid(STEPS, m=2)
    return replace(sampler, steps=[*sampler.steps[:-1], Lagging(Every(2, sense_step))])


if __name__ == "__main__":
    main()
