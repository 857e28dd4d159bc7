import type { OpenJob } from './preparation.ts';
import { inParallel, type ServiceClient } from './service-client.ts';

/** Completes one job of a list after the other, with as many requests at once as the client has connections. */
export class HttpSide {
  readonly latenciesMs: number[] = [];
  private next = 0;
  private readonly client: ServiceClient;
  private readonly jobs: readonly OpenJob[];
  private readonly connections: number;

  constructor(client: ServiceClient, jobs: readonly OpenJob[], connections: number) {
    this.client = client;
    this.jobs = jobs;
    this.connections = connections;
  }

  /** How many jobs have been completed. */
  get completed(): number {
    return this.next;
  }

  async completeOne(): Promise<number> {
    const job = this.jobs[this.next];
    if (job === undefined) throw new Error('No job is left.');
    this.next += 1;
    const startedAt = performance.now();
    await this.client.post(`/api/jobs/${job.jobId}/complete`, job.key, { status: 'completed' });
    return performance.now() - startedAt;
  }

  async warmUp(jobs: number): Promise<void> {
    const end = this.next + jobs;
    await inParallel(this.connections, async () => {
      if (this.next >= end) return false;
      await this.completeOne();
      return true;
    });
  }

  /** For a time, or until no job is left. */
  async run(seconds: number): Promise<{ count: number; seconds: number }> {
    const first = this.next;
    const startedAt = performance.now();
    await inParallel(this.connections, async () => {
      if (this.next >= this.jobs.length || performance.now() - startedAt > seconds * 1000) return false;
      this.latenciesMs.push(await this.completeOne());
      return true;
    });
    return { count: this.next - first, seconds: (performance.now() - startedAt) / 1000 };
  }
}
