/** What the shard on the main thread believes of Node's loop, in a process with nothing else in it. */
import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { describeWhere } from '../support/machine.js';

const timerMs = 60_000;
const sys = (file: string) => new URL(`../../src/sys/${file}.js`, import.meta.url).href;

/** What is done on the loop's own thread, in an immediate; `say` tells of it. */
function inImmediate(prepare: string, act: string): unknown {
  const program = `
    import { mainLoop } from ${JSON.stringify(sys('uv'))};
    import { EPOLLIN, EPOLL_CTL_ADD, epoll } from ${JSON.stringify(sys('epoll'))};
    import { mapRegion } from ${JSON.stringify(sys('mman'))};
    const loop = mainLoop();
    const calls = epoll();
    const memory = mapRegion(4096);
    /** Whether something for Node comes while its thread is asleep in another epoll. */
    const isCalled = () => {
      const descriptor = calls.create();
      new Uint32Array(memory.buffer)[0] = EPOLLIN;
      calls.ctl(descriptor, EPOLL_CTL_ADD, loop.descriptor, memory.address);
      return calls.wait(descriptor, memory.address, 1, 20_000) === 1;
    };
    const say = (value) => { console.log(JSON.stringify(value)); process.exit(); };
    setTimeout(() => say('late'), ${timerMs});
    ${prepare}
    // A few rounds, so that Node's loop has seen what was prepared.
    let rounds = 0;
    const round = () => {
      const next = setImmediate(round);
      rounds += 1;
      if (rounds < 10) return;
      ${act}
    };
    setImmediate(round);
  `;
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  return JSON.parse(said);
}

describeWhere(process.platform === 'linux', 'not Linux', "Node's loop", () => {
  test('would not sleep while an immediate counts, and would until its next timer while none does', () => {
    const [counted, uncounted, countedAgain] = inImmediate(
      '',
      'const said = [loop.sleepMs()]; next.unref(); said.push(loop.sleepMs()); next.ref(); say([...said, loop.sleepMs()])',
    ) as number[];
    expect(counted).toBe(0);
    expect(uncounted).toBeGreaterThan(timerMs / 2);
    expect(uncounted).toBeLessThanOrEqual(timerMs);
    expect(countedAgain).toBe(0);
  });

  test.each([
    [
      'a datagram',
      `import { createSocket } from 'node:dgram';
       const receiver = createSocket('udp4'); receiver.bind(0, '127.0.0.1');
       await new Promise((resolve) => receiver.once('listening', resolve));
       const sender = createSocket('udp4'); sender.connect(receiver.address().port, '127.0.0.1');
       await new Promise((resolve) => sender.once('connect', resolve));`,
      `sender.send('x')`,
    ],
    [
      'a message of another thread',
      `import { Worker } from 'node:worker_threads';
       const echo = "const { parentPort } = require('node:worker_threads'); parentPort.on('message', (m) => parentPort.postMessage(m))";
       const worker = new Worker(echo, { eval: true, execArgv: [] });
       await new Promise((resolve) => { worker.once('message', resolve); worker.postMessage('ready'); });
       worker.on('message', () => {});`,
      `worker.postMessage('x')`,
    ],
    ['a signal', `process.on('SIGUSR2', () => {});`, `process.kill(process.pid, 'SIGUSR2')`],
    ["an answer of Node's thread pool", `import { stat } from 'node:fs';`, `stat('/', () => {})`],
    ["a child's end", `import { spawn } from 'node:child_process';`, `spawn('true')`],
  ])('makes its descriptor readable for %s', (_, prepare, cause) => {
    expect(inImmediate(prepare, `next.unref(); ${cause}; say(isCalled())`)).toBe(true);
  });
});
