/** Writes IDX bytes, for tests that need such files. */
type Setter = (view: DataView, offset: number, value: number) => void;

const TYPES: Record<number, [bytes: number, set: Setter]> = {
  8: [1, (view, offset, value) => view.setUint8(offset, value)],
  9: [1, (view, offset, value) => view.setInt8(offset, value)],
  11: [2, (view, offset, value) => view.setInt16(offset, value)],
  12: [4, (view, offset, value) => view.setInt32(offset, value)],
  13: [4, (view, offset, value) => view.setFloat32(offset, value)],
  14: [8, (view, offset, value) => view.setFloat64(offset, value)],
};

/** An IDX file of that type byte; `values` need not fit `shape`. */
export function encodeIdx(type: number, shape: number[], values: ArrayLike<number>): Buffer {
  const [bytes, set] = TYPES[type]!;
  const start = 4 + 4 * shape.length;
  const buffer = Buffer.alloc(start + values.length * bytes);
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  view.setUint8(2, type);
  view.setUint8(3, shape.length);
  for (const [i, size] of shape.entries()) view.setUint32(4 + 4 * i, size);
  for (let i = 0; i < values.length; i++) set(view, start + i * bytes, values[i]!);
  return buffer;
}
