/** Folders of MNIST files for programs that read digits. */
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { encodeIdx } from '../data/idx-files.js';

/** Writes `count` pictures of `side` x `side` each for training and for testing, a dot for each label. */
export function writeMnist(dir: string, count = 40, side = 4): string {
  const labels = Array.from({ length: count }, (_, i) => i % 10);
  const pixels = labels.flatMap((label) =>
    Array.from({ length: side * side }, (_, i) => (i === label ? 255 : 0)),
  );
  for (const prefix of ['train', 't10k']) {
    const images = encodeIdx(0x08, [count, side, side], pixels);
    fs.writeFileSync(path.join(dir, `${prefix}-images-idx3-ubyte`), images);
    const packed = zlib.gzipSync(encodeIdx(0x08, [count], labels));
    fs.writeFileSync(path.join(dir, `${prefix}-labels-idx1-ubyte.gz`), packed);
  }
  return dir;
}
