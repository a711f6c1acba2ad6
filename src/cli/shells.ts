/** Whose completion scripts there are. */
export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** What the scripts call, with `--` and the words so far, the last of which is being written. */
export const completeCommand = '__complete';
/** A line of its answer that asks the shell for names of files. */
export const filesLine = ':files';
