import { expect, it } from '@jest/globals';
import { type CommandName, commandForms } from '../../src/cli/command-options.js';
import { readableWords, takeMarksOff, withMarks, withoutMarks } from '../../src/cli/readable-words.js';

it.each<[CommandName, string[], string[]]>([
  ['run', ['-p8080:80', 'web'], ['-p=8080:80', 'web']],
  ['run', ['-p127.0.0.1::53/udp'], ['-p=127.0.0.1::53/udp']],
  ['run', ['-p-80'], ['-p=-80']],
  ['run', ['-Pp80'], ['-Pp=80']],
  ['publish', ['web', '-p9000:9000'], ['web', '-p=9000:9000']],
  ['stop', ['-t5s'], ['-t=5s']],
  ['logs', ['-fn5', 'web'], ['-fn=5', 'web']],
])('sluice %s %j: what follows a letter is its value', (command, words, readable) => {
  expect(readableWords(words, commandForms[command].options)).toEqual(readable);
});

it.each<[CommandName, string[]]>([
  ['run', ['-p', '8080:80', '-p=90', '--publish=91', '-P', '-h', '-', '-5', 'web-p80']],
  ['run', ['-xp80', '-n5', '--', '-p80', '--', '-p80']],
  ['ls', ['-q', '-p80']],
  ['schema', ['-p80']],
])('sluice %s %j is left as it is', (command, words) => {
  expect(readableWords(words, commandForms[command].options)).toEqual(words);
});

it('words after -- lose it and are marked where they look like options, until yargs has read them', () => {
  const marked = withMarks(['-q', '--', 'web', '--', '-q', '-']);
  expect(marked.map((word) => word.startsWith('-'))).toEqual([true, false, false, false, false]);
  expect(marked.map(withoutMarks)).toEqual(['-q', 'web', '--', '-q', '-']);
  const options = { names: marked, name: marked[3], quiet: true };
  takeMarksOff(options);
  expect(options).toEqual({ names: ['-q', 'web', '--', '-q', '-'], name: '-q', quiet: true });
});
