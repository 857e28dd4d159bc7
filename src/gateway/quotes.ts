/** A shorter piece says nothing of a message: so much of it is in every text. */
const QUOTE_LENGTH = 16;
/** Characters of a request that are looked through; of longer ones the beginning and the end. */
const MAX_LOOKED_THROUGH = 200_000;
const LEFT_OUT = '[…]';

/**
 * The words of an upstream without what they quote of a request: some repeat the prompt that they refuse, and
 * prompts are not kept where nobody has asked for it. Pieces of {@link QUOTE_LENGTH} characters and more are
 * found wherever they stand in the request, whatever stands between them.
 *
 * @param request any JSON value
 */
export function withoutQuotes(text: string, request: unknown): string {
  const places = placesOfPieces(text);
  const isQuoted = new Array<boolean>(text.length).fill(false);
  let left = MAX_LOOKED_THROUGH;
  for (const found of textsIn(request)) {
    if (left <= 0) break;
    for (const part of partsOf(found, left)) {
      left -= part.length;
      markQuotes(part, places, isQuoted);
    }
  }
  return leaveOut(text, isQuoted);
}

function placesOfPieces(text: string): ReadonlyMap<string, readonly number[]> {
  const places = new Map<string, number[]>();
  for (let start = 0; start + QUOTE_LENGTH <= text.length; start += 1) {
    const piece = text.slice(start, start + QUOTE_LENGTH);
    const known = places.get(piece);
    if (known === undefined) places.set(piece, [start]);
    else known.push(start);
  }
  return places;
}

function markQuotes(
  found: string,
  places: ReadonlyMap<string, readonly number[]>,
  isQuoted: boolean[],
): void {
  for (let start = 0; start + QUOTE_LENGTH <= found.length; start += 1) {
    for (const place of places.get(found.slice(start, start + QUOTE_LENGTH)) ?? []) {
      isQuoted.fill(true, place, place + QUOTE_LENGTH);
    }
  }
}

function leaveOut(text: string, isQuoted: readonly boolean[]): string {
  let kept = '';
  for (let place = 0; place < text.length; place += 1) {
    if (isQuoted[place] !== true) kept += text[place] ?? '';
    else if (isQuoted[place - 1] !== true) kept += LEFT_OUT;
  }
  return kept;
}

function partsOf(text: string, most: number): string[] {
  if (text.length <= most) return [text];
  const half = Math.floor(most / 2);
  return [text.slice(0, half), text.slice(text.length - half)];
}

function* textsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') {
    if (value.length >= QUOTE_LENGTH) yield value;
  } else if (Array.isArray(value)) {
    for (const item of value as unknown[]) yield* textsIn(item);
  } else if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) yield* textsIn(item);
  }
}
