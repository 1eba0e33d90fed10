"""Networks of IB-GAN and OOGAN in plain PyTorch, under the names of the published files, and their steps and that of an implicit
autoencoder, for references and benchmarks."""

import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm


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


class Up(nn.Module):
    """Doubles a map, under the names of OOGAN's published files."""

    def __init__(self, inputs, outputs):
        super().__init__()
        conv = nn.Conv2d(inputs, outputs, 3, 1, 1)
        self.main = nn.Sequential(nn.Upsample(scale_factor=2), conv, nn.BatchNorm2d(outputs), nn.LeakyReLU(0.1))

    def forward(self, x):
        return self.main(x)


class Down(nn.Module):
    """Halves a map."""

    def __init__(self, inputs, outputs):
        super().__init__()
        conv = nn.Conv2d(inputs, outputs, 3, 1, 1)
        self.main = nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.AvgPool2d(2), nn.LeakyReLU(0.2))

    def forward(self, x):
        return self.main(x)


class OoganInput(nn.Module):
    """What c draws, and z where c lets it."""

    def __init__(self, c, z, small, large):
        super().__init__()
        spread = lambda inputs, outputs: [
            *[nn.Unflatten(1, (inputs, 1, 1)), nn.ConvTranspose2d(inputs, outputs, 4)],
            *[nn.BatchNorm2d(outputs), nn.LeakyReLU(0.01)],
        ]
        self.c, self.large = c, large
        self.from_c_4 = nn.Sequential(*spread(c, small))
        self.from_c_8 = Up(small, large)
        self.from_z_8 = nn.Sequential(*spread(z, z // 2), Up(z // 2, large))
        self.attn_from_c = nn.Module()
        self.attn_from_c.channel_attention = nn.Sequential(nn.Linear(c, large), nn.ReLU(), nn.Linear(large, large))

    def forward(self, codes):
        c, z = codes[:, : self.c], codes[:, self.c :]
        share = self.large * self.attn_from_c.channel_attention(c)[:, :, None, None]
        return self.from_c_8(self.from_c_4(c)) + share * self.from_z_8(z)


class InfoGanInput(nn.Module):
    """The same of c and z side by side."""

    def __init__(self, codes, small, large):
        super().__init__()
        first = nn.Unflatten(1, (codes, 1, 1)), nn.ConvTranspose2d(codes, small, 4)
        self.main = nn.Sequential(*first, nn.BatchNorm2d(small), nn.LeakyReLU(0.01), Up(small, large))

    def forward(self, codes):
        return self.main(codes)


class OoganGenerator(nn.Module):
    """OOGAN's generator of pictures of 32 pixels."""

    def __init__(self, c, z, width, is_infogan=False):
        super().__init__()
        sizes = 4 * width, 4 * width
        self.init_block = InfoGanInput(c + z, *sizes) if is_infogan else OoganInput(c, z, *sizes)
        last = spectral_norm(nn.Conv2d(width, 1, 1))
        self.blocks = nn.Sequential(Up(4 * width, 2 * width), Up(2 * width, width), nn.Sequential(last, nn.Tanh()))

    def forward(self, codes):
        return self.blocks(self.init_block(codes))


class OrthogonalRows(nn.Module):
    """A weight as k rows of 16, which is moved towards orthogonal ones before each use in training."""

    def moves(self, rate):
        self.optimiser = torch.optim.Adam(self.parameters(), lr=rate, betas=(0.5, 0.99))
        self.cosines = []

    def step(self, weight):
        rows = F.normalize(weight.reshape(-1, 16), dim=1)
        cosines = (rows @ rows.T).square().mean()
        self.optimiser.zero_grad()
        cosines.backward()
        self.optimiser.step()
        self.cosines.append(cosines.item())


class Kernels(OrthogonalRows):
    def __init__(self, k, rate):
        super().__init__()
        self.conv = nn.Conv2d(k, k, 4, 2, 1, groups=k)
        self.moves(rate)

    def forward(self, x):
        self.step(self.conv.weight)
        return self.conv(x)


class Product(OrthogonalRows):
    def __init__(self, k, rate):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, k, 4, 4))
        self.moves(rate)

    def forward(self, x):
        self.step(self.weight)
        return (x * self.weight).mean((2, 3))


class OoganCritic(nn.Module):
    """OOGAN's discriminator and reader of pictures of 32 pixels; `rates` are those of the reader's kernels and product."""

    def __init__(self, c, w, rates):
        super().__init__()
        self.feat_16 = nn.Sequential(spectral_norm(nn.Conv2d(1, w, 1)), Down(w, 2 * w))
        self.real_fake = nn.Sequential(Down(2 * w, 4 * w), Down(4 * w, 4 * w), spectral_norm(nn.Conv2d(4 * w, 1, 4)))
        reader = nn.Module()
        reader.main = nn.Sequential(nn.Conv2d(4 * w, 2 * c, 3, 1, 1), nn.LeakyReLU(0.1), Kernels(2 * c, rates[0]))
        reader.trans = Product(2 * c, rates[1])
        reader.forward = lambda x: reader.trans(reader.main(x))
        self.pred_c = nn.Sequential(Down(2 * w, 4 * w), reader)

    def forward(self, x):
        x = self.feat_16(x)
        return self.real_fake(x).flatten(), self.pred_c(x)


