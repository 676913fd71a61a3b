/**
 * ONNX models, written out as protocol buffers: just the fields that a matrix product and an MLP
 * need, by their numbers in onnx.proto (ONNX IR version 8, operator set 17).
 */
import { type Layer, layers } from '../lib/inputs.js';

const kIrVersion = 8;
const kOperatorSet = 17;
const kFloat = 1; // TensorProto.DataType

/** An unsigned number in groups of 7 bits, lowest first; the top bit says that more follow. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** A number as field `id`: wire type 0. */
function integer(id: number, value: number): Buffer {
  return Buffer.concat([varint(id * 8), varint(value)]);
}

/** Text, raw bytes or a message's fields as field `id`: wire type 2. */
function bytes(id: number, content: string | Buffer | Buffer[]): Buffer {
  const body = Array.isArray(content) ? Buffer.concat(content) : Buffer.from(content);
  return Buffer.concat([varint(id * 8 + 2), varint(body.length), body]);
}

/** A TensorProto. */
function constant(name: string, dims: readonly number[], values: Float32Array): Buffer[] {
  return [
    ...dims.map((d) => integer(1, d)),
    integer(2, kFloat),
    bytes(8, name),
    bytes(9, Buffer.from(values.buffer, values.byteOffset, values.byteLength)),
  ];
}

/** A ValueInfoProto of float32; a size given as text may be any. */
function value(name: string, dims: readonly (number | string)[]): Buffer[] {
  const shape = dims.map((d) => bytes(1, [typeof d === 'number' ? integer(1, d) : bytes(2, d)]));
  return [bytes(1, name), bytes(2, [bytes(1, [integer(1, kFloat), bytes(2, shape)])])];
}

/** A NodeProto. */
function node(type: string, inputs: readonly string[], output: string): Buffer[] {
  return [...inputs.map((name) => bytes(1, name)), bytes(2, output), bytes(4, type)];
}

interface Graph {
  nodes: Buffer[][];
  constants: Buffer[][];
  inputs: Buffer[][];
  output: Buffer[];
}

/** A ModelProto around a GraphProto. */
function model({ nodes, constants, inputs, output }: Graph): Buffer {
  return Buffer.concat([
    integer(1, kIrVersion),
    bytes(7, [
      ...nodes.map((n) => bytes(1, n)),
      bytes(2, 'graph'),
      ...constants.map((c) => bytes(5, c)),
      ...inputs.map((i) => bytes(11, i)),
      bytes(12, output),
    ]),
    bytes(8, [integer(2, kOperatorSet)]),
  ]);
}

/** C = A B. With `b`, B is a constant, which the runtime packs ahead. */
export function gemmModel(m: number, k: number, n: number, b?: Float32Array): Buffer {
  return model({
    nodes: [node('MatMul', ['A', 'B'], 'C')],
    constants: b ? [constant('B', [k, n], b)] : [],
    inputs: [value('A', [m, k]), ...(b ? [] : [value('B', [k, n])])],
    output: value('C', [m, n]),
  });
}

/** [outputs, inputs] to [inputs, outputs]. */
function transpose({ weight, bias }: Layer): Float32Array {
  const outputs = bias.length;
  const inputs = weight.length / outputs;
  return Float32Array.from(
    weight,
    (_, i) => weight[(i % outputs) * inputs + Math.floor(i / outputs)]!,
  );
}

/** The MLP of `layers(dims)`, ReLU between the layers: input x, output y. */
export function mlpModel(dims: readonly number[]): Buffer {
  const nodes: Buffer[][] = [];
  const constants: Buffer[][] = [];
  layers(dims).forEach((layer, i) => {
    const last = i === dims.length - 2;
    constants.push(
      constant(`w${i}`, [dims[i]!, dims[i + 1]!], transpose(layer)),
      constant(`b${i}`, [dims[i + 1]!], layer.bias),
    );
    nodes.push(
      node('Gemm', [i === 0 ? 'x' : `relu${i - 1}`, `w${i}`, `b${i}`], last ? 'y' : `h${i}`),
    );
    if (!last) nodes.push(node('Relu', [`h${i}`], `relu${i}`));
  });
  return model({
    nodes,
    constants,
    inputs: [value('x', ['batch', dims[0]!])],
    output: value('y', ['batch', dims.at(-1)!]),
  });
}
