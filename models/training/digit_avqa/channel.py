"""The channel contract shared with the radio link, and sliding-window pooling.

models/runtime/channel.ts and models/runtime/pooling.ts do the same; test/models holds the two together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

TINY = 1e-12
# Of the link: data carriers of an OFDM symbol, FFT size, and how its clip-and-filter works.
CARRIERS = 48
FFT = 64
OVERSAMPLING = 4
CLIP_PASSES = 8


def pooling_matrix(outputs: int, inputs: int) -> np.ndarray:
    """Sliding-window average [outputs, inputs] float32: window i spans floor(i n/L) .. ceil((i+1) n/L)."""
    matrix = np.zeros((outputs, inputs), np.float32)
    for row in range(outputs):
        start, end = row * inputs // outputs, -(-(row + 1) * inputs // outputs)
        matrix[row, start:end] = 1 / (end - start)
    return matrix


@dataclass(frozen=True)
class Air:
    """What bursts meet beside noise. All off is the ideal channel of the contract.

    clip_db: target of the transmitter's clip-and-filter over the mean power in dB. phase_noise_rad: what phase
    tracking leaves, rms, one phase per OFDM symbol. rayleigh: flat fading per burst, known to the equaliser.
    """

    clip_db: float | None = None
    phase_noise_rad: float = 0.0
    rayleigh: bool = False


IDEAL = Air()


def ideal_awgn(tokens: Tensor, snr_db: Tensor, present: Tensor | None = None) -> Tensor:
    """Received tokens [B, L, D] of bursts sent at `snr_db` [B] (Es/N0 per complex symbol).

    `present` [B] counts the tokens that each burst really has, where the batch is padded with zero tokens.

    Two reals make a complex symbol; every burst is normalised to unit mean power and its scale reaches the
    receiver exactly; the output is LMMSE-equalised, r = g/(1+g) (x + n), n ~ CN(0, 1/g), so biased to zero.
    """
    return over_the_air(tokens, snr_db, IDEAL, present)


def over_the_air(tokens: Tensor, snr_db: Tensor, air: Air, present: Tensor | None = None) -> Tensor:
    """`ideal_awgn` with the impairments of `air`, differentiable with respect to `tokens`."""
    batch, length, dim = tokens.shape
    tokens = tokens.float()
    counts = torch.full_like(snr_db, length) if present is None else present.to(snr_db.dtype)
    symbols = torch.ceil(counts * dim / 2).view(batch, 1, 1)
    if air.rayleigh:
        # |h|^2 of unit mean; 40 dB below it a burst is as good as lost.
        gain = -torch.log(torch.rand_like(snr_db).clamp_min(1e-4))
        snr_db = snr_db + 10 * torch.log10(gain)
    snr = torch.pow(10.0, snr_db / 10).view(batch, 1, 1)
    scale = torch.sqrt(tokens.square().sum(dim=(1, 2), keepdim=True) / symbols + TINY)
    # CN(0, 1/g) has variance 1/(2g) in each real dimension.
    noise = torch.randn_like(tokens) * torch.sqrt(0.5 / snr)
    if air.clip_db is not None or air.phase_noise_rad > 0:
        tokens = scale * _distorted(tokens / scale, air)
    return snr / (1 + snr) * (tokens + scale * noise)


def _distorted(tokens: Tensor, air: Air) -> Tensor:
    """Tokens [B, L, D] of unit power per complex symbol after clip-and-filter and residual phase noise.

    As the link: symbols are permuted and their phases scrambled, 48 go onto the carriers of an OFDM symbol.
    """
    batch, length, dim = tokens.shape
    pairs = tokens.reshape(batch, -1, 2) if (length * dim) % 2 == 0 else _padded(tokens.flatten(1)).view(batch, -1, 2)
    sent = torch.view_as_complex(pairs.contiguous())
    count = sent.shape[1]
    order = torch.randperm(count, device=tokens.device)
    turn = torch.polar(torch.ones(count, device=tokens.device), torch.rand(count, device=tokens.device) * 2 * math.pi)
    carriers = torch.nn.functional.pad((sent * turn)[:, order], (0, -count % CARRIERS)).view(batch, -1, CARRIERS)
    if air.clip_db is not None:
        carriers = _clip_and_filter(carriers, 10 ** (air.clip_db / 20))
    if air.phase_noise_rad > 0:
        angle = torch.randn(batch, carriers.shape[1], 1, device=tokens.device) * air.phase_noise_rad
        carriers = carriers * torch.polar(torch.ones_like(angle), angle)
    received = carriers.flatten(1)[:, :count]
    back = torch.empty_like(received)
    back[:, order] = received
    return torch.view_as_real(back * turn.conj()).reshape(batch, -1)[:, : length * dim].view(batch, length, dim)


def _padded(flat: Tensor) -> Tensor:
    return torch.nn.functional.pad(flat, (0, 1))


def _clip_and_filter(carriers: Tensor, limit: float) -> Tensor:
    """Carriers [B, S, 48] with the envelope at `OVERSAMPLING` times the rate limited to `limit` times its rms.

    What clipping takes from the wanted part (Bussgang) is given back by one gain a burst.
    """
    size = OVERSAMPLING * FFT
    bins = torch.cat([torch.arange(1, CARRIERS // 2 + 1), torch.arange(size - CARRIERS // 2, size)])
    bins = bins.to(carriers.device)
    power = carriers.abs().square().mean(dim=(1, 2), keepdim=True)
    # Mean power of the samples: CARRIERS of `size` bins are loaded.
    level = limit * torch.sqrt(power * CARRIERS / size + TINY)
    limited = carriers
    for _ in range(CLIP_PASSES):
        spectrum = torch.zeros(*carriers.shape[:2], size, dtype=carriers.dtype, device=carriers.device)
        spectrum = spectrum.index_copy(2, bins, limited)
        samples = torch.fft.ifft(spectrum, norm="ortho")
        envelope = samples.abs().clamp_min(TINY)
        clipped = samples * torch.clamp(level / envelope, max=1.0)
        limited = torch.fft.fft(clipped, norm="ortho").index_select(2, bins)
    kept = (limited * carriers.conj()).sum(dim=(1, 2), keepdim=True).real
    gain = kept / carriers.abs().square().sum(dim=(1, 2), keepdim=True).clamp_min(TINY)
    return limited / gain.clamp_min(TINY)


def training_snr_db(
    users: int, batch: int, limits: tuple[float, float], generator: torch.Generator, device: torch.device
) -> Tensor:
    """SNR [users, batch] in dB, uniform between `limits`: alike for all users in half of the samples."""
    low, high = limits
    drawn = torch.rand(users, batch, generator=generator) * (high - low) + low
    alike = torch.rand(batch, generator=generator) < 0.5
    return torch.where(alike, drawn[:1].expand_as(drawn), drawn).to(device)
