/** The guides in docs/: their blocks of code run one after the other, and give what they say. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tilegrad from 'tilegrad';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { check, throws } from '../helpers/checks.js';
import { programOf, run } from '../helpers/docstrings.js';

const guides = ['first-network.md'];

/** The code of a page as one program; what it imports is in scope. */
function programIn(page: string): string {
  const blocks = [...page.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map((block) => block[1] as string);
  return blocks.map((code) => programOf(code.replace(/^import .*$/gm, ''))).join('\n');
}

const textOf = (name: string): string =>
  readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');

// Files that guides write are in a folder of their own.
const before = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'tilegrad-guides-'));
beforeAll(() => process.chdir(folder));
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

beforeEach(() => void vi.spyOn(console, 'log').mockImplementation(() => {}));
afterEach(() => vi.restoreAllMocks());

describe.each(guides)('%s', (name) => {
  test('runs', async () => {
    const seen: string[] = [];
    const program = programIn(textOf(name));
    const counted: typeof check = (actual, expected, line) => {
      seen.push(line);
      check(actual, expected, line);
    };
    await run(program, { ...tilegrad, check: counted, throws });
    expect(seen.length).toBeGreaterThan(10);
  });

  test('imports what it uses', () => {
    const text = textOf(name);
    const [, list = ''] = /^import \{ (.*) \} from 'tilegrad';$/m.exec(text) ?? [];
    const imported = list.split(', ');
    expect(imported.filter((item) => !(item in tilegrad))).toEqual([]);
    const code = programIn(text);
    const used = Object.keys(tilegrad).filter((item) =>
      new RegExp(`(?<![.\\w'])${item}(?=[.(),])`).test(code),
    );
    expect(imported.sort()).toEqual(used.sort());
  });
});
