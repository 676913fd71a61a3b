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

/** Runs a topic; the plots are not rendered, which takes longer than most topics. */
export async function runTopic<Result>(topic: Topic<Result>): Promise<Seen<Result>> {
  const lines: string[] = [];
  const pictures = new Map<string, Picture>();
  const result = await topic.run({
    print: (line) => lines.push(line),
    draw: (name, picture) => pictures.set(name, picture),
  });
  return { result, lines, pictures };
}
