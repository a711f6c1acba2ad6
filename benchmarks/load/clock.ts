/** Microseconds of the monotonic clock, the same in every thread. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}
