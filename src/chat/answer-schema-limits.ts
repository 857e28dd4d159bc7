/** A schema as JSON. Ordinary ones have a few kilobytes. */
export const MAX_SCHEMA_BYTES = 65_536;

/** Objects and arrays inside each other; the compiler and the checks that it makes recurse. */
export const MAX_SCHEMA_DEPTH = 48;

/** The same in an answer; more is no answer but an attack. */
export const MAX_ANSWER_DEPTH = 512;

/** Schemas that are kept compiled, because the same one comes with every call. */
export const MAX_COMPILED_SCHEMAS = 100;

/** How long making a check may take: an ordinary one of 10 kB takes 20 ms, the largest up to 300. */
export const COMPILE_LIMIT_MS = 1_000;

/** How long a check may take; ordinary ones take less than a hundredth of it. */
export const CHECK_LIMIT_MS = 100;

/** Checks of one schema that run out of time one after the other before it is not tried any more. */
export const MAX_COSTLY_CHECKS = 3;
