/** One part of what a flow crosses, measured alone. */
export interface Part {
  readonly name: string;
  /** What it lacks on this machine, in words; undefined where it can run. */
  missing(): string | undefined;
  open(): Promise<OpenPart>;
}

export interface OpenPart {
  /** How often one `run` does it: enough that reading the clock does not count. */
  readonly times: number;
  run(): void;
  /** After each run, not measured. */
  readonly clear?: () => void;
  close(): Promise<void>;
}

/** A part that is a function alone. */
export function functionPart(
  name: string,
  prepare: () => () => void,
  missing: Part['missing'] = () => undefined,
): Part {
  return {
    name,
    missing,
    open: () => {
      const once = prepare();
      const run = () => {
        for (let turn = 0; turn < timesOfFunctions; turn += 1) once();
      };
      return Promise.resolve({ times: timesOfFunctions, run, close: () => Promise.resolve() });
    },
  };
}

const timesOfFunctions = 1_000;
