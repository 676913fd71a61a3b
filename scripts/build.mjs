// The builds: node scripts/build.mjs <what>
//   addon              build/Release/tilegrad.node, from scratch (node-gyp)
//   addon --if-needed  the same, only what changed
//   cmake              build-cmake/Release/tilegrad.node, with warnings as errors (cmake-js)
//   cmake --tests      the same and the programs of test/native
//   arm64              build-arm64/tilegrad.node and the native tests, with Debian's cross compiler
//   prebuild           prebuilds/<platform>-<arch>/, what the package ships
//   prebuild --if-needed  the same from the objects of the addon's build, where they are up to date
//   ts                 dist/
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const addonFile = join(root, 'build/Release/tilegrad.node');

/**
 * Runs a program, or a package's command by its file in node_modules, and ends with its exit code
 * when that isn't 0.
 * @param {string} command
 * @param {string[]} args
 */
function run(command, ...args) {
  const script = join(root, 'node_modules', command);
  const [program, programArgs] = existsSync(script)
    ? [process.execPath, [script, ...args]]
    : [command, args];
  const { status, error } = spawnSync(program, programArgs, { cwd: root, stdio: 'inherit' });
  if (error) console.error(`${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

/**
 * The newest modification below a path, in milliseconds.
 * @param {string} path
 * @returns {number}
 */
function newest(path) {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(stats.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

/** Node's headers, when this Node was installed with them; otherwise node-gyp downloads them. */
function useInstalledHeaders() {
  const prefix = resolve(dirname(process.execPath), '..');
  if (existsSync(join(prefix, 'include/node/node_api.h'))) {
    process.env.npm_config_nodedir ??= prefix;
  }
}

/** @param {string[]} commands of node-gyp */
function nodeGyp(...commands) {
  useInstalledHeaders();
  run('node-gyp/bin/node-gyp.js', ...commands, '-j', 'max', '--loglevel', 'warn');
}

function addon() {
  nodeGyp('rebuild');
}

function addonIfNeeded() {
  const sources = ['native', 'binding.gyp'].map((name) => newest(join(root, name)));
  if (existsSync(addonFile) && statSync(addonFile).mtimeMs >= Math.max(...sources)) return;
  nodeGyp('configure', 'build');
}

/** @param {string[]} options of CMake */
function cmakeJs(...options) {
  // Configured each time: CMake keeps what an earlier build was told about the tests.
  for (const command of ['configure', 'build']) {
    run(
      'cmake-js/bin/cmake-js',
      command,
      '--out',
      'build-cmake',
      '--log-level',
      'warn',
      ...options,
    );
  }
}

function cmake() {
  cmakeJs('--CDTILEGRAD_TESTS=OFF');
}

function cmakeTests() {
  cmakeJs('--CDTILEGRAD_TESTS=ON');
}

function arm64() {
  const compiler = 'aarch64-linux-gnu-g++';
  if (spawnSync(compiler, ['--version']).status !== 0) {
    console.error(`${compiler} is missing; on Debian: apt-get install g++-aarch64-linux-gnu`);
    process.exit(1);
  }
  const toolchain = join(root, 'cmake/aarch64-linux-gnu.cmake');
  run('cmake', '-B', 'build-arm64', `-DCMAKE_TOOLCHAIN_FILE=${toolchain}`, '-DTILEGRAD_TESTS=ON');
  run('cmake', '--build', 'build-arm64', '--parallel', '2');
}

function prebuild() {
  useInstalledHeaders();
  rmSync(join(root, 'prebuilds'), { recursive: true, force: true });
  // The target only decides which headers are taken; Node-API 8 is the same in all of them. The libc
  // in the file's name keeps a glibc build from being tried on musl.
  run('prebuildify/bin.js', '--napi', '--strip', '--tag-libc', '--target', process.versions.node);
}

function prebuildIfNeeded() {
  // It would say `node-gyp rebuild`; the same flags behind `build` compile what changed.
  process.env.PREBUILD_NODE_GYP = join(root, 'scripts/node-gyp-build.sh');
  prebuild();
}

function ts() {
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  run('typescript/bin/tsc', '-p', 'tsconfig.build.json');
}

/** @type {Record<string, () => void>} */
const builds = {
  addon,
  'addon --if-needed': addonIfNeeded,
  cmake,
  'cmake --tests': cmakeTests,
  arm64,
  prebuild,
  'prebuild --if-needed': prebuildIfNeeded,
  ts,
};
const what = process.argv.slice(2).join(' ');
const build = builds[what];
if (!build) {
  console.error(`Unknown build '${what}'; known are ${Object.keys(builds).join(', ')}`);
  process.exit(1);
}
build();
