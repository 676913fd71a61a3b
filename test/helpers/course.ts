/** Runs topics of the course for tests. */
import type { Picture } from '../../examples/course/lib/draw.js';
import type { Topic } from '../../examples/course/lib/topic.js';

export interface Seen<Result> {
  result: Result;
  /** What was printed. */
  lines: string[];
  /** What was drawn, by name; `render` makes SVG of it. */
  pictures: Map<string, Picture>;
}

const seen = new WeakMap<Topic, Promise<Seen<unknown>>>();

/**
 * Runs a topic, the first time that it is asked for. The plots are not rendered, which takes longer than
 * most topics.
 */
export function runTopic<Result>(topic: Topic<Result>): Promise<Seen<Result>> {
  let run = seen.get(topic) as Promise<Seen<Result>> | undefined;
  if (run === undefined) {
    run = runOnce(topic);
    seen.set(topic, run);
  }
  return run;
}

async function runOnce<Result>(topic: Topic<Result>): Promise<Seen<Result>> {
  const lines: string[] = [];
  const pictures = new Map<string, Picture>();
  const result = await topic.run({
    print: (line) => lines.push(line),
    draw: (name, picture) => pictures.set(name, picture),
  });
  return { result, lines, pictures };
}
