/** The checker behind test/architecture.test.ts: which file may use which. */
import { posix } from 'node:path';

/** A file's path inside its tree (`tensor/shape.ts`) and what it says. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** For each folder (or file) of a tree: the folders and files outside of it that it may use. */
export type Layers = Readonly<Record<string, readonly string[]>>;

/**
 * lib/, from the bottom up: errors, native, tensor, autograd, ops, linalg; then nn, optim, data and io,
 * which know nothing of each other; then train and program. index.ts only lists what is public.
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
    ['train', 'program'],
    ['index.ts'],
  ]) {
    for (const name of floor) layers[name] = below;
    below = [...below, ...floor];
  }
  return layers;
})();

/** native/: the kernels are reached through their table only. */
export const nativeLayers: Layers = {
  base: [],
  simd: ['base'],
  kernels: ['simd', 'base'],
  targets: ['kernels', 'simd', 'base'],
  ops: [
    ...['kernels/table.h', 'kernels/table_bf16.h', 'kernels/elementwise.inc'],
    ...['kernels/integer.inc', 'base'],
  ],
  addon: ['ops', 'base'],
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

/** The complaint about `file` using `target` (both paths in the tree), or nothing. */
function judge(layers: Layers, file: string, target: string): string[] {
  const layer = Object.keys(layers).find((name) => isInside(file, name));
  if (layer === undefined) return [`${file}: belongs to no layer`];
  const allowed = [layer, ...(layers[layer] ?? [])];
  if (allowed.some((place) => isInside(target, place))) return [];
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
