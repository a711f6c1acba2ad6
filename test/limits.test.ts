import { describe, expect, it } from '@jest/globals';
import { limits } from '../src/limits.js';
import { parseDuration } from '../src/publish/duration.js';

const entries = Object.entries(limits);

describe('every limit', () => {
  it.each(entries)('%s is a whole number above 0', (_, value) => {
    expect(Number.isSafeInteger(value)).toBe(true);
    expect(value).toBeGreaterThan(0);
  });

  it.each(entries.filter(([name]) => name.endsWith('Ms')))('%s fits a timer', (_, milliseconds) => {
    expect(milliseconds).toBeLessThan(2 ** 31);
  });

  it('of time has its unit in its name', () => {
    const unitless = entries.filter(([name]) => /(timeout|delay|quiet|refresh|retry|flush)$/i.test(name));
    expect(unitless).toEqual([]);
  });
});

describe('limits agree with one another', () => {
  it('a UDP client whose target is silent is given up no later than one that was answered', () => {
    expect(limits.udpUnansweredTimeoutMs).toBeLessThanOrEqual(limits.udpTimeoutMs);
  });

  it('a quiet association ends within the time that draining has', () => {
    expect(limits.udpDrainQuietMs).toBeLessThan(limits.drainTimeoutMs);
  });

  it('every default is a duration that a user could have asked for', () => {
    const defaults = [limits.connectTimeoutMs, limits.waitMs, limits.udpTimeoutMs, limits.drainTimeoutMs];
    for (const milliseconds of defaults) expect(milliseconds).toBeLessThanOrEqual(limits.durationMs);
    expect(parseDuration('576h')).toBe(limits.durationMs);
  });

  it('the default bound of flows is one that a user could have asked for', () => {
    expect(limits.flowsPerMapping).toBeLessThanOrEqual(limits.flowsMost);
  });

  it('a name that fails is tried again before one that resolves is refreshed', () => {
    expect(limits.dnsRetryMs).toBeLessThan(limits.dnsRefreshMs);
  });

  it('a name holds the start up no longer than a dial may take', () => {
    expect(limits.dnsFirstAnswerMs).toBeLessThanOrEqual(limits.connectTimeoutMs);
  });

  it('a flow that moves all it may in a turn leaves some of the turn to others', () => {
    expect(limits.bytesPerTurn * 4).toBeLessThanOrEqual(limits.bytesPerPart);
  });

  it('a pipe moves as much at once as a copy does, and is asked to move more', () => {
    expect(limits.leastPipeBytes).toBeGreaterThanOrEqual(limits.copyBytes);
    expect(limits.leastPipeBytes).toBeLessThan(limits.pipeBytes);
  });

  it('keepalive probes come before the timeouts of common NAT tables', () => {
    expect(limits.keepAliveDelayMs).toBeLessThan(350_000);
  });

  it('every port of one protocol can be published, and be written in one file', () => {
    const longestLine = '"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535:65535/tcp",\n'.length;
    expect(limits.publishedPorts).toBeGreaterThanOrEqual(65_535);
    expect(limits.mappingFileBytes).toBeGreaterThan(65_535 * longestLine);
  });

  it('a free port is looked for far fewer times than there are ports', () => {
    expect(limits.freePortAttempts).toBeLessThan(limits.publishedPorts / 100);
  });

  it('the accept queue holds what is kept before forwarding starts', () => {
    expect(limits.earlyArrivals).toBeLessThanOrEqual(limits.listenBacklog);
  });

  it('Docker is asked again while flows still wait, and a container has as long to listen as they', () => {
    expect(limits.dockerRetryMs).toBeLessThan(limits.dockerRetryMostMs);
    expect(limits.dockerRetryMostMs).toBeLessThan(limits.waitMs);
    expect(limits.settlingMs).toBeGreaterThanOrEqual(limits.waitMs);
    expect(limits.publishAllFirst).toBeLessThan(limits.publishAllLast);
  });

  it('a target that refuses is tried many times while a flow waits', () => {
    expect(limits.waitRetryMs).toBeLessThan(limits.waitMs / 10);
  });

  it('news of a target comes well within the time that it is waited for, and after a try or two', () => {
    expect(limits.newsMs).toBeLessThan(limits.waitMs);
    expect(limits.newsMs).toBeGreaterThan(limits.waitRetryMs);
  });

  it('what a UDP client may keep holds a datagram of any size, and the whole many clients of such', () => {
    expect(limits.waitingDatagramBytes).toBeGreaterThan(65_507);
    expect(limits.waitingDatagramBytesInAll).toBeGreaterThan(100 * limits.waitingDatagramBytes);
  });

  it('a line is dialled in shares of it, and all of a mapping may wait only as far as the line goes', () => {
    expect(limits.waitingDials).toBeLessThan(limits.waitingFlows);
    expect(limits.waitingFlows).toBeLessThan(limits.flowsPerMapping);
  });

  it('a message of several datagrams fits one buffer, and has at least two', () => {
    expect(limits.messageBytes).toBeLessThanOrEqual(65_535);
    expect(limits.segmentsPerMessage).toBeGreaterThan(1);
    expect(limits.segmentsPerMessage).toBeLessThanOrEqual(64);
  });

  it('a UDP receive buffer holds a queue of full datagrams', () => {
    expect(limits.udpReceiveBufferBytes).toBeGreaterThan(limits.udpQueuedDatagrams * 1500);
  });

  it('the control socket leaves room for commands beside readers, and descriptors for all else', () => {
    expect(limits.logFollowers).toBeLessThan(limits.controlConnections);
    expect(limits.controlConnections).toBeLessThan(limits.descriptorsReserved / 2);
  });

  it('binding side by side leaves descriptors for the rest', () => {
    expect(limits.bindsAtOnce).toBeLessThanOrEqual(limits.descriptorsReserved);
  });
});
