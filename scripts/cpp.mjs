// Checks and formats the C++ sources: node scripts/cpp.mjs <what>
//   format         rewrites them with clang-format
//   check-format   fails when that would change something
//   tidy           clang-tidy on what the CMake build compiled (build-cmake must be there), but for templates
//                  that another file instantiates as well
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const clangFormat = join(root, 'node_modules/@wasm-fmt/clang-format/clang-format-cli.cjs');
const commandsFile = join(root, 'build-cmake/compile_commands.json');

/** @returns {string[]} our C++ files, relative to the root */
function sources() {
  return ['native', 'test/native', 'bench/kernels']
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
        join(folder, name),
      ),
    )
    .filter((name) => /\.(h|cpp)$/.test(name))
    .sort();
}

/** @param {string[]} args of clang-format */
function format(...args) {
  const { status } = spawnSync(process.execPath, [clangFormat, ...args, ...sources()], {
    cwd: root,
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
}

/**
 * @param {string} file
 * @returns {Promise<boolean>} whether clang-tidy found nothing in the file
 */
function tidyFile(file) {
  return new Promise((resolve) => {
    const child = spawn('clang-tidy', ['-p', 'build-cmake', '--quiet', file], {
      cwd: root,
      // Its standard error only counts warnings in other people's headers.
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let output = '';
    child.stdout.on('data', (data) => {
      output += data;
    });
    child.on('close', (code) => {
      console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${relative(root, file)}`);
      if (code !== 0) console.log(output);
      resolve(code === 0);
    });
  });
}

async function tidy() {
  if (spawnSync('clang-tidy', ['--version']).status !== 0) {
    console.log('clang-tidy is not installed here: SKIPPED, .ci/run has it (Debian: clang-tidy)');
    return;
  }
  if (!existsSync(commandsFile)) {
    console.error('build-cmake/compile_commands.json is missing: npm run build:cmake writes it');
    process.exitCode = 1;
    return;
  }
  /** @type {{ file: string }[]} */
  const commands = JSON.parse(readFileSync(commandsFile, 'utf8'));
  // avx512 has the same kernels; the registers of avx2 are looked at with avx2.cpp. The tests' simd_level.cpp
  // is native/simd again, at each level.
  const again = /(targets\/avx2_(elementwise|gemm|integer)|test\/native\/simd_level)\.cpp$/;
  const queue = commands.map(({ file }) => file).filter((file) => !again.test(file));
  let clean = true;
  const worker = async () => {
    for (let file = queue.pop(); file; file = queue.pop()) {
      if (!(await tidyFile(file))) clean = false;
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  if (!clean) process.exitCode = 1;
}

const what = process.argv[2];
if (what === 'format') format('-i');
else if (what === 'check-format') format('--dry-run', '-Werror');
else if (what === 'tidy') await tidy();
else {
  console.error(`Unknown '${what}'; known are format, check-format, tidy`);
  process.exitCode = 1;
}
