"""Times whole training steps of idgan and of PyTorch, in turns, each contender in a process of its own.

Run through scripts/bench-peers --training. Memory is the process's peak resident size minus that before its first
step. The PyTorch side makes the steps of the paper as the published implementation does: one forward pass of the
real pictures for both loss and R1, the generator's pictures drawn without a graph in the discriminator's turn.
"""

import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys

import torch

from bench_peers import idgan_ms, machine
from method_networks import iae_step, ib_gan_step, oogan_step
from peers import (
    LAYOUTS,
    Resnet,
    ResnetDiscriminator,
    SmallDiscriminator,
    SmallGenerator,
    gan_step,
    median_ms,
    vae_step,
)

# name, arguments of `idgan bench train`, most that the ratio of times may be; memory: 0.7 everywhere
ROWS = [
    ("sprites VAE, batch 64", ["--preset", "dsprites-small", "--stage", "vae"], 0.7),
    ("sprites GAN, batch 64", ["--preset", "dsprites-small", "--stage", "gan"], 0.7),
    ("IB-GAN, batch 64", ["--preset", "dsprites-small", "--stage", "ibgan"], 0.7),
    ("OOGAN, 32 px, batch 64", ["--preset", "dsprites-small", "--stage", "oogan"], 0.7),
    ("implicit autoencoder, batch 100", ["--preset", "sprites-small", "--stage", "iae"], 0.7),
    ("resnet GAN 64 px 64/512, batch 8", ["--preset", "celeba-64", "--stage", "gan", "--batch", "8"], 0.8),
]
MEMORY_LIMIT = 0.7

def torch_step(name, layout):
    if "IB-GAN" in name:
        return ib_gan_step(layout)
    if "implicit" in name:
        return iae_step(layout)
    if "OOGAN" in name:
        return oogan_step(layout)
    if "VAE" in name:
        return vae_step(layout)
    if "resnet" in name:
        return gan_step(layout, Resnet(64, 64, 512), ResnetDiscriminator(64, 64, 512), 3, 20, 256, 8)
    return gan_step(layout, SmallGenerator(), SmallDiscriminator(), 1, 10, 0, 64)


def resident_mib():
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def work(options):
    """One contender's part of a round, printed as JSON."""
    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    step = torch_step(options.worker, LAYOUTS[options.layout])
    before = resident_mib()
    median = median_ms(step, options.repeat)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"median_ms": median, "peak_mib": peak - before}))


def row(name, arguments, limit, options):
    """The times and memory of all contenders on one kind of step."""
    reports = {contender: [] for contender in ["idgan", *LAYOUTS]}
    for _ in range(options.rounds):
        reports["idgan"].append(idgan_ms(options.idgan, ["train", *arguments], options.repeat, options.threads))
        for layout in LAYOUTS:
            command = [sys.executable, __file__, "--worker", name, "--layout", layout]
            command += ["--repeat", str(options.repeat), "--threads", str(options.threads)]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            reports[layout].append(json.loads(output))
    medians = lambda key: {who: statistics.median(r[key] for r in all) for who, all in reports.items()}
    times, memory = medians("median_ms"), medians("peak_mib")
    fastest, smallest = min(times[layout] for layout in LAYOUTS), min(memory[layout] for layout in LAYOUTS)
    return {
        "row": name,
        "median_ms": times,
        "peak_mib": memory,
        "ratio": times["idgan"] / fastest,
        "limit": limit,
        "memory_ratio": memory["idgan"] / smallest,
        "memory_limit": MEMORY_LIMIT,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--idgan", help="the program to measure")
    parser.add_argument("--work", help="folder for the JSON")
    parser.add_argument("--rows", default="", help="only rows whose name contains this")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=9, help="timed steps in each round")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", help="where to write the JSON (default: bench-training.json in --work)")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--layout", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return work(options)

    rows = [row(*each, options) for each in ROWS if options.rows in each[0]]
    contenders = ["idgan", *LAYOUTS]
    print("| step, ms (MiB) | " + " | ".join(contenders) + " | time ratio | at most | memory ratio | at most |")
    print("|---" * (len(contenders) + 5) + "|")
    for r in rows:
        cells = [f"{r['median_ms'][who]:.1f} ({r['peak_mib'][who]:.0f})" for who in contenders]
        verdict = f"{r['ratio']:.2f}x | {r['limit']}x | {r['memory_ratio']:.2f}x | {r['memory_limit']}x |"
        print(f"| {r['row']} | " + " | ".join(cells) + f" | {verdict}")
    out = pathlib.Path(options.out or pathlib.Path(options.work) / "bench-training.json")
    out.write_text(json.dumps({"machine": machine(), "threads": options.threads, "rows": rows}, indent=2) + "\n")
    print(f"written to {out}")


if __name__ == "__main__":
    main()
