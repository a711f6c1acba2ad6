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

/** Runs sluice on a terminal, sends one flow through it, presses Ctrl-C, and gives what the terminal showed. */
async function shownOnTerminal(env: NodeJS.ProcessEnv): Promise<string> {
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
  const exit = once(terminal, 'close');
  terminal.stdin.write('\u0003');
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
});
