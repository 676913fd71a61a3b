/** Copies of modules and of what they have. */
import { copyInto, to, uninitializedLike } from '../../ops/operand.js';
import { type DType, dtypes } from '../../tensor/dtype.js';
import { outsideScope } from '../../tensor/memory.js';
import { mapNested } from '../../tensor/nested.js';
import { Tensor } from '../../tensor/tensor.js';
import { Buffer } from './buffer.js';
import { copyHooks } from './hooks.js';
import { isModule } from './members.js';
import type { AnyModule } from './module.js';
import { Parameter } from './parameter.js';

function copyTensor(t: Tensor): Tensor {
  const values = outsideScope(() => {
    const copy = uninitializedLike(t, t.dtype);
    copyInto(copy, t);
    return copy;
  });
  let copy = values;
  if (t instanceof Parameter) copy = new Parameter(values);
  else if (t instanceof Buffer) copy = new Buffer(values, { persistent: t.persistent });
  copy.leafRequiresGrad = t.leafRequiresGrad;
  return copy;
}

/**
 * A module of the same class with copies of all modules, tensors, lists, maps, sets and plain objects among
 * its properties. What occurs twice stays one; everything else (functions, generators) is shared.
 */
export function copyModule<M extends AnyModule>(module: M): M {
  const copies = new Map<object, object>();
  const copy = (item: object): unknown => {
    if (!(item instanceof Tensor) && !isModule(item)) return undefined;
    const known = copies.get(item);
    if (known !== undefined) return known;
    if (item instanceof Tensor) {
      const tensor = copyTensor(item);
      copies.set(item, tensor);
      return tensor;
    }
    const twin = Object.create(Object.getPrototypeOf(item)) as AnyModule;
    copies.set(item, twin);
    // Only what is enumerable: hooks stand in a property that is not.
    for (const [name, value] of Object.entries(item)) {
      Object.defineProperty(twin, name, {
        value: mapNested(value, copy),
        writable: true,
        enumerable: true,
        configurable: true,
      });
    }
    copyHooks(item, twin);
    return twin;
  };
  return copy(module) as M;
}

/** Fields of a tensor that are readonly to everybody else. */
type Memory = { -readonly [K in 'storage' | 'strides' | 'offset']: Tensor[K] };

/**
 * Gives a parameter or buffer memory of another dtype, as PyTorch sets `parameter.data`: the object stays
 * the same, so that whoever holds it has the new values; views of it keep the old memory.
 */
export function convertInPlace(t: Tensor, dtype: DType): void {
  if (t.dtype === dtype || !dtypes[t.dtype].floating) return;
  outsideScope(() => {
    const { storage, strides, offset } = to(t.detach(), dtype);
    Object.assign(t as Memory, { storage, strides, offset });
    const gradient = t.accumulatedGrad;
    if (gradient !== null) t.accumulatedGrad = to(gradient.detach(), dtype);
  });
}
