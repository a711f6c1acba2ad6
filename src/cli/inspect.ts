/** `sluice inspect`: all that an instance knows of itself, or what a mapping file would have to say for it. */
import { findInstance } from '../admin/instances.js';
import { printAnswer } from './print-answer.js';

export async function inspect(name: string, config: boolean): Promise<void> {
  const instance = await findInstance(name);
  printAnswer(config ? await instance.config() : `${JSON.stringify(await instance.describe(), null, 2)}\n`);
}
