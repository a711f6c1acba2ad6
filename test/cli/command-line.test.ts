/** What is refused of every option that there is, before its command does anything. */
import { describe, expect, it, jest } from '@jest/globals';
import { commandLine } from '../../src/cli/command-line.js';
import { type CommandForm, commandForms } from '../../src/cli/command-options.js';

const forms: Readonly<Record<string, CommandForm>> = commandForms;
const options = Object.entries(forms).flatMap(([command, form]) =>
  Object.entries(form.options).map(([name, option]) => ({ command, name, ...option })),
);
const switches = options.filter(({ type }) => type === 'boolean');
const others = options.filter(({ type }) => type !== 'boolean');

const refusal = (...words: string[]) =>
  commandLine(words).then(
    () => 'not refused',
    (error: unknown) => (error as Error).message,
  );

describe('a switch', () => {
  it.each(switches)(
    'of sluice $command is on or off and nothing else: --$name',
    async ({ command, name }) => {
      for (const value of ['maybe', '', '1', 'TRUE'])
        expect(await refusal(command, `--${name}=${value}`)).toBe(
          `--${name}=${value}: it must be true or false`,
        );
      for (const value of ['3', 'true', 'false'])
        expect(await refusal(command, `--no-${name}=${value}`)).toBe(
          `--no-${name}=${value}: it takes no value`,
        );
    },
  );

  it.each([
    ['run', '-P=maybe'],
    ['run', '--P=maybe'],
    ['run', '--publishAll=maybe'],
    ['run', '--help=maybe'],
    ['run', '-h=maybe'],
    ['logs', '-f=maybe'],
    ['ls', '-qq=maybe'],
    ['--version=maybe'],
  ])('is so by each of its names: %s %s', async (...words) => {
    expect(await refusal(...words)).toBe(`${words.at(-1)}: it must be true or false`);
  });
});

describe('an option with a value', () => {
  it.each(others)('of sluice $command has one, the last word too: --$name', async ({ command, name }) => {
    expect(await refusal(command, 'web', '80', `--${name}`)).toBe(
      `--${name} needs a value: see sluice ${command} --help`,
    );
    expect(await refusal(command, 'web', '80', `--no-${name}`)).toContain(
      'only what is on or off takes --no-',
    );
  });
});

/** What is printed where stdout is a terminal of so many columns, or none. */
async function printed(columns: number | undefined, ...words: string[]): Promise<string> {
  const { stdout } = process;
  const before = stdout.columns;
  const write = jest.spyOn(stdout, 'write').mockReturnValue(true);
  stdout.columns = columns as number;
  try {
    await commandLine(words);
    return write.mock.calls.map(([text]) => String(text)).join('');
  } finally {
    stdout.columns = before;
    write.mockRestore();
  }
}

describe('help', () => {
  it.each([
    [20, 60],
    [70, 70],
    [undefined, 80],
    [300, 110],
  ])('of a terminal with %s columns takes at most %s', async (columns, most) => {
    const help = await printed(columns, 'run', '--help');
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(most);
    for (const name of Object.keys(commandForms.run.options)) expect(help).toContain(`--${name} `);
  });
});
