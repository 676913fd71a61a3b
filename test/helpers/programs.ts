/** The library as users get it, for processes and threads that have no TypeScript loader. */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'vite';

const pathOf = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));

/** The addon that this run is about. */
const addon = process.env.TILEGRAD_ADDON ?? pathOf('build/Release/tilegrad.node');

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Programs {
  /** Where the library can be imported from. */
  readonly url: string;
  /**
   * Runs a program in a process of its own; `import ... from 'tilegrad'` in it means the library.
   * @param flags of node
   */
  run(program: string, flags?: readonly string[]): Promise<Ended>;
  /** A second copy of the library; where it can be imported from. */
  copy(): string;
  /** The library in one file, which loads in a fraction of the time; where it can be imported from. */
  bundle(): Promise<string>;
  /** Removes all files. */
  remove(): void;
}

export function programs(): Programs {
  const folder = mkdtempSync(join(tmpdir(), 'tilegrad-programs-'));
  const url = pathToFileURL(pathOf('dist/index.js')).href;
  return {
    url,
    run(program, flags = []) {
      const file = join(folder, 'program.mjs');
      writeFileSync(file, program.replaceAll(/'tilegrad'/g, `'${url}'`));
      const child = spawn(process.execPath, [...flags, file], {
        env: { ...process.env, TILEGRAD_ADDON: addon },
      });
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (text) => {
        stdout += text;
      });
      child.stderr.on('data', (text) => {
        stderr += text;
      });
      return new Promise((resolve, reject) => {
        child.on('error', reject);
        child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
      });
    },
    copy() {
      const place = join(folder, 'copy');
      cpSync(pathOf('dist'), place, { recursive: true });
      writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
      return pathToFileURL(join(place, 'index.js')).href;
    },
    async bundle() {
      await build({
        configFile: false,
        logLevel: 'error',
        ssr: { noExternal: true, external: ['node-gyp-build'] },
        build: {
          ssr: pathOf('dist/index.js'),
          outDir: join(folder, 'bundle'),
          minify: false,
          rollupOptions: { output: { entryFileNames: 'tilegrad.mjs' } },
        },
      });
      return pathToFileURL(join(folder, 'bundle/tilegrad.mjs')).href;
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}
