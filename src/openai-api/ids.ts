/** Ids in OpenAI's spelling, from those of our own: an upstream's would tell who it is. */
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
