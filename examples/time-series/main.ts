/**
 * Forecasts a daily series with an LSTM: two weeks ahead from the eight weeks before, against the naive
 * forecast that the next weeks are like the last one. `npm run time-series -- --help` lists the
 * options; the picture goes to time-series.svg.
 */
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import {
  batches,
  Generator,
  l1Loss,
  manualSeed,
  nn,
  noGrad,
  optim,
  randn,
  type Tensor,
  tensor,
} from 'tilegrad';

/** What can be set. */
export interface Settings {
  /** Days of the series; the last fifth is for testing. */
  days: number;
  /** Days that a forecast sees. */
  window: number;
  /** Days that it reaches ahead. */
  horizon: number;
  /** Units of the LSTM. */
  hidden: number;
  epochs: number;
  seed: number;
}

export const DEFAULTS: Settings = {
  days: 1500,
  window: 56,
  horizon: 14,
  hidden: 32,
  epochs: 20,
  seed: 1,
};

/** What came out. Errors are mean absolute ones of the days of the test. */
export interface Forecast {
  lstmError: number;
  naiveError: number;
  /** The loss of each epoch. */
  losses: number[];
  /** The whole series, and the days of it that the last forecast is about. */
  series: Float32Array;
  lstm: number[];
  naive: number[];
}

const WEEK = 7;
/** How much busier than the average each weekday is. */
const WEEKDAYS = [4, 2, 0, 1, 6, -5, -8];

/** A trend, weeks that grow with it, and noise of which a part stays until the next day. */
export function makeSeries(days: number, seed: number): Float32Array {
  const noise = randn([days], { generator: new Generator(seed) }).data;
  const series = new Float32Array(days);
  let drift = 0;
  for (let day = 0; day < days; day++) {
    drift = 0.4 * drift + 2 * (noise[day] as number);
    const trend = 50 + 0.03 * day;
    series[day] = trend * (1 + 0.02 * (WEEKDAYS[day % WEEK] as number)) + drift;
  }
  return series;
}

/** Reads windows of days, and forecasts the days after them from the state that is left at the end. */
export class Forecaster extends nn.Module {
  private readonly lstm: nn.LSTM;
  private readonly head: nn.Linear;

  constructor(hidden: number, horizon: number) {
    super();
    this.lstm = new nn.LSTM(1, hidden, { batchFirst: true });
    this.head = new nn.Linear(hidden, horizon);
  }

  /** From [batch, window] to [batch, horizon]. */
  forward(x: Tensor): Tensor {
    const [, [h]] = this.lstm.forward(x.unsqueeze(2));
    return this.head.forward(h.select(0, 0));
  }
}

/** Windows with the days after them. Levels are those above the window's last weeks, in `scale`. */
interface Examples {
  x: Tensor;
  y: Tensor;
  /** What was subtracted, [count, 1]. */
  level: Tensor;
}

function examplesOf(series: Float32Array, from: number, to: number, s: Settings): Examples {
  const { window, horizon } = s;
  const days = tensor(series.subarray(from, to));
  const all = days.unfold(0, window + horizon);
  const before = all.narrow(1, 0, window);
  const level = before.narrow(1, window - 2 * WEEK, 2 * WEEK).mean({ dim: 1, keepDim: true });
  return {
    x: before.sub(level).div(SCALE),
    y: all.narrow(1, window, horizon).sub(level).div(SCALE),
    level,
  };
}

/** What the series moves by: keeps the network's numbers around 1. */
const SCALE = 10;

/** The last week again and again. */
function naiveForecast(x: Tensor, horizon: number): Tensor {
  const week = x.narrow(1, (x.shape[1] as number) - WEEK, WEEK);
  return week.repeat([1, Math.ceil(horizon / WEEK)]).narrow(1, 0, horizon);
}

const meanError = (forecast: Tensor, y: Tensor): number => l1Loss(forecast, y).item() * SCALE;

