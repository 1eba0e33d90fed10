"""Times idgan, PyTorch and ONNX Runtime on the same work, in turns, and prints the ratios.

Run through scripts/bench-peers. Every contender does the same amount of work in every round; the rounds go round
all contenders, so that a machine that slows down slows all of them. A time is the median over the rounds of each
round's median.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import time

import numpy as np
import onnxruntime
import torch

from peers import Decoder, Encoder, Resnet, median_ms

# Peers leave their worker threads spinning for a while after each run.
SETTLE_SECONDS = 0.3


RENDER_ROWS = [
    # name, arguments of `idgan bench render`, network, input shape, most that the ratio may be
    ("resnet 64 px 64/512", ["--arch", "resnet:64:64:512"], lambda: Resnet(64, 64, 512), (1, 276), 0.7),
    ("resnet 256 px 64/512", ["--arch", "resnet:256:64:512"], lambda: Resnet(256, 64, 512), (1, 276), 0.5),
    ("resnet 1024 px 16/512", ["--arch", "resnet:1024:16:512"], lambda: Resnet(1024, 16, 512), (1, 276), 0.5),
    ("VAE decoder, batch 1", ["--arch", "vae-decoder"], Decoder, (1, 10), 0.6),
    ("VAE encoder, batch 64", ["--arch", "vae-encoder", "--batch", "64"], Encoder, (64, 1, 64, 64), 0.6),
]


def torch_job(network, x):
    def job():
        with torch.inference_mode():
            network(x)

    return job


def onnx_job(network, x, path, threads):
    torch.onnx.export(network, (x,), str(path), input_names=["x"], output_names=["y"], dynamo=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    feed = {"x": x.numpy()}
    expected = network(x).detach().numpy()
    assert np.abs(session.run(None, feed)[0] - expected).max() < 1e-3
    return lambda: session.run(None, feed)


def idgan_ms(idgan, arguments, repeat, threads):
    command = [idgan, "bench", *arguments, "--json", "--repeat", str(repeat), "--threads", str(threads)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def render_row(row, options):
    """The times of one row of the table."""
    name, arguments, make, shape, limit = row
    torch.manual_seed(0)
    network = make().eval()
    x = torch.randn(shape) if len(shape) == 2 else torch.rand(shape)
    peers = {"PyTorch": torch_job(network, x)}
    last = make().eval().to(memory_format=torch.channels_last)
    x_last = x.to(memory_format=torch.channels_last) if x.dim() == 4 else x
    peers["PyTorch channels_last"] = torch_job(last, x_last)
    path = pathlib.Path(options.work) / "peer.onnx"
    peers["ONNX Runtime"] = onnx_job(network, x, path, options.threads)

    times = {peer: [] for peer in ["idgan", *peers]}
    for _ in range(options.rounds):
        report = idgan_ms(options.idgan, ["render", *arguments], options.repeat, options.threads)
        times["idgan"].append(report["median_ms"])
        for peer, job in peers.items():
            times[peer].append(median_ms(job, options.repeat))
            time.sleep(SETTLE_SECONDS)
    medians = {peer: statistics.median(values) for peer, values in times.items()}
    best = min((peer for peer in medians if peer != "idgan"), key=medians.get)
    return {
        "row": name,
        "median_ms": medians,
        "best_ms": {peer: min(values) for peer, values in times.items()},
        "fastest_peer": best,
        "ratio": medians["idgan"] / medians[best],
        "limit": limit,
        "gmacs": report["gmacs"],
        "peak_mib": report["peak_mib"],
    }


def machine():
    """What the times were measured on."""
    name = platform.processor() or platform.machine()
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    versions = {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__}
    return {"processor": name, "cores": os.cpu_count(), **versions}


def print_table(rows):
    """One line a row, all times in ms."""
    peers = ["idgan", "PyTorch", "PyTorch channels_last", "ONNX Runtime"]
    print("| work | " + " | ".join(peers) + " | ratio to the fastest | at most |")
    print("|---" * (len(peers) + 3) + "|")
    for row in rows:
        cells = [f"{row['median_ms'][peer]:.2f}" if peer in row["median_ms"] else "" for peer in peers]
        verdict = f"{row['ratio']:.2f}x | {row['limit']}x |"
        print(f"| {row['row']} | " + " | ".join(cells) + f" | {verdict}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--idgan", required=True, help="the program to measure")
    parser.add_argument("--work", required=True, help="folder for what is made on the way")
    parser.add_argument("--rows", default="", help="only rows whose name contains this")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeat", type=int, default=20, help="timed runs in each round")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", help="where to write the JSON (default: bench-peers.json in --work)")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    rows = [render_row(row, options) for row in RENDER_ROWS if options.rows in row[0]]
    print_table(rows)
    out = pathlib.Path(options.out or pathlib.Path(options.work) / "bench-peers.json")
    document = {"machine": machine(), "threads": options.threads, "unit": "ms", "rows": rows}
    out.write_text(json.dumps(document, indent=2) + "\n")
    print(f"written to {out}")


if __name__ == "__main__":
    main()
