import { Clock } from '../../src/common/clock.js';

/** A clock that stands still until it is moved. */
export class TestClock extends Clock {
  constructor(private time = new Date()) {
    super();
  }

  now(): Date {
    return new Date(this.time);
  }

  /** @param instant ISO 8601, or a date; back in time, too */
  set(instant: Date | string): void {
    this.time = new Date(instant);
  }

  advance(duration: { days?: number; hours?: number; minutes?: number; ms?: number }): void {
    const { days = 0, hours = 0, minutes = 0, ms = 0 } = duration;
    this.time = new Date(this.time.getTime() + ((days * 24 + hours) * 60 + minutes) * 60_000 + ms);
  }
}
