/**
 * The reference's first page, a table of all operations, from the tables that the tests run: writes build/operations.md, which
 * typedoc.json names.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { type FunctionSummary, summarize } from '../../test/operations/summary.js';

const target = new URL('../../build/operations.md', import.meta.url);

/** Dtypes that often come together, the largest set first. */
const groups: readonly (readonly [name: string, dtypes: readonly string[]])[] = [
  [
    'all',
    [...['float32', 'float64', 'bfloat16', 'float16', 'int8', 'uint8', 'int32', 'int64', 'bool']],
  ],
  ['floats', ['float32', 'float64', 'bfloat16', 'float16']],
  ['integers', ['int8', 'uint8', 'int32', 'int64']],
];

/** A list of dtypes in few words. */
function inWords(dtypes: readonly string[]): string {
  const words: string[] = [];
  let rest = dtypes;
  for (const [name, members] of groups) {
    if (members.every((dtype) => rest.includes(dtype))) {
      words.push(name);
      rest = rest.filter((dtype) => !members.includes(dtype));
    }
  }
  return [...words, ...rest].join(', ');
}

const yes = (holds: boolean): string => (holds ? 'yes' : '');

/** TypeDoc links a name in braces to its page. */
const row = (f: FunctionSummary): string =>
  `| {@link ${f.name}} | ${f.dtypes === null ? '' : inWords(f.dtypes)} | ${f.gradients || ''} | ` +
  `${yes(f.hasGoldens)} | ${f.wrongCalls || ''} | ${yes(f.isBenchmarked)} |`;

/** The page. */
function page(functions: readonly FunctionSummary[]): string {
  const families = [...new Set(functions.map(({ family }) => family))].sort();
  const sections = families.map((title) => {
    const rows = functions.filter(({ family }) => family === title).map(row);
    return [
      `## ${title}`,
      '',
      '| function | dtypes | gradients | PyTorch | errors | benchmark |',
      '| --- | --- | --- | --- | --- | --- |',
      ...rows.sort(),
      '',
    ].join('\n');
  });
  return `# Operations

Every function with the dtypes that it takes when its operands have the same one (where they differ they are promoted), and what the tests hold against it, out of their own tables: calls whose gradients are compared with central differences in float64, numbers computed by PyTorch, wrong calls and their errors, a benchmark. A function without such calls has no gradient.

${sections.join('\n')}`;
}

mkdirSync(new URL('.', target), { recursive: true });
writeFileSync(target, page(summarize()));
