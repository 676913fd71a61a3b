/** How modules are shown as text: as PyTorch does. */
import type { AnyModule } from './module.js';

/** What describes a layer: plain values, and lists of them. */
type Plain = string | number | boolean | null | readonly Plain[];

function isPlain(value: unknown): value is Plain {
  if (Array.isArray(value)) return value.length > 0 && value.every(isPlain);
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

function formatPlain(value: Plain): string {
  if (Array.isArray(value)) return `[${value.map(formatPlain).join(', ')}]`;
  return typeof value === 'string' ? `'${value}'` : String(value);
}

/** `inFeatures=4, outFeatures=8, bias=true`; what is undefined is left out. */
export function formatFields(fields: Readonly<Record<string, unknown>>): string {
  return Object.entries(fields)
    .filter((entry): entry is [string, Plain] => isPlain(entry[1]))
    .map(([name, value]) => `${name}=${formatPlain(value)}`)
    .join(', ');
}

/** What a module without modules inside says of itself unless its class does: its plain properties. */
export function plainFields(module: AnyModule): string {
  const { training, ...fields } = module as unknown as Record<string, unknown>;
  // A parameter that a layer doesn't have is null, and no option of its own.
  const own = Object.entries(fields).filter(([, value]) => value !== null);
  return formatFields(Object.fromEntries(own));
}

const INDENT = '  ';

function indented(text: string): string {
  return text.replaceAll('\n', `\n${INDENT}`);
}

/** Neighbours that are numbered and alike are one line: `(0-2): 3 x Linear(...)`. */
function childLines(module: AnyModule): string[] {
  const groups: { first: string; last: string; count: number; text: string }[] = [];
  for (const [name, child] of module.namedChildren()) {
    const text = indented(child.toString());
    const before = groups.at(-1);
    const follows = before?.text === text && Number(name) === Number(before.last) + 1;
    if (follows) {
      before.last = name;
      before.count++;
    } else groups.push({ first: name, last: name, count: 1, text });
  }
  return groups.map(({ first, last, count, text }) =>
    count === 1 ? `(${first}): ${text}` : `(${first}-${last}): ${count} x ${text}`,
  );
}

/** The module with what it says of itself and the modules inside. */
export function formatModule(module: AnyModule): string {
  const { name } = module.constructor;
  const extra = module.extraRepr();
  const children = childLines(module);
  if (children.length === 0 && !extra.includes('\n')) return `${name}(${extra})`;
  const lines = extra === '' ? children : [indented(extra), ...children];
  return `${name}(\n${lines.map((line) => INDENT + line).join('\n')}\n)`;
}
