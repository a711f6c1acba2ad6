import { expect, it, jest } from '@jest/globals';
import { printAnswer } from '../../src/cli/print-answer.js';

it('an answer of many lines, each as it comes, has one listener for the faults of stdout', () => {
  const write = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  for (let line = 0; line < 12; line += 1) printAnswer(`${line}\n`);
  write.mockRestore();
  expect(process.stdout.listenerCount('error')).toBe(1);
});
