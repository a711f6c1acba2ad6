import { killLeftovers } from './sluice-process.js';

type Undo = () => unknown;
const undos: Undo[] = [];

/** Has something undone after the test, whatever becomes of it. */
export function cleanUp(undo: Undo): void {
  undos.push(undo);
}

/** For afterEach: ends the processes first, so that nothing holds what is closed next. */
export async function cleanUpAll(): Promise<void> {
  await killLeftovers();
  for (const undo of undos.splice(0).reverse()) await undo();
}
