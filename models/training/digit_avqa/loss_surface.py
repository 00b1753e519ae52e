"""A model of losses measured over token lengths and SNRs, in the form that allocation reads (docs/models.md).

loss = v(L_v, SNR_v) + a(L_a, SNR_a) + t(SNR_t) + e_va v a + e_vt v t + e_at a t, where v and a are zero at their best
and t holds the rest. Each term falls from a ceiling to a floor as a Burr function of linear SNR; ceiling, floor and
the SNR at which it falls are monotone in L.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import least_squares
from scipy.stats import qmc

USERS = ("visual", "audio", "text")
PAIRS = (("visual", "audio"), ("visual", "text"), ("audio", "text"))
SNR_SPAN_DB = 25.0
# What the models are trained for; below, an unreadable question costs more with 64 tokens of picture than with 16.
SNR_DB = (-10.0, 20.0)
SWEPT_SNR_DB = [-10.0, -5.0, 0.0, 5.0, 20.0]
TEXT_SNR_DB = [-10.0, -7.5, -5.0, -2.5, 0.0, 5.0, 10.0]
USUAL_TOKENS = 16
SEEN_POINTS = 96
# Half as many as there are parameters; fewer would fit anything.
LEAST_POINTS = 60
HELD_OUT_POINTS = 48
KNOTS = [2, 3, 4, 6, 8, 16, 32, 64, 128, 256]
SMOOTHNESS = 0.05
RISING_WEIGHT = 30.0
LEAST_SLOPE = 0.005
FIXED = 1e-9
MAX_EVALUATIONS = 80


def design(lengths: dict[str, list[int]], seed: int = 1) -> list[dict[str, Any]]:
    """Settings to measure: each user varied alone, text and one other badly heard, and a scrambled Sobol sequence.

    `lengths` are the allowed token lengths of visual and audio. The points of a second sequence are held out.
    """
    usual = {user: min(allowed, key=lambda length: abs(length - USUAL_TOKENS)) for user, allowed in lengths.items()}
    base = {f"{user}Tokens": length for user, length in usual.items()} | {f"{user}SnrDb": SNR_DB[1] for user in USERS}
    settings = [base]
    for user, allowed in lengths.items():
        for length in (int(knot) for knot in length_knots(allowed)):
            settings += [{**base, f"{user}Tokens": length, f"{user}SnrDb": level} for level in SWEPT_SNR_DB]
        settings += [{**base, "textSnrDb": SNR_DB[0], f"{user}SnrDb": level} for level in SWEPT_SNR_DB]
    settings += [{**base, "textSnrDb": level} for level in TEXT_SNR_DB]
    seen = list({tuple(setting.values()): setting for setting in settings}.values())
    return [
        *({**setting, "heldOut": False} for setting in seen),
        *({**setting, "heldOut": False} for setting in _spread(lengths, SEEN_POINTS, seed)),
        *({**setting, "heldOut": True} for setting in _spread(lengths, HELD_OUT_POINTS, seed + 1)),
    ]


def _spread(lengths: dict[str, list[int]], count: int, seed: int) -> list[dict[str, Any]]:
    """Settings that fill the whole box evenly, token lengths on a logarithmic scale."""
    with warnings.catch_warnings():
        # Balance needs a power of 2; what is left out at the end does not matter here.
        warnings.simplefilter("ignore", UserWarning)
        shares = qmc.Sobol(5, seed=seed).random(count)
    settings = []
    for row in shares:
        setting: dict[str, Any] = {}
        for share, (user, allowed) in zip(row, lengths.items()):
            wanted = allowed[0] * (allowed[-1] / allowed[0]) ** share
            setting[f"{user}Tokens"] = min(allowed, key=lambda length: abs(length - wanted))
        for share, user in zip(row[2:], USERS):
            setting[f"{user}SnrDb"] = round(float(SNR_DB[0] + (SNR_DB[1] - SNR_DB[0]) * share), 2)
        settings.append(setting)
    return settings


def hats(knots: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Weights [N, K] of linear interpolation between rising `knots` [K]; the ends hold beyond them."""
    at = np.clip(at, knots[0], knots[-1])
    if len(knots) == 1:
        return np.ones((len(at), 1))
    below = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, len(knots) - 2)
    share = (at - knots[below]) / (knots[below + 1] - knots[below])
    weights = np.zeros((len(at), len(knots)))
    rows = np.arange(len(at))
    weights[rows, below] = 1 - share
    weights[rows, below + 1] = share
    return weights


