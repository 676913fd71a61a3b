/** Pictures as SVG files: one or more plots side by side under a title and a legend. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

/** One picture. */
export interface Picture {
  readonly title: string;
  /** Names of the series in the order of `COLORS`; channels such as `stroke` take a name. */
  readonly legend?: readonly string[];
  /** What some colors of the first plot's continuous scale stand for. */
  readonly ramp?: { readonly label: string; readonly values: readonly number[] };
  /** Plots from left to right; a plot's `title` stands above it. */
  readonly plots: readonly PlotOptions[];
}

/** What Plot takes, with a title for this plot alone. */
export type PlotOptions = Omit<Plot.PlotOptions, 'title' | 'document'> & {
  readonly title?: string;
};

/** Colors of series: Okabe and Ito's, which people with color-blindness can tell apart. */
export const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];

const FONT = 'system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif';

/** Sizes in pixels. */
const WIDTH = 460;
const HEIGHT = 320;
const MARGIN = 12;
const TITLE = 16;
const TEXT = 12;
const LINE = 22;
/** Width of a letter of the size of TEXT, on average and rather too wide. */
const LETTER = 6.8;

/** Digits after the point: a tenth of a pixel can hardly be seen, and more would fill the file. */
const DIGITS = 1;

const escaped = (text: string): string =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

function textAt(x: number, y: number, size: number, text: string, more = ''): string {
  return `<text x="${x}" y="${y}" font-size="${size}"${more}>${escaped(text)}</text>`;
}

/** Shorter numbers in the attributes that hold coordinates; texts stay as they are. */
function rounded(svg: string): string {
  const round = (number: string) => `${+Number(number).toFixed(DIGITS)}`;
  return svg.replace(/<[^>]*>/g, (tag) => tag.replace(/-?\d+\.\d{2,}(?:e-?\d+)?/g, round));
}

/** A nested drawing at a place. */
function nested(svg: { outerHTML: string }, x: number, y: number): string {
  return rounded(svg.outerHTML).replace('<svg ', `<svg x="${x}" y="${y}" `);
}

/** @returns the text of an SVG file with white background that stands on its own */
export function render({ title, legend, ramp, plots }: Picture): string {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const parts: string[] = [];
  let top = MARGIN + TITLE;
  parts.push(textAt(MARGIN, top, TITLE, title, ' font-weight="600"'));
  top += MARGIN;
  if (legend !== undefined) {
    let x = MARGIN;
    legend.forEach((name, i) => {
      parts.push(
        `<rect x="${x}" y="${top - 1}" width="12" height="12" fill="${COLORS[i]}"/>`,
        textAt(x + 17, top + 10, TEXT, name),
      );
      x += 34 + Math.round(LETTER * name.length);
    });
    top += LINE;
  }
  let x = 0;
  let bottom = top;
  const titled = plots.some((plot) => plot.title !== undefined);
  plots.forEach(({ title: name, ...options }, i) => {
    const { width = WIDTH, height = HEIGHT } = options;
    const color = legend === undefined ? {} : { domain: legend, range: COLORS };
    const svg = Plot.plot({
      marginLeft: 52,
      marginBottom: 40,
      inset: 6,
      ...options,
      width,
      height,
      color: { ...color, ...options.color },
      style: { fontSize: `${TEXT}px`, background: 'white', ...(options.style as object) },
      document,
    });
    if (name !== undefined) {
      parts.push(textAt(x + MARGIN, top + TEXT, TEXT + 1, name, ' font-weight="600"'));
    }
    const y = top + (titled ? LINE : 0);
    parts.push(nested(svg, x, y));
    x += width;
    bottom = Math.max(bottom, y + height);
    if (ramp !== undefined && i === 0) {
      const colorOf = svg.scale('color')!.apply as (value: number) => string;
      const step = 40;
      parts.push(textAt(MARGIN, bottom + TEXT, TEXT, ramp.label));
      ramp.values.forEach((value, k) => {
        const left = MARGIN + k * step;
        parts.push(
          `<rect x="${left}" y="${bottom + 18}" width="${step}" height="12" fill="${colorOf(value)}"/>`,
          textAt(left + step / 2, bottom + 44, TEXT, `${value}`, ' text-anchor="middle"'),
        );
      });
      bottom += 54;
    }
  });
  const width = Math.max(x, 2 * MARGIN + Math.round(title.length * LETTER * (TITLE / TEXT)));
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${bottom}" ` +
    `viewBox="0 0 ${width} ${bottom}" font-family='${FONT}'>\n` +
    `<rect width="100%" height="100%" fill="white"/>\n${parts.join('\n')}\n</svg>\n`
  );
}
