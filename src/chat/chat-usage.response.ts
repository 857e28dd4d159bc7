import { ApiProperty } from '@nestjs/swagger';

class PromptTokensDetailsResponse {
  @ApiProperty({ type: 'integer', description: 'Read from a cache', example: 0 })
  cached_tokens!: number;
}

class CompletionTokensDetailsResponse {
  @ApiProperty({ type: 'integer', description: 'Spent on thinking', example: 0 })
  reasoning_tokens!: number;
}

/** Tokens over all attempts of a call, as OpenAI counts them: the details are parts of the counts. */
export class ChatUsageResponse {
  @ApiProperty({ type: 'integer', example: 24 })
  prompt_tokens!: number;

  @ApiProperty({ type: 'integer', example: 33 })
  completion_tokens!: number;

  @ApiProperty({ type: 'integer', example: 57 })
  total_tokens!: number;

  @ApiProperty({ type: PromptTokensDetailsResponse })
  prompt_tokens_details!: PromptTokensDetailsResponse;

  @ApiProperty({ type: CompletionTokensDetailsResponse })
  completion_tokens_details!: CompletionTokensDetailsResponse;
}