def burr(snr_db: np.ndarray, middle_db: np.ndarray, slope: np.ndarray, shape: float) -> np.ndarray:
    """(1 + shape g^slope)^(-1 / shape) with g the linear SNR over that of `middle_db`: 1 at no signal, 0 at much.

    shape 1 is a logistic function of dB, towards 0 it becomes exp(-g^slope).
    """
    exponent = np.clip(slope * (snr_db - middle_db) * np.log(10) / 10, -60, 60)
    return np.exp(-np.log1p(shape * np.exp(exponent)) / shape)


@dataclass(frozen=True)
class Term:
    """A user's term with K length knots (K = 1: no length).

    Parameters: falls of floor (K-1), ceiling (K-1) and middle (K-1) from one knot to the next, last floor, last
    ceiling, last middle in units of SNR_SPAN_DB, slopes (K), shape. All but the last middle are from 0.
    """

    knots: np.ndarray

    @property
    def size(self) -> int:
        return 4 * len(self.knots) + 1

    def start(self) -> np.ndarray:
        k = len(self.knots)
        falls = np.concatenate([np.full(k - 1, 0.05), np.full(k - 1, 0.05), np.full(k - 1, 0.05)])
        return np.concatenate([falls, [0.05, 0.7, -0.3], np.full(k, 1.0), [0.7]])

    def bounds(self, floor: float) -> tuple[np.ndarray, np.ndarray]:
        k = len(self.knots)
        low, high = np.zeros(self.size), np.full(self.size, 10.0)
        high[3 * k - 3] = floor
        low[3 * k - 1], high[3 * k - 1] = -2, 2
        low[3 * k : 4 * k], high[3 * k : 4 * k] = 0.2, 4
        low[-1], high[-1] = 0.02, 5
        return low, high

    def value(self, p: np.ndarray, log_length: np.ndarray, snr_db: np.ndarray) -> np.ndarray:
        k = len(self.knots)

        def falling(falls: np.ndarray, last: float) -> np.ndarray:
            return last + np.concatenate([np.cumsum(falls[::-1])[::-1], [0.0]])

        weights = hats(self.knots, log_length)
        floor = weights @ falling(p[: k - 1], p[3 * k - 3])
        ceiling = weights @ falling(p[k - 1 : 2 * k - 2], p[3 * k - 2])
        middle = weights @ falling(p[2 * k - 2 : 3 * k - 3], p[3 * k - 1]) * SNR_SPAN_DB
        missing = burr(snr_db, middle, weights @ p[3 * k : 4 * k], p[-1])
        return floor * (1 - missing) + ceiling * missing

    def roughness(self, p: np.ndarray) -> np.ndarray:
        """What a smooth term has little of: slopes that differ from knot to knot."""
        k = len(self.knots)
        return np.diff(p[3 * k : 4 * k])


