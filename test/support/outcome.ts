import { SluiceError } from '../../src/errors.js';

/** Whether a parser read a text or refused it with our error; whatever else it throws goes through. */
export function outcomeOf(parse: () => unknown): 'read' | 'refused' {
  try {
    parse();
    return 'read';
  } catch (error) {
    if (error instanceof SluiceError && !/\p{Cc}/u.test([error.message, ...error.faults].join(''))) {
      return 'refused';
    }
    throw error;
  }
}
