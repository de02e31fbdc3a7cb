"""Markdown tables of what peers reached."""

from collections.abc import Sequence
from statistics import mean

from contenders import QUANTITIES, RIVALS
from rows import Rows


def print_tables(rows: Rows, scans: Sequence[tuple[str, str]], names: Sequence[str]) -> None:
    """PSNR by scan and mask; below, by mask, the means over scans, and what is gained on the best of `RIVALS`."""
    print("\nPSNR in dB:\n")
    print(f"| scan | mask | {' | '.join(names)} |")
    print("|---" * (len(names) + 2) + "|")
    for scan in scans:
        print(f"| {' | '.join((*scan, *(_text(rows.known.get((*scan, name, 'PSNR'))) for name in names)))} |")
    for mask in dict.fromkeys(mask for _, mask in scans):
        print(f"\n{mask}, means; gains are PSNR above the best classical method in the rows:\n")
        print(f"| contender | scans | {' | '.join(QUANTITIES)} | mean gain | worst gain |")
        print("|---" * (len(QUANTITIES) + 4) + "|")
        for name in names:
            known = [scan for scan in scans if scan[1] == mask and (*scan, name, QUANTITIES[-1]) in rows.known]
            if not known:
                continue
            psnr, ssim, seconds, calls = (mean(rows.known[*scan, name, q] for scan in known) for q in QUANTITIES)
            gains = [rows.known[*scan, name, "PSNR"] - best for scan in known if (best := _best_rival(rows, scan))]
            gained = (mean(gains), min(gains)) if gains and name not in RIVALS else (None, None)
            listed = f"{psnr:.2f} | {ssim:.4f} | {seconds:.2f} | {calls:.0f} | {' | '.join(map(_gain, gained))}"
            print(f"| {name} | {len(known)} | {listed} |")


def _best_rival(rows: Rows, scan: tuple[str, str]) -> float | None:
    return max(
        (rows.known[*scan, name, "PSNR"] for name in RIVALS if (*scan, name, "PSNR") in rows.known), default=None
    )


def _text(number: float | None) -> str:
    return "" if number is None else f"{number:.2f}"


def _gain(number: float | None) -> str:
    return "" if number is None else f"{number:+.2f}"
