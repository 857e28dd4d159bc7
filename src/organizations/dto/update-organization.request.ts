import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { ApiMetadata } from '../../common/openapi.js';
import { IsMetadata, IsStoredText } from '../../common/validators.js';

export class UpdateOrganizationRequest {
  @ApiPropertyOptional({
    type: String,
    minLength: 1,
    maxLength: 256,
    nullable: true,
    example: 'Acme Corporation',
  })
  @IsOptional()
  @IsStoredText(256)
  name?: string | null;

  @ApiMetadata({ industry: 'technology' })
  @IsOptional()
  @IsMetadata()
  metadata?: object | null;
}
