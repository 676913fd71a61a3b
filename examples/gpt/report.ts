/** What the GPT program shows. */
import { SingleBar } from 'cli-progress';

/** How much of the shown loss is the last step's. */
const NEWEST = 0.05;

/** Shows the progress: a bar on a terminal, otherwise a line for each evaluation. */
export class Progress {
  private bar: SingleBar | undefined;
  private smoothed = Number.NaN;
  private readonly begun = performance.now();

  /**
   * @param stream where to; a terminal gets the bar
   * @param first the step that the run begins with
   * @param steps how many there are in all
   */
  constructor(
    private readonly stream: NodeJS.WriteStream,
    private readonly first: number,
    private readonly steps: number,
  ) {}

  onStep(step: number, loss: number): void {
    const before = Number.isNaN(this.smoothed) ? loss : this.smoothed;
    this.smoothed = before + NEWEST * (loss - before);
    if (!this.stream.isTTY) return;
    if (this.bar === undefined) {
      // gracefulExit off: the program has its own way to end on Ctrl-C.
      this.bar = new SingleBar({
        stream: this.stream,
        format: 'step {value}/{total} [{bar}] {result}',
        barsize: 20,
        gracefulExit: false,
      });
      this.bar.start(this.steps, step, { result: '' });
    }
    this.bar.update(step, { result: this.describe(step) });
  }

  onEvaluation(step: number, validationLoss: number): void {
    this.stop();
    const loss = `validation loss ${validationLoss.toFixed(4)}`;
    this.stream.write(`step ${step}/${this.steps}  ${this.describe(step)}  ${loss}\n`);
  }

  /** Leaves the bar as it is and gives the cursor back. */
  stop(): void {
    this.bar?.stop();
    this.bar = undefined;
  }

  private describe(step: number): string {
    const perStep = (performance.now() - this.begun) / Math.max(1, step - this.first);
    return `loss ${this.smoothed.toFixed(4)}  ${perStep.toFixed(1)} ms/step`;
  }
}
