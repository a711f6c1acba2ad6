/** What a person at a terminal sees. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, jest } from '@jest/globals';
import { temporaryFolder } from '../support/folder.js';
import { useScope } from '../support/scope.js';
import { sluicePath } from '../support/sluice-process.js';
import { dial, echo, exchange, listenTcp } from '../support/tcp-peers.js';
import { withDeadline } from '../support/until.js';

jest.setTimeout(60_000);
const scope = useScope();

/** util-linux's script, which runs a command on a pseudo terminal; other systems' take other options. */
function hasScript(): boolean {
  try {
    return execFileSync('script', ['--version'], { encoding: 'utf8' }).includes('util-linux');
  } catch {
    return false;
  }
}

/** Without what decides about colour where the tests run: under CI, Node takes a terminal for one without any. */
const someonesTerminal = {
  TERM: 'xterm-256color',
  NO_COLOR: undefined,
  NODE_DISABLE_COLORS: undefined,
  FORCE_COLOR: undefined,
  CI: undefined,
};

const ctrlC = '\u0003';
const ctrlS = '\u0013';

/** Runs sluice on a terminal, sends flows through it, presses Ctrl-C, and gives what the terminal showed. */
async function shownOnTerminal(
  env: NodeJS.ProcessEnv,
  meanwhile: (port: number, press: (key: string) => void) => Promise<void> = async () => undefined,
): Promise<string> {
  const target = await listenTcp(scope, echo);
  const command = `exec ${process.execPath} ${sluicePath} run -p 127.0.0.1::${target} 127.0.0.1`;
  const terminal = spawn('script', ['-qec', command, '/dev/null'], {
    env: { ...process.env, ...someonesTerminal, SLUICE_RUNTIME_DIR: temporaryFolder(scope), ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  scope.onEnd(() => terminal.kill('SIGKILL'));
  let shown = '';
  const showing = (pattern: RegExp) =>
    withDeadline(
      new Promise<string>((resolve) => {
        const look = () => {
          const found = pattern.exec(shown);
          if (found !== null) resolve(found[1] ?? '');
        };
        terminal.stdout.on('data', look);
        look();
      }),
      () => `${pattern} was not shown, only:\n${shown}`,
    );
  terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
  });
  const port = Number(await showing(/ -> 127\.0\.0\.1:(\d+)\r\n/));
  await exchange(await dial(scope, port), 'hello');
  await showing(/(5 B in)/);
  const press = (key: string) => void terminal.stdin.write(key);
  await meanwhile(port, press);
  const exit = once(terminal, 'close');
  press(ctrlC);
  expect(await withDeadline(exit, () => `Ctrl-C did not end it:\n${shown}`)).toEqual([0, null]);
  return shown;
}

describe('the log on a terminal', () => {
  it('is sentences, with colour unless NO_COLOR is set', async () => {
    if (!hasScript()) {
      console.warn("The terminal is not tested: this machine has no util-linux 'script'");
      return;
    }
    const coloured = await shownOnTerminal({});
    expect(coloured).toContain('\u001b[32mdone');
    const plain = await shownOnTerminal({ NO_COLOR: '1' });
    expect(plain).not.toContain('\u001b[');
    expect(plain).not.toContain('"level"');
    expect(plain).toMatch(
      /^\[\d\d:\d\d:\d\d\] INFO: 127\.0\.0\.1 tcp 127\.0\.0\.1:\d+ -> 127\.0\.0\.1:\d+ {2}5 B in, 5 B out, \d+ ms {2}done\r$/m,
    );
    expect(plain).toMatch(/INFO: stopped\r\n$/);
  });

  it('holds nothing up while the terminal stands still, and is all there when it goes on', async () => {
    if (!hasScript()) {
      console.warn("A stopped terminal is not tested: this machine has no util-linux 'script'");
      return;
    }
    const flows = 300;
    const shown = await shownOnTerminal({ NO_COLOR: '1' }, async (port, press) => {
      press(ctrlS);
      for (let flow = 0; flow < flows; flow += 1) await exchange(await dial(scope, port), 'more');
    });
    // Ctrl-C lets the terminal go on.
    expect(shown.match(/4 B in, 4 B out, .*done\r$/gm)).toHaveLength(flows);
    expect(shown).toMatch(/INFO: stopped\r\n$/);
  });
});
