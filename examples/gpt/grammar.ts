/** A text to learn: sentences of a small grammar, in which words depend on words far before them. */
import { Generator, rand } from 'tilegrad';

/** Who acts, alone and as several. */
const NOUNS = [
  ['king', 'kings'],
  ['sailor', 'sailors'],
  ['child', 'children'],
  ['raven', 'ravens'],
  ['fox', 'foxes'],
  ['miller', 'millers'],
] as const;
const ADJECTIVES = ['old', 'young', 'silent', 'hungry', 'brave', 'grey'];
/** What they do: of one, and of several. */
const VERBS = [
  ['sees', 'see'],
  ['follows', 'follow'],
  ['fears', 'fear'],
  ['remembers', 'remember'],
  ['calls', 'call'],
] as const;
const PLACES = ['by the river', 'in the wood', 'on the hill', 'at the gate', 'under the moon'];
const TIMES = ['At night', 'In spring', 'Long ago', 'Every morning'];

/** Choices from a stream of random numbers. */
class Chooser {
  private numbers: readonly number[] = [];
  private next = 0;
  private readonly generator: Generator;

  constructor(seed: number) {
    this.generator = new Generator(seed);
  }

  /** A number from 0 up to but not 1. */
  uniform(): number {
    if (this.next === this.numbers.length) {
      const chunk = 4096;
      this.numbers = Array.from(rand([chunk], { generator: this.generator }).data, Number);
      this.next = 0;
    }
    return this.numbers[this.next++] as number;
  }

  of<T>(list: readonly T[]): T {
    return list[Math.floor(this.uniform() * list.length)] as T;
  }
}

/** "the old king", and the form of the verb that goes with it. */
function group(choose: Chooser): { words: string; form: 0 | 1 } {
  const form = choose.uniform() < 0.5 ? 0 : 1;
  const noun = choose.of(NOUNS)[form];
  const adjective = choose.uniform() < 0.5 ? `${choose.of(ADJECTIVES)} ` : '';
  return { words: `the ${adjective}${noun}`, form };
}

function sentence(choose: Chooser): string {
  const subject = group(choose);
  const clause =
    choose.uniform() < 0.3 ? ` who ${choose.of(VERBS)[subject.form]} ${group(choose).words}` : '';
  const place = choose.uniform() < 0.4 ? ` ${choose.of(PLACES)}` : '';
  const body = `${subject.words}${clause} ${choose.of(VERBS)[subject.form]} ${group(choose).words}${place}`;
  return choose.uniform() < 0.3
    ? `${choose.of(TIMES)} ${body}.`
    : `${body[0]?.toUpperCase()}${body.slice(1)}.`;
}

/** At least so many characters, in paragraphs. */
export function makeText(length: number, seed: number): string {
  const choose = new Chooser(seed);
  const paragraphs: string[] = [];
  for (let written = 0; written < length; ) {
    const sentences = Array.from({ length: 2 + Math.floor(3 * choose.uniform()) }, () =>
      sentence(choose),
    );
    const paragraph = `${sentences.join(' ')}\n`;
    paragraphs.push(paragraph);
    written += paragraph.length;
  }
  return paragraphs.join('');
}
