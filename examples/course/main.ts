/** Runs topics of the course: `npm run course` lists them, `npm run course -- A7` runs one. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { render } from './lib/draw.js';
import { loadTopics } from './lib/topics.js';

const HELP = `  npm run course                   lists the topics
  npm run course -- A7 B3          runs some of them
  npm run course -- all            runs all of them
  --out DIR                        where the pictures go (build/course)
  --docs FILE                      a page whose blocks of output are brought up to date
`;

/** Exit code for wrong arguments. */
const EXIT_USAGE = 2;

/** Wrong arguments; the message is for the user. */
class UsageError extends Error {}

async function main(names: readonly string[], out: string, docs?: string): Promise<void> {
  const topics = await loadTopics();
  if (names.length === 0) {
    for (const { id, title } of topics) console.log(`${id.padEnd(4)} ${title}`);
    console.log(`\n${HELP}`);
    return;
  }
  const wanted = new Set(names.map((name) => name.toUpperCase()));
  const chosen = wanted.delete('ALL') ? topics : topics.filter(({ id }) => wanted.has(id));
  for (const { id } of topics) wanted.delete(id);
  if (wanted.size > 0) throw new UsageError(`there is no topic ${[...wanted].join(', ')}`);
  for (const { id, title, run } of chosen) {
    console.log(`\n${id}  ${title}\n`);
    const lines: string[] = [];
    await run({
      print: (line) => {
        lines.push(line);
        console.log(`  ${line}`);
      },
      draw: (name, picture) => {
        mkdirSync(out, { recursive: true });
        const file = path.join(out, `${name}.svg`);
        writeFileSync(file, render(picture));
        console.log(`  picture: ${file}`);
      },
    });
    if (docs !== undefined) replaceOutput(docs, id, lines);
  }
}

/** Puts what a topic printed into the block of the page that begins with its command. */
function replaceOutput(docs: string, id: string, lines: readonly string[]): void {
  const page = readFileSync(docs, 'utf8');
  const block = new RegExp(`(?<=^\\$ npm run course -- ${id}\\n)[\\s\\S]*?(?=^\`\`\`$)`, 'm');
  const text = lines.map((line) => `${line}\n`).join('');
  writeFileSync(
    docs,
    page.replace(block, () => text),
  );
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        out: { type: 'string', default: 'build/course' },
        docs: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

try {
  const { positionals, values } = parse(process.argv.slice(2));
  if (values.help) console.log(HELP);
  else await main(positionals, values.out, values.docs);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`course: ${error.message}\n${HELP}`);
  process.exitCode = EXIT_USAGE;
}
