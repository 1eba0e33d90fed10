"""The paper's networks and training steps in PyTorch, as a person would write them: what idgan is measured against.

Shared by scripts/bench_peers.py, scripts/bench_training.py and scripts/gpu. Needs PyTorch and nothing else.
"""

import contextlib
import copy
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F

LAYOUTS = {"PyTorch": torch.contiguous_format, "PyTorch channels_last": torch.channels_last}


class Block(nn.Module):
    """Residual block of the generator: shortcut(x) + 0.1 conv(act(conv(act(x))))."""

    def __init__(self, inputs, outputs):
        super().__init__()
        hidden = min(inputs, outputs)
        self.conv_0 = nn.Conv2d(inputs, hidden, 3, padding=1)
        self.conv_1 = nn.Conv2d(hidden, outputs, 3, padding=1)
        self.conv_s = nn.Conv2d(inputs, outputs, 1, bias=False) if inputs != outputs else nn.Identity()

    def forward(self, x):
        dx = self.conv_0(F.leaky_relu(x, 0.2))
        return self.conv_s(x) + 0.1 * self.conv_1(F.leaky_relu(dx, 0.2))


def widths(size, nfilter, nfilter_max):
    """Channels at full size, half of it, and so on down to 4x4."""
    return [min(nfilter * 2**halvings, nfilter_max) for halvings in range((size // 4).bit_length())]


class Resnet(nn.Module):
    """The residual generator of the paper's section A.3."""

    def __init__(self, size, nfilter, nfilter_max, z_dim=276):
        super().__init__()
        at = widths(size, nfilter, nfilter_max)
        self.first = at[-1]
        self.fc = nn.Linear(z_dim, self.first * 16)
        layers = []
        for level in range(len(at) - 1, 0, -1):
            layers += [Block(at[level], at[level - 1]), nn.Upsample(scale_factor=2)]
        layers.append(Block(at[0], at[0]))
        self.resnet = nn.Sequential(*layers)
        self.conv_img = nn.Conv2d(at[0], 3, 3, padding=1)

    def forward(self, z):
        x = self.fc(z).view(-1, self.first, 4, 4)
        return torch.tanh(self.conv_img(F.leaky_relu(self.resnet(x), 0.2)))


class ResnetDiscriminator(nn.Module):
    """The residual discriminator of the same section."""

    def __init__(self, size, nfilter, nfilter_max):
        super().__init__()
        at = widths(size, nfilter, nfilter_max)
        layers = [nn.Conv2d(3, at[0], 3, padding=1), Block(at[0], at[0])]
        for inputs, outputs in zip(at, at[1:]):
            layers += [nn.AvgPool2d(3, 2, 1), Block(inputs, outputs)]
        self.trunk = nn.Sequential(*layers)
        self.fc = nn.Linear(at[-1] * 16, 1)

    def forward(self, x):
        return self.fc(F.leaky_relu(self.trunk(x).flatten(1), 0.2))


class Logits(nn.Module):
    """The VAE's decoder."""

    def __init__(self, c_dim=10, channels=1):
        super().__init__()
        self.linear = nn.Linear(c_dim, 256)
        at = [256, 64, 64, 32, 32, channels]
        self.layers = nn.ModuleList(
            nn.ConvTranspose2d(a, b, 4, *((1, 0) if i == 0 else (2, 1))) for i, (a, b) in enumerate(zip(at, at[1:]))
        )

    def forward(self, c):
        x = self.linear(c).view(-1, 256, 1, 1)
        for layer in self.layers:
            x = layer(F.relu(x))
        return x


class Decoder(Logits):
    """The same with the sigmoid that makes its logits a picture."""

    def forward(self, c):
        return torch.sigmoid(super().forward(c))


class SmallGenerator(Logits):
    """The decoder's shape with tanh."""

    def forward(self, z):
        return torch.tanh(super().forward(z))


class Encoder(nn.Module):
    """The VAE's encoder."""

    def __init__(self, c_dim=10, channels=1):
        super().__init__()
        at = [channels, 32, 32, 64, 64]
        layers = []
        for a, b in zip(at, at[1:]):
            layers += [nn.Conv2d(a, b, 4, 2, 1), nn.ReLU()]
        layers += [nn.Conv2d(64, 256, 4), nn.ReLU(), nn.Flatten(), nn.Linear(256, 2 * c_dim)]
        self.layer = nn.Sequential(*layers)

    def forward(self, x):
        return self.layer(x)


class SmallDiscriminator(Encoder):
    """The encoder's shape with one output."""

    def __init__(self):
        super().__init__()
        self.layer[-1] = nn.Linear(256, 1)


def at_precision(precision, device):
    """What PyTorch computes in: f32, tf32, or bf16 with master weights of 32 bits (autocast)."""
    fast = precision != "f32"
    torch.backends.cuda.matmul.allow_tf32 = fast
    torch.backends.cudnn.allow_tf32 = fast
    return torch.autocast(device, torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()


def vae_step(layout, device="cpu", precision="f32", batch=64):
    """A step of the beta-VAE with Adam; it returns the loss."""
    encoder, decoder = [net.to(device, memory_format=layout) for net in (Encoder(), Logits())]
    optimiser = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-4)
    pictures = torch.rand(batch, 1, 64, 64, device=device).to(memory_format=layout)

    def step():
        with at_precision(precision, device):
            mu, logvar = encoder(pictures).float().chunk(2, 1)
            logits = decoder(mu + (logvar / 2).exp() * torch.randn_like(mu)).float()
        likelihood = F.binary_cross_entropy_with_logits(logits, pictures, reduction="sum") / len(pictures)
        kl = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(1).mean()
        optimiser.zero_grad()
        loss = likelihood + 8 * kl
        loss.backward()
        optimiser.step()
        return loss.detach()

    return step


def gan_step(layout, generator, discriminator, channels, c_dim, s_dim, batch, size=64, device="cpu", precision="f32"):
    """An iteration of ID-GAN: D with R1, G with distillation, the moving average; it returns D's loss."""
    generator, discriminator = [net.to(device, memory_format=layout) for net in (generator, discriminator)]
    encoder = Encoder(c_dim, channels).to(device, memory_format=layout).requires_grad_(False)
    average = copy.deepcopy(generator)
    of_generator, of_discriminator = [
        torch.optim.RMSprop(net.parameters(), lr=1e-4, alpha=0.99) for net in (generator, discriminator)
    ]
    real = torch.rand(batch, channels, size, size, device=device).mul(2).sub(1).to(memory_format=layout)

    def encode(pictures):
        small = (pictures.float() + 1) / 2
        return encoder(small if size == 64 else F.adaptive_avg_pool2d(small, 64)).float().chunk(2, 1)

    def generate(c):
        return generator(torch.cat([torch.randn(batch, s_dim, device=device), c], 1))

    def turns():
        with torch.no_grad():
            mu, logvar = encode(real)
            c = mu + (logvar / 2).exp() * torch.randn_like(mu)
        discriminator.requires_grad_(True)
        of_discriminator.zero_grad()
        pictures = real.detach().requires_grad_()
        logits = discriminator(pictures).float()
        slope = torch.autograd.grad(logits.sum(), pictures, create_graph=True)[0]
        r1 = 10 * slope.float().square().flatten(1).sum(1).mean()
        loss = F.softplus(-logits).mean() + r1
        loss.backward()
        with torch.no_grad():
            generated = generate(c)
        F.softplus(discriminator(generated).float()).mean().backward()
        of_discriminator.step()

        discriminator.requires_grad_(False)
        of_generator.zero_grad()
        generated = generate(c)
        mu, logvar = encode(generated)
        information = 0.5 * (logvar + (c - mu).square() / (logvar.exp() + 1e-8)).sum(1).mean()
        (F.softplus(-discriminator(generated).float()).mean() + 0.01 * information).backward()
        of_generator.step()
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(generator.parameters()), 0.001)
        return loss.detach()

    def step():
        with at_precision(precision, device):
            return turns()

    return step


def median_ms(job, repeat, warm_up=2, wait=lambda: None):
    """The median time of `repeat` calls, after `warm_up` that are not counted; `wait` lets a device finish."""
    for _ in range(warm_up):
        job()
    wait()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        job()
        wait()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)
