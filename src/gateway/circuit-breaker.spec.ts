import { describe, expect, it } from '@jest/globals';
import { CircuitBreaker } from './circuit-breaker.js';

const OPTIONS = { failures: 3, restMs: 1_000, probeMs: 5_000 };

/** A breaker that has opened at 0. */
function opened(options = OPTIONS): CircuitBreaker {
  const breaker = new CircuitBreaker(options);
  for (let i = 0; i < options.failures; i += 1) breaker.noteFailure(breaker.begin(0), 0);
  return breaker;
}

describe('a circuit breaker', () => {
  it('opens with as many failures in a row as it is set to, for its rest', () => {
    const breaker = new CircuitBreaker(OPTIONS);
    breaker.noteFailure(breaker.begin(0), 0);
    breaker.noteFailure(breaker.begin(0), 0);
    expect(breaker.waitMs(0)).toBe(0);
    breaker.noteFailure(breaker.begin(0), 0);
    expect(breaker.waitMs(0)).toBe(1_000);
    expect(breaker.waitMs(400)).toBe(600);
    expect(breaker.waitMs(1_000)).toBe(0);
  });

  it('begins to count anew after a success, and not after what says nothing', () => {
    const breaker = new CircuitBreaker(OPTIONS);
    breaker.noteFailure(breaker.begin(0), 0);
    breaker.noteFailure(breaker.begin(0), 0);
    breaker.noteSuccess(breaker.begin(0));
    breaker.noteFailure(breaker.begin(0), 0);
    breaker.noteFailure(breaker.begin(0), 0);
    expect(breaker.waitMs(0)).toBe(0);
    breaker.noteOther(breaker.begin(0));
    breaker.noteFailure(breaker.begin(0), 0);
    expect(breaker.waitMs(0)).toBe(1_000);
  });

  it('never opens where it is switched off', () => {
    const breaker = new CircuitBreaker({ ...OPTIONS, failures: 0 });
    for (let i = 0; i < 50; i += 1) breaker.noteFailure(breaker.begin(0), 0);

    expect(breaker.waitMs(0)).toBe(0);
  });

  it('lets one probe through after its rest, and others wait for it', () => {
    const breaker = opened();
    expect(breaker.waitMs(1_000)).toBe(0);
    const probe = breaker.begin(1_000);
    expect(breaker.waitMs(1_000)).toBeGreaterThan(0);
    breaker.noteSuccess(probe);
    expect(breaker.waitMs(1_001)).toBe(0);
    breaker.begin(1_001);
    expect(breaker.waitMs(1_001)).toBe(0);
  });

  it('rests twice as long after each probe that fails, and at most eight times', () => {
    const breaker = opened();
    const rests: number[] = [];
    let now = 1_000;
    for (let i = 0; i < 5; i += 1) {
      breaker.noteFailure(breaker.begin(now), now);
      rests.push(breaker.waitMs(now));
      now += breaker.waitMs(now);
    }

    expect(rests).toEqual([2_000, 4_000, 8_000, 8_000, 8_000]);
  });

  it('rests for its first rest again once it has closed', () => {
    const breaker = opened();
    breaker.noteFailure(breaker.begin(1_000), 1_000);
    breaker.noteSuccess(breaker.begin(3_000));
    for (let i = 0; i < 3; i += 1) breaker.noteFailure(breaker.begin(4_000), 4_000);

    expect(breaker.waitMs(4_000)).toBe(1_000);
  });

  it('lets the next probe through where one came to nothing, or was abandoned', () => {
    const breaker = opened();
    breaker.noteOther(breaker.begin(1_000));
    expect(breaker.waitMs(1_000)).toBe(0);
    breaker.begin(1_000);
    expect(breaker.waitMs(5_999)).toBe(1);
    expect(breaker.waitMs(6_000)).toBe(0);
  });

  it('keeps a probe for somebody for as long as he asks', () => {
    const breaker = opened();
    breaker.reserve(1_000, 300);

    expect(breaker.waitMs(1_299)).toBe(1);
    expect(breaker.waitMs(1_300)).toBe(0);
  });

  it('takes no notice of attempts that began before it opened', () => {
    const breaker = new CircuitBreaker(OPTIONS);
    const early = [breaker.begin(0), breaker.begin(0), breaker.begin(0), breaker.begin(0), breaker.begin(0)];
    for (const ticket of early.slice(0, 3)) breaker.noteFailure(ticket, 0);
    breaker.noteFailure(early[3]!, 900);
    breaker.noteSuccess(early[4]!);
    expect(breaker.waitMs(900)).toBe(100);
    breaker.begin(1_000);
    breaker.noteOther(early[4]!);
    expect(breaker.waitMs(1_000)).toBeGreaterThan(0);
  });

  it('closes when a probe has begun to answer, without forgetting failures while it is closed', () => {
    const probed = opened();
    probed.noteOpened(probed.begin(1_000));
    expect(probed.waitMs(1_000)).toBe(0);

    const breaking = new CircuitBreaker(OPTIONS);
    for (let i = 0; i < 3; i += 1) {
      const ticket = breaking.begin(0);
      breaking.noteOpened(ticket);
      breaking.noteFailure(ticket, 0);
    }
    expect(breaking.waitMs(0)).toBe(1_000);
  });
});
