# SPDX-License-Identifier: Apache-2.0
"""Networks of our own for sound, sequences, graphs and tables: recurrent, streaming, spectral, gathering."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from exports import Network, ids, positive, real

TIMES = ({"batch": 1, "time": 20}, {"batch": 3, "time": 33})
BATCHES = ({"batch": 1}, {"batch": 4})


class Recurrent(nn.Module):
    """A recurrent layer from its own first state, and a layer on its last output."""

    def __init__(self, kind, width=12, hidden=16, **options):
        super().__init__()
        self.layer = getattr(nn, kind)(width, hidden, batch_first=True, **options)
        self.last = nn.Linear(hidden * (2 if options.get("bidirectional") else 1), 5)

    def forward(self, x):
        y, state = self.layer(x)
        return self.last(y), self.last(y[:, -1]), (state[0] if isinstance(state, tuple) else state)


class Streaming(nn.Module):
    """A recurrent layer whose state goes in and out."""

    def __init__(self, kind):
        super().__init__()
        self.layer, self.last, self.lstm = getattr(nn, kind)(12, 16, 2), nn.Linear(16, 4), kind == "LSTM"

    def forward(self, x, hidden, cell):
        y, state = self.layer(x, (hidden, cell) if self.lstm else hidden)
        return (self.last(y), *(state if self.lstm else (state, cell * 2)))


class Recognizer(nn.Module):
    """CRNN: convolutions, a sequence along the width, bidirectional layers, class scores."""

    def __init__(self):
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.MaxPool2d((2, 1)),
        )
        self.sequence = nn.LSTM(16 * 4, 12, num_layers=2, bidirectional=True)
        self.last = nn.Linear(24, 11)

    def forward(self, x):
        y = self.convolutions(x)
        y = y.flatten(1, 2).permute(2, 0, 1)
        return self.last(self.sequence(y)[0]).log_softmax(-1)


class Temporal(nn.Module):
    """TCN: causal dilated convolutions with residuals."""

    def __init__(self, width=16):
        super().__init__()
        self.first = nn.Conv1d(8, width, 1)
        self.layers = nn.ModuleList(nn.utils.parametrizations.weight_norm(nn.Conv1d(width, width, 3, dilation=2**i)) for i in range(3))

    def forward(self, x):
        x = self.first(x)
        for i, layer in enumerate(self.layers):
            x = x + F.relu(layer(F.pad(x, (2 * 2**i, 0))))
        return x.mean(-1), x[..., -1]


class Separator(nn.Module):
    """Conv-TasNet: a learned filter bank, masks for two voices, overlap-add."""

    def __init__(self, n=16, b=12):
        super().__init__()
        self.encode, self.decode = nn.Conv1d(1, n, 16, 8, bias=False), nn.ConvTranspose1d(n, 1, 16, 8, bias=False)
        self.norm, self.reduce = nn.GroupNorm(1, n), nn.Conv1d(n, b, 1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(b, 2 * b, 1),
                nn.PReLU(),
                nn.GroupNorm(1, 2 * b),
                nn.Conv1d(2 * b, 2 * b, 3, padding=2**i, dilation=2**i, groups=2 * b),
                nn.PReLU(),
                nn.GroupNorm(1, 2 * b),
                nn.Conv1d(2 * b, b, 1),
            )
            for i in range(3)
        )
        self.masks = nn.Conv1d(b, 2 * n, 1)

    def forward(self, x):
        w = self.encode(x).relu()
        y = self.reduce(self.norm(w))
        for block in self.blocks:
            y = y + block(y)
        masks = self.masks(y).sigmoid().unflatten(1, (2, -1))
        return self.decode((w[:, None] * masks).flatten(0, 1)).unflatten(0, (-1, 2)).squeeze(2)


class Conformer(nn.Module):
    """A block: half a feed-forward, attention with sines of the position, a gated convolution, the other half."""

    def __init__(self, d=32, heads=4):
        super().__init__()
        self.one, self.two = self.forward_layer(d), self.forward_layer(d)
        self.norm, self.attention = nn.LayerNorm(d), nn.MultiheadAttention(d, heads, batch_first=True)
        self.conv_norm, self.point, self.depth, self.batch, self.out = (
            nn.LayerNorm(d),
            nn.Conv1d(d, 2 * d, 1),
            nn.Conv1d(d, d, 7, padding=3, groups=d),
            nn.BatchNorm1d(d),
            nn.Conv1d(d, d, 1),
        )
        self.stem, self.last = nn.Sequential(nn.Conv2d(1, 4, 3, 2), nn.ReLU(), nn.Conv2d(4, 4, 3, 2), nn.ReLU()), nn.Linear(4 * 3, d)

    @staticmethod
    def forward_layer(d):
        return nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 4 * d), nn.SiLU(), nn.Linear(4 * d, d))

    def forward(self, mel):
        x = self.last(self.stem(mel[:, None]).transpose(1, 2).flatten(2))
        place = torch.arange(x.shape[1], dtype=torch.float32)[:, None] * torch.exp(
            torch.arange(0, x.shape[2], 2) * (-math.log(100.0) / x.shape[2])
        )
        x = x + torch.cat([place.sin(), place.cos()], -1)
        x = x + 0.5 * self.one(x)
        y = self.norm(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        y = F.glu(self.point(self.conv_norm(x).transpose(1, 2)), dim=1)
        x = x + self.out(F.silu(self.batch(self.depth(y)))).transpose(1, 2)
        return x + 0.5 * self.two(x)


class Spectral(nn.Module):
    """A spectrogram in the network: STFT, mel bands, logarithm, a small head."""

    def __init__(self, bins=64):
        super().__init__()
        self.bins, self.head = bins, nn.Linear(10, 4)
        self.register_buffer("window", torch.hann_window(bins))
        self.register_buffer("mel", torch.rand(10, bins // 2 + 1))

    def forward(self, sound):
        s = torch.stft(sound, self.bins, self.bins // 2, window=self.window, center=True, pad_mode="reflect", return_complex=True)
        power = torch.view_as_real(s).pow(2).sum(-1)
        return self.head((self.mel @ power + 1e-3).log().transpose(1, 2))


class Fourier(nn.Module):
    """A global filter in the frequency domain (as in FNO and GFNet)."""

    def __init__(self, n=16, c=6):
        super().__init__()
        self.weight, self.last = nn.Parameter(torch.randn(c, n // 2 + 1, 2) * 0.3), nn.Linear(c, 3)

    def forward(self, x):
        y = torch.fft.rfft(x, dim=-1)
        y = y * torch.view_as_complex(self.weight)
        return self.last(torch.fft.irfft(y, n=16, dim=-1).transpose(1, 2))


class Convolved(nn.Module):
    """A spectrogram by convolution with sines, as mobile exports have it, then depthwise separable blocks: word spotting."""

    def __init__(self, bins=32):
        super().__init__()
        n = torch.arange(bins)
        angle = 2 * math.pi * n[None] * torch.arange(bins // 2 + 1)[:, None] / bins
        self.register_buffer("sines", torch.cat([angle.cos(), -angle.sin()])[:, None])
        self.layers = nn.Sequential(
            nn.Conv1d(17, 17, 5, padding=2, groups=17), nn.BatchNorm1d(17), nn.ReLU6(), nn.Conv1d(17, 12, 1), nn.Hardswish()
        )
        self.last = nn.Linear(12, 6)

    def forward(self, sound):
        real_part, imaginary = F.conv1d(sound[:, None], self.sines, stride=16).chunk(2, 1)
        y = self.layers((real_part**2 + imaginary**2 + 1e-6).sqrt())
        return self.last(torch.cat([y.mean(-1)], -1)).softmax(-1), y.std(-1), y.amax(-1)


class Causal(nn.Module):
    """A streaming convolution whose last samples go in and out."""

    def __init__(self):
        super().__init__()
        self.conv, self.last = nn.Conv1d(4, 8, 5, dilation=2), nn.Conv1d(8, 4, 1)

    def forward(self, x, kept):
        x = torch.cat([kept, x], -1)
        return self.last(F.elu(self.conv(x))), x[..., -kept.shape[-1] :]


class Vocoder(nn.Module):
    """HiFi-GAN's shape: transposed convolutions and dilated residual blocks."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Conv1d(8, 16, 7, padding=3), nn.Conv1d(4, 1, 7, padding=3)
        self.up = nn.ModuleList(nn.ConvTranspose1d(16 // 2**i, 8 // 2**i, 8, 4, 2) for i in range(2))
        self.blocks = nn.ModuleList(
            nn.ModuleList(nn.Conv1d(8 // 2**i, 8 // 2**i, 3, padding=d, dilation=d) for d in (1, 3)) for i in range(2)
        )

    def forward(self, mel):
        x = self.first(mel)
        for up, block in zip(self.up, self.blocks):
            x = up(F.leaky_relu(x, 0.1))
            for conv in block:
                x = x + conv(F.leaky_relu(x, 0.1))
        return self.last(F.leaky_relu(x)).tanh()


class Scatter(nn.Module):
    """A graph network: messages along edges, added at their targets, and a mean over nodes."""

    def __init__(self, width=8):
        super().__init__()
        self.message, self.update = nn.Linear(2 * width, width), nn.GRUCell(width, width)

    def forward(self, nodes, edges):
        source, target = edges[0], edges[1]
        for _ in range(2):
            m = self.message(torch.cat([nodes[source], nodes[target]], -1)).relu()
            total = torch.zeros_like(nodes).index_add(0, target, m)
            nodes = self.update(total, nodes)
        return nodes, nodes.mean(0)


class GraphAttention(nn.Module):
    """GAT: a softmax over the edges that enter a node, by scatter."""

    def __init__(self, width=8):
        super().__init__()
        self.project, self.score = nn.Linear(width, width), nn.Linear(2 * width, 1)

    def forward(self, nodes, edges):
        h = self.project(nodes)
        source, target = edges[0], edges[1]
        e = F.leaky_relu(self.score(torch.cat([h[source], h[target]], -1)), 0.2).exp()
        total = torch.zeros(nodes.shape[0], 1).scatter_add(0, target[:, None], e)
        return torch.zeros_like(h).scatter_add(0, target[:, None].expand(-1, h.shape[1]), h[source] * e / (total[target] + 1e-6))


class Dense(nn.Module):
    """A graph network over an adjacency matrix."""

    def __init__(self, width=8):
        super().__init__()
        self.one, self.two = nn.Linear(width, 16), nn.Linear(16, 4)

    def forward(self, nodes, adjacency):
        a = adjacency + torch.eye(adjacency.shape[-1])
        a = a / a.sum(-1, keepdim=True)
        return (a @ self.two((a @ self.one(nodes)).relu())).log_softmax(-1)


class Bags(nn.Module):
    """Embedding bags and a factorization machine: a recommender."""

    def __init__(self):
        super().__init__()
        self.bag, self.fields, self.deep = (
            nn.EmbeddingBag(50, 8, mode="mean"),
            nn.Embedding(40, 8),
            nn.Sequential(nn.Linear(40, 16), nn.ReLU(), nn.Linear(16, 1)),
        )

    def forward(self, words, fields):
        v = torch.cat([self.fields(fields), self.bag(words)[:, None]], 1)
        pairs = (v.sum(1) ** 2 - (v**2).sum(1)).sum(-1, keepdim=True) / 2
        return (pairs * 0.01 + self.deep(v.flatten(1))).sigmoid()


class Points(nn.Module):
    """PointNet with the nearest neighbours of each point."""

    def __init__(self):
        super().__init__()
        self.edge, self.last = nn.Sequential(nn.Conv2d(6, 16, 1), nn.BatchNorm2d(16), nn.LeakyReLU(0.2)), nn.Linear(16, 5)

    def forward(self, points):
        d = torch.cdist(points, points)
        near = d.topk(4, largest=False).indices
        n, p, k = near.shape
        flat = near.reshape(n, p * k, 1).expand(-1, -1, 3)
        neighbours = points.gather(1, flat).view(n, p, k, 3)
        edge = torch.cat([points[:, :, None].expand(-1, -1, k, -1), neighbours - points[:, :, None]], -1)
        return self.last(self.edge(edge.permute(0, 3, 1, 2)).amax(-1).amax(-1))


class PyTorchTransformer(nn.Module):
    """nn.Transformer's layers with a causal mask made inside."""

    def __init__(self, d=32):
        super().__init__()
        self.words, self.places = nn.Embedding(50, d), nn.Embedding(64, d)
        self.encode, self.decode = nn.TransformerEncoderLayer(
            d, 4, 64, batch_first=True, activation="gelu", norm_first=True
        ), nn.TransformerDecoderLayer(d, 4, 64, batch_first=True)

    def forward(self, source, target):
        memory = self.encode(self.words(source) + self.places(torch.arange(source.shape[1])))
        t = target.shape[1]
        causal = torch.full((t, t), float("-inf")).triu(1)
        return self.decode(self.words(target) + self.places(torch.arange(t)), memory, tgt_mask=causal) @ self.words.weight.T


class Forecaster(nn.Module):
    """N-BEATS and NLinear: blocks that take away what they explain."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, 30)) for _ in range(3))

    def forward(self, past):
        last = past[:, -1:]
        rest, future = past - last, last
        for block in self.blocks:
            back, ahead = block(rest).split([24, 6], -1)
            rest, future = rest - back, future + ahead
        return future


class Capsules(nn.Module):
    """Capsules with routing by agreement: Einsum."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(10, 4, 8, 6) * 0.3)

    def forward(self, x):
        u = torch.einsum("bih,ijhd->bijd", x, self.weight)
        logits = torch.zeros_like(u[..., 0])
        for _ in range(3):
            s = torch.einsum("bij,bijd->bjd", logits.softmax(2), u)
            norm = (s**2).sum(-1, keepdim=True)
            v = norm / (1 + norm) * s / (norm + 1e-6).sqrt()
            logits = logits + torch.einsum("bijd,bjd->bij", u, v)
        return v.norm(dim=-1), v


class Mixture(nn.Module):
    """A mixture of experts: the two best, by TopK and scatter."""

    def __init__(self, d=16, experts=4):
        super().__init__()
        self.gate, self.experts = nn.Linear(d, experts), nn.ModuleList(nn.Linear(d, d) for _ in range(experts))

    def forward(self, x):
        value, index = self.gate(x).topk(2, -1)
        weight = torch.zeros_like(self.gate(x)).scatter(-1, index, value.softmax(-1))
        return sum(weight[..., i : i + 1] * F.softplus(expert(x)) for i, expert in enumerate(self.experts))


class Diffusion(nn.Module):
    """The U-Net of a diffusion model: a step's sines, residual blocks, attention over places."""

    def __init__(self, c=16):
        super().__init__()
        self.time, self.first = nn.Sequential(nn.Linear(16, c), nn.SiLU(), nn.Linear(c, c)), nn.Conv2d(3, c, 3, padding=1)
        self.norm, self.conv, self.down, self.qkv, self.out = (
            nn.GroupNorm(4, c),
            nn.Conv2d(c, c, 3, padding=1),
            nn.Conv2d(c, c, 3, 2, 1),
            nn.Conv2d(c, 3 * c, 1),
            nn.Conv2d(c, c, 1),
        )
        self.last = nn.Conv2d(2 * c, 3, 3, padding=1)

    def forward(self, x, step):
        angle = step[:, None].float() * torch.exp(-math.log(1000) * torch.arange(8) / 8)
        x = self.first(x)
        y = self.conv(F.silu(self.norm(x))) + self.time(torch.cat([angle.sin(), angle.cos()], -1))[:, :, None, None]
        z = self.down(y)
        q, k, v = self.qkv(z).flatten(2).transpose(1, 2).unsqueeze(1).chunk(3, -1)
        z = z + self.out(F.scaled_dot_product_attention(q, k, v).squeeze(1).transpose(1, 2).reshape(z.shape))
        return self.last(torch.cat([x, F.interpolate(z, scale_factor=2.0)], 1))


class Choices(nn.Module):
    """What exporters make of indexing: masks, slices with steps, rolls, sorts, running sums, where."""

    def forward(self, x):
        order = x.argsort(-1, descending=True)
        first = x.gather(-1, order)[..., ::2]
        rolled = torch.roll(x, 1, -1) * torch.tril(torch.ones(x.shape[-1], x.shape[-1])).sum(0)
        rolled = torch.where(x > 0, rolled, x.cumsum(-1))
        return (first, rolled, x.unfold(-1, 3, 2).mean(-1), (x > 0.5).any(-1), x.var(1, unbiased=False), torch.flip(x, [1]))


def repeated(x: torch.Tensor, weight: torch.Tensor):
    """A loop whose length the input decides, with a list of what each pass gives."""
    h = torch.zeros(x.shape[0], x.shape[2])
    all_of_them = []
    for i in range(x.shape[1]):
        h = (x[:, i] + h @ weight).tanh()
        all_of_them.append(h)
    return torch.stack(all_of_them, 1), h


def last_state(x: torch.Tensor, weight: torch.Tensor):
    """A loop whose length the input decides."""
    h = torch.zeros(x.shape[0], x.shape[2])
    for i in range(x.shape[1]):
        h = (x[:, i] + h @ weight).tanh()
    return h


def chosen(x: torch.Tensor, weight: torch.Tensor):
    """A choice by the data."""
    if bool(x.sum() > 0):
        y = x @ weight
    else:
        y = (x * 2).tanh()
    return y * 2


class Scripted(nn.Module):
    def __init__(self, function, width):
        super().__init__()
        self.function, self.weight = torch.jit.script(function), nn.Parameter(torch.randn(width, width) * 0.4)

    def forward(self, x):
        return self.function(x, self.weight)


def sequence(make, *dims):
    return Network(make, {"x": real(*dims)}, TIMES)


GRAPHS = ({"nodes": 6, "edges": 11}, {"nodes": 9, "edges": 20})
NETWORKS = {
    "lstm": sequence(lambda: Recurrent("LSTM"), "batch", "time", 12),
    "lstm.two_ways": sequence(lambda: Recurrent("LSTM", bidirectional=True, num_layers=2), "batch", "time", 12),
    "gru": sequence(lambda: Recurrent("GRU", num_layers=2), "batch", "time", 12),
    "gru.two_ways": sequence(lambda: Recurrent("GRU", bidirectional=True), "batch", "time", 12),
    "rnn": sequence(lambda: Recurrent("RNN", nonlinearity="tanh"), "batch", "time", 12),
    "rnn.relu": sequence(lambda: Recurrent("RNN", nonlinearity="relu"), "batch", "time", 12),
    "lstm.stream": Network(
        lambda: Streaming("LSTM"), {"x": real("time", "batch", 12), "hidden": real(2, "batch", 16), "cell": real(2, "batch", 16)}, TIMES
    ),
    "gru.stream": Network(
        lambda: Streaming("GRU"), {"x": real("time", "batch", 12), "hidden": real(2, "batch", 16), "cell": real(2, "batch", 16)}, TIMES
    ),
    "crnn": Network(Recognizer, {"line": real("batch", 1, 16, "width")}, ({"batch": 1, "width": 40}, {"batch": 2, "width": 64})),
    "tcn": sequence(Temporal, "batch", 8, "time"),
    "conv_tasnet": Network(Separator, {"mix": real("batch", 1, "samples")}, ({"batch": 1, "samples": 160}, {"batch": 2, "samples": 240})),
    "conformer": Network(Conformer, {"mel": real("batch", "time", 16)}, ({"batch": 1, "time": 31}, {"batch": 2, "time": 47})),
    "spectral": Network(Spectral, {"sound": real("batch", "samples")}, ({"batch": 1, "samples": 640}, {"batch": 2, "samples": 960})),
    "fourier": Network(Fourier, {"x": real("batch", 6, 16)}, BATCHES),
    "word_spotting": Network(Convolved, {"sound": real("batch", "samples")}, ({"batch": 1, "samples": 320}, {"batch": 2, "samples": 640})),
    "causal.stream": Network(Causal, {"x": real("batch", 4, "time"), "kept": real("batch", 4, 8)}, TIMES),
    "vocoder": sequence(Vocoder, "batch", 8, "time"),
    "graph": Network(Scatter, {"nodes": real("nodes", 8), "edges": ids(6, 2, "edges")}, GRAPHS),
    "graph.attention": Network(GraphAttention, {"nodes": real("nodes", 8), "edges": ids(6, 2, "edges")}, GRAPHS),
    "graph.dense": Network(
        Dense,
        {"nodes": real("batch", "nodes", 8), "adjacency": positive("batch", "nodes", "nodes")},
        ({"batch": 1, "nodes": 6}, {"batch": 2, "nodes": 9}),
    ),
    "bags": Network(Bags, {"words": ids(50, "batch", 7), "fields": ids(40, "batch", 4)}, BATCHES),
    "points": Network(Points, {"points": real("batch", "count", 3)}, ({"batch": 1, "count": 12}, {"batch": 2, "count": 20})),
    "transformer": Network(
        PyTorchTransformer,
        {"source": ids(50, "batch", "time"), "target": ids(50, "batch", "said")},
        ({"batch": 1, "time": 9, "said": 5}, {"batch": 3, "time": 12, "said": 8}),
    ),
    "forecaster": Network(Forecaster, {"past": real("batch", 24)}, BATCHES),
    "capsules": Network(Capsules, {"x": real("batch", 10, 8)}, BATCHES),
    "mixture": sequence(Mixture, "batch", "time", 16),
    "diffusion": Network(Diffusion, {"x": real("batch", 3, 16, 16), "step": ids(1000, "batch")}, BATCHES),
    "choices": sequence(Choices, "batch", "time", 10),
    "loop": sequence(lambda: Scripted(last_state, 4), "batch", "time", 4),
    "loop.list": sequence(lambda: Scripted(repeated, 4), "batch", "time", 4),
    "branches": Network(lambda: Scripted(chosen, 6), {"x": real("batch", 6)}, BATCHES),
}
NETWORKS = {f"own.{name}": network for name, network in NETWORKS.items()}
