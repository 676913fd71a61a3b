/** What the digits program shows. */
import { SingleBar } from 'cli-progress';
import type { Tensor } from 'tilegrad';
import type { DigitData } from './data.js';
import type { EpochResult, Evaluation } from './train.js';

/** Misread digits that are drawn side by side. */
const MISREAD_SHOWN = 4;

/** Brightness that counts as ink where a picture is drawn in blocks. */
const INK = 0.5;

/** Upper and lower half of a character cell: inked or not. */
const BLOCKS = [' ', '▄', '▀', '█'] as const;

type Write = (line: string) => void;

/** What a pass came to so far; only of a classifier is there an accuracy. */
type PassResult = Omit<EpochResult, 'accuracy'> & Partial<Pick<EpochResult, 'accuracy'>>;

/** Hears how a training goes on, of classifiers (see `TrainHooks`) and of others. */
export interface TrainingProgress {
  /** After every batch: the epoch from 0, the pictures seen in it, its means so far. */
  onBatch(epoch: number, seen: number, soFar: PassResult): void;
  /** After every complete epoch. */
  onEpoch(epoch: number, result: PassResult): void;
}

/** Shows the progress: a bar on a terminal, otherwise one line per epoch. */
export class Progress implements TrainingProgress {
  private bar: SingleBar | undefined;

  /**
   * @param stream where to; a terminal gets the bar
   * @param epochs how many there will be
   * @param pictures how many each has
   */
  constructor(
    private readonly stream: NodeJS.WriteStream,
    private readonly epochs: number,
    private readonly pictures: number,
  ) {}

  onBatch(epoch: number, seen: number, soFar: PassResult): void {
    if (!this.stream.isTTY) return;
    if (this.bar === undefined) {
      // gracefulExit off: the program has its own way to end on Ctrl-C.
      this.bar = new SingleBar({
        stream: this.stream,
        format: '{title} [{bar}] {percentage}% {result}',
        barsize: 12, // the whole line then fits into 80 columns
        gracefulExit: false,
      });
      this.bar.start(this.pictures, 0, { title: this.title(epoch), result: '' });
    }
    this.bar.update(seen, { result: describe(soFar) });
  }

  onEpoch(epoch: number, result: PassResult): void {
    this.stop();
    if (!this.stream.isTTY) this.stream.write(`${this.title(epoch)}  ${describe(result)}\n`);
  }

  /** Leaves the bar as it is and gives the cursor back. */
  stop(): void {
    this.bar?.stop();
    this.bar = undefined;
  }

  private title(epoch: number): string {
    return `epoch ${epoch + 1}/${this.epochs}`;
  }
}

function describe({ loss, accuracy, speed }: PassResult): string {
  const percent = accuracy === undefined ? '' : `  accuracy ${(100 * accuracy).toFixed(2)} %`;
  return `loss ${loss.toFixed(4)}${percent}  ${Math.round(speed)} samples/s`;
}

/** The accuracy, as one line. */
export function accuracyLine({ accuracy, predictions }: Evaluation): string {
  const total = predictions.length;
  const correct = Math.round(accuracy * total);
  return `test accuracy ${(100 * accuracy).toFixed(2)} % (${correct} of ${total})`;
}

/** Which digits are taken for which others: a row per digit, a column per digit read. */
export function writeConfusion({ confusion }: Evaluation, write: Write): void {
  const width = 1 + Math.max(2, ...confusion.flat().map((count) => String(count).length));
  const line = (cells: string[]) => cells.map((cell) => cell.padStart(width)).join('');
  write('confusion matrix (rows: the digit, columns: what was read)');
  write(`  |${line(confusion.map((_, digit) => String(digit)))}`);
  write(`--+${'-'.repeat(width * confusion.length)}`);
  for (const [digit, row] of confusion.entries()) {
    write(`${digit} |${line(row.map((count) => (count === 0 ? '.' : String(count))))}`);
  }
}

/** A few pictures that were misread, side by side, two rows of pixels to a line. */
export function writeMisread(
  { rows, columns, test }: DigitData,
  { predictions }: Evaluation,
  terminalColumns: number,
  write: Write,
): void {
  const labels = test.y.contiguous().data;
  const misread = [...predictions.keys()].filter((i) => predictions[i] !== labels[i]);
  if (misread.length === 0) return;
  const fitting = Math.max(1, Math.floor(terminalColumns / (columns + 2)));
  const shown = misread.slice(0, Math.min(MISREAD_SHOWN, fitting));
  const captions = shown.map((i) => `${labels[i]} read as ${predictions[i]}`.padEnd(columns));
  write(`${shown.length} of the ${misread.length} that were misread`);
  write(captions.join('  ').trimEnd());
  const pictures = shown.map((i) => drawPicture(test.x.slice([i]), rows, columns));
  for (let line = 0; line < Math.ceil(rows / 2); line++) {
    write(
      pictures
        .map((picture) => picture[line])
        .join('  ')
        .trimEnd(),
    );
  }
}

function drawPicture(picture: Tensor, rows: number, columns: number): string[] {
  const pixels = picture.contiguous().data;
  const inked = (row: number, column: number) =>
    row < rows && pixels[row * columns + column]! >= INK ? 1 : 0;
  return Array.from({ length: Math.ceil(rows / 2) }, (_, line) =>
    Array.from(
      { length: columns },
      (_, column) => BLOCKS[2 * inked(2 * line, column) + inked(2 * line + 1, column)],
    ).join(''),
  );
}
