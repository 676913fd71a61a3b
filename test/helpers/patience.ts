const factor = Number(process.env.TILEGRAD_TEST_PATIENCE ?? 1);

/**
 * How long a test may take that may take longer than others.
 * @param milliseconds on a processor that is slow or busy
 * @returns the same, times TILEGRAD_TEST_PATIENCE, which runs under an emulator set
 */
export const atMost = (milliseconds: number): number => milliseconds * factor;
