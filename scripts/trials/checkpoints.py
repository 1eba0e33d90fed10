"""1, 8 to 12 and unzipped files: checkpoints as people save them."""

import argparse
import collections
import datetime
import os
import pathlib
import re
import zipfile

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from harness import arrays


class Models:
    """The bundled models as PyTorch state dicts, and what the program draws with them."""

    def __init__(self, trials):
        bundle = load_file(trials.checkpoints / "sprites-64.safetensors")
        part = lambda prefix: collections.OrderedDict(
            (name[len(prefix) :], tensor.float().clone())
            for name, tensor in bundle.items()
            if name.startswith(prefix)
        )
        self.vae, self.generator, self.discriminator = (
            part("vae."),
            part("generator."),
            part("discriminator."),
        )
        self.trials = trials
        self.folder = trials.fresh("checkpoints")
        torch.save(self.published(self.vae), self.folder / "reference-vae.pt")
        torch.save(self.gan(self.generator), self.folder / "reference-gan.pt")
        self.reference = {
            flag: self.draw(flag, self.folder / f"reference{flag[1:]}.pt")[1] for flag in ("--vae", "--gan")
        }

    def published(self, net, **others):
        """The form of the authors' `last`."""
        return {
            "iter": 1234,
            "model_states": {"net": net, "c_dim": 10, "nc": 1},
            "optim_states": {"optim": {"state": {}, "param_groups": []}},
            **others,
        }

    def gan(self, generator, **others):
        """The form of the authors' `model.pt`."""
        return {
            "it": 99,
            "generator": generator,
            "discriminator": self.discriminator,
            "generator_test": generator,
            "g_optimizer": {"state": {}},
            **others,
        }

    def draw(self, flag, path):
        """Pictures that the program draws of four random codes with the file at `path`."""
        out = self.folder / "drawn.npz"
        out.unlink(missing_ok=True)
        extra = ["--c-dim", "10"] if flag == "--gan" else []
        result = self.trials.idgan("sample", flag, path, *extra, "--count", "4", "--seed", "3", "--out", out)
        return result, arrays(out).get(flag[2:])

    def save(self, name, content, **options):
        path = self.folder / name
        if name.endswith(".safetensors"):
            save_file({key: tensor.contiguous() for key, tensor in content.items()}, path)
        else:
            torch.save(content, path, **options)
        return path

    def same(self, row, what, flag, path):
        """The file opens, and draws what the published form of the same weights draws."""
        result, drawn = self.draw(flag, path)
        reference = self.reference[flag]
        is_same = drawn is not None and reference is not None and np.array_equal(drawn, reference)
        self.trials.opens(row, what, result, (is_same, "it draws something else"))


def prefixed(state, prefix):
    return collections.OrderedDict((prefix + name, tensor) for name, tensor in state.items())


_models = []


def models(trials):
    if not _models:
        _models.append(Models(trials))
    return _models[0]


