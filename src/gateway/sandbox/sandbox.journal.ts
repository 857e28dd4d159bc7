import { closeSync, openSync, writeSync } from 'node:fs';

/** What a sandbox was asked and what it billed for it, by the `x-litellm-call-id` of the request. */
export type JournalEntry =
  | { readonly event: 'received'; readonly callId: string; readonly model: string }
  | {
      readonly event: 'billed';
      readonly callId: string;
      readonly promptTokens: number;
      readonly completionTokens: number;
      /** Plain decimal text, exact. */
      readonly costUsd: string;
    };

export interface Journal {
  write(entry: JournalEntry): void;
  close(): void;
}

/**
 * A journal that outlives its process. Each entry is one synchronous write at the end of the file, so that it
 * is with the operating system before the answer is, and a SIGKILL leaves no half of one.
 */
export function openJournal(file: string): Journal {
  const descriptor = openSync(file, 'a');
  return {
    write: (entry) => {
      writeSync(descriptor, `${JSON.stringify(entry)}\n`);
    },
    close: () => {
      closeSync(descriptor);
    },
  };
}
