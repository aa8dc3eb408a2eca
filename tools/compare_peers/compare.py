#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Assay's searches and coreset beside what a user would take instead on the same CPU: faiss-cpu's IndexFlatL2 and a
NumPy loop. Same data, same number of threads, taking turns in one run. See README.md.
"""
import argparse
import json
import os
import struct
import subprocess
import tempfile
import time


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("program", help="bazel-bin/tools/compare_peers/search_times")
    p.add_argument("--model", help="a model.assay: its bank's rows are the data; otherwise Gaussian noise")
    p.add_argument("--clusters", type=int, default=0, help="noise around so many centres")
    p.add_argument("--dim", type=int, default=128, help="of noise")
    p.add_argument("--rows", type=int, default=8192)
    p.add_argument("--queries", type=int, default=2048)
    p.add_argument("--neighbours", type=int, default=1)
    p.add_argument("--coreset", type=float, default=0, help="choose that share of --rows points instead of searching")
    p.add_argument("--peer-steps", type=int, default=0, help="coreset: steps that NumPy does, the rest extrapolated")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--turns", type=int, default=3)
    return p.parse_args()


ARGS = arguments()
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = str(ARGS.threads)
import numpy as np  # noqa: E402  (after the number of threads is set)


def bank_of(path):
    with open(path, "rb") as f:
        size = struct.unpack("<Q", f.read(8))[0]
        bank = json.loads(f.read(size))["patchcore.bank"]
        f.seek(8 + size + bank["data_offsets"][0])
        return np.frombuffer(f.read(bank["data_offsets"][1] - bank["data_offsets"][0]), "<f4").reshape(bank["shape"])


def data():
    """(rows, queries), which are other points of the same kind."""
    rng = np.random.default_rng(1)
    total = ARGS.rows + ARGS.queries
    if ARGS.model:
        bank = bank_of(ARGS.model)
        if len(bank) < total:
            raise SystemExit("the bank has %d rows, expected %d" % (len(bank), total))
        x = bank[rng.permutation(len(bank))[:total]]
    else:
        x = rng.standard_normal((total, ARGS.dim), dtype=np.float32)
        if ARGS.clusters:
            x += 3 * rng.standard_normal((ARGS.clusters, ARGS.dim), dtype=np.float32)[rng.integers(ARGS.clusters, size=total)]
    return np.ascontiguousarray(x[:ARGS.rows]), np.ascontiguousarray(x[ARGS.rows:])


def timed(work):
    """Seconds of the processor by the number of threads, wall seconds, and the result."""
    wall, processor = time.perf_counter(), time.process_time()
    result = work()
    return (time.process_time() - processor) / ARGS.threads, time.perf_counter() - wall, result


class Assay:
    def __init__(self, folder, rows, queries):
        self.out = os.path.join(folder, "out")
        self.command = [ARGS.program, "--rows", os.path.join(folder, "rows"), "--dim", str(rows.shape[1]), "--repeats=1",
                        "--threads", str(ARGS.threads), "--out", self.out]
        rows.tofile(os.path.join(folder, "rows"))
        if ARGS.coreset:
            self.command += ["--count", str(round(ARGS.coreset * len(rows)))]
        else:
            queries.tofile(os.path.join(folder, "queries"))
            self.command += ["--queries", os.path.join(folder, "queries"), "--neighbours", str(ARGS.neighbours)]

    def turn(self):
        times = json.loads(subprocess.run(self.command, check=True, stdout=subprocess.PIPE).stdout)
        return times["processor_s"][0] / ARGS.threads, times["wall_s"][0], np.fromfile(self.out, np.int64)


class Faiss:
    def __init__(self, rows, queries):
        import faiss
        faiss.omp_set_num_threads(ARGS.threads)
        self.index, self.queries = faiss.IndexFlatL2(rows.shape[1]), queries
        self.index.add(rows)
        self.turn()

    def turn(self):
        return timed(lambda: self.index.search(self.queries, ARGS.neighbours)[1].ravel())


class NumPyGreedy:
    """The textbook loop, by |x|^2 - 2 x.c + |c|^2, so that BLAS does the work of a step."""

    def __init__(self, rows):
        self.rows, self.norms = rows, (rows * rows).sum(1)
        self.count = round(ARGS.coreset * len(rows))
        self.steps = min(self.count, ARGS.peer_steps or self.count)

    def loop(self):
        minimum = np.full(len(self.rows), np.inf, np.float32)
        chosen = [0]
        while len(chosen) < self.steps:
            center = self.rows[chosen[-1]]
            np.minimum(minimum, self.norms - 2 * (self.rows @ center) + center @ center, out=minimum)
            minimum[chosen[-1]] = -1
            chosen.append(int(minimum.argmax()))
        return np.array(chosen)

    def turn(self):
        processor, wall, chosen = timed(self.loop)
        return processor * self.count / self.steps, wall * self.count / self.steps, chosen


def main():
    rows, queries = data()
    with tempfile.TemporaryDirectory() as folder:
        ours = Assay(folder, rows, queries)
        peer = NumPyGreedy(rows) if ARGS.coreset else Faiss(rows, queries)
        name = "NumPy loop" if ARGS.coreset else "faiss IndexFlatL2"
        turns = [(ours.turn(), peer.turn()) for _ in range(ARGS.turns)]
    mine, theirs = (np.median([[turn[who][clock] for turn in turns] for clock in (0, 1)], axis=1) for who in (0, 1))
    a, b = turns[0][0][2], turns[0][1][2]
    n = min(len(a), len(b))
    what = "coreset %g" % ARGS.coreset if ARGS.coreset else "k = %d, %d queries" % (ARGS.neighbours, len(queries))
    print("%s, %d x %d, %d threads, median of %d turns" % (what, len(rows), rows.shape[1], ARGS.threads, ARGS.turns))
    for label, times in (("assay", mine), (name, theirs)):
        print("  %-18s %10.4f s processor time by threads %10.4f s wall" % (label, times[0], times[1]))
    print("  assay is %.2f times as fast (processor), %.2f (wall); %.2f %% of %d indices are the same"
          % (theirs[0] / mine[0], theirs[1] / mine[1], 100 * np.mean(a[:n] == b[:n]), n))


if __name__ == "__main__":
    main()
