import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { ApiIdentifier } from '../../common/openapi.js';
import { IsIdentifier, IsMetadata, IsStoredText } from '../../common/validators.js';

export class CreateOrganizationRequest {
  @ApiIdentifier({ example: 'acme-corp' })
  @IsIdentifier()
  organization_id!: string;

  @ApiProperty({ type: String, minLength: 1, maxLength: 256, example: 'Acme Corporation' })
  @IsStoredText(256)
  name!: string;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    description: 'Any JSON object up to 16 KiB',
    example: { industry: 'technology' },
  })
  @IsOptional()
  @IsMetadata()
  metadata?: object | null;
}