/** Trains a network on the first part of a made series and forecasts the rest. */
export function run(settings: Settings, log: (line: string) => void = () => {}): Forecast {
  const { days, window, horizon, hidden, epochs, seed } = settings;
  manualSeed(seed);
  const series = makeSeries(days, seed);
  const split = Math.round(0.8 * days);
  const train = examplesOf(series, 0, split, settings);
  // The first forecast of the test is about the first day after the training.
  const test = examplesOf(series, split - window, days, settings);

  const model = new Forecaster(hidden, horizon);
  const optimizer = new optim.AdamW(model.parameters(), { lr: 5e-3 });
  const losses: number[] = [];
  for (let epoch = 1; epoch <= epochs; epoch++) {
    let total = 0;
    let count = 0;
    const order = { batchSize: 64, shuffle: true, seed, epoch };
    for (const { x, y } of batches(train.x, train.y, order)) {
      optimizer.zeroGrad();
      const loss = model.forward(x).sub(y).square().mean();
      loss.backward();
      nn.utils.clipGradNorm(model.parameters(), 1);
      optimizer.step();
      total += loss.item();
      count++;
    }
    losses.push(total / count);
    if (epoch % 5 === 0 || epoch === epochs) {
      log(`epoch ${epoch}/${epochs}  loss ${(total / count).toFixed(4)}`);
    }
  }

  const forecast = noGrad(() => model.eval().forward(test.x));
  const naive = naiveForecast(test.x, horizon);
  const last = (t: Tensor) =>
    Array.from(t.select(0, -1).mul(SCALE).add(test.level.select(0, -1)).contiguous().data, Number);
  return {
    lstmError: meanError(forecast, test.y),
    naiveError: meanError(naive, test.y),
    losses,
    series,
    lstm: last(forecast),
    naive: last(naive),
  };
}

/** The end of the series and both forecasts of it, as SVG. */
export function draw({ series, lstm, naive }: Forecast): string {
  const start = series.length - lstm.length;
  const lines = [
    ...Array.from(series.subarray(start - 6 * WEEK), (value, i) => ({
      ...{ day: start - 6 * WEEK + i, value, what: 'the series' },
    })),
    ...lstm.map((value, i) => ({ day: start + i, value, what: 'LSTM' })),
    ...naive.map((value, i) => ({ day: start + i, value, what: 'like last week' })),
  ];
  const picture = Plot.plot({
    document: parseHTML('<html></html>').document,
    width: 800,
    height: 320,
    grid: true,
    color: { domain: ['the series', 'LSTM', 'like last week'], range: ['#888', '#d33', '#48c'] },
    marks: [
      Plot.ruleX([start - 0.5], { strokeDasharray: '4' }),
      Plot.lineY(lines, { x: 'day', y: 'value', stroke: 'what' }),
      Plot.text(
        lines.filter(({ day }, i) => lines[i + 1]?.day !== day + 1),
        { x: 'day', y: 'value', text: 'what', fill: 'what', dx: 4, textAnchor: 'start' },
      ),
    ],
    marginRight: 90,
  });
  picture.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return picture.outerHTML;
}

const HELP = `Forecasts a made daily series with an LSTM.
  --epochs N   passes over the training part (default ${DEFAULTS.epochs})
  --seed N     of the series and the network (default ${DEFAULTS.seed})
  --out FILE   the picture (default time-series.svg)
`;

function main(): void {
  const { values } = parseArgs({
    options: {
      epochs: { type: 'string', default: String(DEFAULTS.epochs) },
      seed: { type: 'string', default: String(DEFAULTS.seed) },
      out: { type: 'string', default: 'time-series.svg' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const settings = { ...DEFAULTS, epochs: Number(values.epochs), seed: Number(values.seed) };
  const start = performance.now();
  const result = run(settings, console.log);
  fs.writeFileSync(values.out, draw(result));
  const { lstmError, naiveError } = result;
  console.log(
    `mean absolute error of ${settings.horizon} days ahead: LSTM ${lstmError.toFixed(2)}, ` +
      `like last week ${naiveError.toFixed(2)} (${(100 * (1 - lstmError / naiveError)).toFixed(0)} % less)`,
  );
  console.log(
    `${values.out} shows the last forecast; ${((performance.now() - start) / 1000).toFixed(1)} s`,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
