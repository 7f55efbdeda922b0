"""A toy generator of pairs of photons: the decay of a scalar of 125 GeV, or the smooth background below it.

Everything is drawn from formulas; nothing comes from an experiment or from a detector's simulation.

    signal       mass 125 GeV, decays isotropically in its rest frame
    background   mass 95 GeV plus an exponential of mean 45 GeV, cos(theta*) drawn from 1 / (1 + 0.1 - cos^2), which prefers the beam
    both         the pair has a transverse momentum (exponential, mean 35 GeV), a rapidity (normal, width 1) and any azimuth
    measured     energies are smeared by 10 % / sqrt(E / GeV) and 1 %, in quadrature; photons have pt > 20 GeV and |eta| < 2.5

The features of an event are pt (GeV), eta, cos(phi) and sin(phi) of the photon with the larger pt, then of the other one.
"""

from __future__ import annotations

import numpy as np

FEATURES = ("pt1", "eta1", "cos_phi1", "sin_phi1", "pt2", "eta2", "cos_phi2", "sin_phi2")


def events(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` events, about half of them signal.

    Returns:
        features, float32 [count, 8], and labels, 1 for signal.
    """
    rng = np.random.default_rng(seed)
    features, labels = [np.empty((0, len(FEATURES)), np.float32)], [np.empty(0, np.int64)]
    while sum(map(len, labels)) < count:
        x, y = _draw(rng, 2 * count + 64)
        features.append(x)
        labels.append(y)
    return np.concatenate(features)[:count], np.concatenate(labels)[:count]


def _draw(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The events out of `count` that are selected."""
    signal = rng.random(count) < 0.5
    mass = np.where(signal, 125.0, 95.0 + rng.exponential(45.0, count))
    # Inverse of the integral of 1 / (a^2 - c^2): c = a tanh(u).
    a = np.sqrt(1.1)
    peaked = a * np.tanh(rng.uniform(-1, 1, count) * np.arctanh(1 / a))
    cosine = np.where(signal, rng.uniform(-1, 1, count), peaked)
    phi = rng.uniform(-np.pi, np.pi, count)
    sine = np.sqrt(1 - cosine**2)
    decay = np.stack([sine * np.cos(phi), sine * np.sin(phi), cosine], 1) * (mass / 2)[:, None]

    pt, rapidity, azimuth = rng.exponential(35.0, count), rng.normal(0, 1, count), rng.uniform(-np.pi, np.pi, count)
    transverse_mass = np.hypot(mass, pt)
    pair = np.stack([pt * np.cos(azimuth), pt * np.sin(azimuth), transverse_mass * np.sinh(rapidity)], 1)
    energy = transverse_mass * np.cosh(rapidity)
    photons = [_boosted(sign * decay, mass / 2, pair, energy, mass) for sign in (1, -1)]
    smeared = [momentum * _resolution(rng, np.linalg.norm(momentum, axis=1))[:, None] for momentum in photons]

    measured = np.stack([_features(momentum) for momentum in smeared], 1)
    swap = measured[:, 1, 0] > measured[:, 0, 0]
    measured[swap] = measured[swap][:, ::-1]
    kept = (measured[:, :, 0] > 20).all(1) & (np.abs(measured[:, :, 1]) < 2.5).all(1)
    return measured[kept].reshape(-1, len(FEATURES)).astype(np.float32), signal[kept].astype(np.int64)


def _boosted(momentum: np.ndarray, size: np.ndarray, pair: np.ndarray, energy: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """A photon of energy `size` from the rest frame of the pair into the laboratory."""
    along = (momentum * pair).sum(1)
    moved: np.ndarray = momentum + pair * ((along / (energy + mass) + size) / mass)[:, None]
    return moved


def _resolution(rng: np.random.Generator, energy: np.ndarray) -> np.ndarray:
    """The factor by which an energy is mismeasured."""
    width = np.hypot(0.1 / np.sqrt(energy), 0.01)
    return np.asarray(np.maximum(1 + width * rng.standard_normal(energy.shape), 0.01))


def _features(momentum: np.ndarray) -> np.ndarray:
    pt = np.hypot(momentum[:, 0], momentum[:, 1])
    return np.stack([pt, np.arcsinh(momentum[:, 2] / pt), momentum[:, 0] / pt, momentum[:, 1] / pt], 1)
