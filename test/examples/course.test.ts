/** The course's program: its topics, its command line, its pictures. */
import { parseHTML } from 'linkedom';
import { describe, expect, test } from 'vitest';
import { render } from '../../examples/course/lib/draw.js';
import { loadTopics } from '../../examples/course/lib/topics.js';

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
