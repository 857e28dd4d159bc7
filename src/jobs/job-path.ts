import { ApiParam } from '@nestjs/swagger';

/** The name of the job in paths. */
export const JOB_PATH_PARAM = 'job_id';

/** The name of a call in paths. */
export const CALL_PATH_PARAM = 'call_id';

/** Documented as a UUID; any other text names no job, which is 404. */
export function ApiJobId(): MethodDecorator {
  return ApiParam({
    name: JOB_PATH_PARAM,
    schema: { type: 'string', format: 'uuid', example: '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d11' },
  });
}

/** Documented as a UUID; any other text names no call. */
export function ApiCallId(): MethodDecorator {
  return ApiParam({
    name: CALL_PATH_PARAM,
    schema: { type: 'string', format: 'uuid', example: '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d12' },
  });
}
