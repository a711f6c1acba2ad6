import { unistd } from '../../src/sys/unistd.js';
import { missingKoffi } from '../peers/sluice.js';
import { functionPart } from './part.js';

/** As little of the kernel as there is: the number is no descriptor's. */
export const ffiCall = functionPart(
  'an FFI call: close(-1)',
  () => {
    const { close } = unistd();
    return () => close(-1);
  },
  missingKoffi,
);
