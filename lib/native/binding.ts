import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TensorError } from '../errors.js';
import type { NativeBinding } from './interface.js';

const require = createRequire(import.meta.url);

/** The package's directory; this file is two levels below it, in lib/native or dist/native. */
const packageRoot = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Loads the native library: the file that the environment variable TILEGRAD_ADDON names, or else
 * the first of build/Release (a checkout), build/Debug and prebuilds/<platform>-<arch> (an installed
 * package) that has one for this system.
 *
 * @param root the package's directory; another one only in tests
 * @throws TensorError ERR_NATIVE_LOAD, with everything in its message that is needed to find out why
 */
export function loadBinding(root: string = packageRoot): NativeBinding {
  const forced = process.env.TILEGRAD_ADDON;
  try {
    if (forced) {
      const file = resolve(forced);
      // require() would run any other file as JavaScript.
      if (!file.endsWith('.node')) throw new Error(`${file} is not a .node file`);
      return require(file) as NativeBinding;
    }
    const load = require('node-gyp-build') as (directory: string) => NativeBinding;
    return load(root);
  } catch (cause) {
    throw new TensorError('ERR_NATIVE_LOAD', describeFailure(root, forced, cause), { cause });
  }
}

function describeFailure(root: string, forced: string | undefined, cause: unknown): string {
  const { platform, arch, version, versions } = process;
  const libc = describeLibc();
  const system = `${platform}-${arch}${libc ? `, ${libc}` : ''}, Node ${version} (ABI ${versions.modules})`;
  const inCheckout = existsSync(join(root, 'binding.gyp'));
  const platforms = namesIn(join(root, 'prebuilds')) ?? [];

  const tried = forced
    ? [`${resolve(forced)} (TILEGRAD_ADDON): ${describeFile(resolve(forced))}`]
    : ['build/Release', 'build/Debug', `prebuilds/${platform}-${arch}`].map((directory) =>
        describeDirectory(join(root, directory)),
      );
  let advice: string;
  if (forced) {
    advice =
      'TILEGRAD_ADDON has to name a tilegrad.node built for this system; without it the package looks for its own.';
  } else if (inCheckout) {
    advice = 'This is a checkout of the sources: run `npm run prepare`.';
  } else {
    advice =
      `This package has binaries for ${platforms.length ? platforms.join(', ') : 'no platform'}. ` +
      'For another one, run `npm ci` in a checkout of the sources (a C++17 compiler and Python are ' +
      'needed) and set TILEGRAD_ADDON to its build/Release/tilegrad.node.';
  }
  return [
    'The native library of tilegrad could not be loaded.',
    ...tried.map((line) => `  tried:  ${line}`),
    `  system: ${system}`,
    `  reason: ${cause instanceof Error ? cause.message.trim() : String(cause)}`,
    advice,
  ].join('\n');
}

/** The binaries in a directory, or why there are none. */
function describeDirectory(directory: string): string {
  const names = namesIn(directory);
  if (!names) return `${directory}: no such directory`;
  const binaries = names.filter((name) => name.endsWith('.node'));
  return `${directory}: ${binaries.length ? binaries.join(', ') : 'no .node file in it'}`;
}

function describeFile(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) return 'no such file';
  return stats.isFile() ? `a file of ${stats.size} bytes` : 'not a file';
}

function namesIn(directory: string): string[] | null {
  try {
    return readdirSync(directory);
  } catch {
    return null;
  }
}

/** `glibc 2.36` or `musl 1.2.4` on Linux, null elsewhere. */
function describeLibc(): string | null {
  if (process.platform !== 'linux') return null;
  const report = process.report.getReport() as {
    header: { glibcVersionRuntime?: string };
    sharedObjects: string[];
  };
  const glibc = report.header.glibcVersionRuntime;
  if (glibc) return `glibc ${glibc}`;
  // musl has no function for its version; its loader prints it when started without a program.
  const loader = report.sharedObjects.find((path) => path.includes('ld-musl-'));
  if (!loader) return 'unknown libc';
  const version = /Version (\S+)/.exec(spawnSync(loader, { encoding: 'utf8' }).stderr ?? '')?.[1];
  return `musl ${version ?? '(unknown version)'}`;
}
