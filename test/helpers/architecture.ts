/** The checker behind test/architecture.test.ts: which file may use which. */
import { posix } from 'node:path';

/** A file's path inside its tree (`tensor/shape.ts`) and what it says. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/**
 * For each folder (or file) of a tree: the folders and files outside of it that it may use. A folder
 * inside of another that stands here too doesn't count as a part of it.
 */
export type Layers = Readonly<Record<string, readonly string[]>>;

/**
 * lib/, from the bottom up: errors, native, tensor, autograd, ops, linalg; then nn, optim, data and io,
 * which know nothing of each other. index.ts only lists what is public.
 */
export const libLayers: Layers = (() => {
  const layers: Record<string, readonly string[]> = {};
  let below: string[] = [];
  for (const floor of [
    ['errors.ts'],
    ['native'],
    ['tensor'],
    ['autograd'],
    ['ops'],
    ['linalg'],
    ['nn', 'optim', 'data', 'io'],
    ['index.ts'],
  ]) {
    for (const name of floor) layers[name] = below;
    below = [...below, ...floor];
  }
  return layers;
})();

/** What all of native/ops may use: the kernels are reached through their table only. */
const belowOps = [
  ...['kernels/table.h', 'kernels/table_bf16.h', 'kernels/elementwise.inc'],
  ...['kernels/integer.inc', 'base'],
];

/** native/ops: the files beside the folders serve all families; which family is made of which. */
const opsLayers: Layers = Object.fromEntries(
  Object.entries({
    elementwise: [],
    indexing: [],
    normalization: [],
    optim: [],
    reduction: [],
    product: ['reduction'],
    linalg: ['product'],
    loss: ['indexing'],
    random: ['elementwise'],
    sequence: ['product', 'random'],
    shape: ['elementwise'],
    window: ['indexing', 'product'],
  }).map(([name, families]) => [
    `ops/${name}`,
    ['ops', ...families.map((family) => `ops/${family}`), ...belowOps],
  ]),
);

/** native/, from the bottom up. */
export const nativeLayers: Layers = {
  base: [],
  simd: ['base'],
  kernels: ['simd', 'base'],
  targets: ['kernels', 'simd', 'base'],
  ops: belowOps,
  ...opsLayers,
  addon: ['ops', ...Object.keys(opsLayers), 'base'],
};

/** Folders compiled with a level's own flags, and the headers of other folders that they include. */
const perLevel = ['simd/', 'kernels/', 'targets/', 'base/types.h', 'base/bfloat16.h', 'base/cpu.h'];

/**
 * What those may include besides our own: an inline function of any other header could be compiled
 * with one level's flags and then run on a CPU that lacks it.
 */
const perLevelHeaders = new Set(['stdint.h', 'stddef.h', 'string.h', 'immintrin.h', 'arm_neon.h']);

/** The scalar level has no flags of its own, so its registers may use the C library's fma. */
const scalarRegisters = { file: 'simd/reg_scalar.h', header: 'math.h' };

/** Headers of Node and its parts, which only addon/ knows. */
const nodeHeaders = /^(node|napi|js_native|v8|uv|cppgc)\b|^(node|napi|js_native|v8|uv)[-_.]/;

const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, '$1');

/** The relative module specifiers and the package names that a TypeScript file imports. */
function importsOf(text: string): string[] {
  const pattern = /\b(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g;
  return [...withoutComments(text).matchAll(pattern)].map((match) => match[1] as string);
}

function includesOf(text: string): { name: string; own: boolean }[] {
  const pattern = /^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]/gm;
  return [...withoutComments(text).matchAll(pattern)].map((match) => ({
    name: match[2] as string,
    own: match[1] === '"',
  }));
}

const isInside = (path: string, place: string) => path === place || path.startsWith(`${place}/`);

/** The innermost layer around a path. */
function layerOf(layers: Layers, path: string): string | undefined {
  const around = Object.keys(layers).filter((name) => isInside(path, name));
  return around.sort((a, b) => b.length - a.length)[0];
}

/** The complaint about `file` using `target` (both paths in the tree), or nothing. */
function judge(layers: Layers, file: string, target: string): string[] {
  const layer = layerOf(layers, file);
  if (layer === undefined) return [`${file}: belongs to no layer`];
  const allowed = [layer, ...(layers[layer] ?? [])];
  if (allowed.includes(target) || allowed.includes(layerOf(layers, target) ?? '')) return [];
  return [`${file}: ${layer} must not use ${target}`];
}

/** Wrong imports in lib/, one line for each. Packages are wrong too, except Node's own modules. */
export function checkImports(files: readonly SourceFile[], layers: Layers = libLayers): string[] {
  return files.flatMap(({ path, text }) =>
    importsOf(text).flatMap((specifier) => {
      if (specifier.startsWith('node:')) return [];
      if (!specifier.startsWith('.')) return [`${path}: must not use the package ${specifier}`];
      const target = posix.normalize(posix.join(posix.dirname(path), specifier));
      return judge(layers, path, target.replace(/\.js$/, '.ts'));
    }),
  );
}

/** Wrong #includes in native/, one line for each. */
export function checkIncludes(
  files: readonly SourceFile[],
  layers: Layers = nativeLayers,
): string[] {
  return files.flatMap(({ path, text }) =>
    includesOf(text).flatMap(({ name, own }) => {
      if (nodeHeaders.test(name)) {
        return path.startsWith('addon/') ? [] : [`${path}: must not use <${name}>`];
      }
      if (own) return judge(layers, path, posix.normalize(posix.join(posix.dirname(path), name)));
      if (path === scalarRegisters.file && name === scalarRegisters.header) return [];
      const bound = perLevel.some((place) => path.startsWith(place));
      return bound && !perLevelHeaders.has(name) ? [`${path}: must not use <${name}>`] : [];
    }),
  );
}
