/** What a topic of the course is: a file `a07-some-name.ts` in the folder above exports one as `topic`. */
import type { Picture } from './draw.js';

/** What a topic's program is given. */
export interface RunOptions {
  /** Takes a line of text for the reader. */
  print(line: string): void;
  /**
   * Takes a picture.
   * @param name of the file, without folder and without `.svg`
   */
  draw(name: string, picture: Picture): void;
}

/** A row of the course as a program. */
export interface Topic<Result = unknown> {
  /** As the course numbers it: A7. */
  readonly id: string;
  /** One line. */
  readonly title: string;
  /** Computes, prints and draws; returns the numbers that it shows. Equal numbers each time. */
  run(options: RunOptions): Result | Promise<Result>;
}