class SurfaceModel:
    """The three terms and their products, fitted by least squares."""

    def __init__(self, points: list[dict[str, Any]], interacting: bool) -> None:
        lengths = {user: sorted({point[f"{user}Tokens"] for point in points}) for user in ("visual", "audio")}
        self.terms = [Term(np.log2(length_knots(lengths[user]))) for user in ("visual", "audio")]
        self.terms.append(Term(np.zeros(1)))
        starts = [term.start() for term in self.terms]
        bounds = [term.bounds(1.0 if user == "text" else FIXED) for user, term in zip(USERS, self.terms)]
        # A fixed value has bounds that are apart by next to nothing.
        span = (np.full(3, -3.0), np.full(3, 3.0)) if interacting else (np.full(3, -FIXED), np.full(3, FIXED))
        low = np.concatenate([*(low for low, _ in bounds), span[0]])
        high = np.concatenate([*(high for _, high in bounds), span[1]])
        start = np.concatenate([*starts, np.full(3, -0.3 if interacting else 0.0)])
        at, loss = columns(points), np.array([point["loss"] for point in points])
        worst = {name: values.min(keepdims=True) for name, values in at.items()}

        def residuals(parameters: np.ndarray) -> np.ndarray:
            self.parameters = parameters
            rough = [term.roughness(part) for term, part in zip(self.terms, self.split())]
            rising = RISING_WEIGHT * np.minimum(self.least_slopes(worst) - LEAST_SLOPE, 0)
            return np.concatenate([self.loss(at) - loss, SMOOTHNESS * np.concatenate(rough), rising])

        inside = np.clip(start, low + (high - low) * 1e-6, high - (high - low) * 1e-6)
        self.parameters = least_squares(
            residuals, inside, bounds=(low, high), x_scale="jac", max_nfev=MAX_EVALUATIONS
        ).x

    def split(self) -> list[np.ndarray]:
        """Parameters of the three terms, and of their products."""
        return np.split(self.parameters, np.cumsum([term.size for term in self.terms]))

    def user(self, index: int, log_length: np.ndarray, snr_db: np.ndarray) -> np.ndarray:
        return self.terms[index].value(self.split()[index], log_length, snr_db)

    def least_slopes(self, worst: dict[str, np.ndarray]) -> np.ndarray:
        """Change of the loss with each user's term where the others are at their worst [3]: below 0, it would rise
        where a user's term falls."""
        values = [self.user(i, worst[f"{user}Length"], worst[f"{user}SnrDb"])[0] for i, user in enumerate(USERS)]
        visual, audio, text = values
        seen_heard, seen_asked, heard_asked = self.split()[3]
        slopes = [
            seen_heard * audio + seen_asked * text,
            seen_heard * visual + heard_asked * text,
            seen_asked * visual + heard_asked * audio,
        ]
        return 1 + np.array(slopes)

    def loss(self, at: dict[str, np.ndarray]) -> np.ndarray:
        values = [self.user(i, at[f"{user}Length"], at[f"{user}SnrDb"]) for i, user in enumerate(USERS)]
        return combined(values, self.split()[3])


def combined(values: list[np.ndarray], products: np.ndarray) -> np.ndarray:
    """Sum of the users' terms, and of their products in the order of PAIRS."""
    visual, audio, text = values
    pairs = visual * audio, visual * text, audio * text
    return visual + audio + text + sum(product * pair for product, pair in zip(products, pairs))


