/** The topics of the course: every file of the folder above whose name begins with the number of a row. */
import { readdirSync } from 'node:fs';
import type { Topic } from './topic.js';

const folder = new URL('../', import.meta.url);

/** @returns all topics, in the order of their numbers */
export async function loadTopics(): Promise<Topic[]> {
  const files = readdirSync(folder).filter((name) => /^[ab]\d\d-.*\.ts$/.test(name));
  const modules = await Promise.all(
    files.sort().map((name) => import(new URL(name, folder).href) as Promise<{ topic: Topic }>),
  );
  return modules.map(({ topic }) => topic);
}
