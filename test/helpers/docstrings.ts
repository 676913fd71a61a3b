/** What stands in the comments of lib/: which declaration has which docstring, and its examples. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

export interface Docstring {
  /** Below lib/, with slashes. */
  readonly file: string;
  /** Of the line that the comment starts in, from 1. */
  readonly line: number;
  /** What is declared below, of whatever kind, or nothing. */
  readonly name: string;
  /** Whether it is exported by its own declaration (and not a member of something). */
  readonly isExported: boolean;
  /** Without the stars. */
  readonly text: string;
}

const MODIFIERS =
  'export|declare|abstract|async|static|override|readonly|protected|private|get|set';
const KINDS = 'function\\*?|class|interface|type|const|let';
const DECLARATION = new RegExp(
  `^\\s*((?:(?:${MODIFIERS})\\s+)*)(?:(?:${KINDS})\\s+)?\\*?(\\[?[\\w$.]+\\]?)`,
);

/** All docstrings of one source file. */
export function docstringsOf(file: string, source: string): Docstring[] {
  const found: Docstring[] = [];
  for (const match of source.matchAll(/^[ \t]*\/\*\*([\s\S]*?)\*\//gm)) {
    const after = source.slice(match.index + match[0].length);
    // Comments for tools may stand in between.
    const below = after.replace(/^(\s*\/\/.*\n)+/, '\n').trimStart();
    const [, modifiers = '', name = ''] = DECLARATION.exec(below) ?? [];
    found.push({
      file,
      line: source.slice(0, match.index).split('\n').length,
      name,
      isExported: /\bexport\b/.test(modifiers),
      text: (match[1] as string).replace(/^[ \t]*\*? ?/gm, '').trim(),
    });
  }
  return found;
}

/** All docstrings of lib/. */
export function docstrings(lib: string): Docstring[] {
  return readdirSync(lib, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .flatMap((path) =>
      docstringsOf(relative(lib, path).split(sep).join('/'), readFileSync(path, 'utf8')),
    );
}

/** The code of a docstring's `@example` blocks. */
export function examplesOf({ text }: Docstring): string[] {
  return text
    .split(/^@/m)
    .filter((tag) => tag.startsWith('example'))
    .flatMap((tag) =>
      [...tag.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map((block) => block[1] as string),
    );
}

/**
 * An example as a program that calls `check(actual, expected, line)` for `EXPRESSION; // => VALUE` and
 * `throws(fn, code, line)` for `EXPRESSION; // throws CODE`. Other lines stay.
 */
export function programOf(example: string): string {
  return example
    .split('\n')
    .map((line) => {
      const [, expression, kind, value] = /^(.*\S);? *\/\/ (=>|throws) (.*)$/.exec(line) ?? [];
      if (expression === undefined) return line;
      const code = expression.replace(/;$/, '');
      const text = JSON.stringify(line.trim());
      return kind === '=>'
        ? `check(await (${code}), (${value}), ${text});`
        : `await throws(async () => (${code}), ${JSON.stringify(value)}, ${text});`;
    })
    .join('\n')
    .replaceAll(/\bimport\(/g, 'load('); // code made of text can't import
}

type AsyncFunction = new (...parameters: string[]) => (...values: unknown[]) => Promise<void>;
const AsyncFunction = (async () => {}).constructor as AsyncFunction;

/** Runs a program of `programOf` with these names in scope. */
export function run(program: string, scope: Readonly<Record<string, unknown>>): Promise<void> {
  const names = { ...scope, load: (name: string) => import(name) };
  return new AsyncFunction(...Object.keys(names), program)(...Object.values(names));
}

/** A value as an example writes it: tensors and typed arrays are nested arrays. */
export function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('toArray' in value && typeof value.toArray === 'function') return plain(value.toArray());
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as Iterable<unknown>);
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

/** Whether both are the same, numbers to 6 digits. */
export function agrees(actual: unknown, expected: unknown): boolean {
  if (typeof actual === 'number' && typeof expected === 'number') {
    if (Object.is(actual, expected) || actual === expected) return true;
    return Math.abs(actual - expected) <= 1e-6 * Math.max(1, Math.abs(expected));
  }
  if (typeof actual !== 'object' || typeof expected !== 'object') return actual === expected;
  if (actual === null || expected === null) return actual === expected;
  const [a, b] = [Object.entries(actual), expected as Record<string, unknown>];
  return (
    Array.isArray(actual) === Array.isArray(expected) &&
    a.length === Object.keys(b).length &&
    a.every(([key, value]) => Object.hasOwn(b, key) && agrees(value, b[key]))
  );
}
