"""PyTorch or NumPy as a peer of the benchmark: python3 python_peer.py torch|numpy|numpy-blis THREADS

numpy-blis ends at once where NumPy's BLAS isn't BLIS. The program prints one line about itself,
then answers requests, one JSON line each, until its input ends:
  {"case": "8x1024x1024", "kind": "gemm", "m": 8, "k": 1024, "n": 1024, "layout": "NN",
   "dtype": "float32", "seconds": 0.05, "repeats": 3}
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


def as_int8(x):
    return np.trunc(x * 128).astype(np.int8)


# NumPy has no bfloat16; PyTorch converts to it.
CONVERSIONS = {'float32': lambda x: x, 'float64': lambda x: x.astype(np.float64),
               'bfloat16': lambda x: x, 'int8': as_int8}


def stored(r):
    """A and B of a product as they lie in memory: with a T in the layout, the transposed matrix."""
    m, k, n = r['m'], r['k'], r['n']
    a, b = (CONVERSIONS[r['dtype']](uniform(*x)) for x in ((m * k, 1), (k * n, 2)))
    return (a.reshape((k, m) if r['layout'] == 'TN' else (m, k)),
            b.reshape((n, k) if r['layout'] == 'NT' else (k, n)))


def product_check(c):
    """What is checked of a product: sampled values, then C times a vector in float64 (by einsum,
    which has loops of its own and doesn't ask the BLAS that is being checked)."""
    x = uniform(c.shape[1], 3).astype(np.float64)
    return samples(c) + np.einsum('ij,j->i', c, x, dtype=np.float64, casting='safe').tolist()


def loaded(library):
    """Whether a shared library with that in its path is loaded."""
    with open('/proc/self/maps') as maps:
        return any(library in line for line in maps)


def samples(y):
    """The values of a result that are checked: 16, evenly spread from the first to the last."""
    y = y.reshape(-1)
    return [float(y[(len(y) - 1) * i // 15]) for i in range(16)]


class Numpy:
    name = 'numpy ' + np.__version__

    def gemm(self, r):
        if r['dtype'] in ('bfloat16', 'int8'):  # without BLAS
            return None
        a, b = stored(r)
        a, b = a.T if r['layout'] == 'TN' else a, b.T if r['layout'] == 'NT' else b
        out = np.empty((r['m'], r['n']), a.dtype)
        run = lambda: np.matmul(a, b, out=out)  # noqa: E731
        run()
        return run, product_check(out)

    def overhead(self, r):
        if r['recorded']:
            return None
        size = r['size']
        a, b = (uniform(size * size, seed).reshape(size, size) for seed in (1, 2))
        run = {'add': lambda: a + b, 'matmul': lambda: a @ b}[r['op']]
        return run, samples(run())


class Torch:
    def __init__(self):
        import torch
        torch.set_num_threads(THREADS)
        self.torch = torch
        self.name = 'torch ' + torch.__version__.split('+')[0]

    def gemm(self, r):
        torch = self.torch
        a, b = (torch.from_numpy(x).clone() for x in stored(r))  # in PyTorch's own memory
        if r['dtype'] == 'bfloat16':
            a, b = a.bfloat16(), b.bfloat16()
        a, b = a.t() if r['layout'] == 'TN' else a, b.t() if r['layout'] == 'NT' else b
        integers = r['dtype'] == 'int8'
        out = torch.empty(r['m'], r['n'], dtype=torch.int32 if integers else a.dtype)
        multiply = torch._int_mm if integers else torch.mm
        run = lambda: multiply(a, b, out=out)  # noqa: E731
        run()
        return run, product_check((out.float() if r['dtype'] == 'bfloat16' else out).numpy())

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

    def network(self, r):
        """A training step of one of the networks of bench/nn/networks.ts."""
        torch, nn, batch = self.torch, self.torch.nn, r['batch']
        if r['network'] == 'cnn':
            model = nn.Sequential(
                nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
                nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 10))
            x = torch.from_numpy(uniform(batch * 784, 100)).reshape(batch, 1, 28, 28)
            y = torch.arange(batch) % 10
            forward = lambda: model(x)  # noqa: E731
        elif r['network'] in ('lstm', 'gru'):
            steps, width = r['steps'], r['width']
            model = nn.ModuleDict({
                'recurrent': {'lstm': nn.LSTM, 'gru': nn.GRU}[r['network']](
                    width, width, batch_first=True),
                'head': nn.Linear(width, 10)})
            x = torch.from_numpy(uniform(batch * steps * width, 100)).reshape(batch, steps, width)
            y = torch.arange(batch) % 10
            forward = lambda: model['head'](model['recurrent'](x)[0][:, -1])  # noqa: E731
        else:
            steps, width, vocabulary = r['steps'], r['width'], 65
            layer = nn.TransformerEncoderLayer(width, 4, 4 * width, dropout=0.0, activation='gelu',
                                               batch_first=True, norm_first=True)
            model = nn.ModuleDict({
                'tokens': nn.Embedding(vocabulary, width),
                'positions': nn.Embedding(steps, width),
                'encoder': nn.TransformerEncoder(layer, 4, nn.LayerNorm(width),
                                                 enable_nested_tensor=False),
                'head': nn.Linear(width, vocabulary)})
            tokens = torch.arange(batch * (steps + 1)) * 7919 % vocabulary
            tokens = tokens.reshape(batch, steps + 1)
            x, y = tokens[:, :-1].contiguous(), tokens[:, 1:].reshape(-1)
            places = torch.arange(steps)
            mask = nn.Transformer.generate_square_subsequent_mask(steps)

            def forward():
                h = model['tokens'](x) + model['positions'](places)
                h = model['encoder'](h, mask=mask, is_causal=True)
                return model['head'](h).reshape(-1, vocabulary)
        with torch.no_grad():
            for i, (name, p) in enumerate(model.named_parameters()):
                if p.dim() > 1:
                    bound = 1 / math.sqrt(p.numel() // p.shape[0])
                    values = uniform(p.numel(), 1000 + i).astype(np.float64) * bound
                    p.copy_(torch.from_numpy(values.astype(np.float32)).reshape(p.shape))
                else:
                    p.fill_(1 if name.endswith('weight') else 0)
        o = torch.optim.Adam(model.parameters(), 1e-3)
        cross_entropy = nn.CrossEntropyLoss()

        def step():
            o.zero_grad()
            loss = cross_entropy(forward(), y)
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
        inputs = [self.operand(r, x, seed) for seed, x in enumerate(r['inputs'], 1)]
        # The expression comes from bench/ops/operations.ts.
        f = eval('lambda a, b=None, c=None, d=None, e=None: ' + r['torch'],  # noqa: S307
                 {'torch': torch, 'F': torch.nn.functional})
        floating = [x for x, spec in zip(inputs, r['inputs'])
                    if 'below' not in spec and not spec.get('constant')]
        for x in floating:
            x.requires_grad_(r['recorded'] or r['backward'])
        if not r['backward']:
            run = lambda: f(*inputs)  # noqa: E731
            return run, samples(run().detach())
        with torch.no_grad():
            g = torch.ones_like(f(*inputs))

        def run():
            for x in floating:
                x.grad = None
            f(*inputs).backward(g)

        run()
        return run, samples(floating[0].grad)

    def operand(self, r, spec, seed):
        torch, shape = self.torch, spec['shape']
        if 'below' in spec:
            whole = np.arange(math.prod(shape), dtype=np.int64) * 7919 % spec['below']
            whole += spec.get('plus', 0)
            return torch.from_numpy(whole).reshape(shape).to(getattr(torch, spec.get('as', 'int64')))
        transposed = spec.get('transposed', False)
        values = uniform(math.prod(shape), seed)
        if spec.get('positive'):
            values = (values + np.float32(1)) / np.float32(2) + np.float32(2**-24)
        values = values + np.float32(spec.get('plus', 0))
        if 'diagonal' in spec:
            values = values.reshape(shape)
            if spec.get('symmetric'):
                values = np.tril(values) + np.tril(values, -1).T
            values = values + np.float32(spec['diagonal']) * np.eye(len(values), dtype=np.float32)
        if spec.get('ascending'):
            values = np.sort(values)
        stored = torch.from_numpy(values.astype(r['dtype']))
        x = stored.reshape(shape[::-1] if transposed else shape)
        return x.t() if transposed else x

    def steps(self, r):
        torch = self.torch
        parameters = []
        for i, n in enumerate(r['sizes']):
            parameter = torch.nn.Parameter(torch.from_numpy(uniform(n, 2 * i + 1)))
            parameter.grad = torch.from_numpy(uniform(n, 2 * i + 2))
            parameters.append(parameter)
        options = {} if r['form'] == 'default' else {r['form']: True}
        if r['momentum']:
            options['momentum'] = r['momentum']
        o = getattr(torch.optim, r['optimizer'])(parameters, lr=1e-3, **options)
        for _ in range(5):
            o.step()
        return o.step, samples(parameters[0].detach())

    def overhead(self, r):
        torch, size = self.torch, r['size']
        a, b = (torch.from_numpy(uniform(size * size, seed)).reshape(size, size) for seed in (1, 2))
        a.requires_grad_(r['recorded'])
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
    if LIBRARY == 'numpy-blis' and not loaded('blis'):
        sys.exit('NumPy is not on BLIS here')
    library = Torch() if LIBRARY == 'torch' else Numpy()
    say = lambda **answer: print(  # noqa: E731
        json.dumps({'peer': library.name, 'threads': THREADS, **answer}), flush=True)
    say(ready=True)
    prepared = {}  # of the latest case only, so that memory holds one case's data
    for line in sys.stdin:
        r = json.loads(line)
        case = r['case']
        if case not in prepared:
            prepared.clear()
            ready = getattr(library, r['kind'], lambda r: None)(r)
            if ready is None:
                say(case=case, skip=f'{LIBRARY} has no {case}')
                continue
            prepared[case] = [*ready, None]
        run, check, iterations = prepared[case]
        times, prepared[case][2] = measure(run, r['seconds'], r['repeats'], iterations)
        say(case=case, seconds=times, check=check)


main()
