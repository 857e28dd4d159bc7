/** Ids in OpenAI's spelling, from those of our own: an upstream's would tell who it is. */
export function chatCompletionId(callId: string): string {
  return `chatcmpl-${callId}`;
}

export function responseId(callId: string): string {
  return `resp_${callId}`;
}

export function messageItemId(callId: string): string {
  return `msg_${callId}`;
}

/** @param index of the tool call among those of the answer */
export function functionCallItemId(callId: string, index: number): string {
  return `fc_${callId}_${String(index)}`;
}

/** OpenAI's times are whole seconds. */
export function toSeconds(time: Date): number {
  return Math.floor(time.getTime() / 1_000);
}
