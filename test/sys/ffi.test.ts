import { expect, test } from '@jest/globals';
import { openFfi } from '../../src/sys/ffi.js';
import { describeWhere } from '../support/machine.js';

describeWhere(process.platform === 'linux', 'not Linux', 'a function of libc', () => {
  test('is looked up once: a thread that is ended while it looks one up takes the process with it', () => {
    const lookUp = () => openFfi().call('getpid', 'int', []);
    expect(lookUp()).toBe(lookUp());
    expect(lookUp()()).toBe(process.pid);
  });
});
