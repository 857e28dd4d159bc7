import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type AccountState, CreditBook, type GrantState, type HoldState } from './credit-book.js';
import { CREDIT_ACCOUNTS, newGrant, type NewGrant } from './credits.types.js';

const NOON = new Date('2026-03-01T12:00:00.000Z');
const at = (hours: number): Date => new Date(NOON.getTime() + hours * 3_600_000);

/** The books of a team over time: each opening knows what the last one left. */
class Books {
  readonly account: AccountState = {
    teamId: 'team',
    issued: 0,
    available: 0,
    held: 0,
    consumed: 0,
    expired: 0,
    overdraftLimit: 0,
    overdrawn: 0,
    shortfall: 0,
    lastSequence: 0,
    isClosed: false,
    updatedAt: NOON,
  };
  readonly grants: GrantState[] = [];
  readonly holds: HoldState[] = [];

  /** Does something in an open book. @returns what it came to, with the kinds and credits of its transfers */
  change<T>(now: Date, work: (book: CreditBook) => T): { result: T; moves: string[] } {
    const book = new CreditBook(this.account, { grants: this.grants, holds: this.holds }, now);
    const result = work(book);
    for (const grant of book.changedGrants) if (!this.grants.includes(grant)) this.grants.push(grant);
    for (const hold of book.changedHolds) if (!this.holds.includes(hold)) this.holds.push(hold);
    return { result, moves: book.transfers.map(({ kind, credits }) => `${kind} ${String(credits)}`) };
  }

  grant(credits: number, more: Partial<NewGrant> = {}, now = NOON): GrantState {
    return this.change(now, (book) =>
      book.allocate(newGrant({ credits, kind: 'allocation', reason: null, ...more })),
    ).result;
  }

  hold(jobId: string, credits: number, now = NOON, jobType = 'summary'): HoldState {
    return this.change(now, (book) => book.hold({ teamId: 'team', jobId, jobType }, credits)).result;
  }

