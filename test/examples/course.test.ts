/** The course's program: its topics, its command line, its pictures. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { parseHTML } from 'linkedom';
import { describe, expect, test } from 'vitest';
import { topic as a2 } from '../../examples/course/a02-error-surface.js';
import { topic as a10 } from '../../examples/course/a10-logit.js';
import { topic as b11 } from '../../examples/course/b11-vanishing-gradients.js';
import { render } from '../../examples/course/lib/draw.js';
import type { Topic } from '../../examples/course/lib/topic.js';
import { loadTopics } from '../../examples/course/lib/topics.js';
import { runTopic } from '../helpers/course.js';

describe('topics', () => {
  test('are numbered, in order, each once, with a title of one line', async () => {
    const topics = await loadTopics();
    const ids = topics.map(({ id }) => id);
    const numbers = ids.map((id) => (id[0] === 'A' ? 0 : 100) + Number(id.slice(1)));
    expect(ids.filter((id) => !/^[AB][1-9]\d?$/.test(id))).toEqual([]);
    expect([...new Set(numbers)].sort((a, b) => a - b)).toEqual(numbers);
    for (const { title } of topics) expect(title).toMatch(/^\S.{5,70}\S$/);
  });
});

describe('a picture', () => {
  const picture = {
    title: 'Two & more',
    legend: ['first', 'second'],
    plots: [{ marks: [] }, { title: 'a < b', marks: [], width: 200, x: { domain: [0, 1] } }],
  };

  test('is an SVG file that stands on its own: namespace, size, white ground, title and legend', () => {
    const svg = render(picture);
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" width="660" height="\d+"/);
    expect(svg).toContain('<rect width="100%" height="100%" fill="white"/>');
    expect(svg).toContain('>Two &amp; more</text>');
    expect(svg).toContain('>a &lt; b</text>');
    const { document } = parseHTML(svg);
    const texts = [...document.querySelectorAll('text')].map((text) => text.textContent);
    expect(texts).toEqual(expect.arrayContaining(['first', 'second', '0.0', '1.0']));
    expect(render(picture)).toBe(svg);
  });

  test('has coordinates to a tenth of a pixel and texts as they are', () => {
    const svg = render({ title: 'x', plots: [{ x: { domain: [0, 0.125] }, marks: [] }] });
    expect(svg).toContain('>0.02</text>');
    expect([...svg.matchAll(/<[^>]*\d\.\d{2}[^>]*>/g)]).toEqual([]);
  });
});

describe('docs/course.md', () => {
  const docs = new URL('../../docs/', import.meta.url);
  const page = readFileSync(new URL('course.md', docs), 'utf8');
  const pictures = readdirSync(new URL('pictures/', docs));

  test('tells about every topic, with its command', async () => {
    for (const { id } of await loadTopics()) {
      expect(page).toContain(`\n### ${id}. `);
      expect(page).toContain(`\n$ npm run course -- ${id}\n`);
    }
  });

  test('shows every picture, each a small file', () => {
    const shown = [...page.matchAll(/\]\(pictures\/([^)]+)\)/g)].map(([, name]) => name);
    expect(shown.sort()).toEqual(pictures.sort());
    for (const name of pictures) {
      expect(statSync(new URL(`pictures/${name}`, docs)).size).toBeLessThan(30_000);
    }
  });

  test.each([a2, a10, b11])('has what $id prints and draws, to the byte', async (topic: Topic) => {
    const { lines, pictures: drawn } = await runTopic(topic);
    expect(page).toContain(`-- ${topic.id}\n${lines.join('\n')}\n`);
    expect(drawn.size).toBe(1);
    for (const [name, picture] of drawn) {
      expect(render(picture)).toBe(readFileSync(new URL(`pictures/${name}.svg`, docs), 'utf8'));
    }
  });
});