def inception():
    """Names and shapes of torchvision's `inception_v3(weights=None)`, written from its definition."""
    table = {}

    def conv(name, inputs, outputs, kernel=1):
        height, width = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        table[f"{name}.conv.weight"] = (outputs, inputs, height, width)
        for part in ("weight", "bias", "running_mean", "running_var"):
            table[f"{name}.bn.{part}"] = (outputs,)
        table[f"{name}.bn.num_batches_tracked"] = ()
        return outputs

    def chain(name, inputs, *layers):
        for layer, (outputs, kernel) in layers:
            inputs = conv(f"{name}_{layer}" if layer else name, inputs, outputs, kernel)

    for name, inputs, outputs, kernel in (
        ("1a_3x3", 3, 32, 3),
        ("2a_3x3", 32, 32, 3),
        ("2b_3x3", 32, 64, 3),
        ("3b_1x1", 64, 80, 1),
        ("4a_3x3", 80, 192, 3),
    ):
        conv(f"Conv2d_{name}", inputs, outputs, kernel)
    for block, inputs, pool in (("5b", 192, 32), ("5c", 256, 64), ("5d", 288, 64)):
        block = f"Mixed_{block}"
        conv(f"{block}.branch1x1", inputs, 64)
        chain(f"{block}.branch5x5", inputs, ("1", (48, 1)), ("2", (64, 5)))
        chain(f"{block}.branch3x3dbl", inputs, ("1", (64, 1)), ("2", (96, 3)), ("3", (96, 3)))
        conv(f"{block}.branch_pool", inputs, pool)
    conv("Mixed_6a.branch3x3", 288, 384, 3)
    chain("Mixed_6a.branch3x3dbl", 288, ("1", (64, 1)), ("2", (96, 3)), ("3", (96, 3)))
    for block, middle in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
        block = f"Mixed_{block}"
        conv(f"{block}.branch1x1", 768, 192)
        chain(f"{block}.branch7x7", 768, ("1", (middle, 1)), ("2", (middle, (1, 7))), ("3", (192, (7, 1))))
        chain(
            f"{block}.branch7x7dbl",
            768,
            ("1", (middle, 1)),
            ("2", (middle, (7, 1))),
            ("3", (middle, (1, 7))),
            ("4", (middle, (7, 1))),
            ("5", (192, (1, 7))),
        )
        conv(f"{block}.branch_pool", 768, 192)
    conv("AuxLogits.conv0", 768, 128)
    conv("AuxLogits.conv1", 128, 768, 5)
    table["AuxLogits.fc.weight"], table["AuxLogits.fc.bias"] = (1000, 768), (1000,)
    chain("Mixed_7a.branch3x3", 768, ("1", (192, 1)), ("2", (320, 3)))
    chain(
        "Mixed_7a.branch7x7x3",
        768,
        ("1", (192, 1)),
        ("2", (192, (1, 7))),
        ("3", (192, (7, 1))),
        ("4", (192, 3)),
    )
    for block, inputs in (("7b", 1280), ("7c", 2048)):
        block = f"Mixed_{block}"
        conv(f"{block}.branch1x1", inputs, 320)
        conv(f"{block}.branch3x3_1", inputs, 384)
        conv(f"{block}.branch3x3_2a", 384, 384, (1, 3))
        conv(f"{block}.branch3x3_2b", 384, 384, (3, 1))
        chain(f"{block}.branch3x3dbl", inputs, ("1", (448, 1)), ("2", (384, 3)))
        conv(f"{block}.branch3x3dbl_3a", 384, 384, (1, 3))
        conv(f"{block}.branch3x3dbl_3b", 384, 384, (3, 1))
        conv(f"{block}.branch_pool", inputs, 192)
    table["fc.weight"], table["fc.bias"] = (1000, 2048), (1000,)
    # one stored zero, however large: the values do not matter
    zero = torch.zeros(1)
    return {
        name: zero.expand(shape) if shape else torch.zeros((), dtype=torch.int64)
        for name, shape in table.items()
    }


def wrong_inception(trials, row):
    """1: another Inception than FID's is refused."""
    folder = trials.fresh("inception")
    torchvision = inception()
    without_aux = {name: tensor for name, tensor in torchvision.items() if not name.startswith("AuxLogits")}
    resnet = {
        "conv1.weight": torch.zeros(64, 3, 7, 7),
        "layer1.0.conv1.weight": torch.zeros(64, 64, 1, 1),
        "fc.weight": torch.zeros(1000, 2048),
        "fc.bias": torch.zeros(1000),
    }
    files = {
        "torchvision's": torchvision,
        "torchvision's without AuxLogits": without_aux,
        "torchvision's of DataParallel": prefixed(torchvision, "module."),
        "torchvision's in a wrapper": {"state_dict": torchvision, "epoch": 3},
        "a ResNet": resnet,
    }
    for what, content in files.items():
        path = folder / "weights.pth"
        torch.save(content, path)
        result = trials.idgan(
            "eval",
            "sprites-64",
            "--data",
            "dsprites",
            "--metrics",
            "fid",
            "--samples",
            "16",
            "--inception",
            path,
        )
        trials.refused(
            row,
            f"--inception {what}",
            result,
            "pt_inception-2015-12-05-6726825d.pth",
            *(["1008"] if "torchvision" in what else []),
        )


def prefixes(trials, row):
    """8: wrappers leave prefixes, in any nesting."""
    m = models(trials)
    for prefix in (
        "module.",
        "_orig_mod.",
        "module._orig_mod.",
        "_orig_mod.module.",
        "module.module.",
        "model.",
        "net.",
        "_forward_module.module.",
    ):
        m.same(row, f"VAE alone, {prefix}", "--vae", m.save("p.pt", prefixed(m.vae, prefix)))
        m.same(row, f"published VAE, {prefix}", "--vae", m.save("p.pt", m.published(prefixed(m.vae, prefix))))
        m.same(row, f"GAN, {prefix}", "--gan", m.save("p.pt", m.gan(prefixed(m.generator, prefix))))
        m.same(row, f"safetensors, {prefix}", "--vae", m.save("p.safetensors", prefixed(m.vae, prefix)))