def columns(points: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    """SNR in dB and log2 of token lengths of N points, each [N]; text has no length."""
    found = {f"{user}SnrDb": np.array([float(point[f"{user}SnrDb"]) for point in points]) for user in USERS}
    for user in ("visual", "audio"):
        found[f"{user}Length"] = np.log2([float(point[f"{user}Tokens"]) for point in points])
    return {**found, "textLength": np.zeros(len(points))}


def length_knots(lengths: list[int]) -> np.ndarray:
    """Shortest and longest of the rising `lengths`, and between them 2, 3, 4, 6, 8 and then octaves."""
    shortest, longest = lengths[0], lengths[-1]
    between = [length for length in KNOTS if shortest < length < longest]
    return np.array([shortest, *between, *([longest] if longest > shortest else [])], float)


def table(model: SurfaceModel, index: int, lengths: np.ndarray, snr_db: np.ndarray) -> np.ndarray:
    """The user's term [SNR, length], to four digits, rising nowhere."""
    level, log_length = np.meshgrid(snr_db, np.log2(lengths), indexing="ij")
    values = model.user(index, log_length.ravel(), level.ravel()).reshape(level.shape)
    falling = np.minimum.accumulate(np.minimum.accumulate(values, axis=0), axis=1)
    return np.round(falling, 4)


def three_parameters(points: list[dict[str, Any]], snr_db: float) -> dict[str, dict[str, float]]:
    """a exp(-b L) + c of picture and sound at the points where every user has `snr_db`; half the floor each."""
    chosen = [point for point in points if all(point[f"{user}SnrDb"] == snr_db for user in USERS)]
    visual, audio = (np.array([float(point[f"{user}Tokens"]) for point in chosen]) for user in ("visual", "audio"))
    loss = np.array([point["loss"] for point in chosen])

    def residuals(p: np.ndarray) -> np.ndarray:
        return p[0] * np.exp(-p[1] * visual) + p[2] * np.exp(-p[3] * audio) + p[4] - loss

    fitted = least_squares(residuals, [1.0, 0.5, 1.0, 0.5, 0.1], bounds=(0, [100.0, 10, 100, 10, 10])).x
    a_visual, b_visual, a_audio, b_audio, floor = (round(float(value), 5) for value in fitted)
    half = round(floor / 2, 5)
    return {
        "visual": {"a": a_visual, "b": b_visual, "c": half},
        "audio": {"a": a_audio, "b": b_audio, "c": half},
    }


def rms(errors: np.ndarray) -> float:
    return round(float(np.sqrt(np.mean(np.square(errors)))), 4)


def surface_of(points: list[dict[str, Any]]) -> dict[str, Any]:
    """`surface` of a bundle's manifest from measured points; those that are heldOut serve the errors alone."""
    seen = [point for point in points if not point["heldOut"]]
    held = [point for point in points if point["heldOut"]]
    model, additive = SurfaceModel(seen, True), SurfaceModel(seen, False)
    levels = [point[f"{user}SnrDb"] for point in seen for user in USERS]
    snr_db = np.arange(np.ceil(min(levels)), np.floor(max(levels)) + 1)
    best = max(levels)
    shapes = three_parameters(seen, best)
    users: dict[str, Any] = {}
    at, loss = columns(held), np.array([point["loss"] for point in held])
    values = []
    for index, user in enumerate(USERS):
        if user == "text":
            lengths = np.array([1.0])
        else:
            lengths = table_lengths(sorted({point[f"{user}Tokens"] for point in seen}))
        listed = table(model, index, lengths, snr_db)
        surface = {"form": "table", "snrDb": snr_db.tolist(), "lengths": lengths.tolist(), "loss": listed.tolist()}
        rows, across = hats(snr_db, at[f"{user}SnrDb"]), hats(np.log2(lengths), at[f"{user}Length"])
        values.append(np.einsum("ns,sl,nl->n", rows, listed, across))
        users[user] = {"surface": surface}
        if user != "text":
            users[user] = {"loss": shapes[user], "lossSnrDb": best, "surface": surface}
    products = np.round(model.split()[3], 4)
    errors = {
        "loss": sum(paper_loss(shapes[user], at[f"{user}Length"]) for user in shapes) - loss,
        "surface": combined(values, products) - loss,
        "additive": additive.loss(at) - loss,
    }
    return {
        "unit": "nats",
        "users": users,
        "interactions": [
            {"users": list(pair), "coefficient": float(product)} for pair, product in zip(PAIRS, products)
        ],
        "rmsError": {name: rms(error) for name, error in errors.items()},
        "points": points,
    }


def paper_loss(shape: dict[str, float], log_length: np.ndarray) -> np.ndarray:
    """a exp(-b L) + c."""
    return shape["a"] * np.exp(-shape["b"] * np.exp2(log_length)) + shape["c"]


def table_lengths(lengths: list[int]) -> np.ndarray:
    """Knots of the table: those of the model, and the middle of each octave beyond 8."""
    knots = length_knots(lengths)
    between = [length for length in (12, 24, 48, 96, 192) if knots[0] < length < knots[-1]]
    return np.unique(np.concatenate([knots, between]))
