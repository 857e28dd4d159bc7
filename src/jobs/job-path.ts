import { ApiParam } from '@nestjs/swagger';

/** The name of the job in paths. */
export const JOB_PATH_PARAM = 'job_id';

/** Documented as a UUID; any other text names no job, which is 404. */
export function ApiJobId(): MethodDecorator {
  return ApiParam({
    name: JOB_PATH_PARAM,
    schema: { type: 'string', format: 'uuid', example: '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d11' },
  });
}
