"""Times idgan, PyTorch, ONNX Runtime and OpenVINO on the same work, in f32 and bf16, in turns, and prints the ratios.

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
import openvino
import torch

from peers import Decoder, Encoder, Resnet, median_ms

# Peers leave their worker threads spinning for a while after each run.
SETTLE_SECONDS = 0.3


PEERS = {
    "f32": ["PyTorch", "PyTorch channels_last", "ONNX Runtime", "OpenVINO"],
    "bf16": ["PyTorch channels_last", "OpenVINO"],
}

# name, arguments of `idgan bench render`, network, input shape, most that the ratio to the fastest peer may be
RENDER_ROWS = [
    (
        "resnet 64 px 64/512",
        ["--arch", "resnet:64:64:512"],
        lambda: Resnet(64, 64, 512),
        (1, 276),
        {"f32": 0.6, "bf16": 0.75},
    ),
    (
        "resnet 256 px 64/512",
        ["--arch", "resnet:256:64:512"],
        lambda: Resnet(256, 64, 512),
        (1, 276),
        {"f32": 0.4, "bf16": 0.6},
    ),
    (
        "resnet 1024 px 16/512",
        ["--arch", "resnet:1024:16:512"],
        lambda: Resnet(1024, 16, 512),
        (1, 276),
        {"f32": 0.4, "bf16": 0.6},
    ),
    ("VAE decoder, batch 1", ["--arch", "vae-decoder"], Decoder, (1, 10), {"f32": 0.6}),
    ("VAE encoder, batch 64", ["--arch", "vae-encoder", "--batch", "64"], Encoder, (64, 1, 64, 64), {"f32": 0.6}),
]


def torch_job(network, x):
    def job():
        with torch.inference_mode():
            network(x)

    return job


def onnx_job(path, feed, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, feed)[0]


def openvino_job(path, feed, precision, threads):
    settings = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
    }
    request = openvino.Core().compile_model(str(path), "CPU", settings).create_infer_request()
    return lambda: request.infer(feed, share_inputs=True, share_outputs=True)[0]


def idgan_ms(idgan, arguments, repeat, threads):
    command = [idgan, "bench", *arguments, "--json", "--repeat", str(repeat), "--threads", str(threads)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def jobs(make, shape, options):
    """What every contender of every precision does, after a look at whether it does the same."""
    torch.manual_seed(0)
    network = make().eval()
    x = torch.randn(shape) if len(shape) == 2 else torch.rand(shape)
    with torch.inference_mode():
        expected = network(x).numpy()
    last = make().eval().to(memory_format=torch.channels_last)
    x_last = x.to(memory_format=torch.channels_last) if x.dim() == 4 else x
    half = make().eval().to(torch.bfloat16, memory_format=torch.channels_last)
    path = pathlib.Path(options.work) / "peer.onnx"
    torch.onnx.export(network, (x,), str(path), input_names=["x"], output_names=["y"], dynamo=False)
    feed = {"x": x.numpy()}
    onnx = onnx_job(path, feed, options.threads)
    vino = {name: openvino_job(path, feed, name, options.threads) for name in ["f32", "bf16"]}
    for job, most in [(onnx, 1e-3), (vino["f32"], 1e-3), (vino["bf16"], 0.1)]:
        assert np.abs(job() - expected).max() < most
    return {
        "f32": dict(
            zip(PEERS["f32"], [torch_job(network, x), torch_job(last, x_last), onnx, vino["f32"]], strict=True)
        ),
        "bf16": dict(
            zip(PEERS["bf16"], [torch_job(half, x_last.to(torch.bfloat16)), vino["bf16"]], strict=True)
        ),
    }


def render_rows(row, options):
    """The times of one row of the table in every precision that it has a limit for."""
    name, arguments, make, shape, limits = row
    peers = {precision: job for precision, job in jobs(make, shape, options).items() if precision in limits}
    times = {precision: {peer: [] for peer in ["idgan", *own]} for precision, own in peers.items()}
    reports = {}
    for _ in range(options.rounds):
        for precision, own in peers.items():
            command = ["render", *arguments, "--device", "cpu", "--precision", precision]
            reports[precision] = idgan_ms(options.idgan, command, options.repeat, options.threads)
            times[precision]["idgan"].append(reports[precision]["median_ms"])
            for peer, job in own.items():
                times[precision][peer].append(median_ms(job, options.repeat))
                time.sleep(SETTLE_SECONDS)
    return [verdict(name, precision, times[precision], reports[precision], limits[precision]) for precision in peers]


def verdict(name, precision, times, report, limit):
    """One line of the table."""
    medians = {peer: statistics.median(values) for peer, values in times.items()}
    best = min((peer for peer in medians if peer != "idgan"), key=medians.get)
    return {
        "row": name,
        "precision": precision,
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
    versions = {
        "torch": torch.__version__,
        "onnxruntime": onnxruntime.__version__,
        "openvino": openvino.__version__,
    }
    return {"processor": name, "cores": os.cpu_count(), **versions}


def print_table(rows):
    """One line a row, all times in ms."""
    peers = ["idgan", *PEERS["f32"]]
    print("| work | in | " + " | ".join(peers) + " | ratio to the fastest | at most |")
    print("|---" * (len(peers) + 4) + "|")
    for row in rows:
        cells = [f"{row['median_ms'][peer]:.2f}" if peer in row["median_ms"] else "" for peer in peers]
        ratio = f"{row['ratio']:.2f}x | {row['limit']}x |"
        print(f"| {row['row']} | {row['precision']} | " + " | ".join(cells) + f" | {ratio}")


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
    chosen = [row for row in RENDER_ROWS if options.rows in row[0]]
    rows = [line for row in chosen for line in render_rows(row, options)]
    print_table(rows)
    out = pathlib.Path(options.out or pathlib.Path(options.work) / "bench-peers.json")
    document = {"machine": machine(), "threads": options.threads, "unit": "ms", "rows": rows}
    out.write_text(json.dumps(document, indent=2) + "\n")
    print(f"written to {out}")


if __name__ == "__main__":
    main()
