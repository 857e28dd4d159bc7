import type { NextFunction, Request, Response } from 'express';

/** The two base URLs that clients of OpenAI's API may be given. Routing ignores case, too. */
const OPENAI_PATH = /^\/(?:v1|api\/jobs\/[^/]+\/openai)(?:\/|$)/i;

/** The same routes for a client whose base URL lacks the `/v1` at its end. */
const WITHOUT_VERSION =
  /^((?:\/api\/jobs\/[^/]+\/openai)?)(\/(?:chat\/completions|embeddings|responses|models(?:\/[^/?]+)?)\/?(?:\?.*)?)$/i;

/**
 * Says of a call what OpenAI's bodies have no field for: the team (for the admin), the job that it goes
 * into, or the type and the user of its own.
 */
export const TEAM_HEADER = 'x-team-id';
export const JOB_HEADER = 'x-job-id';
export const JOB_TYPE_HEADER = 'x-job-type';
export const USER_HEADER = 'x-user-id';

/** These change what a request does, so a request with other ones is another request. */
export const OPENAI_HEADERS = [TEAM_HEADER, JOB_HEADER, JOB_TYPE_HEADER, USER_HEADER] as const;

/** Whether whoever asks for the path speaks OpenAI's API, and reads errors in its shape only. */
export function isOpenAiPath(path: string): boolean {
  return OPENAI_PATH.test(path);
}

/** @param url path and query @returns with the `/v1` that was left out; anything else as it is */
export function withVersion(url: string): string {
  return url.replace(WITHOUT_VERSION, '$1/v1$2');
}

/**
 * Some clients append `/v1` to a base URL and some expect it there, so the same setting works with both.
 * Goes before everything that looks at the path.
 */
export function addOpenAiVersion(request: Request, _response: Response, next: NextFunction): void {
  request.url = withVersion(request.url);
  next();
}
