/** Descriptors that somebody holds open, and who sees it die can close. */
export interface DescriptorSet {
  add(descriptor: number): void;
  /** It is about to be closed. */
  delete(descriptor: number): void;
}
