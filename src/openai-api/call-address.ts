import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import type { Principal } from '../common/access.js';
import { invalidField } from '../common/domain-error.js';
import { IDENTIFIER_PATTERN } from '../common/identifiers.js';
import { JOB_HEADER, JOB_TYPE_HEADER, TEAM_HEADER, USER_HEADER } from '../common/openai-path.js';
import type { CallTarget } from '../jobs/job-calls.types.js';
import { JOB_PATH_PARAM } from '../jobs/job-path.js';
import { MAX_JOB_TYPE_LENGTH, MAX_JOB_USER_LENGTH } from '../jobs/jobs.types.js';

/** Whom a request is about, as its path and headers say it: OpenAI's bodies have no field for this. */
export interface CallAddress {
  readonly jobId: string | null;
  readonly teamId: string | null;
  readonly jobType: string | null;
  readonly userId: string | null;
}

/** What a call is if its address does not say it. */
export interface CallDefaults {
  readonly jobType: string;
  readonly userId: string | null;
}

/** Injects the {@link CallAddress} of a request. */
export const Address = createParamDecorator((_: unknown, context: ExecutionContext): CallAddress => {
  return readAddress(context.switchToHttp().getRequest<Request>());
});

/**
 * A job in the path says it all: clients that send headers with every request need not leave them out.
 *
 * @throws DomainError validation_failed
 */
export function readAddress({ headers, params }: Pick<Request, 'headers' | 'params'>): CallAddress {
  const inPath = params[JOB_PATH_PARAM];
  if (typeof inPath === 'string') return { jobId: inPath, teamId: null, jobType: null, userId: null };
  const header = (name: string): string | null => {
    const value = headers[name];
    return typeof value === 'string' ? value : null;
  };
  return {
    jobId: header(JOB_HEADER),
    teamId: identifierOf(header(TEAM_HEADER), 'X-Team-Id'),
    jobType: textOf(header(JOB_TYPE_HEADER), 'X-Job-Type', MAX_JOB_TYPE_LENGTH),
    userId: textOf(header(USER_HEADER), 'X-User-Id', MAX_JOB_USER_LENGTH),
  };
}

/**
 * The job that the request names, or one of its own.
 *
 * @throws DomainError validation_failed for an admin who names neither job nor team
 */
export function toTarget(principal: Principal, address: CallAddress, defaults: CallDefaults): CallTarget {
  if (address.jobId !== null) return { kind: 'job', jobId: address.jobId };
  requireTeam(principal, address);
  return {
    kind: 'new',
    job: {
      teamId: address.teamId,
      jobType: address.jobType ?? defaults.jobType,
      userId: address.userId ?? defaults.userId,
      metadata: {},
    },
  };
}

/** A team key names its team; the admin has to. @throws DomainError validation_failed */
export function requireTeam(principal: Principal, { teamId }: CallAddress): void {
  if (principal.role === 'admin' && teamId === null) {
    throw invalidField('X-Team-Id', 'required', 'is required with the admin key, unless a job is named');
  }
}

function identifierOf(value: string | null, name: string): string | null {
  if (value === null || IDENTIFIER_PATTERN.test(value)) return value;
  throw invalidField(name, 'matches', 'must be the id of a team');
}

/** Headers have no one encoding for other characters. */
function textOf(value: string | null, name: string, maxLength: number): string | null {
  if (value === null || (/^[\x20-\x7e]+$/.test(value) && value.length <= maxLength)) return value;
  throw invalidField(name, 'matches', `must be 1 to ${String(maxLength)} printable ASCII characters`);
}
