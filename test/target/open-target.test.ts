import { describe, expect, it } from '@jest/globals';
import { parseTarget } from '../../src/publish/target-spec.js';
import { openTarget, targetKey } from '../../src/target/open-target.js';

const silent = {
  changed: () => undefined,
  gone: () => undefined,
  trouble: () => undefined,
  recovered: () => undefined,
};

describe('openTarget', () => {
  it.each(['10.0.0.1', 'fd00::1', 'unix:/run/app.sock'])('knows at once where %s is', async (text) => {
    const spec = parseTarget(text);
    const target = await openTarget(spec, silent);
    expect(target.state()).toEqual({ hosts: [spec], settling: false });
    target.close();
  });
});

describe('targetKey', () => {
  it('is the same for equal targets alone', () => {
    const keyOf = (text: string) => targetKey(parseTarget(text));
    expect(keyOf('[FD00::1]')).toBe(keyOf('fd00::1'));
    const texts = ['fd00::1', '10.0.0.1', 'db', 'db.', 'unix:/db', 'unix:/run/db'];
    expect(new Set(texts.map(keyOf)).size).toBe(texts.length);
  });
});
