import { nn, ones, relu, type Tensor, tanh, tensor, zeros } from 'tilegrad';
import { describe, expect, test } from 'vitest';

const linear = (inputs = 1, outputs = 1) => new nn.Linear(inputs, outputs, { bias: false });
const names = (module: nn.Module | nn.AnyModule) => Object.keys(module.stateDict());

describe('Sequential', () => {
  test('takes functions as layers', () => {
    const model = new nn.Sequential(
      linear(2, 3),
      relu,
      (x: Tensor) => x.mul(2),
      new nn.Sequential(tanh),
    );
    expect(model.forward(ones([4, 2])).shape).toEqual([4, 3]);
    expect(names(model)).toEqual(['0.weight']);
    expect(model.at(1)).toBeInstanceOf(nn.Lambda);
    expect([...model].map((layer) => layer.constructor.name)).toEqual([
      ...['Linear', 'Lambda', 'Lambda', 'Sequential'],
    ]);
  });

  test('takes names from an object, a map and pairs', () => {
    const [a, b] = [linear(), linear()];
    const forms = [
      new nn.Sequential({ b, act: relu, a }),
      new nn.Sequential(
        new Map<string, nn.Layer>([
          ['b', b],
          ['act', relu],
          ['a', a],
        ]),
      ),
      new nn.Sequential([
        ['b', b],
        ['act', relu],
        ['a', a],
      ]),
    ];
    for (const model of forms) {
      expect(names(model)).toEqual(['b.weight', 'a.weight']);
      expect(model.getSubmodule('a')).toBe(a);
      expect([...model.namedChildren()].map(([name]) => name)).toEqual(['b', 'act', 'a']);
    }
    // Names that are numbers come first in an object, not in a map.
    const map = new Map([
      ['2', a],
      ['1', b],
    ]);
    expect(names(new nn.Sequential(map))).toEqual(['2.weight', '1.weight']);
  });

  test('grows', () => {
    const model = new nn.Sequential(linear());
    expect(model.append(relu).append(linear())).toBe(model);
    expect([model.length, names(model)]).toEqual([3, ['0.weight', '2.weight']]);
    expect(model.at(-1)).toBe(model.layers[2]);
    const named = new nn.Sequential({ first: linear() }).append(linear());
    expect(names(named)).toEqual(['first.weight', '1.weight']);
    expect(new nn.Sequential().append(linear()).length).toBe(1);
    expect(new nn.Sequential({}).length).toBe(0);
  });

  test('passes a fault in a function on by its name', () => {
    expect(() => new nn.Lambda(function broken() {} as never).forward(ones([1]))).toThrow(
      '[Lambda] the function broken returned nothing',
    );
  });
});

describe('ModuleList', () => {
  class Owner extends nn.Module {
    readonly layers = new nn.ModuleList([linear(), linear()]);
    readonly last = linear();
    forward(x: Tensor): Tensor {
      let y = x;
      for (const layer of this.layers) y = layer.forward(y);
      return this.last.forward(y);
    }
  }

  test("has PyTorch's names below the module's", () => {
    const owner = new Owner();
    expect(names(owner)).toEqual(['layers.0.weight', 'layers.1.weight', 'last.weight']);
    for (const p of owner.parameters()) p.data[0] = 2;
    expect(owner.forward(ones([1, 1])).item()).toBe(8);
    owner.eval();
    expect([...owner.layers].map((layer) => layer.training)).toEqual([false, false]);
  });

  test('is changed like an array', () => {
    const [a, b, c, d] = [linear(), linear(), linear(), linear()];
    const list = new nn.ModuleList([a]);
    expect(list.append(b).insert(0, c).insert(3, d).extend([a])).toBe(list);
    expect([...list]).toEqual([c, a, b, d, a]);
    expect([list.length, list.at(0) === c, list.at(-1) === a]).toEqual([5, true, true]);
    expect(list.insert(-1, b).set(0, d).at(4)).toBe(b);
    expect([...list]).toEqual([d, a, b, d, b, a]);
    // Shared ones have one name, the first.
    expect(names(list)).toEqual(['0.weight', '1.weight', '2.weight']);
    expect([...new nn.ModuleList()]).toEqual([]);
  });

  test('of layers is quantised and assigned to', () => {
    const owner = new Owner();
    nn.quantizeDynamic(owner);
    expect(owner.layers.at(1)).toBeInstanceOf(nn.QuantizedLinear);
    const dictionary = new nn.ModuleDict({ a: linear() as nn.Module });
    nn.quantizeDynamic(dictionary);
    expect(dictionary.get('a')).toBeInstanceOf(nn.QuantizedLinear);
    const other = new nn.ModuleDict({ a: linear() });
    const weight = tensor([[5]]);
    other.loadStateDict({ 'a.weight': weight }, { assign: true });
    expect(other.get('a').weight.storage).toBe(weight.storage);
  });
});

test('ModuleDict is used like a map', () => {
  const [a, b] = [linear(), linear()];
  const dictionary = new nn.ModuleDict({ left: a }).set('right', b);
  expect([...dictionary.keys()]).toEqual(['left', 'right']);
  expect([...dictionary.values()]).toEqual([a, b]);
  expect([...dictionary]).toEqual([
    ['left', a],
    ['right', b],
  ]);
  expect(names(dictionary)).toEqual(['left.weight', 'right.weight']);
  expect([dictionary.has('left'), dictionary.has('keys'), dictionary.size]).toEqual([
    ...[true, false, 2],
  ]);
  expect([dictionary.delete('left'), dictionary.delete('left')]).toEqual([true, false]);
  expect(names(dictionary)).toEqual(['right.weight']);
  expect(dictionary.set('right', a).get('right')).toBe(a);
  // Names of methods are names like others.
  expect(names(new nn.ModuleDict({ get: a, items: b }))).toEqual(['get.weight', 'items.weight']);
});

test('ParameterList and ParameterDict make parameters of tensors', () => {
  const values = tensor([1, 2]);
  const list = new nn.ParameterList([values, new nn.Parameter(zeros([1]))]);
  expect([...list].every((p) => p instanceof nn.Parameter && p.requiresGrad)).toBe(true);
  expect(list.at(0).storage).toBe(values.storage);
  expect(names(list.append(ones([3])))).toEqual(['0', '1', '2']);
  expect(list.toString()).toBe(
    'ParameterList(\n  (0): Parameter of float32 [2]\n  (1): Parameter of float32 [1]\n  (2): Parameter of float32 [3]\n)',
  );
  const dictionary = new nn.ParameterDict({ gain: values });
  expect(names(dictionary.set('offset', ones([1])))).toEqual(['gain', 'offset']);
  expect(dictionary.get('gain').toArray()).toEqual([1, 2]);
  class Owner extends nn.Module {
    readonly list = list;
    readonly table = dictionary;
    forward(x: Tensor): Tensor {
      return x.mul(this.list.at(0)).add(this.table.get('gain'));
    }
  }
  const owner = new Owner();
  expect(names(owner)).toEqual(['list.0', 'list.1', 'list.2', 'table.gain', 'table.offset']);
  owner
    .forward(ones([2]))
    .sum()
    .backward();
  expect(list.at(0).grad?.toArray()).toEqual([1, 1]);
});

test('maps that are properties have members as arrays have', () => {
  class Routes extends nn.Module {
    readonly routes = new Map([
      ['a', linear()],
      ['b', linear()],
    ]);
    forward(x: Tensor): Tensor {
      return x;
    }
  }
  expect(names(new Routes())).toEqual(['routes.a.weight', 'routes.b.weight']);
});
