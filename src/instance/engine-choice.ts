/** What a user may ask for: `auto` is the fastest engine that works here. */
export const engineChoices = ['auto', 'splice', 'stream'] as const;
export type EngineChoice = (typeof engineChoices)[number];
