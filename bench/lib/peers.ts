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

/**
 * OpenBLAS's kernel sets to try. Left alone it takes AVX2 kernels on CPUs that are newer than it, so
 * where there is AVX-512 its two AVX-512 sets are tried; elsewhere its own choice.
 */
function openBlasCores(): string[] {
  let flags = '';
  try {
    flags = readFileSync('/proc/cpuinfo', 'utf8').match(/^flags\s*:(.*)$/m)?.[1] ?? '';
  } catch {
    // Not Linux: nothing is known about the CPU.
  }
  if (!/\bavx512bw\b/.test(flags)) return [''];
  return /\bavx512_bf16\b/.test(flags) ? ['SkylakeX', 'Cooperlake'] : ['SkylakeX'];
}

function torch(command: readonly string[], threads: number): PeerCommand {
  return { command: [...command, script('python_peer.py'), 'torch', `${threads}`], threads };
}

function numpy(command: readonly string[], threads: number, core: string): PeerCommand {
  return {
    command: [...command, script('python_peer.py'), 'numpy', `${threads}`],
    env: {
      // Where Debian keeps OpenBLAS when another BLAS is the default; no harm where it isn't.
      LD_LIBRARY_PATH: '/usr/lib/x86_64-linux-gnu/openblas-pthread',
      ...(core && { OPENBLAS_CORETYPE: core }),
    },
    threads,
    ...(core && { variant: core }),
  };
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
  return { command, threads };
}

/** Starts every peer that can run here, at its best settings for that many threads. */
export async function startPeers(threads: number): Promise<Peer[]> {
  const command = python();
  const commands: PeerCommand[] = [
    ...(command
      ? [
          torch(command, threads),
          // On few cores PyTorch is often faster on one.
          ...(threads > 1 ? [torch(command, 1)] : []),
          ...openBlasCores().map((core) => numpy(command, threads, core)),
        ]
      : []),
    onnxRuntime('plain', threads),
    onnxRuntime('packed', threads),
  ];
  const peers = await Promise.all(commands.map((c) => Peer.start(c)));
  return peers.filter((peer) => peer !== null);
}
