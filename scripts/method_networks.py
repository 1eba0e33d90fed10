"""Networks of IB-GAN in plain PyTorch, under the names of the published files, and its step, for references and benchmarks."""

import torch
from torch import nn
from torch.nn import functional as F


class IbGanGenerator(nn.Module):
    """Emitter and generator, under the names of the published files."""

    def __init__(self, z, r, n, channels):
        super().__init__()
        self.n = n
        self.emb = nn.Sequential(nn.Linear(z, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2 * r))
        self.fe = nn.Sequential(
            *[nn.Linear(r, 16 * n), nn.BatchNorm1d(16 * n), nn.ReLU()],
            *[nn.Linear(16 * n, 4 * n * 64), nn.BatchNorm1d(4 * n * 64), nn.ReLU()],
        )
        layers = []
        for inputs, outputs, kernel, stride in [(4, 4, 3, 1), (4, 4, 3, 1), (4, 2, 4, 2), (2, 1, 4, 2)]:
            conv = nn.ConvTranspose2d(inputs * n, outputs * n, kernel, stride, 1, bias=False)
            layers += [conv, nn.BatchNorm2d(outputs * n), nn.ReLU()]
        self.conv = nn.Sequential(*layers, nn.ConvTranspose2d(n, channels, 4, 2, 1), nn.Tanh())

    def forward(self, z, noise):
        mu, logvar = self.emb(z).chunk(2, 1)
        r = mu + (logvar / 2).exp() * noise
        kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1).mean()
        return self.conv(self.fe(r).reshape(-1, 4 * self.n, 8, 8)), kl


class IbGanCritic(nn.Module):
    """Discriminator and reader in the form for sprites."""

    def __init__(self, z, m, channels):
        super().__init__()
        self.disc = nn.Sequential(*self.tower(m, channels), nn.Conv2d(16 * m, 1, 1))
        more = [nn.Conv2d(16 * m, 16 * m, 1), nn.BatchNorm2d(16 * m), nn.LeakyReLU(0.2)]
        self.encoder = nn.Sequential(*self.tower(m, channels), *more, nn.Conv2d(16 * m, z, 1))

    @staticmethod
    def tower(m, channels):
        layers = [nn.Conv2d(channels, m, 4, 2, 1), nn.LeakyReLU(0.2)]
        for inputs, outputs, kernel, stride, padding in [(1, 2, 4, 2, 1), (2, 4, 4, 2, 1), (4, 8, 3, 1, 1), (8, 16, 8, 1, 0)]:
            conv = nn.Conv2d(inputs * m, outputs * m, kernel, stride, padding, bias=False)
            layers += [conv, nn.BatchNorm2d(outputs * m), nn.LeakyReLU(0.2)]
        return layers


def ib_gan_step(layout):
    """A function that makes a step of the preset dsprites-small, as the published program does."""
    batch, z_dim, r_dim, width, sigma = 64, 16, 10, 16, 0.5
    generator = IbGanGenerator(z_dim, r_dim, width, 1).to(memory_format=layout)
    critic = IbGanCritic(z_dim, width, 1).to(memory_format=layout)
    learnt = [*generator.parameters(), *critic.encoder.parameters()]
    learner = torch.optim.RMSprop(learnt, lr=5e-5, momentum=0.9)
    judge = torch.optim.RMSprop(critic.disc.parameters(), lr=1e-6, momentum=0.9)
    pictures = torch.rand(batch, 1, 64, 64).to(memory_format=layout) * 2 - 1

    def noisy(x):
        return (x + sigma * torch.randn_like(x)).clamp(-1, 1)

    def step():
        z = torch.randn(batch, z_dim)
        generated, kl = generator(z, torch.randn(batch, r_dim))
        seen, real = noisy(generated), critic.disc(noisy(pictures)).flatten()
        fake, z_hat = critic.disc(seen).flatten(), critic.encoder(seen).flatten(1)
        judge.zero_grad()
        d_loss = F.softplus(fake).mean() + F.softplus(-real).mean()
        d_loss.backward(retain_graph=True, inputs=list(critic.disc.parameters()))
        learner.zero_grad()
        information = 0.5 * (z**2 - (z - z_hat) ** 2).sum(1).mean()
        (F.softplus(-fake).mean() - information + 0.141 * kl).backward(inputs=learnt)
        judge.step()
        learner.step()

    return step
