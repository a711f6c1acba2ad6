import { limits } from './limits.js';

/** What an error offers to choose from, as it tells it: so many, and how many more there are. */
export function choices(texts: readonly string[]): string {
  if (texts.length === 0) return 'nothing';
  const rest = texts.length - limits.choicesTold;
  const told = texts.slice(0, limits.choicesTold).join(', ');
  return rest > 0 ? `${told} and ${rest} more` : told;
}