  get left(): number[] {
    return this.grants.map((grant) => grant.remaining);
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

describe('a hold', () => {
  it('draws by priority, then from what runs out first, then from what is older', () => {
    const books = new Books();
    books.grant(5, { reason: 'old' });
    books.grant(5, { reason: 'late end', expiresAt: at(48) });
    books.grant(5, { reason: 'early end', expiresAt: at(24) });
    books.grant(5, { reason: 'first by priority', priority: -1 });
    books.grant(5, { reason: 'last by priority, though it ends first', priority: 1, expiresAt: at(1) });
    books.grant(5, { reason: 'young' });
    books.hold('job', 23);
    // 5 by priority, 5 + 5 by their ends, 5 of the older, 3 of the younger.
    expect(books.left).toEqual([0, 0, 0, 0, 5, 2]);
  });

  it('takes nothing from a grant that has not begun, has run out, or is for other jobs', () => {
    const books = new Books();
    books.grant(5, { startsAt: at(1) });
    books.grant(5, { expiresAt: at(1) });
    books.grant(5, { jobTypes: ['translation', 'chat'] });
    expect(() => books.hold('a', 6)).toThrow(/needs 6 credit.* 5 are available/);
    books.hold('b', 5);
    expect(books.left).toEqual([5, 0, 5]);
    expect(() => books.hold('c', 6, at(1))).toThrow(/needs 6 credit.* 5 are available/);
    books.hold('d', 5, at(1), 'chat');
    expect(books.left).toEqual([0, 0, 5]);
    books.hold('e', 5, at(1), 'chat');
    expect(books.left).toEqual([0, 0, 0]);
  });

  it('takes nothing from what runs out at this very instant, and books it as expired first', () => {
    const books = new Books();
    books.grant(5, { expiresAt: at(1) });
    books.grant(2);
    const { moves } = books.change(at(1), (book) =>
      book.hold({ teamId: 'team', jobId: 'job', jobType: 'x' }, 2),
    );
    expect(moves).toEqual(['expiry 5', 'hold 2']);
    expect(books.account).toMatchObject({ available: 0, held: 2, expired: 5, issued: -7 });
  });

  it('may go below zero as far as the overdraft reaches, and new credits cover that first', () => {
    const books = new Books();
    books.account.overdraftLimit = 4;
    books.grant(3);
    const hold = books.hold('job', 6);
    expect(books.account).toMatchObject({ available: -3, held: 6, overdrawn: 3 });
    expect(() => books.hold('other', 2)).toThrow(/needs 2 credit.* 1 are available/);
    books.grant(10);
    expect(books.account).toMatchObject({ available: 7, held: 6, overdrawn: 0 });
    expect(books.left).toEqual([0, 7]);
    books.change(NOON, (book) => {
      book.release(hold);
    });
    expect(books.account).toMatchObject({ available: 13, held: 0 });
    expect(books.left).toEqual([3, 10]);
  });
});

describe('a capture', () => {
  it('of less than the hold gives back what was drawn last', () => {
    const books = new Books();
    books.grant(4, { priority: 0 });
    books.grant(4, { priority: 1 });
    const hold = books.hold('job', 7);
    const { moves } = books.change(NOON, (book) => {
      book.capture(hold, 2);
    });
    expect(moves).toEqual(['capture 2', 'remainder 5']);
    // The 3 of the second grant, then 2 of the first.
    expect(books.left).toEqual([2, 4]);
    expect(hold).toMatchObject({ status: 'captured', captured: 2, shortfall: 0 });
  });

  it('of more takes it from what is there, and notes what is not as short', () => {
    const books = new Books();
    books.grant(5);
    const hold = books.hold('job', 1);
    const { moves } = books.change(NOON, (book) => {
      book.capture(hold, 8);
    });
    expect(moves).toEqual(['capture 1', 'overage 4']);
    expect(hold).toMatchObject({ captured: 5, shortfall: 3 });
    expect(books.account).toMatchObject({ available: 0, consumed: 5, shortfall: 3 });
  });

  it('leaves a debt that stops the next job and that new credits pay first', () => {
    const books = new Books();
    books.grant(1);
    const hold = books.hold('job', 1);
    books.change(NOON, (book) => {
      book.capture(hold, 4);
    });
    books.grant(2);
    expect(hold).toMatchObject({ captured: 3, shortfall: 1 });
    expect(() => books.hold('next', 1)).toThrow(/needs 2 credit.* 0 are available/);
    books.grant(5);
    expect(hold).toMatchObject({ captured: 4, shortfall: 0 });
    expect(books.account).toMatchObject({ available: 4, consumed: 4, shortfall: 0 });
    books.hold('next', 4);
  });

  it('survives the end of the grant that pays for it', () => {
    const books = new Books();
    books.grant(3, { expiresAt: at(1) });
    const hold = books.hold('job', 2);
    const { moves } = books.change(at(2), (book) => {
      book.capture(hold, 2);
    });
    // The third credit, which no hold has drawn, runs out; the two that are held are charged.
    expect(moves).toEqual(['expiry 1', 'capture 2']);
    expect(books.account).toMatchObject({ consumed: 2, expired: 1, available: 0 });
  });
});

describe('what comes back to a grant that has run out', () => {
  it('runs out at once: of a released hold', () => {
    const books = new Books();
    books.grant(3, { expiresAt: at(1) });
    const hold = books.hold('job', 2);
    const { moves } = books.change(at(2), (book) => {
      book.release(hold);
    });
    expect(moves).toEqual(['expiry 1', 'release 2', 'expiry 2']);
    expect(books.account).toMatchObject({ available: 0, held: 0, expired: 3 });
  });

  it('runs out at once: of a refund, while the part of a living grant comes back', () => {
    const books = new Books();
    books.grant(3, { expiresAt: at(1) });
    books.grant(3);
    const hold = books.hold('job', 5);
    books.change(NOON, (book) => {
      book.capture(hold, 5);
    });
    const { moves } = books.change(at(2), (book) => book.refund(hold, 4, null));
    // 2 of the living grant, which was drawn last, and 2 of the one that has run out.
    expect(moves).toEqual(['refund 4', 'expiry 2']);
    expect(books.account).toMatchObject({ available: 3, consumed: 1, expired: 2 });
    expect(books.left).toEqual([0, 3]);
  });
});

describe('a refund', () => {
  const charged = (due: number, granted: number): { books: Books; hold: HoldState } => {
    const books = new Books();
    books.grant(granted);
    const hold = books.hold('job', 1);
    books.change(NOON, (book) => {
      book.capture(hold, due);
    });
    return { books, hold };
  };

  it('never gives back more than was charged', () => {
    const { books, hold } = charged(5, 9);
    books.change(NOON, (book) => book.refund(hold, 3, 'goodwill'));
    expect(() => books.change(NOON, (book) => book.refund(hold, 3, null))).toThrow(/2 credit/);
    books.change(NOON, (book) => book.refund(hold, null, null));
    expect(hold).toMatchObject({ captured: 5, refunded: 5 });
    expect(books.account).toMatchObject({ available: 9, consumed: 0 });
    expect(() => books.change(NOON, (book) => book.refund(hold, null, null))).toThrow(/0 credit/);
  });

  it('of the whole forgives what was short', () => {
    const { books, hold } = charged(5, 2);
    expect(hold).toMatchObject({ captured: 2, shortfall: 3 });
    books.change(NOON, (book) => book.refund(hold, null, null));
    expect(books.account).toMatchObject({ available: 2, consumed: 0, shortfall: 0 });
  });
});

/** One step of a life: which it is, how much, and when. */
const step = fc.record({
  kind: fc.constantFrom('grant', 'hold', 'capture', 'release', 'charge', 'refund', 'settle'),
  credits: fc.integer({ min: 1, max: 12 }),
  which: fc.nat(30),
  hours: fc.integer({ min: 0, max: 3 }),
  priority: fc.integer({ min: -1, max: 1 }),
  startsIn: fc.option(fc.integer({ min: 0, max: 4 })),
  lasts: fc.option(fc.integer({ min: 1, max: 6 })),
  jobType: fc.constantFrom('a', 'b'),
  isRestricted: fc.boolean(),
});

describe('the books', () => {
  it('balance after whatever has happened, to the unit', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 0, max: 8 }), (steps, overdraft) => {
        const books = new Books();
        books.account.overdraftLimit = overdraft;
        let now = NOON;
        for (const [index, { kind, credits, which, hours, ...more }] of steps.entries()) {
          now = new Date(now.getTime() + hours * 3_600_000);
          const hold = books.holds[which % Math.max(1, books.holds.length)];
          try {
            books.change(now, (book) => {
              if (kind === 'grant') {
                const begin = (more.startsIn ?? 0) * 3_600_000 + now.getTime();
                book.allocate(
                  newGrant({
                    credits,
                    kind: 'allocation',
                    reason: null,
                    priority: more.priority,
                    startsAt: more.startsIn === null ? null : new Date(begin),
                    expiresAt: more.lasts === null ? null : new Date(begin + more.lasts * 3_600_000),
                    jobTypes: more.isRestricted ? [more.jobType] : null,
                  }),
                );
              } else if (kind === 'hold') {
                book.hold({ teamId: 'team', jobId: `job-${String(index)}`, jobType: more.jobType }, credits);
              } else if (kind === 'settle') book.settle();
              else if (hold?.status === 'held' && kind === 'capture') book.capture(hold, credits);
              else if (hold?.status === 'held' && kind === 'release') book.release(hold);
              else if (hold?.status === 'captured' && kind === 'charge') book.charge(hold, credits, null);
              else if (hold?.status === 'captured' && kind === 'refund') book.refund(hold, credits, null);
            });
          } catch (error) {
            // A refusal is an answer; anything else is a fault.
            if ((error as Error).name !== 'DomainError') throw error;
          }
          expectSound(books);
        }
      }),
      { numRuns: 400 },
    );
  });
});

