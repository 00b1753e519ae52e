"""Scaled SLSQP as an independent judge of the allocation.

Reads {"problems": [...], "starts": n, "seed": s} on stdin (problem files of docs/allocation.md, digital, continuous
lengths) and writes {"results": [{"objective", "success", "seconds"}]}: the best of n starts, each end projected to
feasibility first. Everything is written again from the formulas; nothing is taken from the code it judges.
"""

import json
import sys
import time

import numpy as np
from scipy.optimize import minimize


class Problem:
    def __init__(self, p):
        users = p["users"]
        self.M = len(users)
        self.form = p.get("latency", "max")
        self.w = p["weight"] / p.get("latencyRefS", 1)
        self.v = (1 - p["weight"]) / p.get("lossRef", 1)
        self.overhead = p.get("overheadS", 0)
        self.B = p["bandwidthHz"]
        caps = np.array([u.get("powerCapW") or p.get("powerCapW") or np.inf for u in users], float)
        self.P = p.get("powerW") or caps.sum()
        self.cap = np.minimum(caps / self.P, 1.0)
        gain = np.array([u["powerGain"] for u in users], float)
        self.s = self.P * gain / (p["noisePsdWPerHz"] * self.B)
        self.k = np.array([u["bitsPerToken"] for u in users], float)
        self.a, self.b, self.c = (np.array([u["loss"][key] for u in users], float) for key in "abc")
        self.lo = np.array([u["lengths"]["min"] for u in users], float)
        self.hi = np.array([u["lengths"]["max"] for u in users], float)

    def rate(self, beta, rho):
        return self.B * beta * np.log2(1 + self.s * rho / beta)

    def latency(self, times):
        return times.max() if self.form == "max" else times.sum()

    def objective(self, beta, rho, length):
        times = length * self.k / self.rate(beta, rho)
        loss = (self.a * np.exp(-self.b * length) + self.c).sum()
        return self.w * (self.latency(times) + self.overhead) + self.v * loss

    def project(self, beta, rho, length):
        beta = np.maximum(beta, 1e-12)
        rho = np.clip(rho, 1e-15, self.cap)
        return beta / beta.sum(), rho / max(1.0, rho.sum()), np.clip(length, self.lo, self.hi)

    def slsqp(self, rng, first):
        """Unknowns: logarithms of the shares, lengths over their upper bound, logarithm of T over T0."""
        M = self.M
        spread = 0.0 if first else 1.0
        beta = np.exp(spread * rng.standard_normal(M))
        rho = np.exp(spread * rng.standard_normal(M))
        beta, rho, length = self.project(
            beta / beta.sum(), rho / rho.sum(), self.lo + (self.hi - self.lo) * (0.3 if first else rng.random(M))
        )
        T0 = self.latency(length * self.k / self.rate(beta, rho))
        x0 = np.concatenate([np.log(beta), np.log(rho), length / self.hi, [0.0]])

        def logs(x):
            lb, lr, length = x[:M], x[M : 2 * M], x[2 * M : 3 * M] * self.hi
            z = self.s * np.exp(lr - lb)
            y = np.log1p(z)
            # d ln(rate) / d ln(beta) and / d ln(rho)
            by_rho = z / (1 + z) / y
            log_time = np.log(length * self.k * np.log(2) / (self.B * y)) - lb
            return log_time, 1 - by_rho, by_rho, length

        def cost(x):
            log_time, by_beta, by_rho, length = logs(x)
            decay = self.v * self.a * np.exp(-self.b * length)
            grad = np.zeros_like(x)
            grad[2 * M : 3 * M] = -self.b * decay * self.hi
            if self.form == "max":
                value = self.w * T0 * np.exp(x[-1])
                grad[-1] = value
            else:
                times = np.exp(log_time)
                value = self.w * times.sum()
                grad[:M] = -self.w * times * by_beta
                grad[M : 2 * M] = -self.w * times * by_rho
                grad[2 * M : 3 * M] += self.w * times / (length / self.hi)
            return value + decay.sum(), grad

        def inside(x):
            room = [1 - np.exp(x[:M]).sum(), 1 - np.exp(x[M : 2 * M]).sum()]
            if self.form != "max":
                return np.array(room)
            return np.concatenate([room, np.log(T0) + x[-1] - logs(x)[0]])

        def inside_jacobian(x):
            rows = np.zeros((2 + (M if self.form == "max" else 0), 3 * M + 1))
            rows[0, :M] = -np.exp(x[:M])
            rows[1, M : 2 * M] = -np.exp(x[M : 2 * M])
            if self.form == "max":
                _, by_beta, by_rho, length = logs(x)
                for m in range(M):
                    rows[2 + m, m] = by_beta[m]
                    rows[2 + m, M + m] = by_rho[m]
                    rows[2 + m, 2 * M + m] = -1 / (length[m] / self.hi[m])
                    rows[2 + m, -1] = 1
            return rows

        bounds = [(-20, 0)] * M + [(-25, float(np.log(cap))) for cap in self.cap]
        bounds += [(lo / hi, 1) for lo, hi in zip(self.lo, self.hi)] + [(-20, 20)]
        x0 = np.clip(x0, [b[0] for b in bounds], [b[1] for b in bounds])
        end = minimize(
            cost,
            x0,
            jac=True,
            method="SLSQP",
            bounds=bounds,
            constraints={"type": "ineq", "fun": inside, "jac": inside_jacobian},
            options={"maxiter": 1000, "ftol": 1e-13},
        )
        x = end.x
        return self.objective(*self.project(np.exp(x[:M]), np.exp(x[M : 2 * M]), x[2 * M : 3 * M] * self.hi)), end.success


def main():
    job = json.load(sys.stdin)
    results = []
    for i, p in enumerate(job["problems"]):
        rng = np.random.default_rng([job.get("seed", 1), i])
        problem = Problem(p)
        best, success = np.inf, False
        # CPU time of this thread, as the other side measures its own.
        began = time.thread_time()
        for start in range(job.get("starts", 1)):
            value, ended = problem.slsqp(rng, start == 0)
            if np.isfinite(value) and value < best:
                best, success = value, bool(ended)
        results.append(
            {"objective": best if np.isfinite(best) else None, "success": success, "seconds": time.thread_time() - began}
        )
    json.dump({"results": results}, sys.stdout)


main()
