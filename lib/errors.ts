/**
 * What went wrong, for programs. The codes are part of the public interface:
 * - `ERR_SHAPE`: shapes that do not fit each other or the operation
 * - `ERR_DTYPE`: a dtype the operation does not take
 * - `ERR_DISPOSED`: a tensor was used after its memory was given back
 * - `ERR_FORMAT`: a file or a piece of data is not in the format it should be in
 * - `ERR_NATIVE_LOAD`: the native library could not be loaded
 * - `ERR_ARGUMENT`: any other argument out of its range or of a wrong type
 * - `ERR_INDEX`: an index outside its dimension
 * - `ERR_STATE`: the call is not possible now, for example a second backward pass
 */
export type TensorErrorCode =
  | 'ERR_SHAPE'
  | 'ERR_DTYPE'
  | 'ERR_DISPOSED'
  | 'ERR_FORMAT'
  | 'ERR_NATIVE_LOAD'
  | 'ERR_ARGUMENT'
  | 'ERR_INDEX'
  | 'ERR_STATE';

/**
 * Every error that tilegrad throws on purpose: a message for people, a `code` for programs.
 * @example
 * ```ts
 * zeros([2]).add(zeros([3])); // throws ERR_SHAPE
 * ```
 */
export class TensorError extends Error {
  /** What went wrong, for programs. */
  readonly code: TensorErrorCode;

  /** `options.cause` is the error this one reports in better words. */
  constructor(code: TensorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TensorError';
    this.code = code;
  }
}