function expectSound({ account, grants, holds }: Books): void {
  const of = (status: HoldState['status']): HoldState[] => holds.filter((hold) => hold.status === status);
  expect(sum(CREDIT_ACCOUNTS.map((name) => account[name]))).toBe(0);
  expect(account.available).toBeGreaterThanOrEqual(-account.overdraftLimit);
  expect(account.overdrawn).toBeLessThanOrEqual(account.overdraftLimit);
  expect(0 - account.issued).toBe(sum(grants.map((grant) => grant.credits)));
  expect(sum(grants.map((grant) => grant.remaining))).toBe(account.available + account.overdrawn);
  expect(account.expired).toBe(sum(grants.map((grant) => grant.expired)));
  expect(account.held).toBe(sum(of('held').map((hold) => hold.credits)));
  expect(account.consumed).toBe(sum(holds.map((hold) => hold.captured - hold.refunded)));
  expect(account.shortfall).toBe(sum(holds.map((hold) => hold.shortfall)));
  expect(account.overdrawn).toBe(sum(holds.map((hold) => hold.overdrawn)));
  for (const hold of holds) {
    const has = sum([...hold.draws.values()]) + hold.overdrawn;
    if (hold.status === 'held') expect(has).toBe(hold.credits);
    if (hold.status === 'captured') expect(has).toBe(hold.captured - hold.refunded);
  }
  for (const grant of grants) {
    const drawn = sum(
      holds.filter((hold) => hold.status !== 'released').map((hold) => hold.draws.get(grant.grantId) ?? 0),
    );
    expect(grant.remaining).toBe(grant.credits - grant.expired - drawn);
    expect(grant.remaining).toBeGreaterThanOrEqual(0);
  }
}
