/** Names that users give, of instances and mappings. */
import { limits } from '../limits.js';

/** Docker's own rule for a container's name. */
export const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
export const nameAllowed = 'a name of letters, digits, "_", "." and "-", starting with a letter or digit';
export const instanceNameAllowed = `${nameAllowed}, of at most ${limits.instanceNameLength} characters`;

/** True where an instance may be called so: its name is that of a folder, too. */
export function isInstanceName(text: string): boolean {
  return namePattern.test(text) && text.length <= limits.instanceNameLength;
}

/** The nearest name to a text that an instance may have: `run-app.sock` for `/run/app.sock`. */
export function toInstanceName(text: string): string {
  const name = text.replace(/[^a-zA-Z0-9_.-]+/g, '-').replace(/^[^a-zA-Z0-9]+/, '');
  return name === '' ? 'sluice' : name.slice(0, limits.instanceNameLength);
}
