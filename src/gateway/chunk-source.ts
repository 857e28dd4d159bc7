import type { AttemptFailure, ChatChunk, Cost, Usage } from './gateway.types.js';

/** How a stream came to its end, as far as the upstream is concerned. */
export type SourceEnd =
  /** Said by the upstream. */
  | { readonly kind: 'done' }
  /** Without a word. */
  | { readonly kind: 'cut' }
  | { readonly kind: 'lost'; readonly error: unknown }
  | { readonly kind: 'malformed'; readonly message: string }
  /** An error inside of the stream, with what it would be as an answer of its own. */
  | { readonly kind: 'error'; readonly failure: AttemptFailure; readonly message: string };

export type Pulled =
  | { readonly kind: 'chunks'; readonly chunks: readonly ChatChunk[] }
  | { readonly kind: 'end'; readonly end: SourceEnd };

/** Where the pieces of an answer come from. */
export interface ChunkSource {
  /**
   * The pieces of the next read that has any, or the end, and then that for ever. Never throws.
   *
   * @param onFrame called for every read that has a frame, whatever is in it; comments are none
   */
  pull(onFrame: () => void): Promise<Pulled>;
  /** Whether all that an answer needs is there: why each choice ended, and the usage. */
  readonly isComplete: boolean;
  /** Null if the upstream has reported none. */
  readonly usage: Usage | null;
  readonly cost: Cost;
  /** Characters that the model has written so far. */
  readonly characterCount: number;
  /** Lets go of the connection: after an end that the upstream has said it can serve again. */
  close(): void;
}

/** An answer that came whole, in one piece. */
export class WholeAnswer implements ChunkSource {
  readonly isComplete = true;
  private hasGiven = false;

  constructor(
    private readonly chunk: ChatChunk,
    readonly usage: Usage | null,
    readonly cost: Cost,
    readonly characterCount: number,
  ) {}

  pull(): Promise<Pulled> {
    if (this.hasGiven) return Promise.resolve({ kind: 'end', end: { kind: 'done' } });
    this.hasGiven = true;
    return Promise.resolve({ kind: 'chunks', chunks: [this.chunk] });
  }

  close(): void {
    // Its connection ended with its body.
  }
}
