/** Whom it concerns when something throws. */
import { StrandedError } from '../../errors.js';

/**
 * Tells an owner that its own code threw, so that it ends itself and the rest goes on.
 *
 * @throws StrandedError where the thread is in another namespace: that is no one flow's fault, and ends the shard
 */
export function tellFault(owner: { onFault(error: unknown): void }, error: unknown): void {
  if (error instanceof StrandedError) throw error;
  owner.onFault(error);
}
