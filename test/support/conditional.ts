import { describe, it } from '@jest/globals';

const isRoot = process.geteuid?.() === 0;

/**
 * Tests of what differs by user or system. The other case is reported as skipped under its own name;
 * everything else must run everywhere, which a guard checks.
 */
export const asRoot = isRoot ? it : it.skip;
export const asOrdinaryUser = isRoot ? it.skip : it;
export const onLinux = process.platform === 'linux' ? describe : describe.skip;
