/** What the programs share: reading their command lines, and errors that are for the user. */
import fs from 'node:fs';
import path from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { TensorError } from 'tilegrad';

/** Something the user typed or pointed at is wrong; the message is for them. */
export class UsageError extends Error {}

/**
 * The values of a command line without positional arguments.
 * @throws UsageError for an unknown option
 */
export function parseOptions<Options extends NonNullable<ParseArgsConfig['options']>>(
  args: string[],
  options: Options,
) {
  try {
    return parseArgs({ args, strict: true, allowPositionals: false, options }).values;
  } catch (error) {
    // Node's text goes on with hints about positional arguments, which no program here has.
    const [first] = (error as Error).message.split(/\. |\n/);
    throw new UsageError(`${first}; --help lists the options`);
  }
}

export function whole(option: string, value: string, least: number): number {
  const result = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(result) || result < least) {
    throw new UsageError(
      `${option} must be a whole number >= ${least}, not ${JSON.stringify(value)}`,
    );
  }
  return result;
}

export function number(
  option: string,
  value: string,
  fits: (value: number) => boolean,
  range: string,
): number {
  const result = value.trim() === '' ? Number.NaN : Number(value);
  if (!Number.isFinite(result) || !fits(result)) {
    throw new UsageError(`${option} must be a number ${range}, not ${JSON.stringify(value)}`);
  }
  return result;
}

export function choice<T extends string>(option: string, value: string, choices: readonly T[]): T {
  const found = choices.find((candidate) => candidate === value);
  if (found === undefined) {
    throw new UsageError(
      `${option} must be one of ${choices.join(', ')}, not ${JSON.stringify(value)}`,
    );
  }
  return found;
}

export function text(option: string, value: string): string {
  if (value === '') throw new UsageError(`${option} must not be empty`);
  return value;
}

/** Before the training rather than after it: whether the model's file can be written. */
export function checkWritable(out: string): void {
  const stats = fs.statSync(out, { throwIfNoEntry: false });
  if (stats !== undefined && !stats.isFile()) throw new UsageError(`--out ${out} is not a file`);
  const folder = path.dirname(path.resolve(out));
  try {
    fs.accessSync(folder, fs.constants.W_OK);
  } catch (error) {
    throw new UsageError(`--out: can't write to the folder ${folder}`, { cause: error });
  }
}

/** Exit code for wrong options and for files that are missing or damaged. */
const EXIT_USAGE = 2;

/** What the library says of damaged files and of values that it can't work with. */
const INPUT_CODES: ReadonlySet<string> = new Set(['ERR_FORMAT', 'ERR_ARGUMENT']);

/** Errors about what the user gave, rather than in the program. */
function isAboutInput(error: unknown): error is Error {
  if (error instanceof TensorError) return INPUT_CODES.has(error.code);
  return error instanceof UsageError || (error instanceof Error && 'syscall' in error);
}

/** Runs a program; errors about its input are a line on stderr and exit code 2. */
export async function runProgram(name: string, main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    if (!isAboutInput(error)) throw error;
    process.stderr.write(`${name}: ${error.message}\n`);
    process.exitCode = EXIT_USAGE;
  }
}