def averages(trials, row):
    """9: averaged weights with their counter."""
    m = models(trials)
    counter = lambda state, name="n_averaged": collections.OrderedDict(
        [(name, torch.tensor(17)), *state.items()]
    )
    m.same(
        row,
        "averaged generator_test",
        "--gan",
        m.save("a.pt", {**m.gan(m.generator), "generator_test": counter(prefixed(m.generator, "module."))}),
    )
    m.same(row, "averaged VAE alone", "--vae", m.save("a.pt", counter(prefixed(m.vae, "module."))))
    m.same(
        row,
        "averaged VAE in the published form",
        "--vae",
        m.save("a.pt", m.published(counter(prefixed(m.vae, "module.")))),
    )
    m.same(
        row,
        "another counter (num_updates)",
        "--gan",
        m.save("a.pt", m.gan(counter(m.generator, "num_updates"))),
    )
    m.same(
        row, "averaged and compiled", "--vae", m.save("a.pt", counter(prefixed(m.vae, "module._orig_mod.")))
    )


def other_names(trials, row):
    """10: the same layers under other names; other networks are named."""
    m = models(trials)
    renamed = collections.OrderedDict(
        (name.replace(".layer.", "."), tensor) for name, tensor in m.vae.items()
    )
    m.same(row, "BetaVAE_H, published form", "--vae", m.save("b.pt", m.published(renamed)))
    m.same(row, "BetaVAE_H, alone", "--vae", m.save("b.pt", renamed))
    m.same(row, "BetaVAE_H, of DataParallel", "--vae", m.save("b.pt", prefixed(renamed, "module.")))
    others = {
        "another VAE": {
            "encoder.conv1.weight": torch.zeros(32, 1, 4, 4),
            "encoder.mu_logvar_gen.weight": torch.zeros(20, 256),
            "decoder.lin1.weight": torch.zeros(256, 10),
        },
        "a StyleGAN": {
            "G_ema": {"synthesis.b4.const": torch.zeros(8, 4, 4), "mapping.fc0.weight": torch.zeros(8, 8)}
        },
        "a ResNet": {"conv1.weight": torch.zeros(64, 3, 7, 7), "fc.weight": torch.zeros(10, 512)},
    }
    for what, content in others.items():
        path = m.save("o.pt", content)
        first = next(iter(content["G_ema"] if "G_ema" in content else content))
        for flag in ("--vae", "--gan"):
            extra = ["--c-dim", "10"] if flag == "--gan" else []
            result = trials.idgan("sample", flag, path, *extra, "--count", "1", "--out", m.folder / "o.npz")
            trials.refused(row, f"{what} as {flag}", result, re.escape(first.split(".")[0]))


def wrappers(trials, row):
    """11: weights in the wrappers of training frameworks."""
    m = models(trials)
    for key in (
        "model_state_dict",
        "model",
        "net",
        "params",
        "state_dict",
        "vae_state_dict",
        "module",
        "ema",
        "weights",
        "network",
    ):
        content = {
            "epoch": 3,
            key: m.vae,
            "optimizer_state_dict": {"state": {}, "param_groups": []},
            "loss": 0.12,
        }
        m.same(row, f"VAE under {key}", "--vae", m.save("w.pt", content))
    lightning = {
        "epoch": 3,
        "global_step": 99,
        "pytorch-lightning_version": "2.4.0",
        "state_dict": prefixed(m.vae, "model."),
        "callbacks": {},
        "lr_schedulers": [],
        "hparams_name": "kwargs",
    }
    m.same(row, "Lightning", "--vae", m.save("w.pt", lightning))
    m.same(
        row,
        "DeepSpeed",
        "--vae",
        m.save("w.pt", {"module": m.vae, "buffer_names": [], "global_steps": 9, "dp_world_size": 1}),
    )
    m.same(
        row, "a wrapper in a wrapper", "--vae", m.save("w.pt", {"state": {"model": {"state_dict": m.vae}}})
    )
    m.same(row, "GAN, wrapped", "--gan", m.save("w.pt", {"model": m.gan(m.generator), "epoch": 1}))


class Trained:
    """A value that only the code that wrote it knows."""


