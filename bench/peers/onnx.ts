/**
 * ONNX models, written out as protocol buffers: just the fields that a matrix product and an MLP
 * need, by their numbers in onnx.proto (ONNX IR version 8, operator set 17).
 */
import type { Product } from '../lib/cases.js';
import type { GemmDType } from '../lib/dtypes.js';
import { type Layer, layers } from '../lib/inputs.js';

const kIrVersion = 8;
const kOperatorSet = 17;
// TensorProto.DataType
const elementTypes = { float32: 1, float64: 11 } as const;
type OnnxDType = keyof typeof elementTypes;

/** Whether there are models of products of these. */
export function hasElementType(dtype: GemmDType): dtype is OnnxDType {
  return dtype in elementTypes;
}

const kInt = 2; // AttributeProto.AttributeType

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
function constant(
  name: string,
  dims: readonly number[],
  values: Float32Array | Float64Array,
): Buffer[] {
  const type = values instanceof Float64Array ? elementTypes.float64 : elementTypes.float32;
  return [
    ...dims.map((d) => integer(1, d)),
    integer(2, type),
    bytes(8, name),
    bytes(9, Buffer.from(values.buffer, values.byteOffset, values.byteLength)),
  ];
}

/** A ValueInfoProto; a size given as text may be any. */
function value(
  name: string,
  dims: readonly (number | string)[],
  dtype: OnnxDType = 'float32',
): Buffer[] {
  const shape = dims.map((d) => bytes(1, [typeof d === 'number' ? integer(1, d) : bytes(2, d)]));
  return [bytes(1, name), bytes(2, [bytes(1, [integer(1, elementTypes[dtype]), bytes(2, shape)])])];
}

/** A NodeProto, with attributes that are whole numbers. */
function node(
  type: string,
  inputs: readonly string[],
  output: string,
  attributes: Readonly<Record<string, number>> = {},
): Buffer[] {
  return [
    ...inputs.map((name) => bytes(1, name)),
    bytes(2, output),
    bytes(4, type),
    ...Object.entries(attributes).map(([name, content]) =>
      bytes(5, [bytes(1, name), integer(3, content), integer(20, kInt)]),
    ),
  ];
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

/** C = A B, both as they are stored. With `b`, B is a constant, which the runtime packs ahead. */
export function gemmModel(
  { m, k, n, layout }: Product,
  dtype: OnnxDType,
  b?: Float32Array | Float64Array,
): Buffer {
  const aDims = layout === 'TN' ? [k, m] : [m, k];
  const bDims = layout === 'NT' ? [n, k] : [k, n];
  // MatMul reads its operands as they are; only Gemm takes them transposed.
  const product =
    layout === 'NN'
      ? node('MatMul', ['A', 'B'], 'C')
      : node('Gemm', ['A', 'B'], 'C', layout === 'TN' ? { transA: 1 } : { transB: 1 });
  return model({
    nodes: [product],
    constants: b ? [constant('B', bDims, b)] : [],
    inputs: [value('A', aDims, dtype), ...(b ? [] : [value('B', bDims, dtype)])],
    output: value('C', [m, n], dtype),
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
