import { registerDecorator, type ValidationArguments } from 'class-validator';

export const MAX_INPUTS = 2_048;
/** Far above any vocabulary. */
export const MAX_TOKEN = 10_000_000;

/** What OpenAI's API takes to embed: text, texts, tokens, or tokens of several texts. */
export function IsEmbeddingInput(): PropertyDecorator {
  return (target, property) => {
    registerDecorator({
      name: 'isEmbeddingInput',
      target: target.constructor,
      propertyName: String(property),
      validator: {
        validate: (value: unknown) => findEmbeddingInputProblem(value) === null,
        defaultMessage: (args?: ValidationArguments) => findEmbeddingInputProblem(args?.value) ?? '',
      },
    });
  };
}

/** What is wrong, naming the place; null if nothing is. */
export function findEmbeddingInputProblem(value: unknown): string | null {
  if (typeof value === 'string') return findTextProblem(value, 'input');
  if (!Array.isArray(value) || value.length === 0) {
    return 'input must be text, or an array of texts or tokens with at least one item';
  }
  const items = value as unknown[];
  if (typeof items[0] === 'number') return findTokensProblem(items, 'input');
  if (items.length > MAX_INPUTS) return `input must hold at most ${String(MAX_INPUTS)} items`;
  const isOfTexts = typeof items[0] === 'string';
  for (const [index, item] of items.entries()) {
    const place = `input.${String(index)}`;
    const problem = isOfTexts ? findTextProblem(item, place) : findTokensProblem(item, place);
    if (problem !== null) return problem;
  }
  return null;
}

function findTextProblem(value: unknown, place: string): string | null {
  if (typeof value !== 'string') return `${place} must be text, as the first one is`;
  if (value === '') return `${place} must not be empty`;
  return value.isWellFormed() ? null : `${place} holds broken Unicode`;
}

function findTokensProblem(value: unknown, place: string): string | null {
  if (!Array.isArray(value) || value.length === 0) {
    return `${place} must be text or an array of tokens with at least one`;
  }
  return (value as unknown[]).every(isToken) ? null : `${place} must hold tokens, which are whole numbers`;
}

function isToken(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_TOKEN;
}
