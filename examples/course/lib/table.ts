/** Numbers, tables and bits as text. */

/** A number to `digits` places behind the point. */
export const fixed = (value: number, digits = 2): string => value.toFixed(digits);

/** Numbers to `digits` places, separated by commas. */
export const list = (values: Iterable<number>, digits = 2): string =>
  Array.from(values, (value) => value.toFixed(digits)).join(', ');

/** Prints rows below a head, in columns that are as wide as they have to be. */
export function printTable(
  print: (line: string) => void,
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): void {
  const cells = [head, ...rows.map((row) => row.map(String))];
  const widths = head.map((_, i) => Math.max(...cells.map((row) => row[i]!.length)));
  for (const row of cells) {
    print(
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
        .join('  ')
        .trimEnd(),
    );
  }
}

/** The bits of numbers, as text that can be compared. */
export const bytesOfArray = ({ buffer, byteOffset, byteLength }: ArrayBufferView): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64');
