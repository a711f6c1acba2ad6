/** What is done with each kind of message, as a table: where one is missing the compiler names it. */

interface Message {
  readonly kind: string;
}

export type ByKind<M extends Message, Rest extends readonly unknown[] = []> = {
  readonly [K in M['kind']]: (message: Extract<M, { readonly kind: K }>, ...rest: Rest) => void;
};

export function doByKind<M extends Message, Rest extends readonly unknown[]>(
  table: ByKind<M, Rest>,
  message: M,
  ...rest: Rest
): void {
  const kind: M['kind'] = message.kind;
  // The compiler does not see that the row of its kind is the one for it.
  const row = table[kind] as (message: M, ...rest: Rest) => void;
  row(message, ...rest);
}
