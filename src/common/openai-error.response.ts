import { ApiProperty } from '@nestjs/swagger';

export class OpenAiErrorDetailsResponse {
  @ApiProperty({ type: String, description: 'What happened and what to do', example: 'The job has ended.' })
  message!: string;

  @ApiProperty({ type: String, example: 'conflict_error' })
  type!: string;

  @ApiProperty({
    type: String,
    nullable: true,
    description: 'Path of the first field that was refused',
    example: null,
  })
  param!: string | null;

  @ApiProperty({
    type: String,
    description: 'Stable; branch on this one. `/docs/errors/{code}` explains it',
    example: 'job_not_open',
  })
  code!: string;
}

/** Every answer of 400 and above on the routes in OpenAI's shape. */
export class OpenAiErrorResponse {
  @ApiProperty({ type: OpenAiErrorDetailsResponse })
  error!: OpenAiErrorDetailsResponse;
}
