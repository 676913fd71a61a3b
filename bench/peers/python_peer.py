"""PyTorch or NumPy as a peer of the benchmark: python3 python_peer.py torch|numpy THREADS

Prints one line about itself, then answers requests, one JSON line each, until its input ends:
  {"case": "gemm 8x1024x1024", "kind": "gemm", "m": 8, "k": 1024, "n": 1024,
   "seconds": 0.05, "repeats": 3}
gives
  {"peer": "torch 2.14.1", "threads": 1, "case": ..., "seconds": [time of one run, by repeat],
   "check": [numbers that must equal ours]}
or the same with "skip": "why" when the peer has no such case. The kinds and their parameters are
those of bench/lib/cases.ts; the inputs come from `uniform` below, so every program computes on
exactly the same numbers.
"""

import json
import math
import os
import sys
import time

LIBRARY, THREADS = sys.argv[1], int(sys.argv[2])
for variable in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'BLIS_NUM_THREADS', 'MKL_NUM_THREADS'):
    os.environ[variable] = str(THREADS)

import numpy as np  # noqa: E402  (reads the variables above when it loads)

WARM_UP_STEPS = 20  # training steps before the timed ones; the loss after them is the check


def uniform(n, seed):
    """n float32 in [-1, 1): the top 24 bits of the 32-bit hash lowbias32 (Wellons, "Prospecting for
    hash functions", 2018) of index + seed * 0x9e3779b9."""
    x = np.arange(n, dtype=np.uint32) + np.uint32(seed * 0x9E3779B9 % 2**32)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return ((x >> np.uint32(8)).astype(np.float64) * 2.0**-23 - 1.0).astype(np.float32)


def layer(inputs, outputs, seed):
    """Weight [outputs, inputs] and bias of a layer, uniform within 1 / sqrt(inputs)."""
    bound = 1 / math.sqrt(inputs)
    weight = uniform(inputs * outputs, 2 * seed).astype(np.float64) * bound
    bias = uniform(outputs, 2 * seed + 1).astype(np.float64) * bound
    return weight.astype(np.float32).reshape(outputs, inputs), bias.astype(np.float32)


def samples(y):
    """The values of a result that are checked: 16, evenly spread from the first to the last."""
    y = y.reshape(-1)
    return [float(y[(len(y) - 1) * i // 15]) for i in range(16)]


class Numpy:
    name = 'numpy ' + np.__version__

    def gemm(self, r):
        m, k, n = r['m'], r['k'], r['n']
        a, b = uniform(m * k, 1).reshape(m, k), uniform(k * n, 2).reshape(k, n)
        out = np.empty((m, n), np.float32)
        np.matmul(a, b, out=out)
        return (lambda: np.matmul(a, b, out=out)), samples(out)


class Torch:
    def __init__(self):
        import torch
        torch.set_num_threads(THREADS)
        self.torch = torch
        self.name = 'torch ' + torch.__version__.split('+')[0]

    def gemm(self, r):
        torch, m, k, n = self.torch, r['m'], r['k'], r['n']
        a = torch.from_numpy(uniform(m * k, 1)).reshape(m, k)
        b = torch.from_numpy(uniform(k * n, 2)).reshape(k, n)
        out = torch.empty(m, n)
        torch.mm(a, b, out=out)
        return (lambda: torch.mm(a, b, out=out)), samples(out)

    def model(self, dims):
        torch, layers = self.torch, []
        for i, (inputs, outputs) in enumerate(zip(dims, dims[1:])):
            linear = torch.nn.Linear(inputs, outputs)
            weight, bias = layer(inputs, outputs, i)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(weight))
                linear.bias.copy_(torch.from_numpy(bias))
            layers += [linear, torch.nn.ReLU()]
        return torch.nn.Sequential(*layers[:-1])

    def batch(self, r):
        return self.torch.from_numpy(uniform(r['batch'] * r['dims'][0], 100)).reshape(r['batch'], -1)

    def train(self, r):
        torch, model, x = self.torch, self.model(r['dims']), self.batch(r)
        y = torch.arange(r['batch']) % r['dims'][-1]
        parameters = model.parameters()
        o = (torch.optim.Adam(parameters, 1e-3) if r['optimizer'] == 'adam'
             else torch.optim.SGD(parameters, 0.1))
        cross_entropy = torch.nn.CrossEntropyLoss()

        def step():
            o.zero_grad()
            loss = cross_entropy(model(x), y)
            loss.backward()
            o.step()
            return loss

        for _ in range(WARM_UP_STEPS - 1):
            step()
        return step, [step().item()]

    def infer(self, r):
        model, x = self.model(r['dims']), self.batch(r)

        def run():
            with self.torch.no_grad():
                return model(x)

        return run, samples(run())

    def ops(self, r):
        torch = self.torch
        shape = r['shape']
        n = math.prod(shape)
        a = torch.from_numpy(uniform(n, 1)).reshape(shape)
        b = torch.from_numpy(uniform(n, 2)).reshape(shape)
        run = {
            'add': lambda: a + b,
            'relu': lambda: torch.relu(a),
            'exp': lambda: torch.exp(a),
            'tanh': lambda: torch.tanh(a),
            'sigmoid': lambda: torch.sigmoid(a),
            'gelu': lambda: torch.nn.functional.gelu(a),
            'softmax': lambda: torch.softmax(a, -1),
        }[r['op']]
        return run, samples(run())

    def overhead(self, r):
        torch = self.torch
        a = torch.from_numpy(uniform(4, 1)).reshape(2, 2).requires_grad_(r['recorded'])
        b = torch.from_numpy(uniform(4, 2)).reshape(2, 2)
        run = {'add': lambda: a + b, 'matmul': lambda: a @ b}[r['op']]
        return run, samples(run().detach())


def measure(run, seconds, repeats, iterations):
    """Time of one run() in every repeat; a repeat lasts about `seconds`."""
    clock = time.perf_counter
    while iterations is None:
        trial, start = 1, clock()
        run()
        elapsed = clock() - start
        while elapsed < seconds / 4:
            trial = max(2 * trial, int(trial * seconds / 2 / max(elapsed, 1e-7)))
            start = clock()
            for _ in range(trial):
                run()
            elapsed = clock() - start
        iterations = max(1, round(trial * seconds / elapsed))
    times = []
    for _ in range(repeats):
        start = clock()
        for _ in range(iterations):
            run()
        times.append((clock() - start) / iterations)
    return times, iterations


def main():
    library = {'torch': Torch, 'numpy': Numpy}[LIBRARY]()
    say = lambda **answer: print(  # noqa: E731
        json.dumps({'peer': library.name, 'threads': THREADS, **answer}), flush=True)
    say(ready=True)
    prepared = {}  # of the latest case only, so that memory holds one case's data
    for line in sys.stdin:
        r = json.loads(line)
        case = r['case']
        if not hasattr(library, r['kind']):
            say(case=case, skip=f'{LIBRARY} has no {r["kind"]}')
            continue
        if case not in prepared:
            prepared.clear()
            prepared[case] = [*getattr(library, r['kind'])(r), None]
        run, check, iterations = prepared[case]
        times, prepared[case][2] = measure(run, r['seconds'], r['repeats'], iterations)
        say(case=case, seconds=times, check=check)


main()
