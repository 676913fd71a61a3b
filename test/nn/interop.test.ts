/** Files that PyTorch wrote for a network are read, and PyTorch read those that this library writes. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Generator,
  loadSafetensorsSync,
  type nn,
  noGrad,
  randn,
  saveSafetensorsSync,
  type Tensor,
  tensor,
} from 'tilegrad';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InteropNet } from '../helpers/interop_model.js';

interface Fixture {
  words: number[][];
  theirs: { file: string; names: string[]; parameters: string[]; output: number[][] };
  ours: { output: number[][]; batches: number };
}

const fixture = JSON.parse(
  readFileSync(new URL('../fixtures/interop.json', import.meta.url), 'utf8'),
) as Fixture;
const folder = mkdtempSync(join(tmpdir(), 'tilegrad-interop-'));
afterAll(() => rmSync(folder, { recursive: true }));

const words = tensor(fixture.words, { dtype: 'int64' });
const evaluate = (net: InteropNet): Tensor => noGrad(() => net.eval().forward(words));

/** Ten layers with sums of up to 64 products each. */
const kRoundings = 10 * 64;

function expectOutput(net: InteropNet, want: number[][]): void {
  const expected = tensor(want);
  const most = expected.abs().max().item();
  const error = evaluate(net).sub(expected).abs().max().item();
  expect(error).toBeLessThanOrEqual(kRoundings * 2 ** -24 * most);
  // An output that says nothing would fit any weights.
  expect(most).toBeGreaterThan(0.1);
}

describe('a file of PyTorch', () => {
  const tensors: nn.StateDict = {};
  beforeAll(() => {
    const file = join(folder, 'theirs.safetensors');
    writeFileSync(file, Buffer.from(fixture.theirs.file, 'base64'));
    Object.assign(tensors, loadSafetensorsSync(file).tensors);
  });

  test('loads with all names, shared ones twice, and gives its outputs', () => {
    const net = new InteropNet();
    expect(Object.keys(tensors).sort()).toEqual([...fixture.theirs.names].sort());
    expect(net.loadStateDict(tensors)).toEqual({ missingKeys: [], unexpectedKeys: [] });
    expectOutput(net, fixture.theirs.output);
    expect(net.decoder.weight).toBe(net.embed.weight);
    expect((net.getBuffer('body.bn.num_batches_tracked') as Tensor).item()).toBe(5);
  });

  test('loads without a copy, too', () => {
    const net = new InteropNet();
    net.loadStateDict(tensors, { assign: true });
    expect(net.pair.weight.storage).toBe((tensors['pair.weight'] as Tensor).storage);
    expectOutput(net, fixture.theirs.output);
  });

  test("has the names and the order of this library's", () => {
    const net = new InteropNet();
    const { names, parameters } = fixture.theirs;
    expect(Object.keys(net.stateDict())).toEqual(names.filter((name) => name !== 'decoder.weight'));
    expect([...net.namedParameters()].map(([name]) => name)).toEqual(parameters);
  });
});

/** A network whose values are the same everywhere: bits don't depend on the machine. */
function known(): InteropNet {
  const net = new InteropNet();
  const generator = new Generator(11);
  noGrad(() => {
    for (const member of Object.values(net.stateDict())) {
      if (member.dtype === 'int32') member.add_(3);
      else member.copy_(randn(member.shape, { generator }).mul(0.5));
    }
    const variance = net.getBuffer('body.bn.running_var');
    variance.copy_(variance.abs().add(0.5));
  });
  return net;
}

describe('a file for PyTorch', () => {
  test('has the bytes that PyTorch was given, which computed the same', async () => {
    const net = known();
    const file = join(folder, 'ours.safetensors');
    saveSafetensorsSync(file, net.stateDict());
    // make_interop.py reads this snapshot: make interop.json anew when it changes.
    const text = `${readFileSync(file).toString('base64')}\n`;
    await expect(text).toMatchFileSnapshot('../fixtures/interop_ours.txt');
    expect(fixture.ours.batches).toBe(3);
    expectOutput(net, fixture.ours.output);
  });

  test('comes back', () => {
    const net = new InteropNet();
    net.loadStateDict(loadSafetensorsSync(join(folder, 'ours.safetensors')).tensors);
    expect(evaluate(net).toArray()).toEqual(evaluate(known()).toArray());
  });
});
