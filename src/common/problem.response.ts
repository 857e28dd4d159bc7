import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

export class FieldErrorResponse {
  @ApiProperty({ type: String, description: 'Path of the refused field', example: 'models.0.priority' })
  field!: string;

  @ApiProperty({ type: String, example: 'is_int' })
  code!: string;

  @ApiProperty({ type: String, example: 'models.0.priority must be an integer number' })
  message!: string;
}

/** RFC 9457. Every answer of 400 and above has this shape. */
export class ProblemResponse {
  @ApiProperty({
    type: String,
    format: 'uri-reference',
    description: 'The page that explains the code, below the address of the service',
    example: '/docs/errors/job_not_open',
  })
  type!: string;

  @ApiProperty({ type: String, example: 'Conflict' })
  title!: string;

  @ApiProperty({ type: 'integer', minimum: 400, maximum: 599, example: 409 })
  status!: number;

  @ApiProperty({ type: String, description: 'What happened and what to do', example: 'The job has ended.' })
  detail!: string;

  @ApiProperty({ type: String, description: 'Stable; branch on this one', example: 'job_not_open' })
  code!: string;

  @ApiProperty({ type: String, example: '3f1c6f0e-6f1b-4a39-9d54-0f4b3c9e1a77' })
  request_id!: string;

  @ApiPropertyOptional({ type: [FieldErrorResponse], description: 'With 422 only' })
  errors?: FieldErrorResponse[];

  @ApiPropertyOptional({ type: 'integer', description: 'With 402 only' })
  credits_required?: number;

  @ApiPropertyOptional({ type: 'integer', description: 'With 402 only' })
  credits_available?: number;

  @ApiPropertyOptional({ type: 'integer', description: 'With `refund_exceeds_charge` only' })
  credits_refundable?: number;

  @ApiPropertyOptional({ type: 'integer', description: 'With `overdraft_in_use` only' })
  credits_overdrawn?: number;
}
