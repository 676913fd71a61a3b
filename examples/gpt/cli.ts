/** The command line of the GPT program. */
import { number, parseOptions, text, whole } from '../options.js';

/** What the network looks like. */
export interface Architecture {
  layers: number;
  heads: number;
  width: number;
  /** Characters that a prediction sees. */
  context: number;
  dropout: number;
}

/** How it is trained. */
export interface Training {
  steps: number;
  batchSize: number;
  /** The largest learning rate, after warming up. */
  lr: number;
  seed: number;
}

/** How text is written with it. */
export interface Writing {
  prompt: string;
  /** Characters to write. */
  length: number;
  temperature: number;
  /** Only so many of the likeliest characters are chosen from; 0 for all. */
  topK: number;
}

/** What a run does; the command line's options with their defaults filled in. */
export interface Settings extends Architecture, Training, Writing {
  /** The text to learn; undefined for one that the program makes. */
  text: string | undefined;
  /** Steps between evaluations, after which the model is saved too. */
  evalEvery: number;
  /** undefined for as many as the library chooses. */
  threads: number | undefined;
  /** Where the model goes. */
  out: string;
  /** A file that an earlier run wrote, to go on with. */
  resume: string | undefined;
  json: boolean;
}

export const HELP = `Trains a small GPT on a text, character by character, and writes with it.

  npm run gpt -- [options]

  --text FILE        the text to learn (UTF-8); without it the program makes one
  --steps N          training steps                                               (2000)
  --batch-size N     pieces of text per step                                      (12)
  --context N        characters that a prediction sees                            (64)
  --layers N         transformer layers                                           (4)
  --heads N          heads of attention                                           (4)
  --width N          elements that stand for a character                          (128)
  --dropout P        probability that an element is left out, 0 <= P < 1          (0)
  --lr X             learning rate after 100 steps of warming up; it falls to a
                     tenth along a cosine                                         (0.001)
  --seed N           chooses the made text, the first weights and the order       (1)
  --eval-every N     steps between evaluations; each saves the model              (250)
  --prompt TEXT      what the written text begins with                            (a new line)
  --length N         characters to write                                          (300)
  --temperature X    below 1 likely characters become likelier                    (0.8)
  --top-k N          choose from the N likeliest characters only; 0 for all       (0)
  --threads N        threads to compute with                                      (all CPUs)
  --out FILE         where the model is saved                                     (gpt.safetensors)
  --resume FILE      go on with a saved model, its settings and its random numbers;
                     of the options above only those about text, evaluation and
                     writing count then
  --json             print one JSON object as the last line, everything else on stderr
  --help             this text

Ctrl-C ends the training after the current step: the model is saved as it is, and the program ends
with code 0. A second Ctrl-C ends it at once. Wrong options and files: code 2.
`;

const OPTIONS = {
  text: { type: 'string' },
  steps: { type: 'string', default: '2000' },
  'batch-size': { type: 'string', default: '12' },
  context: { type: 'string', default: '64' },
  layers: { type: 'string', default: '4' },
  heads: { type: 'string', default: '4' },
  width: { type: 'string', default: '128' },
  dropout: { type: 'string', default: '0' },
  lr: { type: 'string', default: '0.001' },
  seed: { type: 'string', default: '1' },
  'eval-every': { type: 'string', default: '250' },
  prompt: { type: 'string', default: '\n' },
  length: { type: 'string', default: '300' },
  temperature: { type: 'string', default: '0.8' },
  'top-k': { type: 'string', default: '0' },
  threads: { type: 'string' },
  out: { type: 'string', default: 'gpt.safetensors' },
  resume: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/**
 * @param args the arguments behind the program's name
 * @returns the settings, or 'help' when they are asked for
 * @throws UsageError for an unknown option or a value that doesn't fit
 */
export function parseCommandLine(args: string[]): Settings | 'help' {
  const values = parseOptions(args, OPTIONS);
  if (values.help) return 'help';
  const positive = (x: number) => x > 0;
  return {
    text: values.text,
    steps: whole('--steps', values.steps, 1),
    batchSize: whole('--batch-size', values['batch-size'], 1),
    context: whole('--context', values.context, 1),
    layers: whole('--layers', values.layers, 1),
    heads: whole('--heads', values.heads, 1),
    width: whole('--width', values.width, 1),
    dropout: number('--dropout', values.dropout, (p) => p >= 0 && p < 1, 'from 0 up to but not 1'),
    lr: number('--lr', values.lr, positive, 'above 0'),
    seed: whole('--seed', values.seed, 0),
    evalEvery: whole('--eval-every', values['eval-every'], 1),
    prompt: text('--prompt', values.prompt),
    length: whole('--length', values.length, 0),
    temperature: number('--temperature', values.temperature, positive, 'above 0'),
    topK: whole('--top-k', values['top-k'], 0),
    threads: values.threads === undefined ? undefined : whole('--threads', values.threads, 1),
    out: text('--out', values.out),
    resume: values.resume,
    json: values.json,
  };
}
