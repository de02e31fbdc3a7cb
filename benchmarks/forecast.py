"""How right a forecast is: `python benchmarks/forecast.py [METHOD ...]`.

Forecast and truth side by side for one sample of the package's scan with the shipped prior, one thread, each method in
a process of its own. Seconds are those of the process, not of the clock on the wall, so that what else the machine does
disturbs less; the forecast's peak is that of the trial, the truth's that of the whole run.
"""

import subprocess
import sys
import time

SETTINGS = {"fast": {}, "estimate": {}, "chung2022_complex": {"steps": "60"}, "jalal2021": {"steps": "60"}}


def compare(name: str) -> None:
    import torch

    from invdiff.cli.heap import keep_heap
    from invdiff.methods import find_method
    from invdiff.priors import load_prior
    from invdiff.reconstruction import Drawing, Executor, MemoryStore, Unit, draw, forecast, sample_cases
    from invdiff.reconstruction.peak_memory import peak_memory
    from invdiff.reconstruction.trial import Cost, Trial

    def by_process_time(drawing: Drawing, unit: Unit, executor: Executor) -> Cost:
        return Trial(drawing, clock=time.process_time)(unit, lambda share: None)

    keep_heap()
    torch.set_num_threads(1)
    cases, prior = sample_cases("sense", seed=0), load_prior("builtin")
    sampler = find_method(name).with_settings(SETTINGS.get(name, {}), channels=prior.channels)
    told = forecast(Drawing(cases, sampler, prior), 1, measure=by_process_time)
    begun = time.process_time()
    draw(Drawing(cases, sampler, prior), MemoryStore(), 1)
    seconds, peak = time.process_time() - begun, peak_memory(torch.device("cpu"))
    print(
        f"{name}: {told.network_calls} calls; forecast {told.seconds:.1f} s, took {seconds:.1f} s "
        f"({told.seconds / seconds - 1:+.0%}); forecast {told.peak_bytes / 2**20:.0f} MiB, took {peak / 2**20:.0f} MiB",
        flush=True,
    )


def main() -> None:
    match sys.argv[1:]:
        case ["--one", name]:
            compare(name)
        case names:
            for name in names or SETTINGS:
                subprocess.run([sys.executable, __file__, "--one", name], check=True)


if __name__ == "__main__":
    main()
