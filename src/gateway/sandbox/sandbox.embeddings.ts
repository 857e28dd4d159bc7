import { createHash } from 'node:crypto';
import { billOf } from './sandbox.bill.js';
import { type CallOutcome, jsonOutcome, type ReadCall, type SandboxCall } from './sandbox.calls.js';
import { invalidRequest, SandboxRefusal } from './sandbox.errors.js';
import { type FaultPlan } from './sandbox.faults.js';
import { isObject } from './sandbox.json.js';
import { readModel, readWhole } from './sandbox.request.js';
import { loadTokenizer } from './sandbox.tokens.js';

/** A text, or the tokens that somebody made of one. */
type EmbeddingInput = string | readonly number[];

/** A request for embeddings that passed every check. */
export interface EmbeddingsRequest {
  readonly model: string;
  readonly inputs: readonly EmbeddingInput[];
  readonly dimensions: number;
  readonly encoding: 'float' | 'base64';
}

const DEFAULT_DIMENSIONS = 16;
const MAX_DIMENSIONS = 3_072;
const MAX_INPUTS = 2_048;
const BYTES_PER_NUMBER = 4;

/**
 * Reads a request for embeddings.
 *
 * @throws SandboxRefusal where it is none
 */
export function readEmbeddings(call: SandboxCall): ReadCall {
  const request = readEmbeddingsRequest(call.body);
  return { model: request.model, isStream: false, answer: (plan) => embed(call, request, plan) };
}

/** @throws SandboxRefusal with OpenAI's 400 */
function readEmbeddingsRequest(body: unknown): EmbeddingsRequest {
  if (!isObject(body)) throw refusal('The body must be a JSON object.', null);
  const encoding = body['encoding_format'] ?? 'float';
  if (encoding !== 'float' && encoding !== 'base64') {
    throw refusal('encoding_format must be float or base64.', 'encoding_format');
  }
  return {
    model: readModel(body),
    inputs: readInputs(body['input']),
    dimensions: readWhole(body, 'dimensions', 1, MAX_DIMENSIONS) ?? DEFAULT_DIMENSIONS,
    encoding,
  };
}

/** A vector of length 1, the same for equal inputs, in numbers that a float of 32 bits holds exactly. */
export function vectorOf(input: EmbeddingInput, dimensions: number): number[] {
  const bytes = createHash('shake256', { outputLength: dimensions * BYTES_PER_NUMBER })
    .update(JSON.stringify(input))
    .digest();
  const raw = Array.from({ length: dimensions }, (_, index) => bytes.readInt32BE(index * BYTES_PER_NUMBER));
  const length = Math.hypot(...raw) || 1;
  return raw.map((value) => Math.fround(value / length));
}

/** The numbers as OpenAI packs them: 32 bits each, the lowest byte first. */
export function base64Of(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * BYTES_PER_NUMBER);
  vector.forEach((value, index) => bytes.writeFloatLE(value, index * BYTES_PER_NUMBER));
  return bytes.toString('base64');
}

async function embed(
  call: SandboxCall,
  { model, inputs, dimensions, encoding }: EmbeddingsRequest,
  plan: FaultPlan,
): Promise<CallOutcome> {
  refuseFaultsOfText(plan);
  const tokenizer = await loadTokenizer();
  const tokens = inputs.reduce(
    (sum, input) => sum + (typeof input === 'string' ? tokenizer.count(input) : input.length),
    0,
  );
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  const bill = billOf(model, usage, null);
  const data = inputs.map((input, index) => {
    const vector = vectorOf(input, dimensions);
    const embedding = encoding === 'base64' ? base64Of(vector) : vector;
    return { object: 'embedding', index, embedding };
  });
  const body = {
    object: 'list',
    ...(plan.choices === 'absent' ? {} : { data }),
    model,
    ...(plan.isUsageOmitted ? {} : { usage }),
  };
  return jsonOutcome(call, model, body, bill, plan);
}

/** What is only seen in a text is refused, as a test that asks for it expects something else. */
function refuseFaultsOfText({ choices, chunks, schema, usageShape }: FaultPlan): void {
  if (choices === 'null-content' || chunks !== null || schema !== 'kept' || usageShape !== null) {
    throw refusal('This fault needs a chat completion.', 'model');
  }
}

function readInputs(input: unknown): EmbeddingInput[] {
  if (isText(input) || isTokens(input)) return [input];
  if (!Array.isArray(input) || input.length === 0 || input.length > MAX_INPUTS) {
    throw refusal(`input must be a text, tokens, or an array of at most ${MAX_INPUTS} of these.`, 'input');
  }
  return input.map((one: unknown, index) => {
    if (isText(one) || isTokens(one)) return one;
    throw refusal(`input[${index}] must be a text that is not empty, or tokens.`, 'input');
  });
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isTokens(value: unknown): value is number[] {
  const isToken = (token: unknown): boolean => Number.isSafeInteger(token) && Number(token) >= 0;
  return Array.isArray(value) && value.length > 0 && value.every(isToken);
}

function refusal(message: string, param: string | null): SandboxRefusal {
  return new SandboxRefusal(invalidRequest(message, param));
}
