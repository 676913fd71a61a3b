/**
 * What the compiler has to refuse, and what types say of results. Never run: types.test.ts compiles it.
 * A line after `@ts-expect-error` that compiles is an error itself.
 */
import * as tilegrad from 'tilegrad';
import { type DType, nn, optim, type Tensor, tensor, zeros } from 'tilegrad';

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Compiles only where both types are the same. */
declare function same<A, B>(equal: Equal<A, B>): void;

declare const x: Tensor;
declare const model: nn.Module;

export function dtypeUnions(): void {
  zeros([2], { dtype: 'float16' });
  // @ts-expect-error
  zeros([2], { dtype: 'int16' });
  // @ts-expect-error
  tensor([1], { dtype: 'Float32' });
  // @ts-expect-error
  x.to('float');
  // @ts-expect-error
  tilegrad.arange(0, 3, 1, { dtype: 'number' });
  // @ts-expect-error
  tilegrad.promoteTypes('float32', 'complex64');
  // @ts-expect-error
  tilegrad.randint(0, 3, [2], { dtype: 'uint32' });
  // @ts-expect-error
  new nn.Linear(2, 3, { dtype: 'float' });
  same<typeof x.dtype, DType>(true);
  // @ts-expect-error: a typo in a comparison
  if (x.dtype === 'flaot32') return;
}

export function requiredOptionsAndArguments(): void {
  // @ts-expect-error
  tilegrad.fromBuffer(new ArrayBuffer(8));
  // @ts-expect-error
  tilegrad.fromBuffer(new ArrayBuffer(8), { offset: 4 });
  // @ts-expect-error
  x.renorm({ dim: 0 });
  // @ts-expect-error
  x.renorm({ maxNorm: 1 });
  // @ts-expect-error
  zeros();
  // @ts-expect-error
  tilegrad.full([2]);
  // @ts-expect-error
  tilegrad.where(x, x);
  // @ts-expect-error
  x.clamp();
  // @ts-expect-error
  x.gather(0);
  // @ts-expect-error
  new nn.Linear(2);
  // @ts-expect-error
  new nn.Conv2d(1, 2);
  // @ts-expect-error
  new optim.SGD();
  // @ts-expect-error
  new optim.lrScheduler.StepLR(new optim.SGD(model.parameters(), { lr: 1 }));
  // @ts-expect-error
  tilegrad.crossEntropy(x);
}

export function unknownOptions(): void {
  // @ts-expect-error
  x.sum({ axis: 0 });
  // @ts-expect-error
  x.sum({ dim: 0, keepdim: true });
  // @ts-expect-error
  zeros([2], { device: 'cpu' });
  // @ts-expect-error
  zeros([2], { requires_grad: true });
  // @ts-expect-error
  x.softmax({ dim: 1 });
  // @ts-expect-error
  tilegrad.layerNorm(x, [3], { epsilon: 1e-5 });
  // @ts-expect-error
  tilegrad.crossEntropy(x, [0], { weights: x });
  // @ts-expect-error
  new nn.Linear(2, 3, { useBias: false });
  // @ts-expect-error
  new optim.Adam(model.parameters(), { learningRate: 1e-3 });
  // @ts-expect-error
  x.sum().backward(undefined, { createGraphs: true });
  // @ts-expect-error
  tilegrad.grad(x, x, { create_graph: true });
}

export function literalsOfOptions(): void {
  // @ts-expect-error
  tilegrad.mseLoss(x, x, { reduction: 'avg' });
  // @ts-expect-error
  tilegrad.pad(x, [1, 1], { mode: 'mirror' });
  // @ts-expect-error
  tilegrad.interpolate(x, { scaleFactor: 2, mode: 'cubic' });
  // @ts-expect-error
  tilegrad.gelu(x, { approximate: 'sigmoid' });
  // @ts-expect-error
  x.scatterReduce(0, x, x, 'average');
}

export function operandKinds(): void {
  x.add(1).mul(2n).add(x);
  // @ts-expect-error
  x.add('1');
  // @ts-expect-error
  x.add([1, 2]);
  // @ts-expect-error
  x.add(true);
  // @ts-expect-error
  x.matmul(2);
  // @ts-expect-error
  tilegrad.relu(3);
  // @ts-expect-error
  tilegrad.concat(x, x);
  // @ts-expect-error
  x.reshape(2, 3);
  // @ts-expect-error
  x.reshape('2');
  // @ts-expect-error
  x.permute(1, 0);
  // @ts-expect-error
  zeros(2, 3);
  // @ts-expect-error
  x.sum(0);
  // @ts-expect-error
  x.at('0');
  // @ts-expect-error
  tensor({ length: 2 });
  // @ts-expect-error
  tensor(['1']);
  // @ts-expect-error
  tilegrad.noGrad(x);
  // @ts-expect-error
  new nn.Sequential(x);
  // @ts-expect-error
  new optim.SGD(model, { lr: 1 });
  // @ts-expect-error
  new nn.Linear('2', 3);
  // @ts-expect-error
  x.registerHook('print');
}

export function results(): void {
  same<ReturnType<typeof x.item>, number>(true);
  const largest = x.max({ dim: 0 });
  same<typeof largest.values, Tensor>(true);
  // @ts-expect-error: values and indices, not a tensor
  largest.item();
  // @ts-expect-error: without a dimension a tensor
  x.max().values;
  const { values, indices } = x.sort();
  same<typeof values, Tensor>(true);
  same<typeof indices, Tensor>(true);
  // @ts-expect-error: no array
  x.sort()[0];
  const { q, r } = tilegrad.linalg.qr(x);
  same<[typeof q, typeof r], [Tensor, Tensor]>(true);
  // @ts-expect-error
  tilegrad.linalg.svd(x).v;
  const { sign, logabsdet } = tilegrad.linalg.slogdet(x);
  same<[typeof sign, typeof logabsdet], [Tensor, Tensor]>(true);
  const places: Tensor[] = tilegrad.where(x);
  const chosen: Tensor = tilegrad.where(x, x, 0);
  const rows: Tensor = x.nonzero();
  const columns: Tensor[] = x.nonzero({ asTuple: true });
  // @ts-expect-error
  const wrongRows: Tensor = x.nonzero({ asTuple: true });
  // @ts-expect-error: null before the first backward pass
  x.grad.item();
  same<ReturnType<typeof x.dataAs<'int64'>>, BigInt64Array>(true);
  same<ReturnType<typeof x.dataAs<'float32'>>, Float32Array>(true);
  const part = tilegrad.noGrad(() => 'text');
  same<typeof part, string>(true);
  const parts: readonly Tensor[] = x.unbind();
  void [places, chosen, rows, columns, wrongRows, parts];
}

export function readonlyProperties(): void {
  // @ts-expect-error
  x.shape = [1];
  // @ts-expect-error
  x.shape.push(1);
  // @ts-expect-error
  x.dtype = 'int32';
  // @ts-expect-error
  x.numel = 3;
  // @ts-expect-error: a property, not a method
  x.numel();
  // @ts-expect-error
  x.data = new Float32Array(1);
}

export function modules(): void {
  const layer = new nn.Linear(2, 3);
  const y: Tensor = layer.forward(x);
  // @ts-expect-error
  layer.forward([1, 2]);
  // @ts-expect-error: a call, as in Python
  layer(x);
  // @ts-expect-error: a generator has no length
  layer.parameters().length;
  // @ts-expect-error
  model.train('yes');
  // @ts-expect-error: an optimizer of another name
  new optim.AdamX(model.parameters());
  void y;
}
