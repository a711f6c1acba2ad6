/** Waits until `done`, or for so long: then `giveUp` is called, and it waits no more. */
export async function waitAtMost(
  ms: number,
  done: Promise<unknown>,
  giveUp: () => void = () => undefined,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      giveUp();
      resolve();
    }, ms);
  });
  try {
    await Promise.race([done, patience]);
  } finally {
    clearTimeout(timer);
  }
}