def oogan_step(layout):
    """A function that makes a step of the preset dsprites-small, as the published program does."""
    batch, c_dim, z_dim, width, rate = 64, 6, 10, 16, 1e-4
    generator = OoganGenerator(c_dim, z_dim, width, is_infogan=True).to(memory_format=layout)
    critic = OoganCritic(c_dim, width, [1e-5, 1e-4]).to(memory_format=layout)
    average = [parameter.detach().clone() for parameter in generator.parameters()]
    rule = {"lr": rate, "betas": (0.5, 0.99)}
    painter = torch.optim.Adam(generator.parameters(), **rule)
    judge = torch.optim.Adam(critic.parameters(), **rule)
    both = torch.optim.Adam([*generator.parameters(), *critic.pred_c.parameters()], **rule)
    pictures = (torch.rand(batch, 1, 32, 32) * 2 - 1).to(memory_format=layout)

    def step():
        generated = generator(torch.cat([torch.rand(batch, c_dim), torch.randn(batch, z_dim)], 1))
        judge.zero_grad()
        fake = generated.detach()
        (F.relu(1 - critic(pictures)[0]).mean() + F.relu(1 + critic(fake)[0]).mean()).backward()
        share = torch.rand(batch, 1, 1, 1)
        mixed = (share * pictures + (1 - share) * fake).requires_grad_(True)
        slope = torch.autograd.grad(critic(mixed)[0].sum(), mixed, create_graph=True)[0]
        (10 * (slope.flatten(1).norm(dim=1) - 1).square().mean()).backward(inputs=list(critic.parameters()))
        judge.step()
        painter.zero_grad()
        (-critic(generated)[0].mean()).backward(inputs=list(generator.parameters()))
        painter.step()
        both.zero_grad()
        c = torch.rand(batch, c_dim)
        mu, log_sigma = critic(generator(torch.cat([c, torch.randn(batch, z_dim)], 1)))[1].chunk(2, 1)
        info = 0.5 * ((c - mu).square() * (-2 * log_sigma).exp() + 2 * log_sigma + math.log(2 * math.pi)).mean()
        info.backward(inputs=[*generator.parameters(), *critic.pred_c.parameters()])
        both.step()
        with torch.no_grad():
            torch._foreach_lerp_(average, list(generator.parameters()), 1e-3)

    return step


class PairDiscriminator(nn.Module):
    """Of pictures of 32 pixels with their codes, which are added to the first convolution's result place by place."""

    def __init__(self, z, width, units):
        super().__init__()
        self.condition = nn.Sequential(nn.Linear(z, units // 2), nn.ReLU(), nn.Linear(units // 2, 16 * 16))
        self.first = nn.Conv2d(1, width, 4, 2, 1)
        rest = [nn.ReLU(), nn.BatchNorm2d(width)]
        for inputs in (width, 2 * width):
            rest += [nn.Conv2d(inputs, 2 * inputs, 4, 2, 1), nn.ReLU(), nn.BatchNorm2d(2 * inputs)]
        self.rest = nn.Sequential(*rest, nn.Flatten(), nn.Linear(4 * width * 16, 1))

    def forward(self, picture, code):
        return self.rest(self.first(picture) + self.condition(code).reshape(-1, 1, 16, 16))


def iae_step(layout):
    """A function that makes a step of the preset sprites-small. A discriminator sees real and drawn examples in one batch."""
    batch, z_dim, n_dim, width, units = 100, 10, 10, 16, 256
    down, up = [], [nn.Linear(z_dim + n_dim, 64 * width), nn.ReLU(), nn.BatchNorm1d(64 * width)]
    up.append(nn.Unflatten(1, (4 * width, 4, 4)))
    for inputs, outputs in ((1, width), (width, 2 * width), (2 * width, 4 * width)):
        down += [nn.Conv2d(inputs, outputs, 4, 2, 1), nn.ReLU(), nn.BatchNorm2d(outputs)]
    for inputs in (4 * width, 2 * width):
        outputs = inputs // 2
        up += [nn.ConvTranspose2d(inputs, outputs, 4, 2, 1), nn.ReLU(), nn.BatchNorm2d(outputs)]
    encoder = nn.Sequential(*down, nn.Flatten(), nn.Linear(64 * width, z_dim), nn.BatchNorm1d(z_dim))
    decoder = nn.Sequential(*up, nn.ConvTranspose2d(width, 1, 4, 2, 1), nn.Tanh())
    pairs = PairDiscriminator(z_dim, width, units)
    hidden = [nn.Linear(z_dim, units), nn.ReLU(), nn.Linear(units, units), nn.ReLU()]
    codes = nn.Sequential(*hidden, nn.Linear(units, 1))
    networks = [network.to(memory_format=layout) for network in (encoder, decoder, pairs, codes)]
    rules = [torch.optim.Adam(network.parameters(), lr=2e-4, betas=(0.5, 0.999)) for network in networks]
    learnt, judging = ([*a.parameters(), *b.parameters()] for a, b in (networks[:2], networks[2:]))
    pictures = (torch.rand(batch, 1, 32, 32) * 2 - 1).to(memory_format=layout)

    def told(judge, real, fake):
        return judge(*(torch.cat(both) for both in zip(real, fake, strict=True))).flatten().chunk(2)

    def step():
        for rule in rules:
            rule.zero_grad()
        code = encoder(pictures)
        picture, prior = decoder(torch.cat([code, torch.randn(batch, n_dim)], 1)), torch.randn(batch, z_dim)
        real_pair, fixed = (pictures, code.detach()), (picture.detach(), code.detach())
        loss = 0
        for real, fake in (told(pairs, real_pair, fixed), told(codes, (prior,), fixed[1:])):
            loss = loss + F.softplus(-real).mean() + F.softplus(fake).mean()
        loss.backward(inputs=judging)
        rules[2].step()
        rules[3].step()
        confused = told(pairs, real_pair, (picture, code))[1], told(codes, (prior,), (code,))[1]
        sum(F.softplus(-fake).mean() for fake in confused).backward(inputs=learnt)
        rules[0].step()
        rules[1].step()

    return step
