/** What a team must never see, each kind under a mark of its own, so that a leak tells where it came from. */
export const MARKERS = {
  model: 'canary-model-7f3a91',
  id: 'canary-id-2c84d0',
  host: 'canary-host-5be617',
  key: 'canary-key-90ad3f',
  error: 'canary-error-c1f852',
  header: 'canary-header-64e9b7',
  field: 'canary-field-a83d05',
} as const;

export type MarkerKind = keyof typeof MARKERS;

/** What the model generated: it must arrive, or a search that finds nothing would prove nothing. */
export const CONTENT = 'canary-content-e47b12';

/** What an embedding holds: numbers that a float of 32 bits has exactly. */
export const EMBEDDING: readonly number[] = [0.8125, -0.40625, 0.203125];

/** What the team asked. It may come back to the team, and must not be in the log. */
export const PROMPT = 'canary-prompt-1d6f3c';

/** Something to look for. */
export interface Mark {
  readonly kind: string;
  readonly text: string;
}

export const UPSTREAM_MARKS: readonly Mark[] = Object.entries(MARKERS).map(([kind, text]) => ({
  kind,
  text,
}));
