/** Transactions: the only way that this project writes. */

import { assert } from "../../core/types/assert.ts";

/** Runs `work` atomically: every write in it lands, or none does. */
export function transact<T>(storage: DurableObjectStorage, work: () => T): T {
  return storage.transactionSync(() => {
    const result = work();
    // An async callback would return here with its writes still to come, outside the transaction.
    assert(!(result instanceof Promise), "a transaction is synchronous");
    return result;
  });
}
