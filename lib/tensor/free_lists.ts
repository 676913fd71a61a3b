/** Blocks of memory that wait to be handed out again, by their size. */

interface List<Block> {
  readonly blocks: Block[];
  /** The fewest that waited since the last look at them: so many weren't needed. */
  least: number;
}

/** What becomes of a block that leaves the lists without being handed out. */
type Drop<Block> = (block: Block, bytes: number) => void;

export class FreeLists<Block> {
  private readonly lists = new Map<number, List<Block>>();

  put(bytes: number, block: Block): void {
    const list = this.lists.get(bytes);
    if (list === undefined) this.lists.set(bytes, { blocks: [block], least: 0 });
    else list.blocks.push(block);
  }

  /** The block of that size that came last, whose memory is the likeliest to be in the caches. */
  take(bytes: number): Block | undefined {
    const list = this.lists.get(bytes);
    const block = list?.blocks.pop();
    if (list === undefined || block === undefined) return undefined;
    if (list.blocks.length < list.least) list.least = list.blocks.length;
    return block;
  }

  /** Drops the blocks that were not needed since the last call, so that sizes of the past don't stay. */
  dropUnneeded(drop: Drop<Block>): void {
    for (const [bytes, list] of this.lists) {
      for (const block of list.blocks.splice(0, list.least)) drop(block, bytes);
      list.least = list.blocks.length;
      if (list.least === 0) this.lists.delete(bytes);
    }
  }

  dropAll(drop: Drop<Block>): void {
    for (const [bytes, { blocks }] of this.lists) for (const block of blocks) drop(block, bytes);
    this.lists.clear();
  }
}
