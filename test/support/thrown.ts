import { SluiceError } from '../../src/errors.js';

/** The error of ours that a call throws; any other one goes through, and none at all is an error too. */
export function thrownBy(call: () => unknown): SluiceError {
  try {
    call();
  } catch (error) {
    if (error instanceof SluiceError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** The same for a promise that is rejected. */
export async function rejectionOf(promise: Promise<unknown>): Promise<SluiceError> {
  const settled = await promise.then(
    () => new Error('nothing was thrown'),
    (error: unknown) => error,
  );
  if (settled instanceof SluiceError) return settled;
  throw settled;
}
