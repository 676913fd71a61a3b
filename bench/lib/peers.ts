/** Which peers there are to run beside us. All are optional. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Peer, type PeerCommand } from './peer.js';

const script = (name: string): string =>
  fileURLToPath(new URL(`../peers/${name}`, import.meta.url));

/** The command that runs Python with PyTorch and NumPy, from TILEGRAD_BENCH_PYTHON; null if unset. */
function python(): string[] | null {
  const command = process.env.TILEGRAD_BENCH_PYTHON?.trim();
  return command ? command.split(/\s+/) : null;
}

/** The CPU's features, as Linux spells them; empty elsewhere. */
function cpuFlags(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8').match(/^flags\s*:(.*)$/m)?.[1] ?? '';
  } catch {
    return '';
  }
}

/** Settings of a peer's libraries by which it runs its best kernels of a SIMD level. */
interface Kernels {
  /** OpenBLAS's kernel sets to try, the most promising last; '' for its own choice. */
  openBlas: readonly string[];
  /** BLIS's kernel set; '' for its own choice. */
  blis: string;
  /** What keeps PyTorch's libraries below AVX-512, which they choose by themselves. */
  torch: Readonly<Record<string, string>>;
  /** What to add to the names of peers that were kept below their own choice. */
  limited: string;
}

/**
 * Left alone, OpenBLAS takes AVX2 kernels on CPUs that are newer than it and BLIS generic ones, so
 * where there is AVX-512 their sets for it are named. At the level avx2 on such a CPU all are held to
 * AVX2: Haswell's sets.
 */
function kernelsOf(level: string): Kernels {
  const flags = cpuFlags();
  if (!/\bavx512bw\b/.test(flags)) return { openBlas: [''], blis: '', torch: {}, limited: '' };
  if (level === 'avx2') {
    const torch = { ONEDNN_MAX_CPU_ISA: 'AVX2', ATEN_CPU_CAPABILITY: 'avx2' };
    return { openBlas: ['Haswell'], blis: 'haswell', torch, limited: 'AVX2' };
  }
  const openBlas = /\bavx512_bf16\b/.test(flags) ? ['SkylakeX', 'Cooperlake'] : ['SkylakeX'];
  return { openBlas, blis: 'skx', torch: {}, limited: '' };
}

/** Where Debian keeps a BLAS when another one is the default; no harm where it isn't. */
function blasFolder(name: 'openblas' | 'blis'): Record<string, string> {
  return { LD_LIBRARY_PATH: `/usr/lib/x86_64-linux-gnu/${name}-pthread` };
}

function openBlas(core: string): Record<string, string> {
  return { ...blasFolder('openblas'), ...(core && { OPENBLAS_CORETYPE: core }) };
}

type Library = 'torch' | 'numpy' | 'numpy-blis';

function pythonPeers(command: readonly string[], threads: number, kernels: Kernels): PeerCommand[] {
  const start = (
    library: Library,
    count: number,
    env: Readonly<Record<string, string>>,
    variant: string,
  ): PeerCommand => ({
    command: [...command, script('python_peer.py'), library, `${count}`],
    env,
    threads: count,
    ...(variant && { variant }),
  });
  // PyTorch that wasn't built with MKL, as Debian's, computes its products by the BLAS that is there.
  const torch = { ...openBlas(kernels.openBlas.at(-1)!), ...kernels.torch };
  const blis = { ...blasFolder('blis'), ...(kernels.blis && { BLIS_ARCH_TYPE: kernels.blis }) };
  return [
    start('torch', threads, torch, kernels.limited),
    // On few cores PyTorch is often faster on one.
    ...(threads > 1 ? [start('torch', 1, torch, kernels.limited)] : []),
    ...kernels.openBlas.map((core) => start('numpy', threads, openBlas(core), core)),
    start('numpy-blis', threads, blis, ['BLIS', kernels.blis].join(' ').trim()),
  ];
}

function onnxRuntime(mode: 'plain' | 'packed', threads: number): PeerCommand {
  // The flags by which this process loads TypeScript serve its child too.
  const command = [
    process.execPath,
    ...process.execArgv,
    script('onnxruntime.ts'),
    mode,
    `${threads}`,
  ];
  return { command, threads, packsAhead: mode === 'packed' };
}

/** Starts every peer that can run here, at its best settings for that many threads and SIMD level. */
export async function startPeers(threads: number, level: string): Promise<Peer[]> {
  const command = python();
  const kernels = kernelsOf(level);
  const commands: PeerCommand[] = [
    ...(command ? pythonPeers(command, threads, kernels) : []),
    // ONNX Runtime has no setting that keeps it below AVX-512.
    ...(kernels.limited ? [] : [onnxRuntime('plain', threads), onnxRuntime('packed', threads)]),
  ];
  // One after another: a command may prepare something first, such as a copy of the script, which two
  // at once would spoil.
  const peers: Peer[] = [];
  for (const start of commands) {
    const peer = await Peer.start(start);
    if (peer !== null) peers.push(peer);
  }
  return peers;
}