def beside_weights(trials, row):
    """12: what lies beside the weights is no reason to refuse them, and is never run."""
    m = models(trials)
    values = {
        "torch.device and dtype": {"device": torch.device("cpu"), "dtype": torch.float32},
        "plain values and bytes": {
            "big": 10**30,
            "neg": -1,
            "f": float("nan"),
            "t": (1, (2, 3)),
            "n": None,
            "u": "\u00fcn\u00ef",
            "by": b"abc",
        },
        "a namespace": {"args": argparse.Namespace(beta=4, z_dim=10)},
        "numpy scalars": {"loss": np.float64(0.25), "f32": np.float32(1)},
        "a numpy array": {"hist": np.arange(3.0)},
        "a path": {"path": pathlib.Path("data/x")},
        "a date": {"when": datetime.datetime(2024, 1, 1)},
        "sets and a generator's state": {
            "rng": torch.get_rng_state(),
            "s": {1, 2, 3},
            "fs": frozenset([1]),
            "b": bytearray(b"x"),
            "c": 1j,
        },
        "dictionaries": {"dd": collections.defaultdict(list, {"a": [1]}), "ctr": collections.Counter("aab")},
        "unsigned 16 bit": {"extra": torch.zeros(3).to(torch.uint16)},
        "complex numbers": {"extra": torch.zeros(3).to(torch.complex64)},
        "a size": {"size": torch.zeros(2, 3).shape},
        "a quantized type": {"q": torch.quint8},
        "a class of one's own": {"model": Trained()},
    }
    for what, others in values.items():
        try:
            path = m.save("beside.pt", m.published(m.vae, **others))
        except Exception as error:
            trials.skip(
                row, f"beside the weights: {what}", f"PyTorch does not write it ({type(error).__name__})"
            )
            continue
        m.same(row, f"beside the weights: {what}", "--vae", path)
    optimised = torch.optim.Adam([torch.nn.Parameter(torch.ones(2))])
    optimised.param_groups[0]["params"][0].sum().backward()
    optimised.step()
    m.same(
        row,
        "beside the weights: Adam",
        "--vae",
        m.save("beside.pt", m.published(m.vae, optim=optimised.state_dict())),
    )
    schedule = torch.optim.lr_scheduler.StepLR(optimised, 3)
    m.same(
        row,
        "beside the weights: a schedule",
        "--vae",
        m.save("beside.pt", m.published(m.vae, sched=schedule.state_dict())),
    )
    parameters = collections.OrderedDict((name, torch.nn.Parameter(tensor)) for name, tensor in m.vae.items())
    m.same(row, "parameters", "--vae", m.save("beside.pt", m.published(parameters)))
    for parameter in parameters.values():
        parameter.lr_mul = 1.0
    m.same(row, "parameters with attributes", "--vae", m.save("beside.pt", m.published(parameters)))
    tensors = collections.OrderedDict((name, tensor.clone()) for name, tensor in m.vae.items())
    for tensor in tensors.values():
        tensor.tag = "x"
    m.same(row, "tensors with attributes", "--vae", m.save("beside.pt", m.published(tensors)))
    m.same(
        row,
        "everything at once, old encoding",
        "--vae",
        m.save(
            "beside.pt",
            m.published(parameters, **values["plain values and bytes"]),
            _use_new_zipfile_serialization=False,
        ),
    )


class Harmful:
    """Runs a command when something builds it."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def harmful(trials, row):
    """12: code in a file is never run."""
    m = models(trials)
    witness = trials.path("harm")
    for what, content in {
        "beside the weights": m.published(m.vae, x=Harmful(f"touch {witness}")),
        "alone": Harmful(f"touch {witness}"),
    }.items():
        witness.unlink(missing_ok=True)
        path = m.save("harm.pt", content)
        for words in (
            ["inspect", path],
            ["sample", "--vae", path, "--count", "1", "--out", m.folder / "h.npz"],
        ):
            result = trials.idgan(*words)
            trials.check(row, f"a command {what}, {words[0]}", result, (not witness.exists(), "it was run"))


def unzipped(trials, row):
    """A .pt that was unzipped is read, or said to want zipping."""
    m = models(trials)
    for what, unpack in {
        "as it is": lambda archive, to: archive.extractall(to),
        "only its inside": None,
    }.items():
        folder = trials.fresh("unzipped")
        archive = zipfile.ZipFile(m.folder / "reference-vae.pt")
        archive.extractall(folder)
        inside = folder if unpack else next(path for path in folder.iterdir() if path.is_dir())
        result, drawn = m.draw("--vae", inside)
        if result.code == 0:
            trials.opens(
                row,
                f"an unzipped .pt, {what}",
                result,
                (np.array_equal(drawn, m.reference["--vae"]), "it draws something else"),
            )
        else:
            trials.refused(row, f"an unzipped .pt, {what}", result, "zip")
        result = trials.idgan("inspect", inside)
        trials.check(
            row,
            f"an unzipped .pt, {what}, inspect",
            result,
            (result.code == 0 or "zip" in result.err, "it should speak of zip"),
        )


def both(*functions):
    def all_of_them(trials, row):
        for function in functions:
            function(trials, row)

    return all_of_them


def run(trials):
    trials.each(
        {
            "1": wrong_inception,
            "8": prefixes,
            "9": averages,
            "10": other_names,
            "11": wrappers,
            "12": both(beside_weights, harmful),
            "unzipped": unzipped,
        }
    )
