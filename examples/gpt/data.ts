/** The text that the GPT program learns, as numbers of characters. */
import fs from 'node:fs';
import { type Generator, randint, type Tensor, tensor } from 'tilegrad';
import { UsageError } from '../options.js';
import { makeText } from './grammar.js';

/** Characters of a text that the program makes. */
const MADE_LENGTH = 200_000;

/** The share of the text that is learned; the rest, at its end, is for the evaluation. */
const TRAIN_SHARE = 0.9;

/** Characters and their numbers, in the order of their code points. */
export class Vocabulary {
  private readonly numbers: ReadonlyMap<string, number>;

  constructor(readonly characters: readonly string[]) {
    this.numbers = new Map(characters.map((character, i) => [character, i]));
  }

  static of(text: string): Vocabulary {
    return new Vocabulary([...new Set(text)].sort());
  }

  get size(): number {
    return this.characters.length;
  }

  /** @throws UsageError for a character that isn't in it */
  encode(text: string): Int32Array {
    return Int32Array.from(text, (character) => {
      const n = this.numbers.get(character);
      if (n === undefined) {
        throw new UsageError(
          `the text has a character that the model doesn't know: ${JSON.stringify(character)}`,
        );
      }
      return n;
    });
  }

  decode(numbers: Iterable<number>): string {
    return Array.from(numbers, (n) => this.characters[n]).join('');
  }
}

/** Pieces of text and what follows each of their characters: int32 [pieces, context] both. */
export interface Batch {
  x: Tensor;
  y: Tensor;
}

/** The two parts of a text. */
export interface TextData {
  train: Int32Array;
  validation: Int32Array;
  vocabulary: Vocabulary;
  /** What it is, for people. */
  description: string;
}

/**
 * @param file a text in UTF-8; undefined for one that is made
 * @param seed chooses the one that is made
 * @param known the characters of a model that goes on; undefined for those of the text
 * @throws UsageError when a part is shorter than a piece of text and its continuation
 */
export function loadText(
  file: string | undefined,
  seed: number,
  context: number,
  known?: Vocabulary,
): TextData {
  const text = file === undefined ? makeText(MADE_LENGTH, seed) : fs.readFileSync(file, 'utf8');
  const vocabulary = known ?? Vocabulary.of(text);
  const all = vocabulary.encode(text);
  const cut = Math.floor(TRAIN_SHARE * all.length);
  const [train, validation] = [all.subarray(0, cut), all.subarray(cut)];
  if (validation.length <= context) {
    throw new UsageError(
      `the text is too short: ${validation.length} characters are for the evaluation, which needs more than --context ${context}`,
    );
  }
  const source = file === undefined ? 'made' : `from ${file}`;
  const description =
    `${train.length} characters to learn and ${validation.length} to evaluate (${source}), ` +
    `${vocabulary.size} different ones`;
  return { train, validation, vocabulary, description };
}

/** Pieces that begin at the given places. */
function piecesAt(text: Int32Array, starts: ArrayLike<number>, context: number): Batch {
  const shape = [starts.length, context];
  const [x, y] = [new Int32Array(starts.length * context), new Int32Array(starts.length * context)];
  for (let i = 0; i < starts.length; i++) {
    const start = starts[i] as number;
    x.set(text.subarray(start, start + context), i * context);
    y.set(text.subarray(start + 1, start + 1 + context), i * context);
  }
  return { x: tensor(x).reshape(shape), y: tensor(y).reshape(shape) };
}

/** Pieces from anywhere in a text. */
export function randomBatch(
  text: Int32Array,
  count: number,
  context: number,
  generator: Generator,
): Batch {
  const starts = randint(0, text.length - context, [count], { generator });
  return piecesAt(text, starts.data as Int32Array, context);
}

/** All of a text, as pieces one after the other. */
export function* everyPiece(
  text: Int32Array,
  count: number,
  context: number,
): IterableIterator<Batch> {
  const pieces = Math.floor((text.length - 1) / context);
  for (let from = 0; from < pieces; from += count) {
    const length = Math.min(count, pieces - from);
    yield piecesAt(
      text,
      Array.from({ length }, (_, i) => (from + i) * context),
      context,
    );
  }
}
