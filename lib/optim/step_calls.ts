/**
 * The native calls of a step. Parameters that lie in the same slab as each other, with gradients in
 * one slab and state in one array, go into one call with a table of where each of them begins.
 */
import { isRecording, rows, runRow } from '../native/commands.js';
import type { StoredArray } from '../tensor/dtype.js';
import type { Storage } from '../tensor/storage.js';
import type { ParameterGroup, RowRule } from './group.js';
import { type Member, SCALARS } from './state.js';

/** Numbers of one entry of the table: `SegmentField` in native/ops/optim/optimizer.h. */
const FIELDS = 6;

/** One parameter's step: where its elements and its gradient are. */
export interface Step {
  readonly member: Member;
  readonly weights: StoredArray;
  readonly weightOffset: number;
  readonly gradients: StoredArray;
  readonly gradientOffset: number;
  readonly gradientStorage: Storage;
}

/** Steps that one call can take. */
interface Batch {
  readonly group: ParameterGroup<RowRule>;
  readonly weights: StoredArray;
  readonly gradients: StoredArray;
  readonly state: StoredArray;
  readonly steps: Step[];
}

function stateOf(member: Member): StoredArray {
  return (member.storage as Storage).array;
}

export class StepCalls {
  /** Storages of parameters, and those of them that several parameters share. */
  private readonly storages = new Map<Storage, 'one' | 'several'>();
  /** Used again by every call; one that is recorded gets a table of its own, to be read in replays. */
  private table = new Float64Array(0);
  private open: Batch[] = [];

  /** Makes ready for parameters whose steps will come. */
  include(members: readonly Member[]): void {
    this.table = new Float64Array(this.table.length + members.length * FIELDS);
    for (const { parameter } of members) {
      const known = this.storages.has(parameter.storage);
      this.storages.set(parameter.storage, known ? 'several' : 'one');
    }
  }

  /** Follows a parameter to other memory. What a storage shared stays in order: others may be left in it. */
  move({ home }: Member, { parameter }: Member): void {
    if (home !== parameter.storage) this.storages.set(parameter.storage, 'one');
  }

  /**
   * Takes a step, now or when `flush` is called. `foreign` says that the gradient may be anybody's
   * memory, also a parameter's.
   */
  add(step: Step, foreign: boolean): void {
    const { member, weights, gradients } = step;
    const { storage } = member.parameter;
    // Where memory is shared the order of the steps counts. Arrays of the user's may overlap.
    const ordered =
      storage.capacity === 0 ||
      this.storages.get(storage) === 'several' ||
      (foreign && this.storages.has(step.gradientStorage));
    if (ordered) {
      this.flush();
      this.run([step]);
      return;
    }
    // A storage with an array of its own has no neighbours.
    if (weights.length === storage.capacity) {
      this.run([step]);
      return;
    }
    const state = stateOf(member);
    const { group } = member;
    for (let i = this.open.length - 1; i >= 0; i--) {
      const batch = this.open[i] as Batch;
      if (
        batch.weights === weights &&
        batch.gradients === gradients &&
        batch.state === state &&
        batch.group === group
      ) {
        batch.steps.push(step);
        return;
      }
    }
    this.open.push({ group, weights, gradients, state, steps: [step] });
  }

  /** Takes the steps that wait. */
  flush(): void {
    const { open } = this;
    if (open.length === 0) return;
    this.open = [];
    for (const { steps } of open) this.run(steps);
  }

  /** Takes steps whose arrays and groups are one, by a single call. */
  run(steps: readonly Step[]): void {
    const { member, weights, gradients } = steps[0] as Step;
    const { group, kept, scalars } = member;
    const table = isRecording() ? new Float64Array(steps.length * FIELDS) : this.table;
    let at = 0;
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i] as Step;
      table[at++] = step.weightOffset;
      table[at++] = step.gradientOffset;
      table[at++] = step.member.offset;
      table[at++] = step.member.stride;
      table[at++] = step.member.numel;
      table[at++] = step.member.slot;
    }
    const state = stateOf(member);
    runRow(
      rows[group.rule.row],
      [weights, gradients, state, group.hyper, scalars, table],
      [0, 0, 0, 0, 0, 0],
      [
        weights.length,
        gradients.length,
        state.length,
        scalars.length / SCALARS,
        steps.length,
        kept,
      ],
    );
  }
}
