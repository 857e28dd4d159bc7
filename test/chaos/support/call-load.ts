import { setTimeout as sleep } from 'node:timers/promises';
import type { ChaosTeam, Deployment } from './deployment.js';
import type { Random } from './random.js';
import { type Heard, type Leave, StreamClient } from './stream-client.js';
import { range, tally } from './workers.js';

/** How a client takes an answer for what it is. */
export type Verdict =
  /** The whole of it; of a stream, with its `[DONE]`. */
  | 'answered'
  /** A stream that ended with an error frame. */
  | 'broken'
  /** A status that says why nothing came. */
  | 'failed'
  /** Nothing was sent, because all models rest. */
  | 'declined'
  /** The client did not stay for the end. */
  | 'left'
  | 'unexpected';

export interface AskedCall {
  /** Null if the client left before it was told, or nothing was made. */
  readonly callId: string | null;
  readonly path: string;
  readonly isStream: boolean;
  readonly verdict: Verdict;
  readonly code: string | null;
  readonly heard: Heard;
}

export interface CallLoadOptions {
  /** Of a replica each; which one is asked is chance. */
  readonly deployments: readonly [Deployment, ...Deployment[]];
  readonly team: ChaosTeam;
  /** The groups for answers in one piece and for streams. */
  readonly groups: Readonly<Record<'whole' | 'stream', readonly [string, ...string[]]>>;
  readonly random: Random;
  /** The longest that the service may take, by its own settings. */
  readonly deadlineMs: Readonly<Record<'whole' | 'stream', number>>;
}

const QUESTION = [{ role: 'user', content: 'How do I reset my password?' }] as const;
/** One of so many clients leaves. */
const LEAVING = 6;
const FAILED_STATUSES: Readonly<Record<number, Verdict>> = { 502: 'failed', 504: 'failed' };

/** Clients that call in every way there is, repeat nothing, and sometimes leave before the end. */
export class CallLoad {
  readonly calls: AskedCall[] = [];
  /** Jobs that were created, or whose end was asked for, and answered otherwise than with 200. */
  readonly badJobs: string[] = [];
  private readonly client = new StreamClient();
  private isStopped = false;

  constructor(private readonly options: CallLoadOptions) {}

  /** Works with `width` clients for as long as `scenario` takes, and until each has its last answer. */
  async during(width: number, scenario: () => Promise<void>): Promise<void> {
    const clients = range(width).map(async () => {
      while (!this.isStopped) await this.workOnce();
    });
    const work = scenario().finally(() => {
      this.isStopped = true;
    });
    await Promise.all([work, ...clients]);
    await this.client.close();
  }

  /** Waits until some more calls have ended: a fault without work beside it would test nothing. */
  async untilProgress(calls: number): Promise<void> {
    const target = this.calls.length + calls;
    while (this.calls.length < target && !this.isStopped) await sleep(10);
  }

  figures(): Record<string, number | string> {
    const verdicts = Object.entries(tally(this.calls.map(({ verdict }) => verdict)));
    return {
      'calls asked for': this.calls.length,
      ...Object.fromEntries(verdicts.map(([verdict, count]) => [verdict, count])),
    };
  }

  private async workOnce(): Promise<void> {
    const { random, deployments } = this.options;
    const deployment = random.pick(deployments);
    const isStream = random.below(2) === 0;
    switch (random.below(3)) {
      case 0:
        return this.workInJob(deployment, isStream);
      case 1: {
        const path = `/api/jobs/create-and-call${isStream ? '-stream' : ''}`;
        return this.call(deployment, path, isStream, { job_type: 'chaos' });
      }
      default: {
        const stream = { stream: isStream, ...(isStream && { stream_options: { include_usage: true } }) };
        return this.call(deployment, '/v1/chat/completions', isStream, stream);
      }
    }
  }

  private async workInJob(deployment: Deployment, isStream: boolean): Promise<void> {
    const created = await this.work(deployment, '/api/jobs/create', { job_type: 'chaos' });
    if (created === null) return;
    const path = `/api/jobs/${created['job_id'] as string}`;
    for (let calls = 1 + this.options.random.below(2); calls > 0; calls -= 1) {
      await this.call(deployment, `${path}/llm-call${isStream ? '-stream' : ''}`, isStream, {});
    }
    // A call that was left may still run: completing the job beside it is allowed.
    await this.work(deployment, `${path}/complete`, { status: 'completed' });
  }

  private async work(
    deployment: Deployment,
    path: string,
    body: object,
  ): Promise<Readonly<Record<string, unknown>> | null> {
    const answer = await deployment.send(0, this.options.team.key, 'POST', path, { body });
    if (answer.status === 200) return answer.body;
    this.badJobs.push(`${path}: ${String(answer.status)} ${answer.text}`);
    return null;
  }

  private async call(deployment: Deployment, path: string, isStream: boolean, own: object): Promise<void> {
    const { groups, random, team, deadlineMs } = this.options;
    const kind = isStream ? 'stream' : 'whole';
    const heard = await this.client.ask({
      url: deployment.baseUrlOf(0) + path,
      key: team.key,
      body: { ...own, messages: QUESTION, model: random.pick(groups[kind]) },
      leave: this.leave(isStream),
      deadlineMs: deadlineMs[kind],
    });
    const callId = heard.headers['x-call-id'];
    const code = codeOf(heard);
    const verdict = verdictOf(heard, isStream, code);
    this.calls.push({
      callId: typeof callId === 'string' ? callId : null,
      path,
      isStream,
      verdict,
      code,
      heard,
    });
    // Without a pause, clients that are told to come later would only heat the machine.
    if (verdict === 'declined') await sleep(100);
  }

  private leave(isStream: boolean): Leave | null {
    const { random } = this.options;
    if (random.below(LEAVING) !== 0) return null;
    return isStream && random.below(4) !== 0
      ? { kind: 'reads', count: 1 + random.below(8) }
      : { kind: 'ms', count: 1 + random.below(300) };
  }
}

function verdictOf({ status, text, end }: Heard, isStream: boolean, code: string | null): Verdict {
  if (end === 'left') return 'left';
  if (end !== 'read' || status === null) return 'unexpected';
  if (status === 503 && code === 'upstream_unavailable') return 'declined';
  if (status !== 200) return FAILED_STATUSES[status] ?? 'unexpected';
  if (!isStream || text.endsWith('data: [DONE]\n\n')) return 'answered';
  return text.includes('"code":"upstream_stream_broken"') ? 'broken' : 'unexpected';
}

/** Of a problem, in the shape of either door. */
function codeOf({ status, text }: Heard): string | null {
  if (status === null || status === 200) return null;
  return /"code":\s*"([a-z_]+)"/.exec(text)?.[1] ?? null;
}
