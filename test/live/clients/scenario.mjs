// What every client does, and what it prints: openai_python.py says the same in Python.
import { z } from 'zod';

/** Beside OPENAI_BASE_URL and OPENAI_API_KEY, which some of the clients read by themselves. */
export const {
  OPENAI_BASE_URL: BASE_URL,
  OPENAI_API_KEY: KEY,
  MODEL,
  EMBEDDING_MODEL,
  /** For which the provider has nothing but errors. */
  FAILING_MODEL,
  /** That writes for longer than anybody here reads. */
  SLOW_MODEL,
  /** Of a customer who may call nothing for want of credits; left out where there are none. */
  PENNILESS_KEY,
} = process.env;

export const WRONG_KEY = 'sk-nobody-has-this-key';
export const UNKNOWN_MODEL = 'no-such-model';

export const QUESTION = 'How do I reset my password?';
export const TOOL_QUESTION = 'Use get_weather: is it warm in Rome?';
export const TOOL_DESCRIPTION = 'The weather of a city';
export const CITY_QUESTION = 'Describe a city.';
export const TEXTS = ['The parties agree.', 'Signed in May.'];
/** Functions have names without blanks. */
export const BAD_TOOL_NAME = 'get weather';
/** Chunks with text that are read before a client leaves. */
export const CHUNKS_BEFORE_LEAVING = 3;

export const ToolArguments = z.object({ city: z.string(), unit: z.enum(['celsius', 'fahrenheit']) });
export const City = z.object({
  name: z.string(),
  inhabitants: z.number().int().min(1),
  districts: z.array(z.object({ name: z.string(), isOld: z.boolean() })),
});

/** What the tool gives, which the last answer must have in it. */
export const WEATHER = '31 degrees and a clear sky';

/** Runs the steps one after the other and prints what each of them found as one line of JSON. */
export async function printFacts(steps) {
  const facts = {};
  for (const [name, step] of Object.entries(steps)) {
    try {
      facts[name] = await step();
    } catch (error) {
      console.error(`The step ${name} failed.`, error);
      process.exitCode = 1;
      return;
    }
  }
  console.log(JSON.stringify(facts));
}

/** What an action throws, as `tell` reads it. @param tell makes facts of an error */
export async function errorOf(action, tell) {
  try {
    await action();
  } catch (error) {
    return tell(error);
  }
  throw new Error('Nothing was thrown.');
}
