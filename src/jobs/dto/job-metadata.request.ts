import { ApiProperty } from '@nestjs/swagger';
import { IsMetadata } from '../../common/validators.js';

export class JobMetadataRequest {
  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    description: "Merged into the job's, key by key; 16 KiB in all",
    example: { invoice: 'inv_4711' },
  })
  @IsMetadata()
  metadata!: object;
}
