/** Whose descriptors are, in memory that several shards share. */
import { beforeEach, expect, test } from '@jest/globals';
import { OwnedDescriptors } from '../../../src/engine/splice/owned-descriptors.js';
import { describeWhere } from '../../support/machine.js';
import { RawSockets } from '../../support/raw-sockets.js';
import { useScope } from '../../support/scope.js';

describeWhere(process.platform === 'linux', 'not Linux', 'of two shards', () => {
  const scope = useScope();
  let first: OwnedDescriptors;
  let second: OwnedDescriptors;
  let raw: RawSockets;
  let pipe: [number, number];

  beforeEach(() => {
    first = new OwnedDescriptors();
    second = new OwnedDescriptors(first.memory, 1);
    raw = new RawSockets(scope);
    pipe = raw.pipe();
    for (const end of pipe) raw.disown(end);
    scope.onEnd(() => first.close(pipe.filter((end) => raw.isOpen(end))));
  });

  const open = () => pipe.map((end) => raw.isOpen(end));

  test('a descriptor is one’s or the other’s', () => {
    first.add(pipe[0]);
    expect([first.has(pipe[0]), second.has(pipe[0])]).toEqual([true, false]);
    second.add(pipe[0]);
    expect([first.has(pipe[0]), second.has(pipe[0])]).toEqual([false, true]);
  });

  test('after one its own are closed, and nobody’s any more', () => {
    first.add(pipe[0]);
    second.add(pipe[1]);
    first.closeAll();
    expect(open()).toEqual([false, true]);
    expect([first.has(pipe[0]), second.has(pipe[1])]).toEqual([false, true]);
  });

  test('those that have no shard any more are closed whosever they were', () => {
    first.add(pipe[0]);
    second.add(pipe[1]);
    first.close(pipe);
    expect(open()).toEqual([false, false]);
    expect([first.has(pipe[0]), second.has(pipe[1])]).toEqual([false, false]);
  });
});
