/** Headers as undici gives them. */
export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** With any other status (a redirect, a body too large) the header does not speak of the model's rest. */
const STATUSES: ReadonlySet<number> = new Set([429, 503]);

/**
 * How long an upstream asks to be left alone, in milliseconds. LiteLLM passes its provider's wish on under
 * a name of its own. Null if there is no wish, or it is over.
 */
export function readRetryAfter(status: number, headers: ResponseHeaders, now: Date): number | null {
  if (!STATUSES.has(status)) return null;
  const text = firstValue(headers['retry-after']) ?? firstValue(headers['llm_provider-retry-after']);
  if (text === null) return null;
  const waitMs = parseWait(text.trim(), now);
  return waitMs !== null && waitMs > 0 ? waitMs : null;
}

export function firstValue(header: string | string[] | undefined): string | null {
  return (Array.isArray(header) ? header[0] : header) ?? null;
}

/** Seconds, or the date of HTTP. */
function parseWait(text: string, now: Date): number | null {
  if (/^\d{1,9}(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
  if (!/^[A-Za-z]{3}/.test(text)) return null;
  const until = Date.parse(text);
  return Number.isNaN(until) ? null : until - now.getTime();
}
